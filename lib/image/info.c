/*
 * Owns the report about an image. All that comes from pixels is measured on a copy of at
 * most 512 px a side, made once: enough for every figure here, and it bounds their cost.
 */
#include "image/info.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/json.h"
#include "base/utf8.h"
#include "image/hashes.h"
#include "image/metadata.h"
#include "image/palette.h"
#include "image/source.h"

enum {
    MEASURED_SIDE = 512, /* px */
    HASHED_SIDE = 100,   /* px: the most that a ThumbHash is made of */
    PALETTE_COLORS = 5,
    EXIF_TEXT_MAX = 128, /* bytes of a field */
    LEVELS = 256
};

/* RGBA, without gaps. Owned. */
struct raster {
    void *bytes; /* g_free() */
    uint32_t width, height;
};

static void raster_done(struct raster *raster)
{
    g_free(raster->bytes);
    raster->bytes = NULL;
}

static size_t raster_count(const struct raster *raster)
{
    return (size_t)raster->width * raster->height;
}

/* The image with every side at most `side`, never enlarged. */
static int shrink(VipsImage *image, int side, VipsImage **made)
{
    return vips_thumbnail_image(image, made, side, "height", side, "size", VIPS_SIZE_DOWN,
                                "no_rotate", TRUE, NULL);
}

static int to_raster(VipsImage *image, struct raster *out)
{
    IJ_AUTO(ij_image_unref) VipsImage *color = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *whole = NULL;
    if (vips_colourspace(image, &color, VIPS_INTERPRETATION_sRGB, NULL) != 0)
        return -1;
    if (vips_image_hasalpha(color))
        whole = g_object_ref(color);
    else if (vips_addalpha(color, &whole, NULL) != 0)
        return -1;
    IJ_AUTO(ij_image_unref) VipsImage *narrow = NULL;
    if (vips_cast_uchar(whole, &narrow, NULL) != 0)
        return -1;
    size_t len;
    out->bytes = vips_image_write_to_memory(narrow, &len);
    out->width = (uint32_t)vips_image_get_width(narrow);
    out->height = (uint32_t)vips_image_get_height(narrow);
    return out->bytes ? 0 : -1;
}

/* ---- what the header says ---- */

static void put_profile(struct ij_json_out *out, VipsImage *opened)
{
    const void *profile;
    size_t len;
    if (vips_image_get_typeof(opened, VIPS_META_ICC_NAME) != VIPS_TYPE_BLOB ||
        vips_image_get_blob(opened, VIPS_META_ICC_NAME, &profile, &len) != 0) {
        ij_json_put_str(out, "profile", NULL);
        return;
    }
    char space[5] = { 0 }; /* ICC.1:2022 §7.2.8, "RGB " */
    if (len >= 20)
        memcpy(space, (const char *)profile + 16, 4);
    for (int i = 3; i >= 0 && space[i] == ' '; i--)
        space[i] = '\0';
    ij_json_open(out, "profile", '{');
    ij_json_put_int(out, "bytes", (int64_t)len);
    ij_json_put_str(out, "space", space);
    ij_json_close(out, '}');
}

static void put_exif_field(struct ij_json_out *out, VipsImage *opened, const char *field,
                           const char *name)
{
    const char *value;
    size_t len = ij_metadata_text(opened, field, &value);
    if (len == 0)
        return;
    char text[EXIF_TEXT_MAX + 1];
    len = len < EXIF_TEXT_MAX ? len : EXIF_TEXT_MAX;
    memcpy(text, value, len);
    text[len] = '\0';
    ij_json_put_str(out, name, text);
}

static void put_exif(struct ij_json_out *out, VipsImage *opened)
{
    static const struct {
        const char *field, *name;
    } fields[] = {
        { "exif-ifd0-Make", "make" },
        { "exif-ifd0-Model", "model" },
        { "exif-ifd0-Artist", "artist" },
        { "exif-ifd0-Copyright", "copyright" },
        { "exif-ifd0-ImageDescription", "description" },
        { "exif-ifd2-DateTimeOriginal", "taken_at" },
        { "exif-ifd2-ExposureTime", "exposure_time" },
        { "exif-ifd2-FNumber", "f_number" },
        { "exif-ifd2-ISOSpeedRatings", "iso" },
        { "exif-ifd2-FocalLength", "focal_length" },
        { "exif-ifd2-LensModel", "lens" },
    };
    ij_json_open(out, "exif", '{');
    for (size_t i = 0; i < IJ_ARRAY_LEN(fields); i++)
        put_exif_field(out, opened, fields[i].field, fields[i].name);
    ij_json_close(out, '}');
}

static void put_header(struct ij_json_out *out, const struct ij_image_header *header)
{
    bool is_turned = header->orientation >= 5;
    ij_json_put_str(out, "format", imgjob_format_name(header->format));
    ij_json_put_int(out, "width", is_turned ? header->height : header->width);
    ij_json_put_int(out, "height", is_turned ? header->width : header->height);
    ij_json_put_int(out, "pages", header->pages);
    ij_json_put_int(out, "orientation", header->orientation);
    ij_json_put_int(out, "bands", header->bands);
    ij_json_put_int(out, "bits", header->bits);
    ij_json_put_bool(out, "has_alpha", header->has_alpha);
    ij_json_put_bool(out, "progressive", header->progressive);
}

/* ---- what the pixels say ---- */

