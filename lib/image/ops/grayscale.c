/* Take the colours away; the image has one band of them afterwards. */
#include "image/ops/bands.h"

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    (void)step;
    return ij_bands_luma(colors, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_grayscale_op = {
    .op = { .name = "grayscale", .group = "colour", .doc = "Make the image grey" },
    .apply = apply,
};
