/*
 * Owns the meaning of a spec: both written forms become one struct over a table of
 * operations handed in, and that struct has one canonical text. A spec is made whole or
 * not at all, and never changes afterwards.
 */
#include "spec/spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "spec/param.h"

/* The short form is sugar for this operation and these names. */
static const char resize_name[] = "resize";
static const char fit_name[] = "fit";
static const char short_output_name[] = "image";

/* What the short form's `operation` says about `fit`. */
struct short_operation {
    const char *name, *fit;
};
static const struct short_operation short_operations[] = {
    { "resize", "fill" },
    { "thumbnail", "inside" },
};
static const char *const short_operation_names[] = { "resize", "thumbnail", NULL };
static const char *const short_members[] = { "operation",     "width",   "height",
                                             "output_format", "enlarge", NULL };
static const char *const long_members[] = { "steps", "outputs", NULL };
static const char *const output_members[] = { "name", "format", NULL };

/* Formats that are written, by the name that stands in the canonical text. */
static const char *const output_formats[] = { "jpeg", "png", "webp", NULL };

static const struct ij_op *find_op(const struct ij_ops *ops, const char *name)
{
    for (size_t i = 0; i < ops->count; i++)
        if (strcmp(ops->ops[i]->name, name) == 0)
            return ops->ops[i];
    return NULL;
}

/* The index of a parameter; param_count when there is none. */
static size_t find_param(const struct ij_op *op, const char *name)
{
    size_t i = 0;
    while (i < op->param_count && strcmp(op->params[i].name, name) != 0)
        i++;
    return i;
}

/* Read the parameters of step->op from the object's members. One of them, `preset`, may
 * be given another way and is then left alone; param_count = none. */
