/*
 * Owns the way of one image: header, limits, plan, and only then pixels, as one stream
 * from decoder to encoder wherever it can be. Nothing is decoded that the limits forbid,
 * and the sizes made are the sizes planned.
 */
#include "image/image.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "image/colour.h"
#include "image/deadline.h"
#include "image/limits.h"
#include "image/operation.h"
#include "image/save.h"
#include "image/source.h"

/* A stream can be read once, so a second output would need the pixels in memory. */
static_assert(IJ_SPEC_OUTPUTS_MAX == 1, "each output reads the stream");

/* One call of ij_image_run(). */
struct run {
    const struct ij_image_job *job;
    struct ij_failure *failure;
    struct ij_source source;
    struct ij_image_header header;
    struct ij_extent planned[IJ_SPEC_STEPS_MAX]; /* after each step, upright */
    struct ij_deadline deadline;
    VipsImage *image; /* owned; after each step what it made */
    bool is_upright;  /* the EXIF orientation is applied */
    bool in_memory;   /* the image is no stream any more: a pass of its own made it */
    uint64_t output_bytes;
};

static void run_done(struct run *run)
{
    g_clear_object(&run->image);
}

static bool turns_sideways(const struct run *run)
{
    return run->header.orientation >= 5; /* EXIF 2.32 §4.6.4 */
}

/* A size of the upright image as the image is stored, and the other way round. */
static struct ij_extent swapped_if_sideways(const struct run *run,
                                            struct ij_extent extent)
{
    if (turns_sideways(run))
        return (struct ij_extent){ extent.height, extent.width };
    return extent;
}

static struct ij_extent stored_extent(const struct run *run)
{
    return (struct ij_extent){ run->header.width, run->header.height };
}

static int fail_library(struct run *run, enum ij_stage stage)
{
    if (!ij_deadline_is_over(&run->deadline))
        return ij_source_fail(&run->source, stage, run->failure);
    vips_error_clear();
    return ij_failure_set(run->failure, stage, IJ_REASON_TIMEOUT, IMGJOB_E_TIMEOUT,
                          "%s of %zu bytes: not done in the time allowed",
                          imgjob_format_name(run->source.format), run->source.len);
}

static int plan_steps(struct run *run)
{
    const struct imgjob_spec *spec = run->job->spec;
    struct ij_extent extent = swapped_if_sideways(run, stored_extent(run));
    for (size_t i = 0; i < spec->step_count; i++) {
        extent = spec->steps[i].op->plan(&spec->steps[i], extent);
        int rc = ij_limits_check_step(run->job->limits, extent, run->failure);
        if (rc < 0)
            return rc;
        run->planned[i] = extent;
    }
    return 0;
}

/* Check what the file says of itself, before a decoder does. */
static int check_declared(struct run *run)
{
    struct ij_extent declared = ij_source_declared(&run->source);
    if (declared.width == 0 || declared.height == 0)
        return 0;
    const struct ij_image_header header = {
        .format = run->source.format,
        .width = declared.width,
        .height = declared.height,
        .pages = 1,
        .bands = 3,
        .bits = 8,
    };
    return ij_limits_check_header(run->job->limits, &header, run->failure);
}

/* Open the input and check all that can be checked without a pixel. */
static int begin(struct run *run)
{
    const struct ij_image_job *job = run->job;
    vips_error_clear(); /* what earlier calls left is not about this image */
    int rc = ij_limits_check_input(job->limits, job->len, run->failure);
    if (rc == 0)
        rc = ij_source_init(&run->source, job->data, job->len, run->failure);
    if (rc == 0)
        rc = check_declared(run);
    if (rc == 0)
        rc = ij_source_open(&run->source, 1, &run->image, run->failure);
    if (rc < 0)
        return rc;
    ij_source_header(&run->source, run->image, &run->header);
    run->is_upright = run->header.orientation == 1;
    rc = ij_limits_check_header(job->limits, &run->header, run->failure);
    if (rc == 0)
        rc = plan_steps(run);
    if (rc < 0)
        return rc;
    if (job->on_header && job->on_header(job->callback_data, &run->header) != 0)
        return ij_failure_set(run->failure, IJ_STAGE_LOAD, IJ_REASON_INTERNAL,
                              IMGJOB_E_INTERNAL, "stopped after the header was read");
    return 0;
}

/* Open a JPEG again at the size that its first step calls for. */
static int shrink_on_load(struct run *run)
{
    const struct imgjob_spec *spec = run->job->spec;
    if (spec->step_count == 0 || !ij_image_op_of(&spec->steps[0])->only_scales)
        return 0;
    uint32_t shrink = ij_source_shrink(&run->source, stored_extent(run),
                                       swapped_if_sideways(run, run->planned[0]),
                                       run->job->safe_shrink);
    if (shrink == 1)
        return 0;
    VipsImage *shrunk;
    int rc = ij_source_open(&run->source, shrink, &shrunk, run->failure);
    if (rc == 0)
        ij_image_replace(&run->image, shrunk);
    return rc;
}

/* Turning needs the pixels in any order, and a stream has one. Mirroring left to right
 * (2) stays within the line. */
