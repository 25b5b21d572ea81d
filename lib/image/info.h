/* What an image is, for people and programs that only want to know. */
#pragma once

#include <vips/vips.h>

#include "base/buf.h"
#include "image/image.h"

/*
 * Write what is known as one JSON object, without its braces' surroundings: format, size,
 * pages, orientation, alpha, depth, profile, a few EXIF fields; and from the pixels their
 * mean, dominant colour, palette, entropy, sharpness, BlurHash, ThumbHash and pHash.
 *
 * @param opened the image as it was opened, for its metadata
 * @param pixels the same upright, 8-bit, grey or sRGB; may be a stream, which is then
 * read to its end
 * @return 0, or -1 with libvips' error text
 */
int ij_info_write(const struct ij_image_header *header, VipsImage *opened,
                  VipsImage *pixels, struct ij_buf *out);
