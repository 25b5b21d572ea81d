/*
 * Owns the JSON Schema of a spec, made from the same tables as the reader. What a schema
 * cannot say, such as "one of width and height", is in the descriptions; units stand
 * under "x-unit", the group of an operation under "x-group" and the formats that know a
 * setting under "x-formats".
 */
#include "spec/read.h"

#include "base/auto.h"

static const char color_pattern[] =
    "^(#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})|[a-z]+)$";
static const char name_pattern[] = "^[a-z0-9][a-z0-9_-]{0,63}$";

static void put_names(struct ij_json_out *out, const char *key, const char *const *names)
{
    ij_json_open(out, key, '[');
    for (size_t i = 0; names[i]; i++)
        ij_json_put_str(out, NULL, names[i]);
    ij_json_close(out, ']');
}

/* A sentence of the tables, with the full stop that they leave out. */
static void put_doc(struct ij_json_out *out, const char *doc)
{
    IJ_AUTO(ij_buf_done) struct ij_buf sentence = { 0 };
    ij_buf_printf(&sentence, "%s.", doc);
    ij_json_put_str(out, "description", sentence.failed ? doc : sentence.data);
}

static void put_range(struct ij_json_out *out, const char *type,
                      const struct ij_param *param)
{
    ij_json_put_str(out, "type", type);
    ij_json_put_real(out, "minimum", param->min);
    ij_json_put_real(out, "maximum", param->max);
}

static void put_counts(struct ij_json_out *out, size_t min, size_t max)
{
    ij_json_put_str(out, "type", "array");
    ij_json_put_int(out, "minItems", (int64_t)min);
    ij_json_put_int(out, "maxItems", (int64_t)max);
    ij_json_open(out, "items", '{');
}

static void put_numbers(struct ij_json_out *out, const struct ij_param *param)
{
    put_counts(out, param->count_min, param->count_max);
    if (param->group)
        put_counts(out, param->group, param->group);
    put_range(out, "number", param);
    if (param->group)
        ij_json_close(out, '}');
    ij_json_close(out, '}');
}

/* The limits of a text are bytes; a schema counts characters, which are no more. */
static void put_text(struct ij_json_out *out, const struct ij_param *param)
{
    ij_json_put_str(out, "type", "string");
    if (param->min > 0)
        ij_json_put_int(out, "minLength", 1);
    ij_json_put_int(out, "maxLength", param->max > 0 ? (int64_t)param->max : IJ_TEXT_MAX);
}

static void put_type(struct ij_json_out *out, const struct ij_param *param)
{
    switch (param->type) {
    case IJ_PARAM_INT:
        put_range(out, "integer", param);
        break;
    case IJ_PARAM_REAL:
        put_range(out, "number", param);
        break;
    case IJ_PARAM_BOOL:
        ij_json_put_str(out, "type", "boolean");
        break;
    case IJ_PARAM_CHOICE:
        put_names(out, "enum", param->choices);
        break;
    case IJ_PARAM_COLOR:
        ij_json_put_str(out, "type", "string");
        ij_json_put_str(out, "pattern", color_pattern);
        break;
    case IJ_PARAM_TEXT:
        put_text(out, param);
        break;
    case IJ_PARAM_NUMBERS:
        put_numbers(out, param);
        break;
    }
}

/* All but the closing bracket, so that a caller can add to it. */
static void open_param(struct ij_json_out *out, const struct ij_param *param)
{
    ij_json_open(out, param->name, '{');
    put_type(out, param);
    struct ij_param as_default = *param;
    as_default.name = "default";
    if (!param->is_required)
        ij_param_write(out, &as_default, &param->fallback);
    if (param->doc)
        put_doc(out, param->doc);
    if (param->unit)
        ij_json_put_str(out, "x-unit", param->unit);
}

static void put_param(struct ij_json_out *out, const struct ij_param *param)
{
    open_param(out, param);
    ij_json_close(out, '}');
}

static void put_ref(struct ij_json_out *out, const char *key, const char *ref)
{
    ij_json_open(out, key, '{');
    ij_json_put_str(out, "$ref", ref);
    ij_json_close(out, '}');
}

