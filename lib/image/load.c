/*
 * Owns how an input is opened: by the loader that its first bytes call for, by that
 * loader's name, never by asking libvips what it might be; one page, decoded as a stream
 * and in memory, never through a temporary file.
 */
#include "image/source.h"

#include <math.h>
#include <string.h>

#include "base/auto.h"

static const char *const loaders[] = {
    [IMGJOB_FORMAT_JPEG] = "jpegload_buffer", [IMGJOB_FORMAT_PNG] = "pngload_buffer",
    [IMGJOB_FORMAT_WEBP] = "webpload_buffer", [IMGJOB_FORMAT_GIF] = "gifload_buffer",
    [IMGJOB_FORMAT_TIFF] = "tiffload_buffer", [IMGJOB_FORMAT_AVIF] = "heifload_buffer",
    [IMGJOB_FORMAT_HEIC] = "heifload_buffer", [IMGJOB_FORMAT_SVG] = "svgload_buffer",
    [IMGJOB_FORMAT_PDF] = "pdfload_buffer",   [IMGJOB_FORMAT_JXL] = "jxlload_buffer",
    [IMGJOB_FORMAT_JP2] = "jp2kload_buffer",
};

static int refuse_format(uint32_t format, size_t len, uint32_t extra_formats,
                         struct ij_failure *failure)
{
    if (format != IMGJOB_FORMAT_NONE)
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_FORMAT, IMGJOB_E_IMAGE,
                              "%s is not read here (switch on with extra_formats)",
                              imgjob_format_name(format));
    char read[IJ_FORMATS_TEXT_SIZE];
    ij_formats_read(extra_formats, read);
    return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_FORMAT, IMGJOB_E_IMAGE,
                          "the first of %zu bytes are no image that is read here: %s",
                          len, read);
}

int ij_source_init(struct ij_source *source, const struct ij_image_input *image,
                   uint32_t extra_formats, struct ij_failure *failure)
{
    uint32_t format = ij_format_sniff(image->data, image->len);
    if (!ij_format_is_read(format, extra_formats))
        return refuse_format(format, image->len, extra_formats, failure);
    const char *loader = loaders[format];
    ij_image_allow(format);
    if (!vips_type_find("VipsOperation", loader))
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_FORMAT, IMGJOB_E_IMAGE,
                              "%s is not read here: libvips %s has no %s",
                              imgjob_format_name(format), vips_version_string(), loader);
    *source = (struct ij_source){ image->data, image->len, format, loader };
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

/* What the reader of a format can be told. Others hold one page, or only the first is
 * taken (JXL); what libvips calls the pages of a JP2 are its coarser levels. */
static bool has_pages(uint32_t format)
{
    return format == IMGJOB_FORMAT_WEBP || format == IMGJOB_FORMAT_GIF ||
           format == IMGJOB_FORMAT_TIFF || format == IMGJOB_FORMAT_AVIF ||
           format == IMGJOB_FORMAT_HEIC || format == IMGJOB_FORMAT_PDF;
}

bool ij_source_is_drawn(const struct ij_source *source)
{
    return source->format == IMGJOB_FORMAT_SVG || source->format == IMGJOB_FORMAT_PDF;
}

/* The readers of SVG and PDF give 1 px for a side that is too long for an int, or for
 * libvips, or too short. */
static int check_drawn(const struct ij_source *source, VipsImage *image,
                       struct ij_failure *failure)
{
    if (!ij_source_is_drawn(source) ||
        (vips_image_get_width(image) > 1 && vips_image_get_height(image) > 1))
        return 0;
    return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_TOO_LARGE, IMGJOB_E_LIMIT,
                          "%s of %zu bytes: a side is below 2 px, or far too long",
                          imgjob_format_name(source->format), source->len);
}

/* An option that a reader does not know is left out: NULL ends the list before it. */
static int call_loader(const struct ij_source *source, const struct ij_opening *opening,
                       VipsBlob *blob, VipsImage **out)
{
    int page = (int)opening->page;
    int count = opening->pages ? (int)opening->pages : -1;
    double scale = opening->scale > 0 ? opening->scale : 1;
    if (ij_source_is_drawn(source))
        return vips_call(source->loader, blob, out, "access", VIPS_ACCESS_SEQUENTIAL,
                         "fail_on", VIPS_FAIL_ON_TRUNCATED, "scale", scale,
                         has_pages(source->format) ? "page" : NULL, page, "n", count,
                         NULL);
    if (has_pages(source->format))
        return vips_call(source->loader, blob, out, "access", VIPS_ACCESS_SEQUENTIAL,
                         "fail_on", VIPS_FAIL_ON_TRUNCATED, "page", page, "n", count,
                         NULL);
    return vips_call(source->loader, blob, out, "access", VIPS_ACCESS_SEQUENTIAL,
                     "fail_on", VIPS_FAIL_ON_TRUNCATED, "memory", !is_streamed(source),
                     opening->shrink > 1 ? "shrink" : NULL, (int)opening->shrink, NULL);
}

/* The reader of AVIF and HEIC in libvips 8.14 keeps EXIF and XMP in memory that goes with
 * its own image, while what is made of it still points there. */
static int own_metadata(const struct ij_source *source, VipsImage *image)
{
    static const char *const fields[] = { VIPS_META_EXIF_NAME, VIPS_META_XMP_NAME,
                                          VIPS_META_ICC_NAME };
    if (source->format != IMGJOB_FORMAT_AVIF && source->format != IMGJOB_FORMAT_HEIC)
        return 0;
    for (size_t i = 0; i < IJ_ARRAY_LEN(fields); i++) {
        const void *data;
        size_t len;
        if (vips_image_get_typeof(image, fields[i]) == 0)
            continue;
        if (vips_image_get_blob(image, fields[i], &data, &len) != 0)
            return -1;
        vips_image_set_blob_copy(image, fields[i], data, len);
    }
    return 0;
}

int ij_source_open(const struct ij_source *source, const struct ij_opening *opening,
                   VipsImage **out, struct ij_failure *failure)
{
    IJ_AUTO(blob_unref) VipsBlob *blob = vips_blob_new(NULL, source->data, source->len);
    IJ_AUTO(ij_image_unref) VipsImage *image = NULL;
    if (call_loader(source, opening, blob, &image) != 0 ||
        own_metadata(source, image) != 0)
        return ij_source_fail(source, IJ_STAGE_LOAD, failure);
    int rc = opening->scale > 0 ? 0 : check_drawn(source, image, failure);
    if (rc == 0)
        *out = ij_steal(&image);
    /* readers that succeed leave words too, such as that of HEIF when it meets the end */
    vips_error_clear();
    return rc;
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
        .pages = has_pages(source->format) ? (uint32_t)vips_image_get_n_pages(image) : 1,
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

double ij_source_scale(const struct imgjob_limits *limits, uint32_t pages,
                       struct ij_extent own, struct ij_extent needed)
{
    double scale =
        fmax((double)needed.width / own.width, (double)needed.height / own.height);
    /* the size that is drawn is rounded, and so was the one that was read */
    double width = own.width + 1.0, height = own.height + 1.0;
    double by_side = limits->max_side / fmax(width, height);
    double by_pixels = sqrt((double)limits->max_pixels / pages / (width * height));
    return scale <= 1 ? scale : fmax(1, fmin(scale, fmin(by_side, by_pixels)));
}
