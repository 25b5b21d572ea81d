/* JSON, read strictly and written; the door to json-c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* ---- reading ---- */

/* A parsed value; borrowed from the tree it is in, except the root. */
struct ij_json;

enum ij_json_type {
    IJ_JSON_NULL,
    IJ_JSON_BOOL,
    IJ_JSON_INT, /* fits int64_t exactly */
    IJ_JSON_REAL,
    IJ_JSON_STRING,
    IJ_JSON_ARRAY,
    IJ_JSON_OBJECT
};

/*
 * Parse a text: RFC 8259, valid UTF-8, one value and nothing after it, no duplicate keys,
 * no U+0000 in a string, whole numbers within int64_t, others finite, at most `depth`
 * (1..64) levels of nesting. `text` need not be terminated.
 *
 * @param out the caller's, to end with ij_json_free()
 * @return 0, or IMGJOB_E_SPEC with a text that says where, or IMGJOB_E_NOMEM
 */
int ij_json_parse(const char *text, size_t len, int depth, struct ij_json **out,
                  struct imgjob_error *err);
void ij_json_free(struct ij_json *root);

/* For IJ_AUTO(ij_json_freep). */
static inline void ij_json_freep(struct ij_json **root)
{
    ij_json_free(*root);
}

enum ij_json_type ij_json_type(const struct ij_json *value);
const char *ij_json_type_name(enum ij_json_type type); /* "an object", "a number", … */
size_t ij_json_count(const struct ij_json *value);     /* of an array or object; else 0 */
const struct ij_json *ij_json_at(const struct ij_json *array, size_t index);

/* The member of that name; NULL when absent or when `object` is no object. */
const struct ij_json *ij_json_member(const struct ij_json *object, const char *key);

/* Call `visit` for each member in the order written; stops at the first non-zero return
 * and returns it. */
int ij_json_each(const struct ij_json *object,
                 int (*visit)(void *data, const char *key, const struct ij_json *value),
                 void *data);

/* The value itself; what is asked of another type gives 0, false, "". */
int64_t ij_json_int(const struct ij_json *value);
double ij_json_real(const struct ij_json *value); /* of a whole number too */
bool ij_json_bool(const struct ij_json *value);
const char *ij_json_string(
    const struct ij_json *value); /* terminated; no U+0000 inside */
const char *ij_json_text(const struct ij_json *object, const char *key); /* of a member */

/* ---- writing ---- */

/*
 * Writes one JSON text into a buffer, commas included. Failures stick in the buffer. Zero
 * `buf->failed` afterwards means the text is whole.
 *
 *     struct ij_json_out out = { .buf = &buf };
 *     ij_json_open(&out, NULL, '{');
 *     ij_json_put_str(&out, "status", "healthy");
 *     ij_json_close(&out, '}');
 */
struct ij_json_out {
    struct ij_buf *buf;
    bool comma; /* a value stands before the next one at this level */
};

/* `key` is NULL inside an array and for the root. */
void ij_json_open(struct ij_json_out *out, const char *key, char bracket);
void ij_json_close(struct ij_json_out *out, char bracket);
/* Bytes that are no UTF-8 become U+FFFD; a NULL text becomes null. */
void ij_json_put_str(struct ij_json_out *out, const char *key, const char *text);
void ij_json_put_int(struct ij_json_out *out, const char *key, int64_t value);
void ij_json_put_bool(struct ij_json_out *out, const char *key, bool value);
/* The shortest text that reads back as the same number; what is not finite becomes null,
 * since JSON has no word for it. */
void ij_json_put_real(struct ij_json_out *out, const char *key, double value);

/* A time in milliseconds since 1970 UTC as RFC 3339 has it; null where no year tells it.
 */
void ij_json_put_time(struct ij_json_out *out, const char *key, int64_t ms);

/* A parsed value, as it was read. */
void ij_json_put(struct ij_json_out *out, const char *key, const struct ij_json *value);

/* That text alone, whatever the locale is: "0.1", "12", "1e-07". */
enum { IJ_REAL_TEXT_SIZE = 40 };
void ij_real_text(char out[IJ_REAL_TEXT_SIZE], double value);