/* An array of what `ref` describes. */
static void put_list(struct ij_json_out *out, const char *key, size_t max,
                     const char *ref)
{
    ij_json_open(out, key, '{');
    ij_json_put_str(out, "type", "array");
    ij_json_put_int(out, "maxItems", (int64_t)max);
    put_ref(out, "items", ref);
    ij_json_close(out, '}');
}

static void open_object(struct ij_json_out *out, const char *key)
{
    ij_json_open(out, key, '{');
    ij_json_put_str(out, "type", "object");
    ij_json_put_bool(out, "additionalProperties", false);
}

static void put_op(struct ij_json_out *out, const struct ij_op *op)
{
    open_object(out, NULL);
    ij_json_put_str(out, "title", op->name);
    if (op->doc)
        put_doc(out, op->doc);
    if (op->group)
        ij_json_put_str(out, "x-group", op->group);
    ij_json_open(out, "properties", '{');
    ij_json_open(out, "op", '{');
    ij_json_put_str(out, "const", op->name);
    ij_json_close(out, '}');
    for (size_t i = 0; i < op->param_count; i++)
        put_param(out, &op->params[i]);
    ij_json_close(out, '}');
    ij_json_open(out, "required", '[');
    ij_json_put_str(out, NULL, "op");
    for (size_t i = 0; i < op->param_count; i++)
        if (op->params[i].is_required)
            ij_json_put_str(out, NULL, op->params[i].name);
    ij_json_close(out, ']');
    ij_json_close(out, '}');
}

static void put_steps(struct ij_json_out *out, const struct ij_ops *ops)
{
    ij_json_open(out, "step", '{');
    ij_json_open(out, "oneOf", '[');
    for (size_t i = 0; i < ops->count; i++)
        put_op(out, ops->ops[i]);
    ij_json_close(out, ']');
    ij_json_close(out, '}');
    put_list(out, "steps", IJ_SPEC_STEPS_MAX, "#/$defs/step");
}

/* One of the formats, by "jpg" too, or by more names. */
static void put_format(struct ij_json_out *out, const char *key, const char *more)
{
    ij_json_open(out, key, '{');
    ij_json_open(out, "enum", '[');
    for (size_t i = 0; ij_output_formats[i]; i++)
        ij_json_put_str(out, NULL, ij_output_formats[i]);
    ij_json_put_str(out, NULL, "jpg");
    if (more)
        ij_json_put_str(out, NULL, more);
    ij_json_close(out, ']');
    ij_json_close(out, '}');
}

static void put_candidates(struct ij_json_out *out)
{
    ij_json_open(out, "candidates", '{');
    put_doc(out, "Of the format auto: the formats to try, of which the smallest output "
                 "wins");
    ij_json_put_str(out, "type", "array");
    ij_json_put_int(out, "minItems", 1);
    ij_json_put_bool(out, "uniqueItems", true);
    put_names(out, "default", ij_output_candidates);
    put_format(out, "items", NULL);
    ij_json_close(out, '}');
}

static void put_setting(struct ij_json_out *out, enum ij_output_param setting)
{
    open_param(out, &ij_output_params[setting]);
    ij_json_open(out, "x-formats", '[');
    for (size_t i = 0; ij_output_formats[i]; i++)
        if (ij_format_has_param(ij_format_by_name(ij_output_formats[i]), setting))
            ij_json_put_str(out, NULL, ij_output_formats[i]);
    ij_json_close(out, ']');
    ij_json_close(out, '}');
}

static void put_output(struct ij_json_out *out)
{
    open_object(out, "output");
    ij_json_open(out, "properties", '{');
    ij_json_open(out, "name", '{');
    put_doc(out, "The name in results; may be absent if there is only one output");
    ij_json_put_str(out, "type", "string");
    ij_json_put_str(out, "pattern", name_pattern);
    ij_json_put_str(out, "default", ij_output_name_default);
    ij_json_close(out, '}');
    put_ref(out, "steps", "#/$defs/steps");
    put_format(out, "format", "auto");
    put_candidates(out);
    for (size_t i = 0; i < IJ_OUT_PARAM_COUNT; i++)
        put_setting(out, i);
    ij_json_close(out, '}');
    ij_json_close(out, '}');
}

