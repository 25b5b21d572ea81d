/* How alike two images look, by their brightness. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <vips/vips.h>

/* The brightness of an image, a byte a pixel, row by row; where it is transparent, on
 * white. Owned; end with ij_luma_done(). */
struct ij_luma {
    uint8_t *at;
    uint32_t width, height; /* px */
};
void ij_luma_done(struct ij_luma *luma);

/*
 * Read all pixels of an 8-bit grey or sRGB image.
 *
 * @param out the caller's
 * @return 0, or -1 with libvips' error text
 */
int ij_luma_read(VipsImage *image, struct ij_luma *out);

/*
 * The mean structural similarity (Wang et al. 2004) over windows of 8 × 8 px, every 4 px;
 * of an image with a side below 8 px over one window of all of it. 1 = equal. Pure.
 *
 * @param a, b of the same size
 * @param out  -1..1
 * @return 0, or -1 out of memory
 */
int ij_ssim(const struct ij_luma *a, const struct ij_luma *b, double *out);
