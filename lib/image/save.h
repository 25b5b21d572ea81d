/* Encoding: formats, their settings, and the search for a size or a likeness. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vips/vips.h>

#include "image/image.h"

/* An output as bytes. Owned; end with ij_encoded_done(). */
struct ij_encoded {
    void *bytes; /* g_free() */
    size_t len;
    struct ij_image_output about; /* all of it but the size in pixels */
};
void ij_encoded_done(struct ij_encoded *encoded);

/* Whether the output asks for the pixels more than once. */
bool ij_encode_reads_twice(const struct ij_output_spec *output, uint32_t format);

/*
 * Encode the image as the output says. Frames of an animation stand below each other, by
 * libvips' "page-height"; formats without frames take the first. An image that must be
 * encoded more than once is first copied to memory, never decoded again.
 *
 * @param format  of the output; ignored where it is "auto"
 * @param out     filled on success
 * @return 0, or -1 with libvips' error text
 */
int ij_encode(VipsImage *image, const struct ij_output_spec *output, uint32_t format,
              struct ij_encoded *out);