static int turn_upright(struct run *run)
{
    if (run->is_upright)
        return 0;
    VipsImage *made;
    if (run->header.orientation != 2) {
        made = vips_image_copy_memory(run->image);
        if (!made)
            return fail_library(run, IJ_STAGE_DECODE);
        ij_image_replace(&run->image, made);
        run->in_memory = true;
    }
    if (vips_autorot(run->image, &made, NULL) != 0)
        return fail_library(run, IJ_STAGE_DECODE);
    ij_image_replace(&run->image, made);
    run->is_upright = true;
    return 0;
}

static int apply_step(struct run *run, size_t index)
{
    const struct ij_step *step = &run->job->spec->steps[index];
    const struct ij_image_op *op = ij_image_op_of(step);
    if (!op->only_scales) {
        int rc = turn_upright(run);
        if (rc < 0)
            return rc;
    }
    struct ij_extent to = run->planned[index];
    if (!run->is_upright)
        to = swapped_if_sideways(run, to);
    VipsImage *made;
    if (op->apply(step, run->image, to, &made) != 0)
        return fail_library(run, IJ_STAGE_STEPS);
    ij_image_replace(&run->image, made);
    return 0;
}

/* The pipeline from decoder to last step. A turn comes last where it can: it is cheapest
 * on the smallest image. */
static int build(struct run *run)
{
    int rc = shrink_on_load(run);
    if (rc < 0)
        return rc;
    if (ij_deadline_is_over(&run->deadline))
        return fail_library(run, IJ_STAGE_DECODE);
    ij_deadline_watch(&run->deadline, run->image);
    if (ij_colour_to_srgb(&run->image) != 0)
        return fail_library(run, IJ_STAGE_DECODE);
    for (size_t i = 0; i < run->job->spec->step_count; i++) {
        rc = apply_step(run, i);
        if (rc < 0)
            return rc;
    }
    return turn_upright(run);
}

static enum ij_reason reason_of_callback(int code)
{
    switch (code) {
    case IMGJOB_E_LIMIT:
        return IJ_REASON_OUTPUT_LIMIT;
    case IMGJOB_E_NOMEM:
        return IJ_REASON_MEMORY;
    case IMGJOB_E_BLOB:
    case IMGJOB_E_FULL:
        return IJ_REASON_BLOB;
    default:
        return IJ_REASON_INTERNAL;
    }
}

static void encoded_free(void *at)
{
    void **bytes = at;
    g_free(*bytes);
}

static int encode(struct run *run, size_t index, struct ij_image_output *output)
{
    const struct ij_image_job *job = run->job;
    uint32_t format = ij_spec_output_format(&job->spec->outputs[index],
                                            run->header.format, run->header.has_alpha);
    IJ_AUTO(encoded_free) void *bytes = NULL;
    size_t len = 0;
    if (ij_save(run->image, format, &bytes, &len) != 0)
        return fail_library(run, run->in_memory ? IJ_STAGE_ENCODE : IJ_STAGE_DECODE);
    run->output_bytes += len;
    int rc = ij_limits_check_output(job->limits, run->output_bytes, run->failure);
    if (rc < 0)
        return rc;
    *output = (struct ij_image_output){
        .format = format,
        .width = (uint32_t)vips_image_get_width(run->image),
        .height = (uint32_t)vips_image_get_height(run->image),
        .len = len,
    };
    struct imgjob_error err = { 0 };
    rc = job->on_output(job->callback_data, index, bytes, len, &err);
    if (rc < 0)
        return ij_failure_set(run->failure, IJ_STAGE_PUBLISH, reason_of_callback(rc), rc,
                              "%s", err.text);
    return 0;
}

static uint32_t elapsed_ms(int64_t *since)
{
    int64_t now = ij_mono_ms(&ij_clock_system);
    int64_t elapsed = now - *since;
    *since = now;
    return (uint32_t)elapsed;
}

int ij_image_run(const struct ij_image_job *job, struct ij_image_output *outputs,
                 struct ij_timings *timings, struct ij_failure *failure)
{
    memset(failure, 0, sizeof(*failure));
    IJ_AUTO(run_done)
    struct run run = {
        .job = job,
        .failure = failure,
        .deadline = { .until_mono_ms = job->until_mono_ms },
    };
    struct ij_timings spent = { 0 };
    int64_t since = ij_mono_ms(&ij_clock_system);
    int rc = begin(&run);
    spent.decode_ms = elapsed_ms(&since);
    if (rc == 0)
        rc = build(&run);
    if (run.in_memory)
        spent.process_ms = elapsed_ms(&since);
    struct ij_image_output made[IJ_SPEC_OUTPUTS_MAX];
    for (size_t i = 0; i < job->spec->output_count && rc == 0; i++)
        rc = encode(&run, i, &made[i]);
    if (rc < 0)
        return rc;
    if (run.in_memory)
        spent.encode_ms = elapsed_ms(&since);
    else
        spent.process_ms = elapsed_ms(&since);
    memcpy(outputs, made, job->spec->output_count * sizeof(made[0]));
    *timings = spent;
    return 0;
}

int ij_image_header(const void *data, size_t len, struct ij_image_header *out,
                    struct ij_failure *failure)
{
    memset(failure, 0, sizeof(*failure));
    struct ij_source source;
    IJ_AUTO(ij_image_unref) VipsImage *image = NULL;
    vips_error_clear();
    int rc = ij_source_init(&source, data, len, failure);
    if (rc == 0)
        rc = ij_source_open(&source, 1, &image, failure);
    if (rc < 0)
        return rc;
    ij_source_header(&source, image, out);
    return 0;
}
