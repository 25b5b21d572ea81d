/* A Gaussian blur in whole numbers. */
#pragma once

#include <vips/vips.h>

/* Of a single pass. px; beyond, it is better done of a smaller image */
enum { IJ_GAUSS_SIGMA_MAX = 32 };

/* Every band alike, the edge repeated beyond it. Of 8 bits, or of 16 that are parts of a
 * level (IJ_PIXELS_FINE), and makes the same.
 * @return 0, or -1 with libvips' error text */
int ij_gauss_blur(VipsImage *image, double sigma, VipsImage **made);
