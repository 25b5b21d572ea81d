/* Owns the public functions that need no store: specs, and images run in this process. */
#include <imgjob/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/clock.h"
#include "image/image.h"

int imgjob_spec_parse(const char *json, size_t len, struct imgjob_spec **out,
                      struct imgjob_error *err)
{
    return ij_spec_parse(json, len, &ij_image_ops, out, err);
}

static int take_text(struct ij_buf *buf, char **out, struct imgjob_error *err)
{
    char *text = ij_buf_take(buf);
    if (!text)
        return ij_fail_nomem(err, "describing the operations");
    *out = text;
    return 0;
}

int imgjob_spec_schema(char **out, struct imgjob_error *err)
{
    struct ij_buf buf = { 0 };
    ij_spec_schema(&ij_image_ops, &buf);
    return take_text(&buf, out, err);
}

int imgjob_spec_markdown(char **out, struct imgjob_error *err)
{
    struct ij_buf buf = { 0 };
    ij_spec_markdown(&ij_image_ops, &buf);
    return take_text(&buf, out, err);
}

void imgjob_text_free(char *text)
{
    free(text);
}

struct imgjob_result {
    size_t count;
    struct imgjob_output outputs[IJ_SPEC_OUTPUTS_MAX];
    /* what the outputs point to */
    void *data[IJ_SPEC_OUTPUTS_MAX];
    char names[IJ_SPEC_OUTPUTS_MAX][IJ_OUTPUT_NAME_SIZE];
};

/* Options as asked for, with the limits filled in. */
struct run_options {
    struct imgjob_run_options asked;
    struct imgjob_limits limits;
};

static int read_options(const struct imgjob_run_options *options, size_t len,
                        struct run_options *out, struct imgjob_error *err)
{
    int rc = ij_options_read(&out->asked, sizeof(out->asked),
                             IJ_END_OF(struct imgjob_run_options, safe_shrink), options,
                             "imgjob_run_options", err);
    if (rc == 0)
        rc = ij_limits_read(out->asked.limits, &out->limits, err);
    if (rc == 0 && len > out->limits.max_upload_size)
        rc = ij_fail(err, IMGJOB_E_LIMIT,
                     "the image has %zu bytes, max_upload_size is %llu", len,
                     (unsigned long long)out->limits.max_upload_size);
    if (rc == 0 && len == 0)
        rc = ij_fail(err, IMGJOB_E_IMAGE, "the image is empty");
    return rc < 0 ? rc : ij_image_start(err);
}

static int keep_output(void *data, size_t index, const void *bytes, size_t len,
                       struct imgjob_error *err)
{
    struct imgjob_result *result = data;
    result->data[index] = malloc(len);
    if (!result->data[index])
        return ij_fail_nomem(err, "keeping an output");
    memcpy(result->data[index], bytes, len);
    return 0;
}

static void result_freep(struct imgjob_result **result)
{
    imgjob_result_free(*result);
}

int imgjob_run(const void *image, size_t len, const struct imgjob_spec *spec,
               const struct imgjob_run_options *options, struct imgjob_result **out,
               struct imgjob_error *err)
{
    struct run_options run;
    int rc = read_options(options, len, &run, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(result_freep) struct imgjob_result *result = calloc(1, sizeof(*result));
    if (!result)
        return ij_fail_nomem(err, "running an image");
    uint32_t timeout_ms = run.asked.timeout_ms ? run.asked.timeout_ms : 30000;
    struct ij_image_job job = {
        .inputs = { { image, len } },
        .input_count = 1,
        .spec = spec,
        .limits = &run.limits,
        .safe_shrink = run.asked.safe_shrink != 0,
        .until_mono_ms = ij_mono_ms(&ij_clock_system) + timeout_ms,
        .on_output = keep_output,
        .callback_data = result,
    };
    struct ij_image_output outputs[IJ_SPEC_OUTPUTS_MAX];
    struct ij_timings timings;
    struct ij_failure failure = { 0 };
    rc = ij_image_run(&job, outputs, &timings, &failure);
    if (rc < 0)
        return ij_fail(err, rc, "%s", failure.error.text);
    result->count = spec->output_count;
    for (size_t i = 0; i < result->count; i++) {
        (void)snprintf(result->names[i], IJ_OUTPUT_NAME_SIZE, "%s",
                       spec->outputs[i].name);
        result->outputs[i] = (struct imgjob_output){
            .name = result->names[i],
            .format = outputs[i].format,
            .width = outputs[i].width,
            .height = outputs[i].height,
            .data = result->data[i],
            .len = outputs[i].len,
        };
    }
    *out = ij_steal(&result);
    return 0;
}

size_t imgjob_result_count(const struct imgjob_result *result)
{
    return result->count;
}

const struct imgjob_output *imgjob_result_output(const struct imgjob_result *result,
                                                 size_t index)
{
    return index < result->count ? &result->outputs[index] : NULL;
}

void imgjob_result_free(struct imgjob_result *result)
{
    if (!result)
        return;
    for (size_t i = 0; i < IJ_SPEC_OUTPUTS_MAX; i++)
        free(result->data[i]);
    free(result);
}

int imgjob_info(const void *image, size_t len, const struct imgjob_run_options *options,
                struct imgjob_image_info *out, struct imgjob_error *err)
{
    struct run_options run;
    int rc = read_options(options, len, &run, err);
    if (rc < 0)
        return rc;
    struct ij_image_header header;
    struct ij_failure failure = { 0 };
    rc = ij_image_header(image, len, &header, &failure);
    if (rc < 0)
        return ij_fail(err, rc, "%s", failure.error.text);
    struct imgjob_image_info info = {
        .format = header.format,
        .width = header.width,
        .height = header.height,
        .pages = header.pages,
        .bands = header.bands,
        .bits = header.bits,
        .orientation = header.orientation,
        .has_alpha = header.has_alpha,
        .has_profile = header.has_profile,
        .progressive = header.progressive,
    };
    return ij_result_write(out, &info, sizeof(info), "imgjob_image_info", err);
}
