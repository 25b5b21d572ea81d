/* An input as it goes through this room: borrowed bytes, and what opens them. */
#pragma once

#include <vips/vips.h>

#include "image/image.h"

struct ij_source {
    const void *data;
    size_t len;
    uint32_t format;    /* enum imgjob_format, by the first bytes; never NONE */
    const char *loader; /* libvips' name of what reads it, a constant */
};

/* For IJ_AUTO(ij_image_unref). */
static inline void ij_image_unref(VipsImage **image)
{
    g_clear_object(image);
}

/* Let `*image` be what an operation made of it; the old one is given up. */
static inline void ij_image_replace(VipsImage **image, VipsImage *made)
{
    g_object_unref(*image);
    *image = made;
}

/* Recognize the bytes, and find the loader.
 * @param extra_formats of the limits. @return 0, or IMGJOB_E_IMAGE */
int ij_source_init(struct ij_source *source, const struct ij_image_input *image,
                   uint32_t extra_formats, struct ij_failure *failure);

/* The size that the file says it has, without a decoder having looked; 0 × 0 where it is
 * not known before. */
struct ij_extent ij_source_declared(const struct ij_source *source);

/* What of a file is opened. */
struct ij_opening {
    uint32_t shrink; /* 1, or for a JPEG 2, 4 or 8: decode at that fraction of the size */
    uint32_t page;   /* the first, from 0 */
    uint32_t pages;  /* how many, below each other in one image; 0 = all that follow */
    double scale;    /* of what is drawn: so many times as large as it says; 0 = 1 */
};

/*
 * Open a file; pixels are decoded when they are asked for, from top to bottom, once. A
 * file that is not whole fails then at the latest. Formats without pages ignore them.
 *
 * @param out    the caller's
 * @return 0, or a negative code
 */
int ij_source_open(const struct ij_source *source, const struct ij_opening *opening,
                   VipsImage **out, struct ij_failure *failure);

/* What an image that was opened without shrink says about itself. */
void ij_source_header(const struct ij_source *source, VipsImage *image,
                      struct ij_image_header *out);

/* Whether it is drawn, not decoded, and so has pixels at any size. */
bool ij_source_is_drawn(const struct ij_source *source);

/* How many times as large as its own size each page of one that is drawn is to be, so
 * that it has `needed` pixels; larger only as far as the limits let it be. */
double ij_source_scale(const struct imgjob_limits *limits, uint32_t pages,
                       struct ij_extent own, struct ij_extent needed);

/* How far the decoder may shrink an input so that it still has `needed` pixels, both as
 * stored; `is_safe` keeps twice as many. */
uint32_t ij_source_shrink(const struct ij_source *source, struct ij_extent stored,
                          struct ij_extent needed, bool is_safe);

/*
 * Turn what libvips' error text says into a failure and clear the text: truncated,
 * corrupt, format, too_large, memory, or encode where the words are an encoder's.
 *
 * @return the negative code
 */
int ij_source_fail(const struct ij_source *source, enum ij_stage stage,
                   struct ij_failure *failure);