static int read_values(struct ij_step *step, const struct ij_json *object, size_t preset,
                       const char *at, struct imgjob_error *err)
{
    for (size_t i = 0; i < step->op->param_count; i++) {
        if (i == preset)
            continue;
        const struct ij_param *param = &step->op->params[i];
        char where[IJ_POINTER_SIZE];
        ij_pointer_member(where, at, param->name);
        int rc = ij_param_read(param, ij_json_member(object, param->name), where,
                               &step->values[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool is_written(const char *name, uint32_t *out)
{
    uint32_t format = ij_format_by_name(name);
    for (size_t i = 0; output_formats[i]; i++)
        if (strcmp(output_formats[i], imgjob_format_name(format)) == 0) {
            *out = format;
            return true;
        }
    return false;
}

static int read_format(const struct ij_json *value, const char *at, uint32_t *out,
                       struct imgjob_error *err)
{
    *out = IMGJOB_FORMAT_NONE;
    if (!value)
        return 0;
    int rc = ij_value_expect(value, IJ_JSON_STRING, at, err);
    if (rc < 0)
        return rc;
    if (!is_written(ij_json_string(value), out))
        return ij_value_refuse_choice(output_formats, ij_json_string(value), at, err);
    return 0;
}

static int read_short(const struct ij_json *object, const struct ij_ops *ops,
                      struct imgjob_spec *spec, struct imgjob_error *err)
{
    const struct ij_json *operation = ij_json_member(object, "operation");
    int rc = ij_value_expect(operation, IJ_JSON_STRING, "/operation", err);
    if (rc == 0)
        rc = ij_members_expect(object, short_members, "", err);
    if (rc < 0)
        return rc;
    const char *name = ij_json_string(operation);
    const struct short_operation *found = NULL;
    for (size_t i = 0; i < IJ_ARRAY_LEN(short_operations); i++)
        if (strcmp(short_operations[i].name, name) == 0)
            found = &short_operations[i];
    const struct ij_op *op = find_op(ops, resize_name);
    if (!found || !op)
        return ij_value_refuse_choice(short_operation_names, name, "/operation", err);

    struct ij_step *step = &spec->steps[0];
    step->op = op;
    size_t fit = find_param(op, fit_name);
    if (fit < op->param_count)
        (void)ij_param_choice(&op->params[fit], found->fit, &step->values[fit]);
    spec->step_count = 1;
    spec->output_count = 1;
    memcpy(spec->outputs[0].name, short_output_name, sizeof(short_output_name));
    rc = read_values(step, object, fit, "", err);
    if (rc < 0)
        return rc;
    return read_format(ij_json_member(object, "output_format"), "/output_format",
                       &spec->outputs[0].format, err);
}

enum { OPS_NAMED_MAX = 64 }; /* operations that a sentence can list */

static int refuse_op(const struct ij_ops *ops, const char *name, const char *at,
                     struct imgjob_error *err)
{
    const char *names[OPS_NAMED_MAX + 1] = { NULL };
    for (size_t i = 0; i < ops->count && i < OPS_NAMED_MAX; i++)
        names[i] = ops->ops[i]->name;
    return ij_value_refuse_choice(names, name, at, err);
}

static int read_step(const struct ij_json *object, const struct ij_ops *ops,
                     const char *at, struct ij_step *step, struct imgjob_error *err)
{
    int rc = ij_value_expect(object, IJ_JSON_OBJECT, at, err);
    if (rc < 0)
        return rc;
    char where[IJ_POINTER_SIZE];
    ij_pointer_member(where, at, "op");
    const struct ij_json *name = ij_json_member(object, "op");
    rc = ij_value_expect(name, IJ_JSON_STRING, where, err);
    if (rc < 0)
        return rc;
    step->op = find_op(ops, ij_json_string(name));
    if (!step->op)
        return refuse_op(ops, ij_json_string(name), where, err);

    const char *members[IJ_OP_PARAMS_MAX + 2] = { "op" };
    for (size_t i = 0; i < step->op->param_count; i++)
        members[i + 1] = step->op->params[i].name;
    rc = ij_members_expect(object, members, at, err);
    if (rc < 0)
        return rc;
    return read_values(step, object, step->op->param_count, at, err);
}

static int read_output(const struct ij_json *object, const char *at,
                       struct ij_output_spec *output, struct imgjob_error *err)
{
    int rc = ij_value_expect(object, IJ_JSON_OBJECT, at, err);
    if (rc == 0)
        rc = ij_members_expect(object, output_members, at, err);
    if (rc < 0)
        return rc;
    char where[IJ_POINTER_SIZE];
    ij_pointer_member(where, at, "name");
    const struct ij_json *name = ij_json_member(object, "name");
    rc = ij_value_expect(name, IJ_JSON_STRING, where, err);
    if (rc < 0)
        return rc;
    if (!ij_output_name_valid(ij_json_string(name)))
        return ij_fail(
            err, IMGJOB_E_SPEC,
            "%s: must be 1 to 64 of a-z 0-9 _ - and begin with a letter or digit", where);
    memcpy(output->name, ij_json_string(name), strlen(ij_json_string(name)) + 1);
    ij_pointer_member(where, at, "format");
    return read_format(ij_json_member(object, "format"), where, &output->format, err);
}

/* A member that must be an array of exactly as many elements as this version runs. */
struct list {
    const char *name, *at;
    size_t count;
    const char *sentence;
};
static const struct list step_list = { "steps", "/steps", IJ_SPEC_STEPS_MAX,
                                       "runs 1 step" };
static const struct list output_list = { "outputs", "/outputs", IJ_SPEC_OUTPUTS_MAX,
                                         "makes 1 output" };

static int expect_list(const struct ij_json *object, const struct list *list,
                       const struct ij_json **out, struct imgjob_error *err)
{
    const struct ij_json *array = ij_json_member(object, list->name);
    int rc = ij_value_expect(array, IJ_JSON_ARRAY, list->at, err);
    if (rc < 0)
        return rc;
    if (ij_json_count(array) != list->count)
        return ij_fail(err, IMGJOB_E_SPEC, "%s: this version %s, not %zu", list->at,
                       list->sentence, ij_json_count(array));
    *out = array;
    return 0;
}

static int read_long(const struct ij_json *object, const struct ij_ops *ops,
                     struct imgjob_spec *spec, struct imgjob_error *err)
{
    const struct ij_json *steps = NULL;
    const struct ij_json *outputs = NULL;
    int rc = ij_members_expect(object, long_members, "", err);
    if (rc == 0)
        rc = expect_list(object, &step_list, &steps, err);
    if (rc == 0)
        rc = expect_list(object, &output_list, &outputs, err);
    if (rc < 0)
        return rc;
    char at[IJ_POINTER_SIZE];
    for (size_t i = 0; i < IJ_SPEC_STEPS_MAX && rc == 0; i++) {
        ij_pointer_element(at, step_list.at, i);
        rc = read_step(ij_json_at(steps, i), ops, at, &spec->steps[i], err);
    }
    for (size_t i = 0; i < IJ_SPEC_OUTPUTS_MAX && rc == 0; i++) {
        ij_pointer_element(at, output_list.at, i);
        rc = read_output(ij_json_at(outputs, i), at, &spec->outputs[i], err);
    }
    spec->step_count = IJ_SPEC_STEPS_MAX;
    spec->output_count = IJ_SPEC_OUTPUTS_MAX;
    return rc;
}

/* Always the long form, members in the order of the tables, defaults written out; a
 * format that is as the input's has no other spelling than being absent. */
static char *write_canonical(const struct imgjob_spec *spec)
{
    struct ij_buf buf = { .max = IJ_SPEC_TEXT_MAX };
    struct ij_json_out out = { .buf = &buf };
    ij_json_open(&out, NULL, '{');
    ij_json_open(&out, "steps", '[');
    for (size_t i = 0; i < spec->step_count; i++) {
        const struct ij_step *step = &spec->steps[i];
        ij_json_open(&out, NULL, '{');
        ij_json_put_str(&out, "op", step->op->name);
        for (size_t k = 0; k < step->op->param_count; k++)
            ij_param_write(&out, &step->op->params[k], step->values[k]);
        ij_json_close(&out, '}');
    }
    ij_json_close(&out, ']');
    ij_json_open(&out, "outputs", '[');
    for (size_t i = 0; i < spec->output_count; i++) {
        const struct ij_output_spec *output = &spec->outputs[i];
        ij_json_open(&out, NULL, '{');
        ij_json_put_str(&out, "name", output->name);
        if (output->format)
            ij_json_put_str(&out, "format", imgjob_format_name(output->format));
        ij_json_close(&out, '}');
    }
    ij_json_close(&out, ']');
    ij_json_close(&out, '}');
    return ij_buf_take(&buf);
}

int ij_spec_read(const struct ij_json *object, const struct ij_ops *ops,
                 struct imgjob_spec **out, struct imgjob_error *err)
{
    int rc = ij_value_expect(object, IJ_JSON_OBJECT, "", err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = calloc(1, sizeof(*spec));
    if (!spec)
        return ij_fail_nomem(err, "reading a spec");
    bool is_long = ij_json_member(object, "steps") || ij_json_member(object, "outputs");
    rc = is_long ? read_long(object, ops, spec, err) : read_short(object, ops, spec, err);
    if (rc < 0)
        return rc;
    spec->text = write_canonical(spec);
    if (!spec->text)
        return ij_fail_nomem(err, "writing a spec");
    *out = ij_steal(&spec);
    return 0;
}

int ij_spec_parse(const char *json, size_t len, const struct ij_ops *ops,
                  struct imgjob_spec **out, struct imgjob_error *err)
{
    if (len > IJ_SPEC_TEXT_MAX)
        return ij_fail(err, IMGJOB_E_SPEC, "spec: %zu bytes are over the limit of %d",
                       len, IJ_SPEC_TEXT_MAX);
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    int rc = ij_json_parse(json, len, IJ_SPEC_DEPTH_MAX, &root, err);
    if (rc < 0)
        return rc;
    return ij_spec_read(root, ops, out, err);
}

const char *imgjob_spec_text(const struct imgjob_spec *spec)
{
    return spec->text;
}

void imgjob_spec_free(struct imgjob_spec *spec)
{
    if (!spec)
        return;
    free(spec->text);
    free(spec);
}

bool ij_spec_short(const struct imgjob_spec *spec, struct ij_spec_short *out)
{
    if (spec->step_count != 1 || spec->output_count != 1 ||
        strcmp(spec->outputs[0].name, short_output_name) != 0 ||
        strcmp(spec->steps[0].op->name, resize_name) != 0)
        return false;
    const struct ij_step *step = &spec->steps[0];
    size_t width = find_param(step->op, "width");
    size_t height = find_param(step->op, "height");
    size_t fit = find_param(step->op, fit_name);
    size_t count = step->op->param_count;
    if (width == count || height == count || fit == count)
        return false;
    const char *chosen = step->op->params[fit].choices[step->values[fit]];
    for (size_t i = 0; i < IJ_ARRAY_LEN(short_operations); i++)
        if (strcmp(short_operations[i].fit, chosen) == 0) {
            out->operation = short_operations[i].name;
            out->width = (uint32_t)step->values[width];
            out->height = (uint32_t)step->values[height];
            return true;
        }
    return false;
}

uint32_t ij_spec_output_format(const struct ij_output_spec *output, uint32_t input_format,
                               bool has_alpha)
{
    if (output->format)
        return output->format;
    uint32_t same;
    if (is_written(imgjob_format_name(input_format), &same))
        return same;
    return has_alpha ? IMGJOB_FORMAT_PNG : IMGJOB_FORMAT_JPEG;
}

bool ij_output_name_valid(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < IJ_OUTPUT_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len &&
           name[0] != '_' && name[0] != '-';
}
