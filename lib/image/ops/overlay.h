/* Further inputs as steps lay them on an image. */
#pragma once

#include "image/operation.h"

/* The pixels alone: what an input says of itself must not be said of the image that it is
 * laid on. */
int ij_overlay_bare(VipsImage *image, VipsImage **made);

/* Scale to exactly `to`, which may distort. Colours count by their alpha. */
int ij_overlay_scale(VipsImage *image, struct ij_extent to, VipsImage **made);
