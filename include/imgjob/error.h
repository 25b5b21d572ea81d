/** What can go wrong, and who must act on it. */
#ifndef IMGJOB_ERROR_H
#define IMGJOB_ERROR_H

#include <imgjob/version.h>

IMGJOB_BEGIN_DECLS

/**
 * Every function of this library that can fail returns an int: 0 is done, a negative
 * value is one of these codes, and a positive value is the one other outcome that the
 * function documents. The numbers never change.
 *
 * @since 0.1
 */
enum imgjob_code {
    IMGJOB_OK = 0,

    /* the caller must act */
    IMGJOB_E_INVALID = -1, /**< an argument, option or setting is wrong */

    /* the one who sent the image or the spec must act */
    IMGJOB_E_SPEC = -2,  /**< the spec is malformed, or asks for what does not exist */
    IMGJOB_E_IMAGE = -3, /**< not an image we read, truncated or corrupt */
    /** Over a limit; the text names it, its value and the setting. */
    IMGJOB_E_LIMIT = -4,

    /* the state moved on */
    IMGJOB_E_NOTFOUND = -5, /**< no job or output of that name (any more) */
    IMGJOB_E_CONFLICT = -6, /**< the job is not in a state that allows this */

    /* again later */
    IMGJOB_E_BUSY = -7,    /**< queue full, or in use by another process */
    IMGJOB_E_TIMEOUT = -8, /**< the work took longer than allowed and was stopped */
    IMGJOB_E_CRASHED = -9, /**< the worker process died of this work */

    /* the operator must act */
    IMGJOB_E_STORE = -10, /**< the job database failed; it refuses work until reopened */
    IMGJOB_E_BLOB = -11,  /**< image storage failed */
    IMGJOB_E_NOMEM = -12, /**< out of memory, threads or descriptors */

    /* we must act */
    IMGJOB_E_ABI = -13,      /**< program and library do not fit together */
    IMGJOB_E_INTERNAL = -14, /**< a broken invariant: please report it */

    IMGJOB_E_FULL = -15 /**< free disk space is below the floor (operator) */
};

/**
 * A failure in words. It belongs to the caller and never allocates; every function that
 * takes one accepts NULL. Untouched on success.
 *
 * `text` says what was being done, on what and with which numbers: lower case, no full
 * stop, always terminated, UTF-8 where the input was, never a secret.
 *
 * @since 0.1
 */
struct imgjob_error {
    int code; /**< enum imgjob_code */
    char text[252];
};

/**
 * The short lower-case name of a code, as it stands in the `code` member of the server's
 * error bodies: "invalid", "limit", …
 *
 * @return a constant string; "unknown" for any other number
 * @since 0.1
 */
IMGJOB_API const char *imgjob_code_name(int code);

IMGJOB_END_DECLS
#endif
