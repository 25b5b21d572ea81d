/* Owns the writing of JSON: always valid, whatever bytes a text holds. */
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

static void add_quoted(struct ij_buf *buf, const char *text)
{
    ij_buf_add(buf, "\"", 1);
    const char *at = text, *end = text + strlen(text);
    while (at < end) {
        size_t len = ij_utf8_length(at, (size_t)(end - at));
        unsigned char first = (unsigned char)*at;
        if (len == 0) {
            ij_buf_add_str(buf, "\xef\xbf\xbd"); /* U+FFFD */
            len = 1;
        } else if (first == '"' || first == '\\')
            ij_buf_printf(buf, "\\%c", first);
        else if (first == '\n')
            ij_buf_add_str(buf, "\\n");
        else if (first < 0x20 || first == 0x7f)
            ij_buf_printf(buf, "\\u%04x", first);
        else
            ij_buf_add(buf, at, len);
        at += len;
    }
    ij_buf_add(buf, "\"", 1);
}

/* Everything that stands before a value. */
static void begin_value(struct ij_json_out *out, const char *key)
{
    if (out->comma)
        ij_buf_add(out->buf, ",", 1);
    out->comma = true;
    if (key) {
        add_quoted(out->buf, key);
        ij_buf_add(out->buf, ":", 1);
    }
}

void ij_json_open(struct ij_json_out *out, const char *key, char bracket)
{
    begin_value(out, key);
    ij_buf_add(out->buf, &bracket, 1);
    out->comma = false;
}

void ij_json_close(struct ij_json_out *out, char bracket)
{
    ij_buf_add(out->buf, &bracket, 1);
    out->comma = true;
}

void ij_json_put_str(struct ij_json_out *out, const char *key, const char *text)
{
    begin_value(out, key);
    if (text)
        add_quoted(out->buf, text);
    else
        ij_buf_add_str(out->buf, "null");
}

void ij_json_put_int(struct ij_json_out *out, const char *key, int64_t value)
{
    begin_value(out, key);
    ij_buf_printf(out->buf, "%" PRId64, value);
}

void ij_json_put_bool(struct ij_json_out *out, const char *key, bool value)
{
    begin_value(out, key);
    ij_buf_add_str(out->buf, value ? "true" : "false");
}
