/* Owns the writing of JSON: always valid, whatever bytes a text holds. */
#include "base/json.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* The locale's decimal point, which may be several bytes, becomes a point. */
static void put_point(char *text)
{
    static const char others[] = "0123456789+-e";
    char *from = text + strspn(text, others);
    if (!*from)
        return;
    char *rest = from + strcspn(from, others);
    *from = '.';
    memmove(from + 1, rest, strlen(rest) + 1);
}

/* The fewest digits that read back as the value. */
static void add_digits(char out[IJ_REAL_TEXT_SIZE], double value)
{
    enum { DIGITS_MAX = 17 }; /* enough for any double, IEEE 754 §5.12.2 */
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    for (int digits = plain ? 1 : DIGITS_MAX; digits <= DIGITS_MAX; digits++) {
        (void)snprintf(out, IJ_REAL_TEXT_SIZE, "%.*g", digits, value);
        put_point(out);
        if (plain && strtod_l(out, NULL, plain) == value)
            break;
    }
    if (plain)
        freelocale(plain);
}

/* Whether it is written as a whole number: below, every one is exact. */
static bool is_whole(double value)
{
    static const double whole_max = 1e15;
    return fabs(value) < whole_max && value == trunc(value);
}

void ij_real_text(char out[IJ_REAL_TEXT_SIZE], double value)
{
    if (!isfinite(value))
        (void)snprintf(out, IJ_REAL_TEXT_SIZE, "null");
    else if (is_whole(value))
        (void)snprintf(out, IJ_REAL_TEXT_SIZE, "%.0f", value + 0.0); /* never "-0" */
    else
        add_digits(out, value);
}

void ij_json_put_real(struct ij_json_out *out, const char *key, double value)
{
    char text[IJ_REAL_TEXT_SIZE];
    ij_real_text(text, value);
    begin_value(out, key);
    ij_buf_add_str(out->buf, text);
}

static int put_member(void *data, const char *key, const struct ij_json *value)
{
    ij_json_put(data, key, value);
    return 0;
}

void ij_json_put(struct ij_json_out *out, const char *key, const struct ij_json *value)
{
    switch (ij_json_type(value)) {
    case IJ_JSON_NULL:
        ij_json_put_str(out, key, NULL);
        break;
    case IJ_JSON_BOOL:
        ij_json_put_bool(out, key, ij_json_bool(value));
        break;
    case IJ_JSON_INT:
        ij_json_put_int(out, key, ij_json_int(value));
        break;
    case IJ_JSON_REAL:
        ij_json_put_real(out, key, ij_json_real(value));
        if (is_whole(ij_json_real(value))) /* 1.0 is of another type than 1 */
            ij_buf_add_str(out->buf, ".0");
        break;
    case IJ_JSON_STRING:
        ij_json_put_str(out, key, ij_json_string(value));
        break;
    case IJ_JSON_ARRAY:
        ij_json_open(out, key, '[');
        for (size_t i = 0; i < ij_json_count(value); i++)
            ij_json_put(out, NULL, ij_json_at(value, i));
        ij_json_close(out, ']');
        break;
    case IJ_JSON_OBJECT:
        ij_json_open(out, key, '{');
        (void)ij_json_each(value, put_member, out); /* the visitor never stops */
        ij_json_close(out, '}');
        break;
    }
}

void ij_json_put_time(struct ij_json_out *out, const char *key, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char day[32], text[48];
    if (!gmtime_r(&seconds, &utc) || utc.tm_year > 9999 - 1900 ||
        !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc)) {
        ij_json_put_str(out, key, NULL);
        return;
    }
    (void)snprintf(text, sizeof(text), "%s.%03dZ", day, (int)(ms % 1000));
    ij_json_put_str(out, key, text);
}
