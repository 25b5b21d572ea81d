/* Blurring and pixelating: as operations of their own, and to hide what is in a box. */
#pragma once

#include <stdint.h>

#include <vips/vips.h>

/* Blur by a Gaussian; colours of transparent pixels do not bleed.
 * @return 0, or -1 with libvips' error text */
int ij_soften_blur(VipsImage *image, double sigma, VipsImage **made);

/* Squares of `size` px from the top left, each the mean of its pixels; where the edge
 * cuts one, its last pixels count for those that are missing. */
int ij_soften_pixelate(VipsImage *image, uint32_t size, VipsImage **made);
