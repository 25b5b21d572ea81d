/*
 * Owns what one value of a spec may be, and says where and why it is not. Nothing is
 * guessed or converted: "800" and 800.0 are no whole numbers.
 */
#include "spec/param.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "spec/spec.h"

enum {
    GIVEN_LEN_MAX = 40,                 /* bytes of a stranger's word in a sentence */
    GIVEN_SIZE = 4 + 2 * GIVEN_LEN_MAX, /* each escaped, and "…" */
    HEAD_SIZE = IJ_POINTER_SIZE + 40,   /* of a sentence, before a list of names … */
    TAIL_SIZE = GIVEN_LEN_MAX + 16      /* … and after it */
};

static const char ellipsis[] = "\xe2\x80\xa6"; /* … */

/* Copy a stranger's word, cut between characters. `escaped` as in a JSON pointer. */
static void quote(char out[GIVEN_SIZE], const char *word, bool escaped)
{
    size_t len = strlen(word);
    bool cut = len > GIVEN_LEN_MAX;
    if (cut)
        for (len = GIVEN_LEN_MAX; len > 0 && ((uint8_t)word[len] & 0xc0) == 0x80;)
            len--; /* a continuation byte of UTF-8 */
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (escaped && (word[i] == '~' || word[i] == '/')) {
            out[used++] = '~';
            out[used++] = word[i] == '~' ? '0' : '1';
        } else
            out[used++] = word[i];
    }
    memcpy(out + used, cut ? ellipsis : "", cut ? sizeof(ellipsis) : 1);
}

void ij_pointer_member(char out[IJ_POINTER_SIZE], const char *parent, const char *key)
{
    char token[GIVEN_SIZE];
    quote(token, key, true);
    (void)snprintf(out, IJ_POINTER_SIZE, "%s/%s", parent, token);
}

void ij_pointer_element(char out[IJ_POINTER_SIZE], const char *parent, size_t index)
{
    (void)snprintf(out, IJ_POINTER_SIZE, "%s/%zu", parent, index);
}

/* The pointer to the whole text is empty: say what it is instead. */
static const char *place(const char *at)
{
    return at[0] ? at : "spec";
}

int ij_value_expect(const struct ij_json *value, enum ij_json_type type, const char *at,
                    struct imgjob_error *err)
{
    if (!value)
        return ij_fail(err, IMGJOB_E_SPEC, "%s: is missing", place(at));
    if (ij_json_type(value) != type)
        return ij_fail(err, IMGJOB_E_SPEC, "%s: must be %s, not %s", place(at),
                       ij_json_type_name(type), ij_json_type_name(ij_json_type(value)));
    return 0;
}

/* As many names as fit into `size` bytes, at least 8; "…" stands for the others. */
static void join_names(char *out, size_t size, const char *const *names)
{
    static const size_t more = sizeof(ellipsis) - 1 + 2; /* ", …" */
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; names[i]; i++) {
        const char *comma = i ? ", " : "";
        size_t need = strlen(comma) + strlen(names[i]) + (names[i + 1] ? more : 0);
        bool fits = used + need < size;
        used += (size_t)snprintf(out + used, size - used, "%s%s", comma,
                                 fits ? names[i] : ellipsis);
        if (!fits)
            return;
    }
}

/* "<head><names><tail>", where the names give way. */
static int fail_listing(struct imgjob_error *err, const char *head,
                        const char *const *names, const char *tail)
{
    char list[sizeof(err->text)];
    _Static_assert(sizeof(list) > HEAD_SIZE + TAIL_SIZE + 8, "no room for names");
    join_names(list, sizeof(list) - strlen(head) - strlen(tail), names);
    return ij_fail(err, IMGJOB_E_SPEC, "%s%s%s", head, list, tail);
}

