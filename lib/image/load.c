/*
 * Owns how an input is opened: by the loader that its first bytes call for, by that
 * loader's name, never by asking libvips what it might be; one page, decoded as a stream
 * and in memory, never through a temporary file.
 */
#include "image/source.h"

#include <string.h>

#include "base/auto.h"

static const char *const loaders[] = {
    [IMGJOB_FORMAT_JPEG] = "jpegload_buffer", [IMGJOB_FORMAT_PNG] = "pngload_buffer",
    [IMGJOB_FORMAT_WEBP] = "webpload_buffer", [IMGJOB_FORMAT_GIF] = "gifload_buffer",
    [IMGJOB_FORMAT_TIFF] = "tiffload_buffer", [IMGJOB_FORMAT_AVIF] = "heifload_buffer",
    [IMGJOB_FORMAT_HEIC] = "heifload_buffer",
};

int ij_source_init(struct ij_source *source, const void *data, size_t len,
                   struct ij_failure *failure)
{
    uint32_t format = ij_format_sniff(data, len);
    if (format == IMGJOB_FORMAT_NONE)
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_FORMAT, IMGJOB_E_IMAGE,
                              "the first of %zu bytes are no image that is read here: "
                              "jpeg, png, webp, gif, tiff, avif, heic",
                              len);
    const char *loader = loaders[format];
    if (!vips_type_find("VipsOperation", loader))
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_FORMAT, IMGJOB_E_IMAGE,
                              "%s is not read here: libvips %s has no %s",
                              imgjob_format_name(format), vips_version_string(), loader);
    *source = (struct ij_source){ data, len, format, loader };
    (void)snprintf(failure->loader, sizeof(failure->loader), "%s", loader);
    return 0;
}

static void blob_unref(VipsBlob **blob)
{
    if (*blob)
        vips_area_unref(VIPS_AREA(*blob));
}

/* Of the readers of libvips only that of interlaced PNG (the last byte of IHDR) needs all
 * pixels before it can give the first; they would go to a file in /tmp when they are
 * many. The others must not be asked for it: it costs a pass. */
static bool is_streamed(const struct ij_source *source)
{
    const uint8_t *bytes = source->data;
    return source->format != IMGJOB_FORMAT_PNG || source->len <= 28 || bytes[28] == 0;
}

/* JPEG and PNG hold one page, and their readers know no such option. */
static bool has_pages(uint32_t format)
{
    return format != IMGJOB_FORMAT_JPEG && format != IMGJOB_FORMAT_PNG;
}

int ij_source_open(const struct ij_source *source, const struct ij_opening *opening,
                   VipsImage **out, struct ij_failure *failure)
{
    IJ_AUTO(blob_unref) VipsBlob *blob = vips_blob_new(NULL, source->data, source->len);
    int count = opening->pages ? (int)opening->pages : -1;
    VipsImage *image = NULL;
    int rc;
    /* only the JPEG reader knows `shrink`: for 1 NULL ends the list before it */
    if (has_pages(source->format))
        rc = vips_call(source->loader, blob, &image, "access", VIPS_ACCESS_SEQUENTIAL,
                       "fail_on", VIPS_FAIL_ON_TRUNCATED, "page", (int)opening->page, "n",
                       count, NULL);
    else
        rc = vips_call(source->loader, blob, &image, "access", VIPS_ACCESS_SEQUENTIAL,
                       "fail_on", VIPS_FAIL_ON_TRUNCATED, "memory", !is_streamed(source),
                       opening->shrink > 1 ? "shrink" : NULL, (int)opening->shrink, NULL);
    if (rc != 0)
        return ij_source_fail(source, IJ_STAGE_LOAD, failure);
    *out = image;
    return 0;
}

static bool has_nonzero(VipsImage *image, const char *field)
{
    int value = 0;
    return vips_image_get_typeof(image, field) == G_TYPE_INT &&
           vips_image_get_int(image, field, &value) == 0 && value != 0;
}

/* Bits of a band in the file; libvips widens 1, 2 and 4 to 8, and says so since 8.15. */
static uint32_t bits_of(VipsImage *image)
{
    static const char *const fields[] = { "bits-per-sample", "palette-bit-depth",
                                          "heif-bitdepth" };
    int bits;
    for (size_t i = 0; i < IJ_ARRAY_LEN(fields); i++)
        if (vips_image_get_typeof(image, fields[i]) == G_TYPE_INT &&
            vips_image_get_int(image, fields[i], &bits) == 0 && bits > 0)
            return (uint32_t)bits;
    return (uint32_t)(vips_format_sizeof(vips_image_get_format(image)) * 8);
}

void ij_source_header(const struct ij_source *source, VipsImage *image,
                      struct ij_image_header *out)
{
    *out = (struct ij_image_header){
        .format = source->format,
        .width = (uint32_t)vips_image_get_width(image),
        .height = (uint32_t)vips_image_get_page_height(image),
        .pages = (uint32_t)vips_image_get_n_pages(image),
        .bands = (uint32_t)vips_image_get_bands(image),
        .bits = bits_of(image),
        .orientation = (uint32_t)vips_image_get_orientation(image),
        .has_alpha = vips_image_hasalpha(image),
        .has_profile = vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0,
        .progressive =
            has_nonzero(image, "jpeg-multiscan") || has_nonzero(image, "interlaced"),
    };
    (void)snprintf(out->loader, sizeof(out->loader), "%s", source->loader);
}

uint32_t ij_source_shrink(const struct ij_source *source, struct ij_extent stored,
                          struct ij_extent needed, bool is_safe)
{
    if (source->format != IMGJOB_FORMAT_JPEG)
        return 1;
    uint64_t margin = is_safe ? 2 : 1;
    uint32_t shrink = 8;
    while (shrink > 1 && (stored.width / shrink < needed.width * margin ||
                          stored.height / shrink < needed.height * margin))
        shrink /= 2;
    return shrink;
}
