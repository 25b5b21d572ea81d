/* Operations on colours: alpha set aside, and the few forms that most of them have. */
#pragma once

#include <stdint.h>

#include <vips/vips.h>

#include "image/operation.h"

/* Makes colours of colours: 1 or 3 bands of 8 bits, and so is what it makes. */
typedef int ij_bands_make(const struct ij_step *step, VipsImage *colors,
                          VipsImage **made);

/* Do it to the colours and put the alpha back as it was. @return 0, or -1 */
int ij_bands_apply(const struct ij_step *step, VipsImage *image, ij_bands_make *make,
                   VipsImage **made);

/* Each of red, green and blue as so much of all three, plus an offset in levels. */
struct ij_color_matrix {
    double weight[3][3]; /* [made][of] */
    double offset[3];    /* 0..255 is the whole range */
};

/* Colours through a matrix, rounded and clipped; grey becomes colour before. */
int ij_bands_matrix(VipsImage *colors, const struct ij_color_matrix *matrix,
                    VipsImage **made);

/* Every band through the same table. */
int ij_bands_table(VipsImage *image, const uint8_t table[256], VipsImage **made);

/* Every brightness through a table to a colour. */
int ij_bands_luma_table(VipsImage *colors, const uint8_t table[256][3], VipsImage **made);

/* One band of brightness, by the weights of BT.709 on values as they are stored. */
int ij_bands_luma(VipsImage *colors, VipsImage **made);

/* How many pixels have each brightness. Reads all of them. */
int ij_bands_histogram(VipsImage *colors, uint64_t counts[256]);

/* Of how many bands a colour takes: grey becomes sRGB where the colour is none, else the
 * image is the same. `made` is the caller's. */
int ij_bands_for_color(VipsImage *image, uint32_t color, VipsImage **made);

/* To 8 bits, to the nearest. */
int ij_bands_narrow(VipsImage *wide, VipsImage **made);

/* A band times another, of which 255 is all. */
int ij_bands_weigh(VipsImage *band, VipsImage *by, VipsImage **made);

/* The levels of a colour, 0..255: red, green, blue, alpha. */
static inline double ij_color_level(uint32_t color, int band)
{
    return (double)(color >> (24 - 8 * band) & 0xff);
}

extern const double ij_luma_weights[3];
