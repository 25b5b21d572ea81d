/** How the library tells what no caller is there to be told. */
#ifndef IMGJOB_LOG_H
#define IMGJOB_LOG_H

#include <stddef.h>
#include <stdint.h>

#include <imgjob/version.h>

IMGJOB_BEGIN_DECLS

/** How much an event matters, and to whom. @since 0.1 */
enum imgjob_log_level {
    IMGJOB_LOG_ERROR = 0, /**< the operator must act */
    IMGJOB_LOG_WARN = 1,  /**< something was lost or retried and has been handled */
    IMGJOB_LOG_INFO = 2,  /**< state changes: one line per job transition */
    IMGJOB_LOG_DEBUG = 3
};

/**
 * One event. Grows at its end only: look at `size` before reading later members.
 * All strings are borrowed until the callback returns.
 *
 * @since 0.1
 */
struct imgjob_log_event {
    size_t size;        /**< sizeof(struct imgjob_log_event) of the library */
    uint32_t level;     /**< enum imgjob_log_level */
    const char *room;   /**< which part speaks: "store", "pool", "worker", … */
    const char *job_id; /**< the job it is about, or NULL */
    const char *text;   /**< one line, no line feed, lower case, no full stop */
};

/**
 * Called for each event, from any thread of the library and from several at once, with
 * none of its locks held. It must not call back into the object that was given it.
 * Without a callback the library is silent.
 *
 * @since 0.1
 */
typedef void (*imgjob_log_fn)(void *data, const struct imgjob_log_event *event);

IMGJOB_END_DECLS
#endif
