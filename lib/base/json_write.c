/* Owns the writing of JSON: always valid, whatever bytes a text holds. */
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

/*
 * How many bytes the UTF-8 character at `at` has; 0 when it is none. Shortest form only,
 * no surrogates, nothing beyond U+10FFFF (RFC 3629 §4). A terminator stops it, since no
 * continuation byte is 0.
 */
static size_t utf8_length(const unsigned char *at)
{
    unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
    size_t len;
    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        len = 2;
    else if (at[0] >= 0xe0 && at[0] <= 0xef) {
        len = 3;
        low = at[0] == 0xe0 ? 0xa0 : 0x80;
        high = at[0] == 0xed ? 0x9f : 0xbf;
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        len = 4;
        low = at[0] == 0xf0 ? 0x90 : 0x80;
        high = at[0] == 0xf4 ? 0x8f : 0xbf;
    } else
        return 0;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    return len;
}

static void add_quoted(struct ij_buf *buf, const char *text)
{
    ij_buf_add(buf, "\"", 1);
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        size_t len = utf8_length(at);
        if (len == 0) {
            ij_buf_add_str(buf, "\xef\xbf\xbd"); /* U+FFFD */
            len = 1;
        } else if (*at == '"' || *at == '\\')
            ij_buf_printf(buf, "\\%c", *at);
        else if (*at == '\n')
            ij_buf_add_str(buf, "\\n");
        else if (*at < 0x20 || *at == 0x7f)
            ij_buf_printf(buf, "\\u%04x", *at);
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

void ij_json_put_raw(struct ij_json_out *out, const char *key, const char *json)
{
    begin_value(out, key);
    ij_buf_add_str(out->buf, json);
}
