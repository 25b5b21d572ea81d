/*
 * Owns what is JSON: RFC 8259 to the letter, so that json-c only builds trees of texts
 * that are known to be right. Left to itself, and even when told to be strict, 0.16 takes
 * NaN, 00, -01, "1.", control characters in strings, overlong UTF-8 and text behind a
 * NUL, cuts keys at U+0000 and clamps integers; 0.18 when strict refuses every character
 * beyond ASCII.
 */
#include "base/json_check.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* What the next token must be. */
enum expected {
    VALUE = 0,
    VALUE_OR_CLOSE, /* after [ */
    KEY_OR_CLOSE,   /* after { */
    KEY,
    COLON,
    COMMA_OR_CLOSE /* after a value */
};

struct cursor {
    const char *text;
    size_t len;
    size_t at; /* <= len */
    enum expected expected;
    int depth, max_depth;
    uint64_t objects; /* bit n: the bracket at depth n + 1 is an object's */
    size_t members;
    struct imgjob_error *err;
};

static int wrong(const struct cursor *cursor, const char *what)
{
    return ij_fail(cursor->err, IMGJOB_E_SPEC, "JSON: %s at byte %zu", what, cursor->at);
}

/* The byte at the cursor; NUL, which no token may hold, at the end of the text. */
static char peek(const struct cursor *cursor)
{
    return cursor->at < cursor->len ? cursor->text[cursor->at] : '\0';
}

