/* Short texts that stand for a picture: two to show while it loads, one to find it again.
 * Pure; over pixels in memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Pixels, 4 bytes each: red, green, blue, alpha, not premultiplied; rows without gaps. */
struct ij_pixels {
    const uint8_t *rgba;
    uint32_t width, height; /* px, 1..100 */
};

enum {
    IJ_BLURHASH_SIZE = 32, /* of 4 × 3 components: 28 characters and a terminator */
    IJ_THUMBHASH_MAX = 32, /* bytes */
    IJ_PHASH_SIZE = 17     /* 16 hexadecimal digits and a terminator */
};

/* BlurHash (the text of its specification, "woltapp/blurhash", Algorithm.md), with 4 × 3
 * components, or 3 × 4 for what is higher than wide; transparent pixels count as black.
 */
void ij_blurhash(const struct ij_pixels *pixels, char out[IJ_BLURHASH_SIZE]);

/* ThumbHash ("evanw/thumbhash"), which knows alpha and the ratio. @return its bytes */
size_t ij_thumbhash(const struct ij_pixels *pixels, uint8_t out[IJ_THUMBHASH_MAX]);

enum { IJ_PHASH_SIDE = 32 };

/* A perceptual hash: the signs of the 8 × 8 lowest frequencies of the picture's grey
 * against their median. Two pictures are alike where few of the 64 bits differ.
 * @param grey IJ_PHASH_SIDE × IJ_PHASH_SIDE levels */
void ij_phash(const uint8_t grey[IJ_PHASH_SIDE * IJ_PHASH_SIDE], char out[IJ_PHASH_SIZE]);
