/*
 * Owns the way of one image: header, limits, plan, and only then pixels, as one stream
 * from decoder to encoder wherever there is one output, and from one decode wherever
 * there are several. Nothing is decoded that the limits forbid, and the sizes made are
 * the sizes planned.
 */
#include "image/run.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "image/colour.h"
#include "image/encoder.h"
#include "image/frames.h"
#include "image/info.h"
#include "image/limits.h"
#include "image/metadata.h"
#include "image/save.h"

static void run_done(struct ij_run *run)
{
    g_clear_object(&run->image);
    for (size_t i = 0; i < IJ_SPEC_INPUTS_MAX - 1; i++)
        g_clear_object(&run->inputs[i]);
    ij_meter_done(&run->meter);
}

struct ij_chain ij_run_common(const struct ij_run *run)
{
    return (struct ij_chain){ .steps = run->job->spec->steps,
                              .count = run->job->spec->step_count };
}

struct ij_chain ij_run_chain(const struct ij_run *run, size_t output)
{
    const struct ij_output_spec *asked = &run->job->spec->outputs[output];
    struct ij_chain chain = { .steps = asked->steps, .count = asked->step_count };
    (void)snprintf(chain.at, sizeof(chain.at), "/outputs/%zu", output);
    return chain;
}

static struct ij_extent swapped(struct ij_extent extent)
{
    return (struct ij_extent){ extent.height, extent.width };
}

struct ij_extent ij_run_stored(const struct ij_run *run, struct ij_extent upright)
{
    return run->header.orientation >= 5 && run->turns ? swapped(upright) : upright;
}

int ij_run_colour(struct ij_run *run, VipsImage **image)
{
    if (run->job->spec->load.keeps_profile && ij_colour_keeps_profile(*image)) {
        VipsImage *copy;
        if (vips_copy(*image, &copy, NULL) != 0)
            return ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
        vips_image_set_int(copy, IJ_META_KEEP_PROFILE, 1);
        ij_image_replace(image, copy);
        return 0;
    }
    return ij_colour_to_srgb(image) == 0 ? 0
                                         : ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
}

int ij_run_turn(struct ij_run *run, VipsImage **image)
{
    if (!run->turns)
        return 0;
    /* turning needs the pixels in any order, and a stream has one; mirroring left to
     * right (2) stays within the line */
    if (run->header.orientation != 2) {
        int rc = ij_workshop_hold(&run->shop, IJ_STAGE_DECODE, image);
        if (rc < 0)
            return rc;
        run->in_memory = true;
    }
    VipsImage *made;
    if (vips_autorot(*image, &made, NULL) != 0)
        return ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
    ij_image_replace(image, made);
    return 0;
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

static int fail_callback(const struct ij_run *run, int code,
                         const struct imgjob_error *err)
{
    return ij_failure_set(run->shop.failure, IJ_STAGE_PUBLISH, reason_of_callback(code),
                          code, "%s", err->text);
}

static uint32_t elapsed_ms(int64_t *since)
{
    int64_t now = ij_mono_ms(&ij_clock_system);
    int64_t elapsed = now - *since;
    *since = now;
    return (uint32_t)elapsed;
}

/* The outputs, and what comes before them, count the same. @return per cent */
static double share_of(const struct ij_run *run, size_t parts)
{
    return IJ_METER_MAX * (double)parts / (double)(run->job->spec->output_count + 1);
}

void ij_run_tell_pixels(struct ij_run *run, uint32_t part, uint32_t part_count)
{
    const struct ij_meter_phase phase = {
        .stage = IJ_STAGE_DECODE,
        .end = share_of(run, 1) * (part + 1) / part_count,
    };
    ij_meter_begin(&run->meter, &phase);
}

static void tell_encode(struct ij_run *run, size_t index, uint32_t format)
{
    const struct ij_output_spec *asked = &run->job->spec->outputs[index];
    /* an encoder that takes line by line is only as fast as the decoder behind it */
    bool is_stream =
        ij_encoder_is_stream(format) && !ij_encode_reads_twice(asked, format);
    const struct ij_meter_phase phase = {
        .stage = is_stream && !run->in_memory ? IJ_STAGE_DECODE : IJ_STAGE_ENCODE,
        .output = (uint32_t)index,
        .end = share_of(run, index + 2),
        .has_one_pass = is_stream,
        .is_slow = ij_encoder_is_slow(format),
    };
    ij_meter_begin(&run->meter, &phase);
}

int ij_run_encode(struct ij_run *run, size_t index, VipsImage *image)
{
    const struct ij_image_job *job = run->job;
    const struct ij_output_spec *asked = &job->spec->outputs[index];
    /* a step may have added transparency, or laid it on a colour */
    uint32_t format =
        ij_spec_output_format(asked, run->header.format, vips_image_hasalpha(image));
    struct ij_extent made_extent = { (uint32_t)vips_image_get_width(image),
                                     (uint32_t)vips_image_get_page_height(image) };
    int rc = ij_run_check_side(run, index, format, made_extent);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_encoded_done) struct ij_encoded encoded = { .bytes = NULL };
    int64_t since = ij_mono_ms(&ij_clock_system);
    if (!image->progress_signal) /* it was made by an operation of the program */
        ij_workshop_watch(&run->shop, image);
    tell_encode(run, index, format);
    if (ij_encode(image, asked, format, &encoded) != 0)
        return ij_workshop_fail(&run->shop,
                                run->in_memory ? IJ_STAGE_ENCODE : IJ_STAGE_DECODE);
    if (run->in_memory)
        run->encode_ms += elapsed_ms(&since);
    run->output_bytes += encoded.len;
    rc = ij_limits_check_output(job->limits, run->output_bytes, run->shop.failure);
    if (rc < 0)
        return rc;
    struct ij_image_output *made = &run->made[index];
    *made = encoded.about;
    made->width = made_extent.width;
    made->height = made_extent.height;
    made->len = encoded.len;
    struct imgjob_error err = { 0 };
    rc = job->on_output(job->callback_data, index, encoded.bytes, encoded.len, &err);
    return rc < 0 ? fail_callback(run, rc, &err) : 0;
}

