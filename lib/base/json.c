/*
 * Owns the reading of JSON. json-c parses; what it lets through is refused here:
 * duplicate keys, integers beyond int64_t (it clamps them), NUL in strings, text after
 * the value.
 */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/auto.h"

/* The tree is json-c's; the struct only keeps its type out of other rooms. */
static struct json_object *unwrap(const struct ij_json *value)
{
    return (struct json_object *)value;
}

static const struct ij_json *wrap(struct json_object *object)
{
    return (const struct ij_json *)object;
}

/* json-c shows null as a NULL pointer, but "absent" must be told from it. */
static const char null_mark;
#define NULL_VALUE ((const struct ij_json *)&null_mark)

static const struct ij_json *wrap_value(struct json_object *object)
{
    return object ? wrap(object) : NULL_VALUE;
}

/* Members written in a valid text: the colons outside strings. */
static size_t count_colons(const char *text, size_t len)
{
    size_t colons = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (text[i] == ':' && !in_string)
            colons++;
    }
    return colons;
}

/* What a walk over the tree finds. Recursion is bounded by the parser's depth. */
struct survey {
    size_t members;
    bool has_nul; /* a string or key holds U+0000 */
    bool clamped; /* an integer did not fit int64_t */
};

static void survey_value(struct survey *survey, struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_object: {
        json_object_object_foreach(value, key, member)
        {
            (void)key;
            survey->members++;
            survey_value(survey, member);
        }
        break;
    }
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(value); i++)
            survey_value(survey, json_object_array_get_idx(value, i));
        break;
    case json_type_string:
        survey->has_nul |= strlen(json_object_get_string(value)) !=
                           (size_t)json_object_get_string_len(value);
        break;
    case json_type_int:
        /* out of range ints are clamped (and above INT64_MAX kept as uint64) */
        survey->clamped |= json_object_get_int64(value) == INT64_MAX ||
                           json_object_get_int64(value) == INT64_MIN;
        break;
    default:
        break;
    }
}

/* A key with U+0000 would be cut by json-c: look for its only spelling in the text. */
static bool has_nul_escape(const char *text, size_t len)
{
    for (size_t i = 0; i + 6 <= len; i++)
        if (text[i] == '\\') {
            if (memcmp(text + i, "\\u0000", 6) == 0)
                return true;
            i++;
        }
    return false;
}

static int check_tree(struct json_object *root, const char *text, size_t len,
                      struct imgjob_error *err)
{
    struct survey survey = { 0 };
    survey_value(&survey, root);
    if (survey.has_nul || has_nul_escape(text, len))
        return ij_fail(err, IMGJOB_E_SPEC, "JSON: a string holds U+0000");
    if (survey.clamped)
        return ij_fail(err, IMGJOB_E_SPEC, "JSON: a number is beyond 64 bits");
    if (survey.members != count_colons(text, len))
        return ij_fail(err, IMGJOB_E_SPEC, "JSON: a key stands twice in one object");
    return 0;
}

static void tokener_freep(struct json_tokener **tokener)
{
    if (*tokener)
        json_tokener_free(*tokener);
}

int ij_json_parse(const char *text, size_t len, int depth, struct ij_json **out,
                  struct imgjob_error *err)
{
    if (len > 64 << 20)
        return ij_fail(err, IMGJOB_E_SPEC, "JSON: %zu bytes are too many", len);
    /* json-c counts the innermost value as a level of its own */
    IJ_AUTO(tokener_freep) struct json_tokener *tokener = json_tokener_new_ex(depth + 1);
    if (!tokener)
        return ij_fail_nomem(err, "parsing JSON");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(tokener, text, (int)len);
    enum json_tokener_error fault = json_tokener_get_error(tokener);
    if (fault == json_tokener_continue) /* a bare number ends only where the text does */
        root = json_tokener_parse_ex(tokener, "", 1),
        fault = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    if (fault == json_tokener_success && !root && len > 0 && !memchr(text, 'n', len))
        fault = json_tokener_error_parse_eof;
    if (fault != json_tokener_success) {
        json_object_put(root);
        return ij_fail(err, IMGJOB_E_SPEC, "JSON: %s at byte %zu",
                       fault == json_tokener_continue ? "the text ends too early"
                                                      : json_tokener_error_desc(fault),
                       end);
    }
    int rc = check_tree(root, text, len, err);
    if (rc < 0) {
        json_object_put(root);
        return rc;
    }
    *out = (struct ij_json *)wrap_value(root);
    return 0;
}