/* A number or "all". */
static void put_pages(struct ij_json_out *out)
{
    const struct ij_param *pages = &ij_load_params[IJ_LOAD_PAGES];
    ij_json_open(out, pages->name, '{');
    put_doc(out, pages->doc);
    ij_json_put_int(out, "default", pages->fallback.integer);
    ij_json_open(out, "oneOf", '[');
    ij_json_open(out, NULL, '{');
    put_range(out, "integer", pages);
    ij_json_close(out, '}');
    ij_json_open(out, NULL, '{');
    ij_json_put_str(out, "const", ij_load_pages_all);
    ij_json_close(out, '}');
    ij_json_close(out, ']');
    ij_json_close(out, '}');
}

static void put_load(struct ij_json_out *out)
{
    open_object(out, "load");
    ij_json_open(out, "properties", '{');
    for (size_t i = 0; i < IJ_LOAD_COUNT; i++)
        if (i == IJ_LOAD_PAGES)
            put_pages(out);
        else
            put_param(out, &ij_load_params[i]);
    ij_json_close(out, '}');
    ij_json_close(out, '}');
}

static void put_long(struct ij_json_out *out)
{
    open_object(out, "long");
    ij_json_put_int(out, "minProperties", 1);
    ij_json_open(out, "properties", '{');
    put_ref(out, "load", "#/$defs/load");
    put_ref(out, "steps", "#/$defs/steps");
    put_list(out, "outputs", IJ_SPEC_OUTPUTS_MAX, "#/$defs/output");
    ij_json_open(out, "info", '{');
    ij_json_put_str(out, "type", "boolean");
    ij_json_put_bool(out, "default", false);
    put_doc(out, "Report what is known about the image; outputs may then be empty");
    ij_json_close(out, '}');
    ij_json_close(out, '}');
    ij_json_close(out, '}');
}

static void put_short(struct ij_json_out *out)
{
    open_object(out, "short");
    ij_json_open(out, "properties", '{');
    ij_json_open(out, "operation", '{');
    put_names(out, "enum", ij_short_operations);
    ij_json_close(out, '}');
    for (size_t i = 0; i < IJ_SHORT_COUNT; i++)
        put_param(out, &ij_short_params[i]);
    put_format(out, "output_format", NULL);
    ij_json_open(out, "enlarge", '{');
    ij_json_put_str(out, "type", "boolean");
    ij_json_put_bool(out, "default", true);
    ij_json_close(out, '}');
    ij_json_close(out, '}');
    ij_json_open(out, "required", '[');
    ij_json_put_str(out, NULL, "operation");
    for (size_t i = 0; i < IJ_SHORT_COUNT; i++)
        ij_json_put_str(out, NULL, ij_short_params[i].name);
    ij_json_close(out, ']');
    ij_json_close(out, '}');
}

void ij_spec_schema(const struct ij_ops *ops, struct ij_buf *buf)
{
    struct ij_json_out out = { .buf = buf };
    ij_json_open(&out, NULL, '{');
    ij_json_put_str(&out, "$schema", "https://json-schema.org/draft/2020-12/schema");
    ij_json_put_str(&out, "title", "What to do with an image");
    ij_json_open(&out, "oneOf", '[');
    put_ref(&out, NULL, "#/$defs/long");
    put_ref(&out, NULL, "#/$defs/short");
    ij_json_close(&out, ']');
    ij_json_open(&out, "$defs", '{');
    put_long(&out);
    put_short(&out);
    put_load(&out);
    put_steps(&out, ops);
    put_output(&out);
    ij_json_close(&out, '}');
    ij_json_close(&out, '}');
}

int ij_ops_hash(const struct ij_ops *ops, uint64_t *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { .max = IJ_WRITTEN_MAX };
    ij_spec_schema(ops, &buf);
    if (buf.failed)
        return ij_fail_nomem(err, "describing the operations");
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < buf.len; i++)
        hash = (hash ^ (unsigned char)buf.data[i]) * UINT64_C(0x100000001b3);
    *out = hash;
    return 0;
}