/* What is known about the image, from a decode of its own at a small size. */
static int report(struct ij_run *run)
{
    enum { MEASURED = 512 };
    const struct ij_image_job *job = run->job;
    if (!job->spec->wants_info || !job->on_info)
        return 0;
    struct ij_extent stored = { run->header.width, run->header.height };
    struct ij_opening opening = { 1, run->opening.page, 1 };
    opening.shrink = ij_source_shrink(&run->source, stored,
                                      (struct ij_extent){ MEASURED, MEASURED }, false);
    IJ_AUTO(ij_image_unref) VipsImage *opened = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *pixels = NULL;
    int rc = ij_source_open(&run->source, &opening, &opened, run->shop.failure);
    if (rc < 0)
        return rc;
    ij_workshop_watch(&run->shop, opened);
    ij_run_tell_pixels(run, 0, 1);
    pixels = g_object_ref(opened);
    if (ij_colour_to_srgb(&pixels) != 0)
        return ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
    rc = ij_run_turn(run, &pixels);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_buf_done) struct ij_buf json = { .max = IJ_IMAGE_INFO_MAX };
    if (ij_info_write(&run->header, opened, pixels, &json) != 0)
        return ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
    if (json.failed)
        return ij_failure_set(run->shop.failure, IJ_STAGE_ENCODE, IJ_REASON_MEMORY,
                              IMGJOB_E_NOMEM, "out of memory while describing the image");
    struct imgjob_error err = { 0 };
    rc = job->on_info(job->callback_data, json.data, json.len, &err);
    return rc < 0 ? fail_callback(run, rc, &err) : 0;
}

int ij_image_run(const struct ij_image_job *job, struct ij_image_output *outputs,
                 struct ij_timings *timings, struct ij_failure *failure)
{
    memset(failure, 0, sizeof(*failure));
    IJ_AUTO(run_done)
    struct ij_run run = {
        .job = job,
        .deadline = { .until_mono_ms = job->until_mono_ms, .stop = job->stop },
        .meter = { .tell = job->on_progress,
                   .data = job->callback_data,
                   .clock = job->clock ? job->clock : &ij_clock_system },
    };
    ij_meter_init(&run.meter);
    run.shop = (struct ij_workshop){
        .limits = job->limits,
        .source = &run.source,
        .deadline = &run.deadline,
        .meter = &run.meter,
        .inputs = run.inputs,
        .failure = failure,
    };
    struct ij_timings spent = { 0 };
    int64_t since = ij_mono_ms(&ij_clock_system);
    int rc = ij_run_begin(&run);
    spent.decode_ms = elapsed_ms(&since);
    if (rc == 0)
        rc = ij_run_load_inputs(&run);
    if (rc == 0 && job->spec->output_count > 0)
        rc = run.shop.pages > 1 ? ij_run_frames(&run) : ij_run_outputs(&run);
    if (rc == 0)
        rc = report(&run);
    if (rc < 0)
        return rc;
    uint32_t rest_ms = elapsed_ms(&since);
    /* two clocks of whole milliseconds may differ by one */
    spent.encode_ms = run.encode_ms < rest_ms ? run.encode_ms : rest_ms;
    spent.process_ms = rest_ms - spent.encode_ms;
    memcpy(outputs, run.made, job->spec->output_count * sizeof(run.made[0]));
    *timings = spent;
    return 0;
}

int ij_image_header(const struct ij_image_input *image,
                    const struct imgjob_limits *limits, struct ij_image_header *out,
                    struct ij_failure *failure)
{
    memset(failure, 0, sizeof(*failure));
    const struct ij_opening first = { 1, 0, 1 };
    struct ij_source source;
    IJ_AUTO(ij_image_unref) VipsImage *opened = NULL;
    vips_error_clear();
    int rc = ij_source_init(&source, image, limits->extra_formats, failure);
    if (rc == 0)
        rc = ij_source_open(&source, &first, &opened, failure);
    if (rc < 0)
        return rc;
    ij_source_header(&source, opened, out);
    return 0;
}