int ij_value_refuse_choice(const char *const *names, const char *given, const char *at,
                           struct imgjob_error *err)
{
    char head[HEAD_SIZE], tail[TAIL_SIZE], word[GIVEN_SIZE];
    quote(word, given, false);
    (void)snprintf(head, sizeof(head), "%s: must be one of ", at);
    (void)snprintf(tail, sizeof(tail), ", not '%.*s'",
                   (int)(GIVEN_LEN_MAX + sizeof(ellipsis)), word);
    return fail_listing(err, head, names, tail);
}

struct members {
    const char *const *names;
    const char *at;
    struct imgjob_error *err;
};

static int expect_member(void *data, const char *key, const struct ij_json *value)
{
    (void)value;
    const struct members *members = data;
    for (size_t i = 0; members->names[i]; i++)
        if (strcmp(members->names[i], key) == 0)
            return 0;
    char at[IJ_POINTER_SIZE], head[HEAD_SIZE];
    ij_pointer_member(at, members->at, key);
    (void)snprintf(head, sizeof(head), "%s: is unknown; the members here are ", at);
    return fail_listing(members->err, head, members->names, "");
}

int ij_members_expect(const struct ij_json *object, const char *const *names,
                      const char *at, struct imgjob_error *err)
{
    struct members members = { names, at, err };
    return ij_json_each(object, expect_member, &members);
}

bool ij_param_choice(const struct ij_param *param, const char *name, int64_t *out)
{
    for (int64_t i = 0; param->choices[i]; i++)
        if (strcmp(param->choices[i], name) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* ---- reading ---- */

static int read_int(const struct ij_param *param, const struct ij_json *value,
                    const char *at, int64_t *out, struct imgjob_error *err)
{
    if (value && ij_json_type(value) == IJ_JSON_REAL)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s: must be a whole number, without point or exponent", at);
    int rc = ij_value_expect(value, IJ_JSON_INT, at, err);
    if (rc < 0)
        return rc;
    int64_t number = ij_json_int(value);
    int64_t min = (int64_t)param->min, max = (int64_t)param->max;
    if (number < min || number > max)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s: must be %" PRId64 "..%" PRId64 ", not %" PRId64, at, min, max,
                       number);
    *out = number;
    return 0;
}

/* Of a REAL, or one of the NUMBERS. */
static int read_real(const struct ij_param *param, const struct ij_json *value,
                     const char *at, double *out, struct imgjob_error *err)
{
    if (!value || ij_json_type(value) != IJ_JSON_INT) {
        int rc = ij_value_expect(value, IJ_JSON_REAL, at, err);
        if (rc < 0)
            return rc;
    }
    double number = ij_json_real(value);
    if (number < param->min || number > param->max) {
        char min[IJ_REAL_TEXT_SIZE], max[IJ_REAL_TEXT_SIZE], given[IJ_REAL_TEXT_SIZE];
        ij_real_text(min, param->min);
        ij_real_text(max, param->max);
        ij_real_text(given, number);
        return ij_fail(err, IMGJOB_E_SPEC, "%s: must be %s..%s, not %s", at, min, max,
                       given);
    }
    *out = number + 0.0; /* -0 has no text of its own */
    return 0;
}

static int read_choice(const struct ij_param *param, const struct ij_json *value,
                       const char *at, int64_t *out, struct imgjob_error *err)
{
    int rc = ij_value_expect(value, IJ_JSON_STRING, at, err);
    if (rc < 0)
        return rc;
    if (!ij_param_choice(param, ij_json_string(value), out))
        return ij_value_refuse_choice(param->choices, ij_json_string(value), at, err);
    return 0;
}

static int read_bool(const struct ij_json *value, const char *at, int64_t *out,
                     struct imgjob_error *err)
{
    int rc = ij_value_expect(value, IJ_JSON_BOOL, at, err);
    if (rc == 0)
        *out = ij_json_bool(value);
    return rc;
}

static int read_color(const struct ij_json *value, const char *at, uint32_t *out,
                      struct imgjob_error *err)
{
    int rc = ij_value_expect(value, IJ_JSON_STRING, at, err);
    if (rc < 0)
        return rc;
    if (ij_color_read(ij_json_string(value), out))
        return 0;
    char word[GIVEN_SIZE];
    quote(word, ij_json_string(value), false);
    return ij_fail(err, IMGJOB_E_SPEC,
                   "%s: must be a colour such as #rgb, #rgba, #rrggbb, #rrggbbaa or a "
                   "CSS name, not '%s'",
                   at, word);
}

void *ij_spec_keep(struct imgjob_spec *spec, void *memory)
{
    IJ_AUTO(ij_free) void *kept = memory;
    if (!kept)
        return NULL;
    void **owned = realloc(spec->owned, (spec->owned_count + 1) * sizeof(*owned));
    if (!owned)
        return NULL;
    spec->owned = owned;
    owned[spec->owned_count++] = kept;
    return ij_steal(&kept);
}

static int read_text(const struct ij_reading *reading, const struct ij_param *param,
                     const struct ij_json *value, const char *at, const char **out)
{
    int rc = ij_value_expect(value, IJ_JSON_STRING, at, reading->err);
    if (rc < 0)
        return rc;
    const char *text = ij_json_string(value);
    size_t len = strlen(text), min = (size_t)param->min, max = IJ_TEXT_MAX;
    if (param->max > 0 && param->max < IJ_TEXT_MAX)
        max = (size_t)param->max;
    if (len < min || len > max)
        return ij_fail(reading->err, IMGJOB_E_SPEC,
                       "%s: must have %zu..%zu bytes, not %zu", at, min, max, len);
    *out = ij_spec_keep(reading->spec, strdup(text));
    return *out ? 0 : ij_fail_nomem(reading->err, "reading a spec");
}

/* How many numbers, or groups of them, an array has. */
static int check_count(const struct ij_param *param, size_t count, const char *at,
                       struct imgjob_error *err)
{
    size_t group = param->group ? param->group : 1;
    size_t min = param->count_min, max = IJ_NUMBERS_MAX / group;
    if (param->count_max < max)
        max = param->count_max;
    if (count >= min && count <= max)
        return 0;
    char range[48], what[48] = "numbers";
    (void)snprintf(range, sizeof(range), min == max ? "%zu" : "%zu..%zu", min, max);
    if (param->group)
        (void)snprintf(what, sizeof(what), "arrays of %zu numbers", group);
    return ij_fail(err, IMGJOB_E_SPEC, "%s: must have %s %s, not %zu", at, range, what,
                   count);
}

static int read_row(const struct ij_param *param, const struct ij_json *array,
                    const char *at, double *out, struct imgjob_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < ij_json_count(array) && rc == 0; i++) {
        char where[IJ_POINTER_SIZE];
        ij_pointer_element(where, at, i);
        rc = read_real(param, ij_json_at(array, i), where, &out[i], err);
    }
    return rc;
}

