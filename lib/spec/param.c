/*
 * Owns what one value of a spec may be, and says where and why it is not. Nothing is
 * guessed or converted: "800" and 800.0 are no whole numbers.
 */
#include "spec/param.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"

enum {
    NAMES_SIZE = 128,                  /* a list of names in a sentence */
    GIVEN_LEN_MAX = 40,                /* bytes of a stranger's word in a sentence */
    GIVEN_SIZE = 4 + 2 * GIVEN_LEN_MAX /* each escaped, and "…" */
};

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
    memcpy(out + used, cut ? "\xe2\x80\xa6" : "", cut ? 4 : 1);
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

static void join_names(char out[NAMES_SIZE], const char *const *names)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; names[i] && used < NAMES_SIZE; i++) {
        int len =
            snprintf(out + used, NAMES_SIZE - used, "%s%s", i ? ", " : "", names[i]);
        if (len < 0)
            return;
        used += (size_t)len;
    }
}

int ij_value_refuse_choice(const char *const *names, const char *given, const char *at,
                           struct imgjob_error *err)
{
    char list[NAMES_SIZE];
    char word[GIVEN_SIZE];
    join_names(list, names);
    quote(word, given, false);
    return ij_fail(err, IMGJOB_E_SPEC, "%s: must be one of %s, not '%s'", at, list, word);
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
    char at[IJ_POINTER_SIZE];
    char list[NAMES_SIZE];
    ij_pointer_member(at, members->at, key);
    join_names(list, members->names);
    return ij_fail(members->err, IMGJOB_E_SPEC, "%s: is unknown; the members here are %s",
                   at, list);
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
    if (number < param->min || number > param->max)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s: must be %" PRId64 "..%" PRId64 ", not %" PRId64, at,
                       param->min, param->max, number);
    *out = number;
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

int ij_param_read(const struct ij_param *param, const struct ij_json *value,
                  const char *at, int64_t *out, struct imgjob_error *err)
{
    if (!value && !param->is_required) {
        *out = param->fallback;
        return 0;
    }
    switch (param->type) {
    case IJ_PARAM_INT:
        return read_int(param, value, at, out, err);
    case IJ_PARAM_CHOICE:
        return read_choice(param, value, at, out, err);
    case IJ_PARAM_BOOL:
        break;
    }
    int rc = ij_value_expect(value, IJ_JSON_BOOL, at, err);
    if (rc == 0)
        *out = ij_json_bool(value);
    return rc;
}

void ij_param_write(struct ij_json_out *out, const struct ij_param *param, int64_t value)
{
    switch (param->type) {
    case IJ_PARAM_INT:
        ij_json_put_int(out, param->name, value);
        break;
    case IJ_PARAM_BOOL:
        ij_json_put_bool(out, param->name, value != 0);
        break;
    case IJ_PARAM_CHOICE:
        ij_json_put_str(out, param->name, param->choices[value]);
        break;
    }
}
