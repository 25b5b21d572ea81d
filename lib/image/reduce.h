/* Making images narrower, many times faster than libvips before 8.15 does it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vips/vips.h>

/* Whether ij_reduce_h() can do it: an image of 8 bits, not coded, of 1 to 4 bands, and
 * any kernel but nearest. */
bool ij_reduce_h_takes(VipsImage *image, VipsKernel kernel);

/*
 * Make an image narrower, as vips_reduceh() with a gap of 2 does: the middle stays in the
 * middle, the edge counts for what is beyond it. The height stays. Pixels are computed
 * when they are asked for.
 *
 * @param width 1..the image's own
 * @param made  the caller's; keeps `image`
 * @return 0, or -1 with libvips' error text
 */
int ij_reduce_h(VipsImage *image, uint32_t width, VipsKernel kernel, VipsImage **made);
