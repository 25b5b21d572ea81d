/*
 * Owns the outputs of an image of one page. One output is one stream from decoder to
 * encoder. Several share one decode: where each is only a resize, the largest is made
 * from the stream and the smaller ones from the larger, so that the full image is never
 * held; else the image after the common steps is held once.
 */
#include "image/run.h"

#include <string.h>

#include "base/auto.h"
#include "image/ops/resize.h"

/* A smaller output is made from a larger one with at least 3/2 of its sides, so that it
 * never is an enlarged or twice-softened copy. */
enum { MARGIN_OF = 3, MARGIN_PER = 2 };

static const struct ij_image_op *first_op(const struct ij_chain *chain)
{
    return chain->count ? ij_image_op_of(&chain->steps[0]) : NULL;
}

/* The pixels that a chain can make use of, of an image of `in`. */
static struct ij_extent need_of(const struct ij_chain *chain, struct ij_extent in)
{
    const struct ij_image_op *op = first_op(chain);
    return op && op->need ? op->need(&chain->steps[0], in) : in;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The most that any output needs of the decoder, upright. */
static struct ij_extent need_of_all(const struct ij_run *run)
{
    struct ij_chain common = ij_run_common(run);
    if (common.count > 0)
        return need_of(&common, run->extent);
    struct ij_extent need = { 1, 1 };
    for (size_t i = 0; i < run->job->spec->output_count; i++) {
        struct ij_chain chain = ij_run_chain(run, i);
        struct ij_extent one = need_of(&chain, run->extent);
        need.width = larger(need.width, one.width);
        need.height = larger(need.height, one.height);
    }
    return need;
}

/* Whether every chain begins by scaling. To another the image is what it says it is, and
 * must not come larger. */
static bool all_scale(const struct ij_run *run)
{
    struct ij_chain common = ij_run_common(run);
    if (common.count > 0)
        return first_op(&common)->need != NULL;
    for (size_t i = 0; i < run->job->spec->output_count; i++) {
        struct ij_chain chain = ij_run_chain(run, i);
        if (!chain.count || !first_op(&chain)->need)
            return false;
    }
    return true;
}

/* At which size to open the image. @return whether it is another than its own */
static bool choose_size(struct ij_run *run)
{
    struct ij_extent own = { run->header.width, run->header.height };
    struct ij_extent need = ij_run_stored(run, need_of_all(run));
    if (ij_source_is_drawn(&run->source)) {
        double scale = ij_source_scale(run->job->limits, run->shop.pages, own, need);
        run->opening.scale = scale > 1 && !all_scale(run) ? 1 : scale;
        return run->opening.scale < 1 || run->opening.scale > 1;
    }
    run->opening.shrink =
        ij_source_shrink(&run->source, own, need, run->job->safe_shrink);
    return run->opening.shrink > 1;
}

int ij_run_open_pixels(struct ij_run *run)
{
    if (choose_size(run)) {
        VipsImage *other;
        int rc = ij_source_open(&run->source, &run->opening, &other, run->shop.failure);
        if (rc < 0)
            return rc;
        ij_image_replace(&run->image, other);
    }
    if (ij_deadline_is_over(&run->deadline))
        return ij_workshop_fail(&run->shop, IJ_STAGE_DECODE);
    ij_workshop_watch(&run->shop, run->image);
    ij_run_tell_pixels(run, 0, 1);
    return ij_run_colour(run, &run->image);
}

/* A turn is cheapest on the smallest image: scale before it where the first step says
 * how.
 */
static int turn(struct ij_run *run, const struct ij_chain *chain)
{
    const struct ij_image_op *op = first_op(chain);
    if (run->turns && op && op->scale) {
        struct ij_extent to = ij_run_stored(run, need_of(chain, run->extent));
        VipsImage *scaled;
        if (op->scale(&chain->steps[0], run->image, to, &scaled) != 0)
            return ij_workshop_fail(&run->shop, IJ_STAGE_STEPS);
        ij_image_replace(&run->image, scaled);
    }
    return ij_run_turn(run, &run->image);
}

static int make_one(struct ij_run *run)
{
    struct ij_chain common = ij_run_common(run);
    struct ij_chain own = ij_run_chain(run, 0);
    struct ij_extent extent = run->extent;
    int rc = ij_run_open_pixels(run);
    if (rc == 0)
        rc = turn(run, common.count ? &common : &own);
    if (rc == 0)
        rc = ij_chain_apply(&common, &run->shop, &run->image, &extent);
    if (rc == 0)
        rc = ij_chain_apply(&own, &run->shop, &run->image, &extent);
    return rc < 0 ? rc : ij_run_encode(run, 0, run->image);
}

/* Whether an output is nothing but the whole image at another size. */
static bool only_scales(const struct ij_run *run, size_t output)
{
    struct ij_chain chain = ij_run_chain(run, output);
    const struct ij_image_op *op = first_op(&chain);
    if (chain.count != 1 || !op->scale)
        return false;
    struct ij_extent need = need_of(&chain, run->extent);
    return need.width == run->planned[output].width &&
           need.height == run->planned[output].height &&
           need.width <= run->extent.width && need.height <= run->extent.height;
}

/* One output must have at least the sides of every other: of a wide and a high one,
 * either would be made by enlarging the other. And all must weigh pixels alike: what is
 * nearest, or sharp, or in linear light, stays so only when it was from the start. */
static bool is_cascade(const struct ij_run *run)
{
    struct ij_extent most = { 1, 1 };
    bool has_most = false;
    for (size_t i = 0; i < run->job->spec->output_count; i++) {
        struct ij_chain first = ij_run_chain(run, 0), chain = ij_run_chain(run, i);
        if (!only_scales(run, i) || !ij_resize_is_alike(first.steps, chain.steps))
            return false;
        most.width = larger(most.width, run->planned[i].width);
        most.height = larger(most.height, run->planned[i].height);
    }
    for (size_t i = 0; i < run->job->spec->output_count; i++)
        has_most |=
            run->planned[i].width == most.width && run->planned[i].height == most.height;
    return has_most && run->job->spec->step_count == 0;
}

static uint64_t area(struct ij_extent extent)
{
    return (uint64_t)extent.width * extent.height;
}

/* The outputs by size, largest first; equal ones in the order of the spec. */
static void sort_by_area(const struct ij_run *run, size_t order[IJ_SPEC_OUTPUTS_MAX])
{
    for (size_t i = 0; i < run->job->spec->output_count; i++) {
        size_t at = i;
        for (; at > 0 && area(run->planned[order[at - 1]]) < area(run->planned[i]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

/* Images of a cascade, by output. */
struct made {
    VipsImage *images[IJ_SPEC_OUTPUTS_MAX];
};

static void made_done(struct made *made)
{
    for (size_t i = 0; i < IJ_SPEC_OUTPUTS_MAX; i++)
        g_clear_object(&made->images[i]);
}

static bool is_enough(struct ij_extent from, struct ij_extent to)
{
    return (uint64_t)from.width * MARGIN_PER >= (uint64_t)to.width * MARGIN_OF &&
           (uint64_t)from.height * MARGIN_PER >= (uint64_t)to.height * MARGIN_OF;
}

/* The smallest image made so far that is large enough; the largest where none is. */
static VipsImage *best_source(const struct ij_run *run, const struct made *made,
                              const size_t *order, size_t at)
{
    struct ij_extent to = run->planned[order[at]];
    for (size_t i = at; i > 0; i--)
        if (is_enough(run->planned[order[i - 1]], to))
            return made->images[order[i - 1]];
    return made->images[order[0]];
}

static int make_cascade(struct ij_run *run)
{
    IJ_AUTO(made_done) struct made made = { { NULL } };
    size_t order[IJ_SPEC_OUTPUTS_MAX] = { 0 };
    sort_by_area(run, order);
    int rc = ij_run_open_pixels(run);
    struct ij_chain largest = ij_run_chain(run, order[0]);
    if (rc == 0)
        rc = turn(run, &largest);
    for (size_t i = 0; rc == 0 && i < run->job->spec->output_count; i++) {
        struct ij_chain chain = ij_run_chain(run, order[i]);
        VipsImage **image = &made.images[order[i]];
        ij_run_tell_pixels(run, (uint32_t)i, (uint32_t)run->job->spec->output_count);
        *image = g_object_ref(i ? best_source(run, &made, order, i) : run->image);
        rc = ij_chain_apply_to(&chain, 0, &run->shop, image, run->planned[order[i]]);
        if (rc == 0)
            rc = ij_workshop_hold(&run->shop, IJ_STAGE_DECODE, image);
        run->in_memory = true;
    }
    for (size_t i = 0; rc == 0 && i < run->job->spec->output_count; i++)
        rc = ij_run_encode(run, i, made.images[i]);
    return rc;
}

static int make_from_held(struct ij_run *run)
{
    struct ij_chain common = ij_run_common(run);
    struct ij_extent base = run->extent;
    int rc = ij_run_open_pixels(run);
    if (rc == 0)
        rc = common.count ? turn(run, &common) : ij_run_turn(run, &run->image);
    if (rc == 0)
        rc = ij_chain_apply(&common, &run->shop, &run->image, &base);
    if (rc == 0)
        rc = ij_workshop_hold(&run->shop, IJ_STAGE_DECODE, &run->image);
    run->in_memory = true;
    for (size_t i = 0; rc == 0 && i < run->job->spec->output_count; i++) {
        struct ij_chain chain = ij_run_chain(run, i);
        struct ij_extent extent = base;
        IJ_AUTO(ij_image_unref) VipsImage *image = g_object_ref(run->image);
        rc = ij_chain_apply(&chain, &run->shop, &image, &extent);
        if (rc == 0)
            rc = ij_run_encode(run, i, image);
    }
    return rc;
}

int ij_run_outputs(struct ij_run *run)
{
    if (run->job->spec->output_count == 1)
        return make_one(run);
    return is_cascade(run) ? make_cascade(run) : make_from_held(run);
}
