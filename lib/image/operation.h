/* An operation with the way it is done. */
#pragma once

#include <vips/vips.h>

#include "spec/op.h"

/* What apply() is told. Borrowed during the call. */
struct ij_apply {
    const struct ij_step *step;
    struct ij_extent to; /* what plan() gave; `made` has exactly that size, unless the
                          * operation finds its size */
    VipsImage *const
        *inputs; /* further inputs, upright and sRGB, in memory; NULL = none */
    size_t input_count;
    struct imgjob_error *err; /* words for a failure, where libvips has none */
};

struct ij_image_op {
    struct ij_op op; /* first: a step's op is one of these */

    /* It reads pixels in any order or more than once, so the image is given in memory. */
    bool needs_pixels;

    /* Whether such a step does without. NULL = none does. */
    bool (*is_streamed)(const struct ij_step *step);

    /* The size to which an image of `in` can be scaled before the step without changing
     * what it makes: a JPEG is then decoded at a fraction of its size, and scaled before
     * it is turned upright. NULL = the size it has. */
    struct ij_extent (*need)(const struct ij_step *step, struct ij_extent in);

    /* Scale the image, which may not be upright yet, to exactly `to`, as the step would.
     * Not NULL where need() is not. @return 0, or -1 with libvips' error text */
    int (*scale)(const struct ij_step *step, VipsImage *image, struct ij_extent to,
                 VipsImage **made);

    /*
     * Make it part of the pipeline. The image is upright, 8-bit grey or sRGB, with or
     * without alpha, and so is `made`.
     *
     * @param made the caller's
     * @return 0, or -1 with libvips' error text
     */
    int (*apply)(const struct ij_apply *with, VipsImage *image, VipsImage **made);
};

static inline const struct ij_image_op *ij_image_op_of(const struct ij_step *step)
{
    return (const struct ij_image_op *)step->op;
}