void ij_json_free(struct ij_json *root)
{
    if (root != NULL_VALUE)
        json_object_put(unwrap(root));
}

enum ij_json_type ij_json_type(const struct ij_json *value)
{
    if (!value || value == NULL_VALUE)
        return IJ_JSON_NULL;
    switch (json_object_get_type(unwrap(value))) {
    case json_type_boolean:
        return IJ_JSON_BOOL;
    case json_type_int:
        return IJ_JSON_INT;
    case json_type_double:
        return IJ_JSON_REAL;
    case json_type_string:
        return IJ_JSON_STRING;
    case json_type_array:
        return IJ_JSON_ARRAY;
    case json_type_object:
        return IJ_JSON_OBJECT;
    default:
        return IJ_JSON_NULL;
    }
}

const char *ij_json_type_name(enum ij_json_type type)
{
    static const char *const names[] = {
        [IJ_JSON_NULL] = "null",          [IJ_JSON_BOOL] = "true or false",
        [IJ_JSON_INT] = "a whole number", [IJ_JSON_REAL] = "a number",
        [IJ_JSON_STRING] = "a string",    [IJ_JSON_ARRAY] = "an array",
        [IJ_JSON_OBJECT] = "an object",
    };
    return names[type];
}

size_t ij_json_count(const struct ij_json *value)
{
    switch (ij_json_type(value)) {
    case IJ_JSON_ARRAY:
        return json_object_array_length(unwrap(value));
    case IJ_JSON_OBJECT:
        return (size_t)json_object_object_length(unwrap(value));
    default:
        return 0;
    }
}

const struct ij_json *ij_json_at(const struct ij_json *array, size_t index)
{
    if (ij_json_type(array) != IJ_JSON_ARRAY || index >= ij_json_count(array))
        return NULL;
    return wrap_value(json_object_array_get_idx(unwrap(array), index));
}

const struct ij_json *ij_json_member(const struct ij_json *object, const char *key)
{
    struct json_object *member;
    if (ij_json_type(object) != IJ_JSON_OBJECT ||
        !json_object_object_get_ex(unwrap(object), key, &member))
        return NULL;
    return wrap_value(member);
}

int ij_json_each(const struct ij_json *object,
                 int (*visit)(void *data, const char *key, const struct ij_json *value),
                 void *data)
{
    if (ij_json_type(object) != IJ_JSON_OBJECT)
        return 0;
    json_object_object_foreach(unwrap(object), key, member)
    {
        int rc = visit(data, key, wrap_value(member));
        if (rc != 0)
            return rc;
    }
    return 0;
}

int64_t ij_json_int(const struct ij_json *value)
{
    return ij_json_type(value) == IJ_JSON_INT ? json_object_get_int64(unwrap(value)) : 0;
}

double ij_json_real(const struct ij_json *value)
{
    enum ij_json_type type = ij_json_type(value);
    return type == IJ_JSON_INT || type == IJ_JSON_REAL
               ? json_object_get_double(unwrap(value))
               : 0;
}

bool ij_json_bool(const struct ij_json *value)
{
    return ij_json_type(value) == IJ_JSON_BOOL && json_object_get_boolean(unwrap(value));
}

const char *ij_json_string(const struct ij_json *value)
{
    return ij_json_type(value) == IJ_JSON_STRING ? json_object_get_string(unwrap(value))
                                                 : "";
}
