/* Owns the public functions that need no store: specs, and images run in this process. */
#include <imgjob/image.h>
#include <imgjob/operation.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/clock.h"
#include "image/image.h"

_Static_assert(IJ_SPEC_INPUTS_MAX == 1 + IMGJOB_INPUTS_MAX,
               "the image and as many further ones as callers are told");

const char *imgjob_format_extension(uint32_t format)
{
    return ij_format_extension(format);
}

int imgjob_spec_parse(const char *json, size_t len, struct imgjob_spec **out,
                      struct imgjob_error *err)
{
    return ij_spec_parse(json, len, &ij_image_ops, out, err);
}

int imgjob_spec_schema(char **out, struct imgjob_error *err)
{
    return imgjob_spec_schema_with(NULL, out, err);
}

int imgjob_spec_markdown(char **out, struct imgjob_error *err)
{
    return imgjob_spec_markdown_with(NULL, out, err);
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
    char *info; /* JSON; NULL = not asked for */
};

/* Options as asked for, with the limits filled in. */
struct run_options {
    struct imgjob_run_options asked;
    struct imgjob_limits limits;
};

static int check_image(const struct ij_image_input *image,
                       const struct imgjob_limits *limits, struct imgjob_error *err)
{
    if (image->len == 0)
        return ij_fail(err, IMGJOB_E_IMAGE, "the image is empty");
    if (!image->data)
        return ij_fail(err, IMGJOB_E_INVALID, "image: must not be NULL");
    if (image->len > limits->max_upload_size)
        return ij_fail(err, IMGJOB_E_LIMIT,
                       "the image has %zu bytes, max_upload_size is %llu", image->len,
                       (unsigned long long)limits->max_upload_size);
    return 0;
}

static int read_options(const struct imgjob_run_options *options,
                        const struct ij_image_input *image, struct run_options *out,
                        struct imgjob_error *err)
{
    int rc = ij_options_read(&out->asked, sizeof(out->asked),
                             IJ_END_OF(struct imgjob_run_options, input_count), options,
                             "imgjob_run_options", err);
    if (rc == 0)
        rc = ij_limits_read(out->asked.limits, &out->limits, err);
    if (rc == 0)
        rc = check_image(image, &out->limits, err);
    return rc < 0 ? rc : ij_image_start(err);
}

/* One of the further images. @param total bytes of those before it; this one is added */
static int check_input(const struct imgjob_image_bytes *bytes, size_t index,
                       const struct imgjob_limits *limits, uint64_t *total,
                       struct imgjob_error *err)
{
    if (bytes->len == 0)
        return ij_fail(err, IMGJOB_E_IMAGE, "input %zu is empty", index + 1);
    if (!bytes->data)
        return ij_fail(err, IMGJOB_E_INVALID, "inputs[%zu].data: must not be NULL",
                       index);
    *total = bytes->len > UINT64_MAX - *total ? UINT64_MAX : *total + bytes->len;
    if (*total > limits->max_upload_size)
        return ij_fail(err, IMGJOB_E_LIMIT,
                       "the images together have %llu bytes, max_upload_size is %llu",
                       (unsigned long long)*total,
                       (unsigned long long)limits->max_upload_size);
    return 0;
}

/* Let a job have the further images of the options. */
static int take_inputs(const struct run_options *run, struct ij_image_job *job,
                       struct imgjob_error *err)
{
    size_t count = run->asked.input_count;
    if (count > IMGJOB_INPUTS_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "input_count: must be 0..%d, not %zu",
                       IMGJOB_INPUTS_MAX, count);
    if (count > 0 && !run->asked.inputs)
        return ij_fail(err, IMGJOB_E_INVALID, "inputs: must not be NULL");
    int rc = ij_spec_check_inputs(job->spec, (UINT32_C(2) << count) - 1, err);
    uint64_t total = job->inputs[0].len;
    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct imgjob_image_bytes *bytes = &run->asked.inputs[i];
        rc = check_input(bytes, i, &run->limits, &total, err);
        job->inputs[i + 1] = (struct ij_image_input){ bytes->data, bytes->len };
    }
    job->input_count = 1 + count;
    return rc;
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

