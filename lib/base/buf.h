/* A growing run of bytes with a limit; failures stick, so a writer checks once at the
 * end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Owned. Zeroed = empty with the default limit; end with ij_buf_done(). */
struct ij_buf {
    char *data;  /* always terminated once anything was added; may be NULL when empty */
    size_t len;  /* bytes, terminator not counted */
    size_t cap;  /* bytes allocated */
    size_t max;  /* `len` never exceeds this; 0 = 1 MiB */
    bool failed; /* an append did not fit or found no memory: the content is not whole */
};

void ij_buf_add(struct ij_buf *buf, const void *data, size_t len);
void ij_buf_add_str(struct ij_buf *buf, const char *text);
void ij_buf_printf(struct ij_buf *buf, const char *fmt, ...) IJ_PRINTF(2, 3);
void ij_buf_clear(struct ij_buf *buf); /* keeps the memory */
void ij_buf_done(struct ij_buf *buf);  /* frees; only `max` stays */

/* Hand over the text, terminated: the caller's, to free(). NULL when an append failed or
 * there was no memory; the buffer is then empty either way. */
char *ij_buf_take(struct ij_buf *buf);
