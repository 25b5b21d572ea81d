/* The encoders: one image into one format, with given settings. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vips/vips.h>

#include "image/metadata.h"
#include "spec/spec.h"

/* One way to encode: what the output says, unless a search says otherwise. */
struct ij_encoding {
    uint32_t format; /* enum imgjob_format */
    const struct ij_output_spec *output;
    struct ij_metadata metadata; /* that the image has and the file shall */
    uint32_t quality;            /* 1..100; 0 = the output's or the format's */
    uint32_t colors;             /* 2..256: a palette; 0 = as the output says */
    bool is_searched; /* one of several tries: chroma must not change between */
};

/* Whether this libvips can write such an image: it has the encoder, and the format has
 * room for the size. */
bool ij_encoder_can(uint32_t format, uint32_t width, uint32_t height);

/* Whether frames of the format can follow each other. */
bool ij_encoder_has_frames(uint32_t format);

/* Whether what the output asks of that format cannot hold transparency. */
bool ij_encoder_is_opaque(const struct ij_encoding *how);

/* Whether quality decides how large the output gets. */
bool ij_encoder_is_lossy(const struct ij_encoding *how);

/* The quality without a search. */
uint32_t ij_encoder_quality(const struct ij_encoding *how);

/*
 * Encode. The image is 8-bit grey or sRGB, without alpha where the format is opaque.
 *
 * @param bytes the caller's, for g_free()
 * @return 0, or -1 with libvips' error text
 */
int ij_encoder_run(const struct ij_encoding *how, VipsImage *image, void **bytes,
                   size_t *len);