static int keep_info(void *data, const char *json, size_t len, struct imgjob_error *err)
{
    struct imgjob_result *result = data;
    result->info = strndup(json, len);
    return result->info ? 0 : ij_fail_nomem(err, "keeping what is known of an image");
}

static void result_freep(struct imgjob_result **result)
{
    imgjob_result_free(*result);
}

/* Fill a result's outputs, whose bytes it has. */
static void name_outputs(struct imgjob_result *result, const struct imgjob_spec *spec,
                         const struct ij_image_output *outputs)
{
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
}

static int run_image(const struct ij_image_input *image, const struct imgjob_spec *spec,
                     const struct run_options *run, struct imgjob_result **out,
                     struct imgjob_error *err)
{
    IJ_AUTO(result_freep) struct imgjob_result *result = calloc(1, sizeof(*result));
    if (!result)
        return ij_fail_nomem(err, "running an image");
    uint32_t timeout_ms = run->asked.timeout_ms ? run->asked.timeout_ms : 30000;
    struct ij_image_job job = {
        .inputs = { *image },
        .spec = spec,
        .limits = &run->limits,
        .safe_shrink = run->asked.safe_shrink != 0,
        .until_mono_ms = ij_mono_ms(&ij_clock_system) + timeout_ms,
        .on_output = keep_output,
        .on_info = keep_info,
        .callback_data = result,
    };
    int rc = take_inputs(run, &job, err);
    if (rc < 0)
        return rc;
    struct ij_image_output outputs[IJ_SPEC_OUTPUTS_MAX];
    struct ij_timings timings;
    struct ij_failure failure = { 0 };
    rc = ij_image_run(&job, outputs, &timings, &failure);
    if (rc < 0)
        return ij_fail(err, rc, "%s", failure.error.text);
    name_outputs(result, spec, outputs);
    *out = ij_steal(&result);
    return 0;
}

int imgjob_run(const void *image, size_t len, const struct imgjob_spec *spec,
               const struct imgjob_run_options *options, struct imgjob_result **out,
               struct imgjob_error *err)
{
    const struct ij_image_input input = { image, len };
    struct run_options run;
    int rc = read_options(options, &input, &run, err);
    if (rc < 0)
        return rc;
    return run_image(&input, spec, &run, out, err);
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

const char *imgjob_result_info(const struct imgjob_result *result)
{
    return result->info;
}

void imgjob_result_free(struct imgjob_result *result)
{
    if (!result)
        return;
    for (size_t i = 0; i < IJ_SPEC_OUTPUTS_MAX; i++)
        free(result->data[i]);
    free(result->info);
    free(result);
}

int imgjob_info(const void *image, size_t len, const struct imgjob_run_options *options,
                struct imgjob_image_info *out, struct imgjob_error *err)
{
    const struct ij_image_input input = { image, len };
    struct run_options run;
    int rc = read_options(options, &input, &run, err);
    if (rc < 0)
        return rc;
    struct ij_image_header header;
    struct ij_failure failure = { 0 };
    rc = ij_image_header(&input, &run.limits, &header, &failure);
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

int imgjob_info_json(const void *image, size_t len,
                     const struct imgjob_run_options *options, char **out,
                     struct imgjob_error *err)
{
    static const char text[] = "{\"outputs\":[],\"info\":true}";
    const struct ij_image_input input = { image, len };
    struct run_options run;
    int rc = read_options(options, &input, &run, err);
    if (rc < 0)
        return rc;
    run.asked.input_count = 0;
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    IJ_AUTO(result_freep) struct imgjob_result *result = NULL;
    rc = imgjob_spec_parse(text, sizeof(text) - 1, &spec, err);
    if (rc == 0)
        rc = run_image(&input, spec, &run, &result, err);
    if (rc < 0)
        return rc;
    *out = ij_steal(&result->info);
    return 0;
}