static bool looking_at(const struct cursor *cursor, const char *word)
{
    size_t len = strlen(word);
    return cursor->len - cursor->at >= len &&
           memcmp(cursor->text + cursor->at, word, len) == 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The cursor is on a backslash. */
/* The code unit of the \uXXXX at `at`; 0 where there is none. */
static unsigned unit_at(const struct cursor *cursor, size_t at)
{
    unsigned unit = 0;
    if (cursor->len - at < 6 || cursor->text[at] != '\\' || cursor->text[at + 1] != 'u')
        return 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        char digit = cursor->text[i];
        if (!is_hex(digit))
            return 0;
        unit = unit * 16 +
               (unsigned)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return unit;
}

static bool is_high(unsigned unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(unsigned unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

static int check_escape(struct cursor *cursor)
{
    if (looking_at(cursor, "\\u0000"))
        return wrong(cursor, "a string holds U+0000");
    char kind = cursor->len - cursor->at < 2 ? '\0' : cursor->text[cursor->at + 1];
    if (kind == '\0' || !strchr("\"\\/bfnrtu", kind))
        return wrong(cursor, "a string holds an unknown escape");
    size_t end = cursor->at + (kind == 'u' ? 6 : 2);
    for (size_t i = cursor->at + 2; i < end; i++)
        if (i >= cursor->len || !is_hex(cursor->text[i]))
            return wrong(cursor, "a string holds an escape without four digits");
    /* RFC 8259 §7: beyond U+FFFF by two halves */
    unsigned unit = unit_at(cursor, cursor->at);
    if (is_low(unit) || (is_high(unit) && !is_low(unit_at(cursor, end))))
        return wrong(cursor, "a string holds half of a surrogate pair");
    cursor->at = is_high(unit) ? end + 6 : end;
    return 0;
}

/* The cursor is on the opening quote. */
static int check_string(struct cursor *cursor)
{
    cursor->at++;
    while (cursor->at < cursor->len) {
        unsigned char c = (unsigned char)cursor->text[cursor->at];
        if (c == '"') {
            cursor->at++;
            return 0;
        }
        if (c == '\\') {
            int rc = check_escape(cursor);
            if (rc < 0)
                return rc;
            continue;
        }
        if (c < 0x20)
            return wrong(cursor, "a string holds a control character");
        size_t bytes =
            ij_utf8_length(cursor->text + cursor->at, cursor->len - cursor->at);
        if (bytes == 0)
            return wrong(cursor, "a string holds bytes that are no UTF-8");
        cursor->at += bytes;
    }
    return wrong(cursor, "the text ends within a string");
}

static size_t skip_digits(struct cursor *cursor)
{
    size_t start = cursor->at;
    while (peek(cursor) >= '0' && peek(cursor) <= '9')
        cursor->at++;
    return cursor->at - start;
}

/* Whether the whole number between `start` and the cursor is within int64_t. */
static bool fits_int64(const struct cursor *cursor, size_t start)
{
    bool negative = cursor->text[start] == '-';
    int64_t value = 0;
    for (size_t i = start + negative; i < cursor->at; i++) {
        int digit = cursor->text[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return false;
    }
    return true;
}

/* The cursor is on a minus or a digit. */
static int check_number(struct cursor *cursor)
{
    size_t start = cursor->at;
    if (peek(cursor) == '-')
        cursor->at++;
    bool zero_first = peek(cursor) == '0';
    size_t digits = skip_digits(cursor);
    if (digits == 0 || (zero_first && digits > 1))
        return wrong(cursor, "a malformed number");
    bool whole = true;
    if (peek(cursor) == '.') {
        whole = false;
        cursor->at++;
        if (skip_digits(cursor) == 0)
            return wrong(cursor, "a malformed number");
    }
    if (peek(cursor) == 'e' || peek(cursor) == 'E') {
        whole = false;
        cursor->at++;
        if (peek(cursor) == '+' || peek(cursor) == '-')
            cursor->at++;
        if (skip_digits(cursor) == 0)
            return wrong(cursor, "a malformed number");
    }
    if (whole && !fits_int64(cursor, start))
        return wrong(cursor, "a number beyond 64 bits");
    return 0;
}

/* true, false or null. */
static int check_name(struct cursor *cursor)
{
    static const char *const names[] = { "true", "false", "null" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (looking_at(cursor, names[i])) {
            cursor->at += strlen(names[i]);
            return 0;
        }
    return wrong(cursor, "an unexpected character");
}

/* A value that is no array or object. */
static int check_scalar(struct cursor *cursor)
{
    char c = peek(cursor);
    if (c == '"')
        return check_string(cursor);
    if (c == '-' || (c >= '0' && c <= '9'))
        return check_number(cursor);
    return check_name(cursor);
}

static bool in_object(const struct cursor *cursor)
{
    return cursor->depth > 0 && (cursor->objects >> (cursor->depth - 1) & 1) != 0;
}

static int open_bracket(struct cursor *cursor, bool is_object)
{
    if (cursor->depth == cursor->max_depth)
        return ij_fail(cursor->err, IMGJOB_E_SPEC,
                       "JSON: nested deeper than %d levels at byte %zu",
                       cursor->max_depth, cursor->at);
    uint64_t bit = UINT64_C(1) << cursor->depth;
    cursor->objects = is_object ? cursor->objects | bit : cursor->objects & ~bit;
    cursor->depth++;
    cursor->at++;
    cursor->expected = is_object ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
    return 0;
}

static int close_bracket(struct cursor *cursor)
{
    cursor->depth--;
    cursor->at++;
    cursor->expected = COMMA_OR_CLOSE;
    return 0;
}

static int check_value(struct cursor *cursor)
{
    char c = peek(cursor);
    if (c == '{' || c == '[')
        return open_bracket(cursor, c == '{');
    cursor->expected = COMMA_OR_CLOSE;
    return check_scalar(cursor);
}

static int check_key(struct cursor *cursor)
{
    if (peek(cursor) != '"')
        return wrong(cursor, "a key is missing");
    cursor->members++;
    cursor->expected = COLON;
    return check_string(cursor);
}

/* What follows a value. */
static int check_separator(struct cursor *cursor)
{
    char c = peek(cursor);
    if (cursor->depth == 0)
        return wrong(cursor, "text follows the value");
    if (c == (in_object(cursor) ? '}' : ']'))
        return close_bracket(cursor);
    if (c != ',')
        return wrong(cursor, "a comma or closing bracket is missing");
    cursor->at++;
    cursor->expected = in_object(cursor) ? KEY : VALUE;
    return 0;
}

/* The cursor is on the first byte of a token. */
static int check_token(struct cursor *cursor)
{
    switch (cursor->expected) {
    case KEY_OR_CLOSE:
        return peek(cursor) == '}' ? close_bracket(cursor) : check_key(cursor);
    case KEY:
        return check_key(cursor);
    case COLON:
        if (peek(cursor) != ':')
            return wrong(cursor, "a colon is missing");
        cursor->at++;
        cursor->expected = VALUE;
        return 0;
    case VALUE_OR_CLOSE:
        return peek(cursor) == ']' ? close_bracket(cursor) : check_value(cursor);
    case VALUE:
        return check_value(cursor);
    case COMMA_OR_CLOSE:
        break;
    }
    return check_separator(cursor);
}

static void skip_blanks(struct cursor *cursor)
{
    while (peek(cursor) == ' ' || peek(cursor) == '\t' || peek(cursor) == '\r' ||
           peek(cursor) == '\n')
        cursor->at++;
}

int ij_json_check(const char *text, size_t len, int max_depth, struct ij_json_shape *out,
                  struct imgjob_error *err)
{
    assert(max_depth <= IJ_JSON_DEPTH_MAX);
    struct cursor cursor = {
        .text = text, .len = len, .max_depth = max_depth, .err = err
    };
    skip_blanks(&cursor);
    bool is_null = looking_at(&cursor, "null");
    while (cursor.at < len) {
        int rc = check_token(&cursor);
        if (rc < 0)
            return rc;
        skip_blanks(&cursor);
    }
    if (cursor.expected != COMMA_OR_CLOSE || cursor.depth > 0)
        return wrong(&cursor, "the text ends too early");
    *out = (struct ij_json_shape){ .members = cursor.members, .is_null = is_null };
    return 0;
}
