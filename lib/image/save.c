/*
 * Owns how an output is written: the format's settings, and that nothing of the input's
 * metadata gets into it.
 */
#include "image/save.h"

#include <string.h>

#include <imgjob/spec.h>

#include "base/auto.h"
#include "image/bytes.h"
#include "image/source.h"

enum {
    JPEG_QUALITY = 80,
    WEBP_QUALITY = 80,
    PNG_COMPRESSION = 6 /* zlib's own default */
};

/* 8.15 replaced the switch by a set of kinds. */
#if VIPS_MAJOR_VERSION > 8 || (VIPS_MAJOR_VERSION == 8 && VIPS_MINOR_VERSION >= 15)
#define WITHOUT_METADATA "keep", VIPS_FOREIGN_KEEP_NONE
#else
#define WITHOUT_METADATA "strip", TRUE
#endif

/* White where the image is transparent. */
static int flatten(VipsImage *image, VipsImage **made)
{
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int rc = vips_flatten(image, made, "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    return rc;
}

static int save_jpeg(VipsImage *image, void **bytes, size_t *len)
{
    IJ_AUTO(ij_image_unref) VipsImage *flat = NULL;
    if (vips_image_hasalpha(image) && flatten(image, &flat) != 0)
        return -1;
    return vips_jpegsave_buffer(flat ? flat : image, bytes, len, "Q", JPEG_QUALITY,
                                WITHOUT_METADATA, NULL);
}

static void write_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static bool is_metadata(const uint8_t *chunk)
{
    return memcmp(chunk, "EXIF", 4) == 0 || memcmp(chunk, "ICCP", 4) == 0 ||
           memcmp(chunk, "XMP ", 4) == 0;
}

/*
 * webpsave of libvips 8.14 keeps a profile and writes EXIF of its own making even when
 * told to strip, so those chunks are taken out again. A WebP file is "RIFF", size,
 * "WEBP", then chunks of name, size and bytes, padded to 2 (RFC 9649 §2.3).
 */
static void drop_metadata(uint8_t *webp, size_t *len)
{
    enum { HEAD = 12, CHUNK_HEAD = 8, FLAGS = 20 };
    enum { HAS_ICC = 0x20, HAS_EXIF = 0x08, HAS_XMP = 0x04 };
    size_t end = HEAD;
    for (size_t at = HEAD; at + CHUNK_HEAD <= *len;) {
        uint64_t size = (uint64_t)CHUNK_HEAD + ij_little_endian(webp + at + 4);
        size += size & 1;
        if (size > *len - at)
            return; /* not what an encoder writes */
        if (!is_metadata(webp + at)) {
            memmove(webp + end, webp + at, (size_t)size);
            end += (size_t)size;
        }
        at += (size_t)size;
    }
    if (end == *len)
        return;
    *len = end;
    write_u32(webp + 4, (uint32_t)(end - CHUNK_HEAD));
    webp[FLAGS] &= (uint8_t) ~(HAS_ICC | HAS_EXIF | HAS_XMP); /* of VP8X, always first */
}

static int save_webp(VipsImage *image, void **bytes, size_t *len)
{
    if (vips_webpsave_buffer(image, bytes, len, "Q", WEBP_QUALITY, WITHOUT_METADATA,
                             NULL) != 0)
        return -1;
    drop_metadata(*bytes, len);
    return 0;
}

int ij_save(VipsImage *image, uint32_t format, void **bytes, size_t *len)
{
    switch (format) {
    case IMGJOB_FORMAT_JPEG:
        return save_jpeg(image, bytes, len);
    case IMGJOB_FORMAT_PNG:
        return vips_pngsave_buffer(image, bytes, len, "compression", PNG_COMPRESSION,
                                   WITHOUT_METADATA, NULL);
    case IMGJOB_FORMAT_WEBP:
        return save_webp(image, bytes, len);
    default:
        vips_error("save", "no encoder for format %u", format);
        return -1;
    }
}
