/* The colours of a picture, few and in order. Pure; over pixels in memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { IJ_PALETTE_MAX = 8 };

struct ij_swatch {
    uint8_t red, green, blue;
    double share; /* of the pixels that are not transparent, 0..1 */
};

/*
 * Find the colours by median cut: boxes of colours are halved at their median, the box
 * that spreads furthest first, and each gives its mean. The largest share comes first.
 *
 * @param rgba  `count` pixels of 4 bytes; those less than half opaque do not count
 * @param most  how many colours at most, 1..IJ_PALETTE_MAX
 * @return how many were found: 0 when every pixel is transparent or memory is out
 */
size_t ij_palette(const uint8_t *rgba, size_t count, size_t most,
                  struct ij_swatch out[IJ_PALETTE_MAX]);
