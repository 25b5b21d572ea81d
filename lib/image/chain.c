/*
 * Owns rows of steps. A size is planned from sizes alone, so what is planned before the
 * pixels is what is made of them. Only what comes after a step that finds its size is
 * planned, and held against the limits, when that size is known.
 */
#include "image/chain.h"

#include <stdio.h>

#include "base/auto.h"
#include "image/limits.h"

int ij_workshop_fail(const struct ij_workshop *shop, enum ij_stage stage)
{
    if (!ij_deadline_is_over(shop->deadline))
        return ij_source_fail(shop->source, stage, shop->failure);
    vips_error_clear();
    return ij_failure_set(shop->failure, stage, IJ_REASON_TIMEOUT, IMGJOB_E_TIMEOUT,
                          "%s of %zu bytes: not done in the time allowed",
                          imgjob_format_name(shop->source->format), shop->source->len);
}

void ij_workshop_watch(const struct ij_workshop *shop, VipsImage *image)
{
    ij_deadline_watch(shop->deadline, image);
    ij_meter_watch(shop->meter, image);
}

int ij_workshop_hold(const struct ij_workshop *shop, enum ij_stage stage,
                     VipsImage **image)
{
    VipsImage *held = vips_image_copy_memory(*image);
    if (!held)
        return ij_workshop_fail(shop, stage);
    ij_image_replace(image, held);
    ij_workshop_watch(shop, held);
    return 0;
}

/* Say which step it was, in front of why. */
static int fail_step(const struct ij_chain *chain, size_t index,
                     const struct ij_workshop *shop, int code, const char *why)
{
    return ij_failure_set(shop->failure, IJ_STAGE_STEPS, IJ_REASON_STEP, code,
                          "%s/steps/%zu: %s: %.160s", chain->at, index,
                          chain->steps[index].op->name, why);
}

static int plan_one(const struct ij_chain *chain, size_t index,
                    const struct ij_workshop *shop, struct ij_extent *extent)
{
    const struct ij_step *step = &chain->steps[index];
    struct imgjob_error err = { 0 };
    struct ij_extent made = *extent;
    if (step->op->finds_size && shop->pages > 1)
        return fail_step(chain, index, shop, IMGJOB_E_SPEC,
                         "cannot be done to several pages, since each would get a size "
                         "of its own");
    if (step->op->plan && step->op->plan(step, *extent, &made, &err) < 0)
        return fail_step(chain, index, shop, err.code, err.text);
    int rc = ij_limits_check_step(shop->limits, made, shop->pages, shop->failure);
    if (rc == 0)
        *extent = made;
    return rc;
}

int ij_chain_plan(const struct ij_chain *chain, const struct ij_workshop *shop,
                  struct ij_extent *extent)
{
    for (size_t i = 0; i < chain->count; i++) {
        int rc = plan_one(chain, i, shop, extent);
        if (rc < 0)
            return rc;
        if (chain->steps[i].op->finds_size)
            return 1;
    }
    return 0;
}

int ij_chain_apply_to(const struct ij_chain *chain, size_t index,
                      const struct ij_workshop *shop, VipsImage **image,
                      struct ij_extent to)
{
    const struct ij_step *step = &chain->steps[index];
    const struct ij_image_op *op = ij_image_op_of(step);
    if (op->needs_pixels && !(op->is_streamed && op->is_streamed(step))) {
        int rc = ij_workshop_hold(shop, IJ_STAGE_DECODE, image);
        if (rc < 0)
            return rc;
    }
    struct imgjob_error err = { 0 };
    const struct ij_apply with = {
        .step = step,
        .to = to,
        .inputs = shop->inputs,
        .input_count = shop->input_count,
        .err = &err,
    };
    VipsImage *made;
    ij_meter_stage(shop->meter, IJ_STAGE_STEPS);
    if (op->apply(&with, *image, &made) != 0) {
        int rc = ij_workshop_fail(shop, IJ_STAGE_STEPS);
        if (shop->failure->reason != IJ_REASON_STEP)
            return rc;
        return fail_step(chain, index, shop, err.code ? err.code : rc,
                         err.text[0] ? err.text : "failed on this image");
    }
    ij_image_replace(image, made);
    return 0;
}

int ij_chain_apply(const struct ij_chain *chain, const struct ij_workshop *shop,
                   VipsImage **image, struct ij_extent *extent)
{
    for (size_t i = 0; i < chain->count; i++) {
        int rc = plan_one(chain, i, shop, extent);
        if (rc == 0)
            rc = ij_chain_apply_to(chain, i, shop, image, *extent);
        if (rc < 0)
            return rc;
        if (chain->steps[i].op->finds_size)
            *extent = (struct ij_extent){ (uint32_t)vips_image_get_width(*image),
                                          (uint32_t)vips_image_get_height(*image) };
    }
    return 0;
}
