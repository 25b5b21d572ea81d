/* Owns how steps are read and written, over a table of operations handed in. */
#include "spec/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

const struct ij_op *ij_op_find(const struct ij_ops *ops, const char *name)
{
    for (size_t i = 0; i < ops->count; i++)
        if (strcmp(ops->ops[i]->name, name) == 0)
            return ops->ops[i];
    return NULL;
}

size_t ij_op_param(const struct ij_op *op, const char *name)
{
    size_t i = 0;
    while (i < op->param_count && strcmp(op->params[i].name, name) != 0)
        i++;
    return i;
}

int ij_list_expect(const struct ij_json *array, size_t max, const char *at,
                   struct imgjob_error *err)
{
    int rc = ij_value_expect(array, IJ_JSON_ARRAY, at, err);
    if (rc == 0 && ij_json_count(array) > max)
        rc = ij_fail(err, IMGJOB_E_SPEC, "%s: may have %zu, not %zu", at, max,
                     ij_json_count(array));
    return rc;
}

/* What other programs call it. */
static const char *our_name(const char *name)
{
    static const struct {
        const char *theirs, *ours;
    } names[] = {
        { "thumbnail", "resize" },    { "scale", "resize" },
        { "fit", "resize" },          { "extract", "crop" },
        { "pad", "extend" },          { "padding", "extend" },
        { "border", "extend" },       { "mirror", "flop" },
        { "brightness", "modulate" }, { "contrast", "modulate" },
        { "saturation", "modulate" }, { "hue", "modulate" },
        { "greyscale", "grayscale" }, { "invert", "negate" },
        { "background", "flatten" },  { "overlay", "composite" },
        { "watermark", "composite" }, { "label", "text" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++)
        if (strcmp(name, names[i].theirs) == 0)
            return names[i].ours;
    return NULL;
}

int ij_op_read(const struct ij_reading *reading, const struct ij_json *name,
               const char *at, const struct ij_op **out)
{
    int rc = ij_value_expect(name, IJ_JSON_STRING, at, reading->err);
    if (rc < 0)
        return rc;
    *out = ij_op_find(reading->ops, ij_json_string(name));
    if (*out)
        return 0;
    const char *ours = our_name(ij_json_string(name));
    if (ours)
        return ij_fail(reading->err, IMGJOB_E_SPEC,
                       "%s: there is no operation '%s' here; use '%s'", at,
                       ij_json_string(name), ours);
    return ij_fail(reading->err, IMGJOB_E_SPEC,
                   "%s: there is no operation '%.64s'; imgjobd --operations lists them "
                   "all",
                   at, ij_json_string(name));
}

int ij_step_check(const struct ij_reading *reading, const struct ij_step *step,
                  const char *at)
{
    const struct ij_op *op = step->op;
    int rc = op->check ? op->check(step, at, reading->err) : 0;
    if (rc < 0)
        return rc;
    uint32_t input = op->input ? op->input(step) : 0;
    if (input >= IJ_SPEC_INPUTS_MAX)
        return ij_fail(reading->err, IMGJOB_E_SPEC,
                       "%s: takes further input %u, there may be %d", at, input,
                       IJ_SPEC_INPUTS_MAX - 1);
    if (reading->spec->inputs < 1 + input)
        reading->spec->inputs = 1 + input;
    return 0;
}

static int read_step(const struct ij_reading *reading, const struct ij_json *object,
                     const char *at, struct ij_step *step)
{
    int rc = ij_value_expect(object, IJ_JSON_OBJECT, at, reading->err);
    if (rc < 0)
        return rc;
    char where[IJ_POINTER_SIZE];
    ij_pointer_member(where, at, "op");
    rc = ij_op_read(reading, ij_json_member(object, "op"), where, &step->op);
    if (rc < 0)
        return rc;
    const char *members[IJ_OP_PARAMS_MAX + 2] = { "op" };
    for (size_t i = 0; i < step->op->param_count; i++)
        members[i + 1] = step->op->params[i].name;
    rc = ij_members_expect(object, members, at, reading->err);
    for (size_t i = 0; i < step->op->param_count && rc == 0; i++) {
        const struct ij_param *param = &step->op->params[i];
        ij_pointer_member(where, at, param->name);
        rc = ij_param_read(reading, param, ij_json_member(object, param->name), where,
                           &step->values[i]);
    }
    return rc < 0 ? rc : ij_step_check(reading, step, at);
}

int ij_steps_read(const struct ij_reading *reading, const struct ij_json *array,
                  const char *at, struct ij_step **out, size_t *out_count)
{
    if (!array)
        return 0;
    int rc = ij_list_expect(array, IJ_SPEC_STEPS_MAX, at, reading->err);
    size_t count = ij_json_count(array);
    if (rc < 0 || count == 0)
        return rc;
    *out = calloc(count, sizeof(**out));
    if (!*out)
        return ij_fail_nomem(reading->err, "reading a spec");
    *out_count = count;
    for (size_t i = 0; i < count && rc == 0; i++) {
        char where[IJ_POINTER_SIZE];
        ij_pointer_element(where, at, i);
        rc = read_step(reading, ij_json_at(array, i), where, &(*out)[i]);
    }
    return rc;
}

void ij_steps_write(struct ij_json_out *out, const struct ij_step *steps, size_t count)
{
    ij_json_open(out, "steps", '[');
    for (size_t i = 0; i < count; i++) {
        const struct ij_step *step = &steps[i];
        ij_json_open(out, NULL, '{');
        ij_json_put_str(out, "op", step->op->name);
        for (size_t k = 0; k < step->op->param_count; k++)
            ij_param_write(out, &step->op->params[k], &step->values[k]);
        ij_json_close(out, '}');
    }
    ij_json_close(out, ']');
}
