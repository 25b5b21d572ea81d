/*
 * Owns what happens to an image before its pixels: recognized, its header held against
 * the limits, every output planned on sizes alone. Further inputs, which steps read in
 * any order, are decoded here; by then nothing else can refuse the job.
 */
#include "image/run.h"

#include <stdio.h>

#include "base/auto.h"
#include "image/colour.h"
#include "image/encoder.h"
#include "image/limits.h"

/* Not every libvips has every encoder; better told before the work than after. */
static int check_encoders(const struct ij_run *run)
{
    for (size_t i = 0; i < run->job->spec->output_count; i++) {
        const struct ij_output_spec *asked = &run->job->spec->outputs[i];
        uint32_t format = asked->format;
        bool is_open = format == IMGJOB_FORMAT_NONE && asked->candidate_count == 0;
        bool exists = is_open || ij_encoder_exists(format);
        for (size_t c = 0; c < asked->candidate_count; c++)
            exists |= ij_encoder_exists(asked->candidates[c]);
        if (!exists)
            return ij_failure_set(
                run->shop.failure, IJ_STAGE_LOAD, IJ_REASON_SPEC, IMGJOB_E_SPEC,
                "/outputs/%zu/%s: libvips %s here has no encoder for %s", i,
                asked->candidate_count ? "candidates" : "format", vips_version_string(),
                asked->candidate_count ? "any of them" : imgjob_format_name(format));
    }
    return 0;
}

int ij_run_check_side(const struct ij_run *run, size_t index, uint32_t format,
                      struct ij_extent made)
{
    const struct ij_output_spec *asked = &run->job->spec->outputs[index];
    uint32_t most = asked->candidate_count ? 0 : ij_encoder_side_max(format);
    for (size_t i = 0; i < asked->candidate_count; i++) {
        if (!ij_encoder_exists(asked->candidates[i]))
            continue;
        uint32_t side_max = ij_encoder_side_max(asked->candidates[i]);
        most = side_max > most ? side_max : most;
        format = side_max == most ? asked->candidates[i] : format;
    }
    uint32_t side = made.width > made.height ? made.width : made.height;
    if (side <= most)
        return 0;
    struct ij_failure *failure = run->shop.failure;
    (void)snprintf(failure->limit, sizeof(failure->limit), "format side");
    failure->value = side;
    failure->limit_value = most;
    return ij_failure_set(failure, IJ_STAGE_ENCODE, IJ_REASON_ENCODE, IMGJOB_E_LIMIT,
                          "/outputs/%zu: %u x %u px: a side of %s has at most %u px",
                          index, made.width, made.height, imgjob_format_name(format),
                          most);
}

/* Each chain that the job will run, on sizes alone. */
static int plan(struct ij_run *run)
{
    struct ij_chain common = ij_run_common(run);
    run->extent =
        ij_run_stored(run, (struct ij_extent){ run->header.width, run->header.height });
    run->common_extent = run->extent;
    int rc = ij_chain_plan(&common, &run->shop, &run->common_extent);
    if (rc != 0) /* what an output makes of a size to be found is planned with it */
        return rc < 0 ? rc : 0;
    for (size_t i = 0; rc >= 0 && i < run->job->spec->output_count; i++) {
        struct ij_chain chain = ij_run_chain(run, i);
        run->planned[i] = run->common_extent;
        rc = ij_chain_plan(&chain, &run->shop, &run->planned[i]);
        const struct ij_output_spec *asked = &run->job->spec->outputs[i];
        if (rc == 0 && asked->format != IMGJOB_FORMAT_NONE)
            rc = ij_run_check_side(run, i, asked->format, run->planned[i]);
    }
    return rc < 0 ? rc : 0;
}

/* Check what the file says of itself, before a decoder does. */
static int check_declared(const struct ij_run *run, const struct ij_source *source)
{
    struct ij_extent declared = ij_source_declared(source);
    if (declared.width == 0 || declared.height == 0)
        return 0;
    const struct ij_image_header header = {
        .format = source->format,
        .width = declared.width,
        .height = declared.height,
        .pages = 1,
        .bands = 3,
        .bits = 8,
    };
    return ij_limits_check_header(run->job->limits, &header, 1, run->shop.failure);
}

/* Recognize an input, and open it as far as its header. */
static int open_header(struct ij_run *run, size_t input, const struct ij_opening *opening,
                       struct ij_source *source, VipsImage **out)
{
    const struct ij_image_input *bytes = &run->job->inputs[input];
    struct ij_failure *failure = run->shop.failure;
    int rc = ij_limits_check_input(run->job->limits, bytes->len, failure);
    if (rc == 0)
        rc = ij_source_init(source, bytes, run->job->limits->extra_formats, failure);
    if (rc == 0)
        rc = check_declared(run, source);
    return rc < 0 ? rc : ij_source_open(source, opening, out, failure);
}

/* Pages of a document may be of any size, and libvips lays them below each other as if
 * they were alike. */
