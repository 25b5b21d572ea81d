/* Filling struct imgjob_error: the one way in which a failure gets its words. */
#pragma once

#include <stdbool.h>

#include <imgjob/error.h>

#define IJ_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fill `err` (NULL is fine) and return `code`. The text is cut between
 * characters, never overrun. */
int ij_fail(struct imgjob_error *err, int code, const char *fmt, ...) IJ_PRINTF(3, 4);

/* The same, followed by ": " and the words of errno as it was at the call. ENOSPC and
 * EDQUOT become IMGJOB_E_FULL, ENOMEM, EMFILE and ENFILE become IMGJOB_E_NOMEM. */
int ij_fail_errno(struct imgjob_error *err, int code, const char *fmt, ...)
    IJ_PRINTF(3, 4);

/* "out of memory while <doing>". */
int ij_fail_nomem(struct imgjob_error *err, const char *doing);

/* Whether it is the code of a failure. */
bool ij_code_valid(int code);
