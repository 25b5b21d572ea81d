/* Blending two images pixel by pixel. */
#pragma once

#include <vips/vips.h>

enum ij_blend {
    IJ_BLEND_OVER,
    IJ_BLEND_ATOP,
    IJ_BLEND_DEST_OVER,
    IJ_BLEND_ADD,
    IJ_BLEND_MULTIPLY,
    IJ_BLEND_SCREEN,
    IJ_BLEND_OVERLAY,
    IJ_BLEND_DARKEN,
    IJ_BLEND_LIGHTEN,
    IJ_BLEND_COLOR_DODGE,
    IJ_BLEND_COLOR_BURN,
    IJ_BLEND_HARD_LIGHT,
    IJ_BLEND_SOFT_LIGHT,
    IJ_BLEND_DIFFERENCE,
    IJ_BLEND_EXCLUSION
};

extern const char *const ij_blends[]; /* in the order of enum ij_blend */

/*
 * Blend `above` into `below`, both of 8 bits. What is made has the size and the bands of
 * `below`: without alpha it stays opaque, and what is beyond its edges is not seen.
 *
 * @param above as many colours as `below`, and an alpha; its Xoffset and Yoffset say
 * where in `below` it lies
 * @param opacity 0..1, multiplies the alpha of `above`
 */
int ij_blend(VipsImage *below, VipsImage *above, enum ij_blend mode, double opacity,
             VipsImage **made);
