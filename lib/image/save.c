/*
 * Owns how an output is written: the format's settings, and that nothing of the input's
 * metadata gets into it.
 */
#include "image/save.h"

#include <imgjob/spec.h>

#include "base/auto.h"
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

int ij_save(VipsImage *image, uint32_t format, void **bytes, size_t *len)
{
    switch (format) {
    case IMGJOB_FORMAT_JPEG:
        return save_jpeg(image, bytes, len);
    case IMGJOB_FORMAT_PNG:
        return vips_pngsave_buffer(image, bytes, len, "compression", PNG_COMPRESSION,
                                   WITHOUT_METADATA, NULL);
    case IMGJOB_FORMAT_WEBP:
        return vips_webpsave_buffer(image, bytes, len, "Q", WEBP_QUALITY,
                                    WITHOUT_METADATA, NULL);
    default:
        vips_error("save", "no encoder for format %u", format);
        return -1;
    }
}
