/*
 * Loops over pixels of 8 bits that libvips has not, or has slower. They are compiled for
 * speed: written so that a compiler makes vectors of them.
 */
#pragma once

#include <vips/vips.h>

/* How an image follows from another. */
struct ij_pixels {
    VipsImage *from;        /* borrowed */
    VipsImage *with;        /* another that is looked at, or NULL; borrowed */
    int width, height;      /* of the outcome */
    int bands;              /* of the outcome */
    VipsBandFormat format;  /* of the outcome; 0 = 8 bits */
    VipsDemandStyle demand; /* by how far around a pixel is looked */
    /* Run on threads of libvips, which ThreadSanitizer cannot follow: all they are told
     * is `from`, or the array of both images, and a number, as pointers' values. */
    VipsStartFn start;
    VipsGenerateFn generate;
    VipsStopFn stop;
    int number;
};

/* @return 0, or -1 with libvips' error text; so do all below */
int ij_pixels_make(const struct ij_pixels *how, VipsImage **made);

/* To the nearest level. */
int ij_pixels_narrow(VipsImage *floats, VipsImage **made);

/* One band of brightness of three: BT.709 on values as they are stored. */
int ij_pixels_luma(VipsImage *colors, VipsImage **made);

/* The first of two bands times the second, of which 255 is all. */
int ij_pixels_multiply(VipsImage *two, VipsImage **made);

enum {
    IJ_PIXELS_FINE = 128 /* parts of a level; so that two of them add up in 16 bits */
};

/* Colours times alpha, which is the last of two or four bands: 16 bits, in parts of a
 * level, so that colours of low alpha keep theirs; and back. */
int ij_pixels_premultiply(VipsImage *image, VipsImage **made);
int ij_pixels_unpremultiply(VipsImage *fine, VipsImage **made);
