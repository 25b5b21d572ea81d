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

/* Whether this libvips has an encoder for it. */
bool ij_encoder_exists(uint32_t format);

/* The longest side that its encoder writes, px; 0 where none does. */
uint32_t ij_encoder_side_max(uint32_t format);

/* Whether a file of the format can hold several frames, or pages. */
bool ij_encoder_has_frames(uint32_t format);

/* The same of the output: of an "auto" one, whether any candidate can. */
bool ij_encoder_keeps_frames(const struct ij_output_spec *output, uint32_t input_format);

/* Whether what the output asks of that format cannot hold transparency. */
bool ij_encoder_is_opaque(const struct ij_encoding *how);

/* Whether quality decides how large the output gets. */
bool ij_encoder_is_lossy(const struct ij_encoding *how);

/* The quality without a search. */
uint32_t ij_encoder_quality(const struct ij_encoding *how);

/* Whether its palette goes by how many colours the image has: pixels are read twice, and
 * must be in memory. */
bool ij_encoder_counts_colors(const struct ij_encoding *how);

/* Whether it writes as it reads; the others read all pixels first. */
bool ij_encoder_is_stream(uint32_t format);

/* Whether it may take seconds over an image that is read in no time. */
bool ij_encoder_is_slow(uint32_t format);

/*
 * Encode. The image is 8-bit grey or sRGB, without alpha where the format is opaque.
 *
 * @param bytes the caller's, for g_free()
 * @return 0, or -1 with libvips' error text
 */
int ij_encoder_run(const struct ij_encoding *how, VipsImage *image, void **bytes,
                   size_t *len);
