/*
 * Owns the trees that are read from JSON, and the door to json-c, which builds them.
 * json_check.c has seen to it that a text is JSON; what shows only in the tree is refused
 * here: duplicate keys and infinite numbers.
 */
#include "base/json.h"

#include <math.h>

#include <json-c/json.h>

#include "base/auto.h"
#include "base/json_check.h"

enum { TEXT_MAX = 64 << 20 }; /* json-c takes the length as an int */

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

/* What a walk over the tree finds. Recursion is bounded by the parser's depth. */
struct survey {
    size_t members;
    bool infinite; /* a number is beyond what a double holds */
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
    case json_type_double:
        survey->infinite |= !isfinite(json_object_get_double(value));
        break;
    default:
        break;
    }
}

static int check_tree(struct json_object *root, const struct ij_json_shape *shape,
                      struct imgjob_error *err)
{
    if (!root && !shape->is_null)
        return ij_fail_nomem(err, "parsing JSON");
    struct survey survey = { 0 };
    survey_value(&survey, root);
    if (survey.infinite)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "JSON: a number is beyond the range of a double");
    if (survey.members != shape->members) /* the tree keeps one of each name */
        return ij_fail(err, IMGJOB_E_SPEC, "JSON: a key stands twice in one object");
    return 0;
}

static void tokener_freep(struct json_tokener **tokener)
{
    if (*tokener)
        json_tokener_free(*tokener);
}

/* Build the tree of a text that is right. */
static int build_tree(struct json_tokener *tokener, const char *text, size_t len,
                      struct json_object **out, struct imgjob_error *err)
{
    struct json_object *root = json_tokener_parse_ex(tokener, text, (int)len);
    /* a bare number or null ends only where json-c is shown a terminator */
    if (json_tokener_get_error(tokener) == json_tokener_continue)
        root = json_tokener_parse_ex(tokener, "", 1);
    enum json_tokener_error fault = json_tokener_get_error(tokener);
    if (fault != json_tokener_success)
        return ij_fail(err, IMGJOB_E_INTERNAL, "parse %zu bytes of valid JSON: %s", len,
                       json_tokener_error_desc(fault));
    *out = root;
    return 0;
}

int ij_json_parse(const char *text, size_t len, int depth, struct ij_json **out,
                  struct imgjob_error *err)
{
    if (len > TEXT_MAX)
        return ij_fail(err, IMGJOB_E_SPEC, "JSON: %zu bytes are more than %d", len,
                       TEXT_MAX);
    struct ij_json_shape shape = { 0 };
    int rc = ij_json_check(text, len, depth, &shape, err);
    if (rc < 0)
        return rc;
    /* json-c counts the innermost value as a level of its own */
    IJ_AUTO(tokener_freep) struct json_tokener *tokener = json_tokener_new_ex(depth + 1);
    if (!tokener)
        return ij_fail_nomem(err, "parsing JSON");
    struct json_object *root = NULL;
    rc = build_tree(tokener, text, len, &root, err);
    if (rc == 0)
        rc = check_tree(root, &shape, err);
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
    if (ij_json_type(value) == IJ_JSON_INT)
        return (double)ij_json_int(value);
    return ij_json_type(value) == IJ_JSON_REAL ? json_object_get_double(unwrap(value))
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

const char *ij_json_text(const struct ij_json *object, const char *key)
{
    return ij_json_string(ij_json_member(object, key));
}