static int check_alike(const struct ij_run *run)
{
    const struct ij_opening *asked = &run->opening;
    struct ij_image_header first = { 0 }, header;
    if (asked->pages > run->job->limits->max_pages)
        return 0; /* refused later; not to be opened one by one before */
    for (uint32_t i = 0; i < asked->pages; i++) {
        const struct ij_opening one = { 1, asked->page + i, 1 };
        IJ_AUTO(ij_image_unref) VipsImage *image = NULL;
        int rc = ij_source_open(&run->source, &one, &image, run->shop.failure);
        if (rc < 0)
            return rc;
        ij_source_header(&run->source, image, &header);
        if (i == 0)
            first = header;
        if (header.width != first.width || header.height != first.height)
            return ij_failure_set(
                run->shop.failure, IJ_STAGE_LOAD, IJ_REASON_SPEC, IMGJOB_E_SPEC,
                "/load/pages: page %u is %u x %u px and page %u is %u x %u px; only "
                "pages of one size can be loaded together",
                asked->page, first.width, first.height, one.page, header.width,
                header.height);
    }
    return 0;
}

/* The first page has said how many there are: open those that are wanted, if they are
 * others. */
static int open_pages(struct ij_run *run)
{
    const struct ij_load_spec *load = &run->job->spec->load;
    uint32_t count = ij_limits_pages_taken(run->job->spec, &run->header);
    if (load->page >= run->header.pages)
        return ij_failure_set(
            run->shop.failure, IJ_STAGE_LOAD, IJ_REASON_SPEC, IMGJOB_E_SPEC,
            "/load/page: the image has %u page%s, counted from 0, so "
            "there is no page %u",
            run->header.pages, run->header.pages > 1 ? "s" : "", load->page);
    run->shop.pages = count;
    if (load->page == 0 && count == 1)
        return 0;
    run->opening = (struct ij_opening){ 1, load->page, count };
    if (ij_source_is_drawn(&run->source)) {
        int alike = check_alike(run);
        if (alike < 0)
            return alike;
    }
    VipsImage *opened;
    int rc = ij_source_open(&run->source, &run->opening, &opened, run->shop.failure);
    if (rc < 0)
        return rc;
    ij_image_replace(&run->image, opened);
    ij_source_header(&run->source, run->image, &run->header);
    return 0;
}

int ij_run_begin(struct ij_run *run)
{
    const struct ij_image_job *job = run->job;
    run->opening = (struct ij_opening){ 1, 0, 1 };
    vips_error_clear(); /* what earlier calls left is not about this image */
    int rc = open_header(run, 0, &run->opening, &run->source, &run->image);
    if (rc < 0)
        return rc;
    ij_source_header(&run->source, run->image, &run->header);
    rc = open_pages(run);
    if (rc < 0)
        return rc;
    run->turns = job->spec->load.is_upright && run->header.orientation > 1;
    rc = ij_limits_check_header(job->limits, &run->header, run->shop.pages,
                                run->shop.failure);
    if (rc == 0)
        rc = check_encoders(run);
    if (rc == 0)
        rc = plan(run);
    if (rc < 0)
        return rc;
    if (job->on_header && job->on_header(job->callback_data, &run->header) != 0)
        return ij_failure_set(run->shop.failure, IJ_STAGE_LOAD, IJ_REASON_INTERNAL,
                              IMGJOB_E_INTERNAL, "stopped after the header was read");
    return 0;
}

/* ---- further inputs ---- */

/* Open one further input, and make it upright sRGB in memory. */
static int load_input(struct ij_run *run, size_t i, struct ij_source *source)
{
    const struct ij_opening first = { 1, 0, 1 };
    struct ij_image_header header;
    VipsImage **image = &run->inputs[i - 1];
    int rc = open_header(run, i, &first, source, image);
    if (rc < 0)
        return rc;
    ij_source_header(source, *image, &header);
    rc = ij_limits_check_header(run->job->limits, &header, 1, run->shop.failure);
    if (rc < 0)
        return rc;
    run->shop.source = source; /* what fails from here on is its fault */
    if (ij_colour_to_srgb(image) != 0)
        return ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
    rc = ij_workshop_hold(&run->shop, IJ_STAGE_DECODE, image);
    if (rc < 0)
        return rc;
    VipsImage *upright;
    if (vips_autorot(*image, &upright, NULL) != 0)
        return ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
    ij_image_replace(image, upright);
    run->shop.input_count = i;
    return 0;
}

/* Say which image it was, in front of why. */
static void name_input(struct imgjob_error *err, size_t i)
{
    const struct imgjob_error why = *err;
    (void)snprintf(err->text, sizeof(err->text), "input %zu: %.230s", i, why.text);
}

/* Further inputs are small or the limits refuse them; steps read them in any order. */
int ij_run_load_inputs(struct ij_run *run)
{
    const struct imgjob_spec *spec = run->job->spec;
    if (run->job->input_count < spec->inputs)
        return ij_failure_set(run->shop.failure, IJ_STAGE_LOAD, IJ_REASON_SPEC,
                              IMGJOB_E_SPEC,
                              "the steps take %u images, and %zu were uploaded",
                              spec->inputs, run->job->input_count);
    int rc = 0;
    for (size_t i = 1; rc == 0 && i < spec->inputs; i++) {
        struct ij_source source;
        rc = load_input(run, i, &source);
        run->shop.source = &run->source;
        if (rc < 0)
            name_input(&run->shop.failure->error, i);
    }
    return rc;
}
