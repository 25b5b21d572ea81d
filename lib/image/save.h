/* Encoding. */
#pragma once

#include <stdint.h>

#include <vips/vips.h>

/*
 * Encode the image, without any metadata; for a JPEG alpha becomes white.
 *
 * @param format JPEG, PNG or WEBP
 * @param bytes  the caller's, to end with g_free()
 * @return 0, or -1 with libvips' error text
 */
int ij_save(VipsImage *image, uint32_t format, void **bytes, size_t *len);
