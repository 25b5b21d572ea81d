/*
 * Owns the short form: sugar for one resize and one output named "image". It never
 * changes, whatever the operation learns.
 */
#include "spec/read.h"

#include <stdlib.h>
#include <string.h>

static const char resize_name[] = "resize";
static const char fit_name[] = "fit";
static const char enlarge_name[] = "enlarge";

/* What `operation` says about `fit`, in the order of ij_short_operations[]. */
static const char *const fits[] = { "fill", "inside" };
const char *const ij_short_operations[] = { "resize", "thumbnail", NULL };

static const char *const members[] = { "operation",     "width",   "height",
                                       "output_format", "enlarge", NULL };

const struct ij_param ij_short_params[IJ_SHORT_COUNT] = {
    [IJ_SHORT_WIDTH] = { .name = "width",
                         .type = IJ_PARAM_INT,
                         .is_required = true,
                         .min = 1,
                         .max = 4096,
                         .unit = "px",
                         .doc = "The width to make, or to fit within" },
    [IJ_SHORT_HEIGHT] = { .name = "height",
                          .type = IJ_PARAM_INT,
                          .is_required = true,
                          .min = 1,
                          .max = 4096,
                          .unit = "px",
                          .doc = "The height to make, or to fit within" },
};

/* The short form's own width and height, with the ranges that are promised for it; its
 * `enlarge` is the operation's; all else is as the operation has it by default. */
static int read_value(const struct ij_reading *reading, const struct ij_json *object,
                      const struct ij_param *param, struct ij_value *out)
{
    const struct ij_json *value = NULL;
    for (size_t i = 0; i < IJ_SHORT_COUNT; i++)
        if (strcmp(param->name, ij_short_params[i].name) == 0)
            param = &ij_short_params[i];
    bool is_own = param >= ij_short_params && param < ij_short_params + IJ_SHORT_COUNT;
    if (is_own || strcmp(param->name, enlarge_name) == 0)
        value = ij_json_member(object, param->name);
    char at[IJ_POINTER_SIZE];
    ij_pointer_member(at, "", param->name);
    return ij_param_read(reading, param, value, at, out);
}

static int read_resize(const struct ij_reading *reading, const struct ij_json *object,
                       const struct ij_op *op, const char *fit_choice)
{
    struct imgjob_spec *spec = reading->spec;
    spec->steps = calloc(1, sizeof(*spec->steps));
    if (!spec->steps)
        return ij_fail_nomem(reading->err, "reading a spec");
    spec->step_count = 1;
    struct ij_step *step = &spec->steps[0];
    step->op = op;
    for (size_t i = 0; i < op->param_count; i++) {
        int rc = read_value(reading, object, &op->params[i], &step->values[i]);
        if (rc < 0)
            return rc;
    }
    size_t fit = ij_op_param(op, fit_name);
    if (fit < op->param_count)
        (void)ij_param_choice(&op->params[fit], fit_choice, &step->values[fit].integer);
    return ij_step_check(reading, step, "");
}

static int read_output(const struct ij_reading *reading, const struct ij_json *object)
{
    int rc = ij_outputs_make(reading, 1);
    if (rc < 0)
        return rc;
    struct ij_output_spec *output = &reading->spec->outputs[0];
    memcpy(output->name, ij_output_name_default, strlen(ij_output_name_default) + 1);
    rc = ij_output_format_read(ij_json_member(object, "output_format"), "/output_format",
                               &output->format, reading->err);
    if (rc == 0)
        ij_output_set_defaults(output);
    return rc;
}

int ij_short_read(const struct ij_reading *reading, const struct ij_json *object)
{
    const struct ij_json *operation = ij_json_member(object, "operation");
    if (!operation)
        return ij_fail(
            reading->err, IMGJOB_E_SPEC,
            "/operation: is missing, and so are steps and outputs, which stand "
            "instead of it");
    int rc = ij_value_expect(operation, IJ_JSON_STRING, "/operation", reading->err);
    if (rc == 0)
        rc = ij_members_expect(object, members, "", reading->err);
    if (rc < 0)
        return rc;
    const char *name = ij_json_string(operation);
    const struct ij_op *op = ij_op_find(reading->ops, resize_name);
    size_t at = 0;
    while (ij_short_operations[at] && strcmp(ij_short_operations[at], name) != 0)
        at++;
    if (!ij_short_operations[at] || !op)
        return ij_value_refuse_choice(ij_short_operations, name, "/operation",
                                      reading->err);
    rc = ij_load_read(reading, NULL);
    if (rc == 0)
        rc = read_resize(reading, object, op, fits[at]);
    return rc < 0 ? rc : read_output(reading, object);
}

/* ---- the way back ---- */

static bool has_short_output(const struct imgjob_spec *spec)
{
    if (spec->output_count != 1)
        return false;
    const struct ij_output_spec *output = &spec->outputs[0];
    if (strcmp(output->name, ij_output_name_default) != 0 || output->candidate_count ||
        output->step_count)
        return false;
    for (size_t i = 0; i < IJ_OUT_PARAM_COUNT; i++)
        if (!ij_output_is_default(output, i))
            return false;
    return true;
}

/* A side that the short form could have asked for; 0 when it is none. */
static uint32_t short_side(const struct ij_step *step, size_t side)
{
    const struct ij_param *param = &ij_short_params[side];
    size_t at = ij_op_param(step->op, param->name);
    if (at == step->op->param_count || !step->values[at].is_given)
        return 0;
    int64_t value = step->values[at].integer;
    return value >= param->min && value <= param->max ? (uint32_t)value : 0;
}

/* Whether all that the short form has no word for is as it would make it. */
static bool has_short_values(const struct ij_step *step)
{
    static const char *const free_names[] = { "width", "height", fit_name, enlarge_name };
    for (size_t i = 0; i < step->op->param_count; i++) {
        const struct ij_param *param = &step->op->params[i];
        bool is_free = false;
        for (size_t k = 0; k < sizeof(free_names) / sizeof(free_names[0]); k++)
            is_free |= strcmp(param->name, free_names[k]) == 0;
        if (!is_free && !ij_param_is_default(param, &step->values[i]))
            return false;
    }
    return true;
}

bool ij_spec_short(const struct imgjob_spec *spec, struct ij_spec_short *out)
{
    if (spec->step_count != 1 || strcmp(spec->steps[0].op->name, resize_name) != 0 ||
        spec->wants_info || !ij_load_is_default(&spec->load) || !has_short_output(spec))
        return false;
    const struct ij_step *step = &spec->steps[0];
    uint32_t width = short_side(step, IJ_SHORT_WIDTH);
    uint32_t height = short_side(step, IJ_SHORT_HEIGHT);
    size_t fit = ij_op_param(step->op, fit_name);
    if (!width || !height || fit == step->op->param_count || !has_short_values(step))
        return false;
    const char *chosen = step->op->params[fit].choices[step->values[fit].integer];
    for (size_t i = 0; ij_short_operations[i]; i++)
        if (strcmp(fits[i], chosen) == 0) {
            *out = (struct ij_spec_short){ ij_short_operations[i], width, height };
            return true;
        }
    return false;
}
