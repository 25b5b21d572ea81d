/* Mirrors: flip turns an image upside down, flop left to right. */
#include "image/operation.h"

static int flip(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    (void)with;
    return vips_flip(image, made, VIPS_DIRECTION_VERTICAL, NULL);
}

static int flop(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    (void)with;
    return vips_flip(image, made, VIPS_DIRECTION_HORIZONTAL, NULL);
}

const struct ij_image_op ij_flip_op = {
    .op = { .name = "flip",
            .group = "geometry",
            .doc = "Mirror the image top to bottom" },
    .needs_pixels = true, /* the last line comes first */
    .apply = flip,
};

const struct ij_image_op ij_flop_op = {
    .op = { .name = "flop",
            .group = "geometry",
            .doc = "Mirror the image left to right" },
    .apply = flop,
};