static int read_groups(const struct ij_param *param, const struct ij_json *array,
                       const char *at, double *out, struct imgjob_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < ij_json_count(array) && rc == 0; i++) {
        const struct ij_json *row = ij_json_at(array, i);
        char where[IJ_POINTER_SIZE];
        ij_pointer_element(where, at, i);
        rc = ij_value_expect(row, IJ_JSON_ARRAY, where, err);
        if (rc == 0 && ij_json_count(row) != param->group)
            rc = ij_fail(err, IMGJOB_E_SPEC, "%s: must have %zu numbers, not %zu", where,
                         param->group, ij_json_count(row));
        if (rc == 0)
            rc = read_row(param, row, where, out + i * param->group, err);
    }
    return rc;
}

static int read_numbers(const struct ij_reading *reading, const struct ij_param *param,
                        const struct ij_json *value, const char *at, struct ij_value *out)
{
    int rc = ij_value_expect(value, IJ_JSON_ARRAY, at, reading->err);
    if (rc == 0)
        rc = check_count(param, ij_json_count(value), at, reading->err);
    if (rc < 0)
        return rc;
    size_t count = ij_json_count(value) * (param->group ? param->group : 1);
    double *numbers =
        ij_spec_keep(reading->spec, calloc(count ? count : 1, sizeof(*numbers)));
    if (!numbers)
        return ij_fail_nomem(reading->err, "reading a spec");
    out->numbers.at = numbers;
    out->numbers.count = count;
    return param->group ? read_groups(param, value, at, numbers, reading->err)
                        : read_row(param, value, at, numbers, reading->err);
}

