/*
 * Owns the one text that a spec has: always the long form, members in the order of the
 * tables. Steps say all their values, so that a text keeps its meaning should a default
 * ever change. Settings of outputs and of the input are left out where they are as they
 * would be anyway, since which of them exist goes by the format; so is what is empty.
 */
#include "spec/read.h"

#include "base/buf.h"

static void write_output(struct ij_json_out *out, const struct ij_output_spec *output)
{
    ij_json_open(out, NULL, '{');
    ij_json_put_str(out, "name", output->name);
    if (output->candidate_count) {
        ij_json_put_str(out, "format", "auto");
        ij_json_open(out, "candidates", '[');
        for (size_t i = 0; i < output->candidate_count; i++)
            ij_json_put_str(out, NULL, imgjob_format_name(output->candidates[i]));
        ij_json_close(out, ']');
    } else if (output->format)
        ij_json_put_str(out, "format", imgjob_format_name(output->format));
    for (size_t i = 0; i < IJ_OUT_PARAM_COUNT; i++)
        if (!ij_output_is_default(output, i))
            ij_param_write(out, &ij_output_params[i], &output->values[i]);
    if (output->step_count)
        ij_steps_write(out, output->steps, output->step_count);
    ij_json_close(out, '}');
}

int ij_canonical_make(struct imgjob_spec *spec, struct imgjob_error *err)
{
    struct ij_buf buf = { .max = IJ_WRITTEN_MAX };
    struct ij_json_out out = { .buf = &buf };
    ij_json_open(&out, NULL, '{');
    if (!ij_load_is_default(&spec->load))
        ij_load_write(&out, &spec->load);
    ij_steps_write(&out, spec->steps, spec->step_count);
    ij_json_open(&out, "outputs", '[');
    for (size_t i = 0; i < spec->output_count; i++)
        write_output(&out, &spec->outputs[i]);
    ij_json_close(&out, ']');
    if (spec->wants_info)
        ij_json_put_bool(&out, "info", true);
    ij_json_close(&out, '}');
    size_t len = buf.len; /* what was read and all defaults: within the buffer */
    spec->text = ij_buf_take(&buf);
    if (!spec->text)
        return ij_fail_nomem(err, "writing a spec");
    if (len > IJ_SPEC_TEXT_MAX) /* it could not be read again */
        return ij_fail(err, IMGJOB_E_SPEC,
                       "spec: its canonical text has %zu bytes, over the limit of %d",
                       len, IJ_SPEC_TEXT_MAX);
    return 0;
}
