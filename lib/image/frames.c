/*
 * Owns images of several pages, which libvips gives as one high image with the pages
 * below each other. Each page goes through the steps alone, from the first to the last,
 * so the stream is read once; only the small results are held. An output whose format has
 * no frames is made of the first; where no output has any, no more than one is opened.
 */
#include "image/frames.h"

#include <stdlib.h>

#include "base/auto.h"
#include "image/encoder.h"

/* The results of all pages for one output. Owned. */
struct strip {
    VipsImage **pages;
    size_t count;
};

struct strips {
    struct strip outputs[IJ_SPEC_OUTPUTS_MAX];
};

static void strips_done(struct strips *strips)
{
    for (size_t i = 0; i < IJ_SPEC_OUTPUTS_MAX; i++) {
        struct strip *strip = &strips->outputs[i];
        for (size_t p = 0; p < strip->count; p++)
            g_object_unref(strip->pages[p]);
        free(strip->pages);
    }
}

static int page_of(struct ij_run *run, uint32_t page, VipsImage **out)
{
    int width = vips_image_get_width(run->image);
    int height = vips_image_get_page_height(run->image);
    if (vips_crop(run->image, out, 0, (int)page * height, width, height, NULL) != 0)
        return ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
    VipsImage *alone;
    if (vips_copy(*out, &alone, NULL) != 0)
        return ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
    ij_image_replace(out, alone);
    (void)vips_image_remove(*out, VIPS_META_PAGE_HEIGHT); /* it is the whole now */
    return ij_run_turn(run, out);
}

static int make_page(struct ij_run *run, uint32_t page, struct strips *strips)
{
    const struct imgjob_spec *spec = run->job->spec;
    struct ij_chain common = ij_run_common(run);
    struct ij_extent base = run->extent;
    IJ_AUTO(ij_image_unref) VipsImage *frame = NULL;
    ij_run_tell_pixels(run, page, run->shop.pages);
    int rc = page_of(run, page, &frame);
    if (rc == 0)
        rc = ij_chain_apply(&common, &run->shop, &frame, &base);
    if (rc == 0 && spec->output_count > 1)
        rc = ij_workshop_hold(&run->shop, IJ_STAGE_DECODE, &frame);
    for (size_t i = 0; rc == 0 && i < spec->output_count; i++) {
        if (page > 0 && !ij_encoder_keeps_frames(&spec->outputs[i], run->header.format))
            continue;
        struct ij_chain chain = ij_run_chain(run, i);
        struct ij_extent extent = base;
        IJ_AUTO(ij_image_unref) VipsImage *image = g_object_ref(frame);
        rc = ij_chain_apply(&chain, &run->shop, &image, &extent);
        if (rc == 0)
            rc = ij_workshop_hold(&run->shop, IJ_STAGE_DECODE, &image);
        if (rc == 0)
            strips->outputs[i].pages[strips->outputs[i].count++] = ij_steal(&image);
    }
    return rc;
}

/* The pages below each other again, with what libvips knows of them: delays and loops
 * came along with the first one. */
static int join(struct ij_run *run, const struct strip *strip, VipsImage **out)
{
    VipsImage *joined, *copy;
    if (vips_arrayjoin(strip->pages, &joined, (int)strip->count, "across", 1, NULL) != 0)
        return ij_workshop_fail(&run->shop, IJ_STAGE_STEPS);
    int rc = vips_copy(joined, &copy, NULL);
    g_object_unref(joined);
    if (rc != 0)
        return ij_workshop_fail(&run->shop, IJ_STAGE_STEPS);
    vips_image_set_int(copy, VIPS_META_PAGE_HEIGHT,
                       vips_image_get_height(strip->pages[0]));
    vips_image_set_int(copy, VIPS_META_N_PAGES, (int)strip->count);
    *out = copy;
    return 0;
}

static int encode_strip(struct ij_run *run, size_t output, const struct strip *strip)
{
    IJ_AUTO(ij_image_unref) VipsImage *joined = NULL;
    int rc = join(run, strip, &joined);
    return rc < 0 ? rc : ij_run_encode(run, output, joined);
}

int ij_run_frames(struct ij_run *run)
{
    IJ_AUTO(strips_done) struct strips strips = { { { NULL, 0 } } };
    for (size_t i = 0; i < run->job->spec->output_count; i++) {
        strips.outputs[i].pages = calloc(run->shop.pages, sizeof(VipsImage *));
        if (!strips.outputs[i].pages)
            return ij_failure_set(run->shop.failure, IJ_STAGE_LOAD, IJ_REASON_MEMORY,
                                  IMGJOB_E_NOMEM, "out of memory for %u pages",
                                  run->shop.pages);
    }
    int rc = ij_run_open_pixels(run);
    for (uint32_t page = 0; rc == 0 && page < run->shop.pages; page++)
        rc = make_page(run, page, &strips);
    run->in_memory = true;
    for (size_t i = 0; rc == 0 && i < run->job->spec->output_count; i++)
        rc = encode_strip(run, i, &strips.outputs[i]);
    return rc;
}
