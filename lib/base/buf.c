/* Owns the growth of byte buffers. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX = 1 << 20, FIRST_CAP = 128 };

/* Make room for `more` bytes and a terminator; sets `failed` when it cannot. */
static bool reserve(struct ij_buf *buf, size_t more)
{
    size_t max = buf->max ? buf->max : DEFAULT_MAX;
    if (buf->failed || more > max || buf->len > max - more) {
        buf->failed = true;
        return false;
    }
    size_t need = buf->len + more + 1;
    if (need <= buf->cap)
        return true;
    size_t cap = buf->cap ? buf->cap : FIRST_CAP;
    while (cap < need)
        cap *= 2; /* cannot overflow: need <= max + 1 */
    char *data = realloc(buf->data, cap);
    if (!data) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

void ij_buf_add(struct ij_buf *buf, const void *data, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void ij_buf_add_str(struct ij_buf *buf, const char *text)
{
    ij_buf_add(buf, text, strlen(text));
}

void ij_buf_printf(struct ij_buf *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        buf->failed = true;
    else if (reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void ij_buf_clear(struct ij_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

void ij_buf_done(struct ij_buf *buf)
{
    free(buf->data);
    *buf = (struct ij_buf){ .max = buf->max };
}

char *ij_buf_take(struct ij_buf *buf)
{
    ij_buf_add(buf, "", 0); /* so that even an empty text is terminated memory */
    char *text = NULL;
    if (!buf->failed) {
        text = buf->data;
        buf->data = NULL;
    }
    ij_buf_done(buf);
    return text;
}
