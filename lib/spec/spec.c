/*
 * Owns the meaning of a spec: both written forms become one struct over a table of
 * operations handed in, and that struct has one canonical text. A spec is made whole or
 * not at all, and never changes afterwards.
 */
#include "spec/spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "spec/read.h"

static const char *const long_members[] = { "steps", "outputs", "load", "info", NULL };

/* Any member of the long form makes it one, so that a sentence lists the right ones. */
static bool is_long(const struct ij_json *object)
{
    for (size_t i = 0; long_members[i]; i++)
        if (ij_json_member(object, long_members[i]))
            return true;
    return false;
}

static int read_info(const struct ij_reading *reading, const struct ij_json *value)
{
    if (!value)
        return 0;
    int rc = ij_value_expect(value, IJ_JSON_BOOL, "/info", reading->err);
    reading->spec->wants_info = ij_json_bool(value);
    return rc;
}

static int read_long(const struct ij_reading *reading, const struct ij_json *object)
{
    struct imgjob_spec *spec = reading->spec;
    int rc = ij_members_expect(object, long_members, "", reading->err);
    if (rc == 0)
        rc = read_info(reading, ij_json_member(object, "info"));
    if (rc == 0)
        rc = ij_load_read(reading, ij_json_member(object, "load"));
    if (rc == 0)
        rc = ij_steps_read(reading, ij_json_member(object, "steps"), "/steps",
                           &spec->steps, &spec->step_count);
    if (rc == 0)
        rc = ij_outputs_read(reading, ij_json_member(object, "outputs"));
    return rc;
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
    spec->inputs = 1;
    struct ij_reading reading = { .ops = ops, .spec = spec, .err = err };
    rc = is_long(object) ? read_long(&reading, object) : ij_short_read(&reading, object);
    if (rc == 0)
        rc = ij_canonical_make(spec, err);
    if (rc == 0)
        *out = ij_steal(&spec);
    return rc;
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

/* Where the first of these steps that takes that further input says so. */
static bool find_taking_step(const struct ij_step *steps, size_t count, const char *at,
                             uint32_t input, char out[IJ_POINTER_SIZE])
{
    for (size_t i = 0; i < count; i++) {
        if (!steps[i].op->input || steps[i].op->input(&steps[i]) != input)
            continue;
        char step[IJ_POINTER_SIZE];
        ij_pointer_element(step, at, i);
        ij_pointer_member(out, step, "input");
        return true;
    }
    return false;
}

static bool find_taker(const struct imgjob_spec *spec, uint32_t input,
                       char out[IJ_POINTER_SIZE])
{
    bool found = find_taking_step(spec->steps, spec->step_count, "/steps", input, out);
    for (size_t i = 0; i < spec->output_count && !found; i++) {
        const struct ij_output_spec *output = &spec->outputs[i];
        char element[IJ_POINTER_SIZE], at[IJ_POINTER_SIZE];
        ij_pointer_element(element, "/outputs", i);
        ij_pointer_member(at, element, "steps");
        found = find_taking_step(output->steps, output->step_count, at, input, out);
    }
    return found;
}

int ij_spec_check_inputs(const struct imgjob_spec *spec, uint32_t given,
                         struct imgjob_error *err)
{
    char at[IJ_POINTER_SIZE];
    for (uint32_t input = 1; input < IJ_SPEC_INPUTS_MAX; input++) {
        bool is_given = (given >> input & 1) != 0;
        bool is_taken = find_taker(spec, input, at);
        if (is_taken && !is_given)
            return ij_fail(err, IMGJOB_E_SPEC, "%s: takes input %u, which was not given",
                           at, input);
        if (is_taken)
            continue;
        uint32_t last = spec->inputs - 1;
        if (input < last && find_taker(spec, last, at))
            return ij_fail(err, IMGJOB_E_SPEC,
                           "%s: takes input %u, and no step takes input %u", at, last,
                           input);
        if (is_given)
            return ij_fail(err, IMGJOB_E_SPEC, "/steps: no step takes input %u", input);
    }
    return 0;
}

const char *imgjob_spec_text(const struct imgjob_spec *spec)
{
    return spec->text;
}

void imgjob_spec_free(struct imgjob_spec *spec)
{
    if (!spec)
        return;
    for (size_t i = 0; i < spec->output_count; i++)
        free(spec->outputs[i].steps);
    for (size_t i = 0; i < spec->owned_count; i++)
        free(spec->owned[i]);
    free(spec->owned);
    free(spec->outputs);
    free(spec->steps);
    free(spec->text);
    free(spec);
}
