/* How alike two encoded images are, measured without the library. */
#pragma once

#include <stddef.h>

struct likeness {
    int width, height; /* px of the first */
    int is_same_size;  /* else the rest is of the part that both have */
    double psnr;       /* dB over all bands; 100 where every level is the same */
    double ssim;       /* structural similarity of brightness, windows of 8 x 8 px */
    int levels_apart;  /* the most that any level differs by */
};

/* @return 0, or -1 with libvips' error text */
int likeness_measure(const void *a, size_t a_len, const void *b, size_t b_len,
                     struct likeness *out);

/* How alike an image is to what it would ideally be: made of all pixels of a whole image,
 * at its own size, by Lanczos. @return 0, or -1 with libvips' error text */
int likeness_to_ideal(const void *made, size_t made_len, const void *whole,
                      size_t whole_len, struct likeness *out);