static void put_color(struct ij_json_out *out, const char *key, const uint8_t rgb[3])
{
    char text[8];
    (void)snprintf(text, sizeof(text), "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    ij_json_put_str(out, key, text);
}

static void put_mean(struct ij_json_out *out, const struct raster *raster)
{
    const uint8_t *rgba = raster->bytes;
    double sums[3] = { 0 }, weight = 0;
    for (size_t i = 0; i < raster_count(raster); i++) {
        weight += rgba[4 * i + 3];
        for (int c = 0; c < 3; c++)
            sums[c] += (double)rgba[4 * i + c] * rgba[4 * i + 3];
    }
    uint8_t mean[3] = { 0 };
    for (int c = 0; c < 3 && weight > 0; c++)
        mean[c] = (uint8_t)(sums[c] / weight + 0.5);
    put_color(out, "average", mean);
}

static void put_palette(struct ij_json_out *out, const struct raster *raster)
{
    struct ij_swatch found[IJ_PALETTE_MAX];
    size_t count = ij_palette(raster->bytes, raster_count(raster), PALETTE_COLORS, found);
    if (count > 0)
        put_color(out, "dominant",
                  (const uint8_t[]){ found[0].red, found[0].green, found[0].blue });
    ij_json_open(out, "palette", '[');
    for (size_t i = 0; i < count; i++) {
        ij_json_open(out, NULL, '{');
        put_color(out, "color",
                  (const uint8_t[]){ found[i].red, found[i].green, found[i].blue });
        ij_json_put_real(out, "share", round(found[i].share * 1000) / 1000);
        ij_json_close(out, '}');
    }
    ij_json_close(out, ']');
}

/* Rec. 709 weights on the levels as they are stored. */
static double luma(const uint8_t *rgb)
{
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
}

/* Shannon entropy of the grey levels: 0 for one level, 8 bits for all equally often. */
static double entropy_of(const struct raster *raster)
{
    const uint8_t *rgba = raster->bytes;
    size_t counts[LEVELS] = { 0 }, total = raster_count(raster);
    for (size_t i = 0; i < total; i++)
        counts[(size_t)(luma(rgba + 4 * i) + 0.5)]++;
    double entropy = 0;
    for (int i = 0; i < LEVELS; i++)
        if (counts[i]) {
            double share = (double)counts[i] / (double)total;
            entropy -= share * log2(share);
        }
    return entropy;
}

/* Variance of the Laplacian of the grey levels: low where nothing is in focus. */
static double sharpness_of(const struct raster *raster)
{
    const uint8_t *rgba = raster->bytes;
    size_t row = (size_t)raster->width * 4, count = 0;
    double sum = 0, squares = 0;
    for (uint32_t y = 1; y + 1 < raster->height; y++)
        for (uint32_t x = 1; x + 1 < raster->width; x++, count++) {
            const uint8_t *at = rgba + y * row + 4 * (size_t)x;
            double v = 4 * luma(at) - luma(at - 4) - luma(at + 4) - luma(at - row) -
                       luma(at + row);
            sum += v;
            squares += v * v;
        }
    if (count == 0)
        return 0;
    double mean = sum / (double)count;
    return squares / (double)count - mean * mean;
}

static void put_base64(struct ij_json_out *out, const char *key, const uint8_t *bytes,
                       size_t len)
{
    gchar *text = g_base64_encode(bytes, len);
    ij_json_put_str(out, key, text);
    g_free(text);
}

static int put_hashes(struct ij_json_out *out, VipsImage *measured)
{
    IJ_AUTO(ij_image_unref) VipsImage *small = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *square = NULL;
    IJ_AUTO(raster_done) struct raster raster = { NULL, 0, 0 };
    IJ_AUTO(raster_done) struct raster grid = { NULL, 0, 0 };
    if (shrink(measured, HASHED_SIDE, &small) != 0 || to_raster(small, &raster) != 0 ||
        vips_thumbnail_image(measured, &square, IJ_PHASH_SIDE, "height", IJ_PHASH_SIDE,
                             "size", VIPS_SIZE_FORCE, "no_rotate", TRUE, NULL) != 0 ||
        to_raster(square, &grid) != 0)
        return -1;
    const struct ij_pixels pixels = { raster.bytes, raster.width, raster.height };
    char blurhash[IJ_BLURHASH_SIZE], phash[IJ_PHASH_SIZE];
    uint8_t thumbhash[IJ_THUMBHASH_MAX], grey[IJ_PHASH_SIDE * IJ_PHASH_SIDE];
    ij_blurhash(&pixels, blurhash);
    ij_json_put_str(out, "blurhash", blurhash);
    put_base64(out, "thumbhash", thumbhash, ij_thumbhash(&pixels, thumbhash));
    for (size_t i = 0; i < sizeof(grey); i++)
        grey[i] = (uint8_t)(luma((const uint8_t *)grid.bytes + 4 * i) + 0.5);
    ij_phash(grey, phash);
    ij_json_put_str(out, "phash", phash);
    return 0;
}

int ij_info_write(const struct ij_image_header *header, VipsImage *opened,
                  VipsImage *pixels, struct ij_buf *out)
{
    IJ_AUTO(ij_image_unref) VipsImage *stream = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *measured = NULL;
    IJ_AUTO(raster_done) struct raster raster = { NULL, 0, 0 };
    if (shrink(pixels, MEASURED_SIDE, &stream) != 0)
        return -1;
    measured = vips_image_copy_memory(stream);
    if (!measured || to_raster(measured, &raster) != 0)
        return -1;
    struct ij_json_out json = { .buf = out };
    ij_json_open(&json, NULL, '{');
    put_header(&json, header);
    put_profile(&json, opened);
    put_exif(&json, opened);
    put_mean(&json, &raster);
    put_palette(&json, &raster);
    ij_json_put_real(&json, "entropy", round(entropy_of(&raster) * 1000) / 1000);
    ij_json_put_real(&json, "sharpness", round(sharpness_of(&raster) * 10) / 10);
    int rc = put_hashes(&json, measured);
    ij_json_close(&json, '}');
    return rc;
}
