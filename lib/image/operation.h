/* An operation with the way it is done. */
#pragma once

#include <vips/vips.h>

#include "spec/op.h"

struct ij_image_op {
    struct ij_op op; /* first: a step's op is one of these */

    /* It only changes the scale, so it may as well run on the image as stored, before
     * that is turned upright, and on one that was decoded at reduced size. */
    bool only_scales;

    /*
     * Make it part of the pipeline. `made` has exactly the size `to`, which plan() gave;
     * where the image is not yet upright, both are as stored.
     *
     * @param made the caller's
     * @return 0, or -1 with libvips' error text
     */
    int (*apply)(const struct ij_step *step, VipsImage *image, struct ij_extent to,
                 VipsImage **made);
};

static inline const struct ij_image_op *ij_image_op_of(const struct ij_step *step)
{
    return (const struct ij_image_op *)step->op;
}

extern const struct ij_image_op ij_resize_op;