int ij_param_read(const struct ij_reading *reading, const struct ij_param *param,
                  const struct ij_json *value, const char *at, struct ij_value *out)
{
    if (!value && !param->is_required) {
        *out = param->fallback;
        return 0;
    }
    *out = (struct ij_value){ .is_given = true };
    switch (param->type) {
    case IJ_PARAM_INT:
        return read_int(param, value, at, &out->integer, reading->err);
    case IJ_PARAM_REAL:
        return read_real(param, value, at, &out->real, reading->err);
    case IJ_PARAM_BOOL:
        return read_bool(value, at, &out->integer, reading->err);
    case IJ_PARAM_CHOICE:
        return read_choice(param, value, at, &out->integer, reading->err);
    case IJ_PARAM_COLOR:
        return read_color(value, at, &out->color, reading->err);
    case IJ_PARAM_TEXT:
        return read_text(reading, param, value, at, &out->text);
    case IJ_PARAM_NUMBERS:
        return read_numbers(reading, param, value, at, out);
    }
    return ij_fail(reading->err, IMGJOB_E_INTERNAL, "%s: is of no known type", at);
}

/* ---- writing ---- */

static void write_numbers(struct ij_json_out *out, const struct ij_param *param,
                          const struct ij_value *value)
{
    ij_json_open(out, param->name, '[');
    for (size_t i = 0; i < value->numbers.count; i++) {
        if (param->group && i % param->group == 0)
            ij_json_open(out, NULL, '[');
        ij_json_put_real(out, NULL, value->numbers.at[i]);
        if (param->group && (i + 1) % param->group == 0)
            ij_json_close(out, ']');
    }
    ij_json_close(out, ']');
}

void ij_param_write(struct ij_json_out *out, const struct ij_param *param,
                    const struct ij_value *value)
{
    if (!value->is_given)
        return;
    char color[16];
    switch (param->type) {
    case IJ_PARAM_INT:
        ij_json_put_int(out, param->name, value->integer);
        break;
    case IJ_PARAM_REAL:
        ij_json_put_real(out, param->name, value->real);
        break;
    case IJ_PARAM_BOOL:
        ij_json_put_bool(out, param->name, value->integer != 0);
        break;
    case IJ_PARAM_CHOICE:
        ij_json_put_str(out, param->name, param->choices[value->integer]);
        break;
    case IJ_PARAM_COLOR:
        (void)snprintf(color, sizeof(color), "#%08" PRIx32, value->color);
        ij_json_put_str(out, param->name, color);
        break;
    case IJ_PARAM_TEXT:
        ij_json_put_str(out, param->name, value->text);
        break;
    case IJ_PARAM_NUMBERS:
        write_numbers(out, param, value);
        break;
    }
}

bool ij_param_is_default(const struct ij_param *param, const struct ij_value *value)
{
    const struct ij_value *fallback = &param->fallback;
    if (!value->is_given || !fallback->is_given)
        return value->is_given == fallback->is_given;
    size_t count = value->numbers.count;
    switch (param->type) {
    case IJ_PARAM_INT:
    case IJ_PARAM_BOOL:
    case IJ_PARAM_CHOICE:
        return value->integer == fallback->integer;
    case IJ_PARAM_REAL:
        return value->real == fallback->real;
    case IJ_PARAM_COLOR:
        return value->color == fallback->color;
    case IJ_PARAM_TEXT:
        return strcmp(value->text, fallback->text) == 0;
    case IJ_PARAM_NUMBERS:
        if (count != fallback->numbers.count)
            return false;
        for (size_t i = 0; i < count; i++)
            if (value->numbers.at[i] != fallback->numbers.at[i])
                return false;
        break;
    }
    return true;
}
