/*
 * Owns what each format makes of an output's settings: its defaults, and how a scale that
 * is the same for all becomes the encoder's own.
 */
#include "image/encoder.h"

#include <imgjob/spec.h>

#include "base/auto.h"

enum {
    EFFORT_MAX = 9,      /* of an output */
    PNG_COMPRESSION = 6, /* zlib's own default */
    PALETTE_EFFORT = 7,  /* libvips' own default, of 1..10 */
    WEBP_EFFORT = 4,     /* libwebp's own default, of 0..6 */
    WEBP_EFFORT_MAX = 6,
    AVIF_EFFORT = 2, /* of 0..9: above it, seconds for a few percent */
    JXL_EFFORT = 7,  /* libjxl's own default, of 1..9; libvips 8.14 begins at 3 */
    JXL_EFFORT_MIN = 3,
    COLORS_MAX = 256
};

/* 8.15 replaced the switch by a set of kinds; fields not to be kept are gone by then. */
#if VIPS_MAJOR_VERSION > 8 || (VIPS_MAJOR_VERSION == 8 && VIPS_MINOR_VERSION >= 15)
#define METADATA(how) \
    "keep", keeps_any(how) ? VIPS_FOREIGN_KEEP_ALL : VIPS_FOREIGN_KEEP_NONE
#else
#define METADATA(how) "strip", (gboolean)!keeps_any(how)
#endif

static bool keeps_any(const struct ij_encoding *how)
{
    return how->metadata.has_profile || how->metadata.has_texts;
}

static const struct ij_value *value(const struct ij_encoding *how,
                                    enum ij_output_param param)
{
    return &how->output->values[param];
}

static bool is_on(const struct ij_encoding *how, enum ij_output_param param)
{
    return value(how, param)->is_given && value(how, param)->integer != 0;
}

static int64_t integer(const struct ij_encoding *how, enum ij_output_param param,
                       int64_t fallback)
{
    return value(how, param)->is_given ? value(how, param)->integer : fallback;
}

/* An effort of 0..9 on a scale from `least` to `most`, to the nearest. */
static int effort(const struct ij_encoding *how, int least, int most, int fallback)
{
    const struct ij_value *given = value(how, IJ_OUT_EFFORT);
    if (!given->is_given)
        return fallback;
    int span = most - least;
    return least + ((int)given->integer * span * 2 + EFFORT_MAX) / (EFFORT_MAX * 2);
}

static double dither(const struct ij_encoding *how)
{
    const struct ij_value *given = value(how, IJ_OUT_DITHER);
    return given->is_given ? given->real : 1;
}

/* Chroma of a search stays the same from try to try, or the size would jump. */
static VipsForeignSubsample subsample(const struct ij_encoding *how)
{
    switch (integer(how, IJ_OUT_CHROMA, IJ_CHROMA_AUTO)) {
    case IJ_CHROMA_420:
        return VIPS_FOREIGN_SUBSAMPLE_ON;
    case IJ_CHROMA_444:
        return VIPS_FOREIGN_SUBSAMPLE_OFF;
    default:
        break;
    }
    if (how->is_searched)
        return VIPS_FOREIGN_SUBSAMPLE_ON;
    return ij_encoder_quality(how) < 90 ? VIPS_FOREIGN_SUBSAMPLE_ON
                                        : VIPS_FOREIGN_SUBSAMPLE_OFF;
}

/* ---- what a format is ---- */

static bool is_jpeg_in_tiff(const struct ij_encoding *how)
{
    return how->format == IMGJOB_FORMAT_TIFF &&
           integer(how, IJ_OUT_COMPRESSION, IJ_COMPRESSION_DEFLATE) ==
               IJ_COMPRESSION_JPEG;
}

bool ij_encoder_has_frames(uint32_t format)
{
    return format == IMGJOB_FORMAT_GIF || format == IMGJOB_FORMAT_WEBP ||
           format == IMGJOB_FORMAT_TIFF;
}

bool ij_encoder_keeps_frames(const struct ij_output_spec *output, uint32_t input_format)
{
    for (size_t i = 0; i < output->candidate_count; i++)
        if (ij_encoder_has_frames(output->candidates[i]))
            return true;
    /* alpha decides between png and jpeg only, and neither has frames */
    return !output->candidate_count &&
           ij_encoder_has_frames(ij_spec_output_format(output, input_format, false));
}

bool ij_encoder_is_opaque(const struct ij_encoding *how)
{
    return how->format == IMGJOB_FORMAT_JPEG || is_jpeg_in_tiff(how);
}

bool ij_encoder_is_lossy(const struct ij_encoding *how)
{
    if (how->format == IMGJOB_FORMAT_WEBP || how->format == IMGJOB_FORMAT_AVIF ||
        how->format == IMGJOB_FORMAT_JXL)
        return !is_on(how, IJ_OUT_LOSSLESS);
    return how->format == IMGJOB_FORMAT_JPEG;
}

uint32_t ij_encoder_quality(const struct ij_encoding *how)
{
    if (how->quality)
        return how->quality;
    return (uint32_t)integer(how, IJ_OUT_QUALITY,
                             how->format == IMGJOB_FORMAT_AVIF ? 50 : 80);
}

static const struct {
    const char *operation;
    uint32_t side_max; /* px, by the encoder */
} encoders[] = {
    [IMGJOB_FORMAT_JPEG] = { "jpegsave_buffer", 65500 },
    [IMGJOB_FORMAT_PNG] = { "pngsave_buffer", UINT32_MAX },
    [IMGJOB_FORMAT_WEBP] = { "webpsave_buffer", 16383 },
    [IMGJOB_FORMAT_GIF] = { "gifsave_buffer", 65535 },
    [IMGJOB_FORMAT_TIFF] = { "tiffsave_buffer", UINT32_MAX },
    [IMGJOB_FORMAT_AVIF] = { "heifsave_buffer", 16384 },
    [IMGJOB_FORMAT_JXL] = { "jxlsave_buffer", UINT32_MAX },
};

bool ij_encoder_exists(uint32_t format)
{
    return format < IJ_ARRAY_LEN(encoders) && encoders[format].operation &&
           vips_type_find("VipsOperation", encoders[format].operation) != 0;
}

uint32_t ij_encoder_side_max(uint32_t format)
{
    return format < IJ_ARRAY_LEN(encoders) ? encoders[format].side_max : 0;
}

bool ij_encoder_is_stream(uint32_t format)
{
    return format == IMGJOB_FORMAT_JPEG || format == IMGJOB_FORMAT_PNG ||
           format == IMGJOB_FORMAT_TIFF;
}

bool ij_encoder_is_slow(uint32_t format)
{
    return format == IMGJOB_FORMAT_AVIF || format == IMGJOB_FORMAT_JXL;
}

/* ---- palettes ---- */

/* How many colours a palette may have. */
static uint32_t asked_colors(const struct ij_encoding *how)
{
    return how->colors ? how->colors : (uint32_t)integer(how, IJ_OUT_COLORS, COLORS_MAX);
}

/* libvips makes palettes of 2^bits colours, and PNG knows 1, 2, 4 and 8 bits only: the
 * most that are not more than asked for. */
static int bits_within(uint32_t colors, uint32_t format)
{
    int bits = 1;
    while (bits < 8 && (2u << bits) <= colors)
        bits++;
    if (format == IMGJOB_FORMAT_PNG)
        bits = bits >= 8 ? 8 : bits >= 4 ? 4 : bits >= 2 ? 2 : 1;
    return bits;
}

static int bits_to_hold(uint32_t colors, uint32_t format)
{
    int bits = 1;
    while ((1u << bits) < colors)
        bits += format == IMGJOB_FORMAT_PNG ? bits : 1;
    return bits;
}

bool ij_encoder_counts_colors(const struct ij_encoding *how)
{
    bool has_palette =
        how->format == IMGJOB_FORMAT_GIF ||
        (how->format == IMGJOB_FORMAT_PNG && (how->colors || is_on(how, IJ_OUT_PALETTE)));
    uint32_t colors = asked_colors(how);
    return has_palette && colors != 1u << bits_within(colors, how->format);
}

/* Colours that were seen, by a hash with open addressing. */
enum { SEEN_MAX = 1024 /* slots: more than there are colours, and a power of 2 */ };
struct colors {
    uint32_t slots[SEEN_MAX];
    bool is_taken[SEEN_MAX];
    uint32_t count;
};

static void see(struct colors *colors, uint32_t color)
{
    uint32_t slot = color * UINT32_C(2654435769) >> 22; /* Fibonacci hashing */
    while (colors->is_taken[slot] && colors->slots[slot] != color)
        slot = (slot + 1) % SEEN_MAX;
    if (colors->is_taken[slot])
        return;
    colors->is_taken[slot] = true;
    colors->slots[slot] = color;
    colors->count++;
}

/* What is clear is one colour. */
static uint32_t color_of(const uint8_t *pixel, int bands)
{
    uint32_t color = 0;
    bool has_alpha = bands % 2 == 0;
    for (int i = 0; i < bands && (!has_alpha || pixel[bands - 1] > 0); i++)
        color = color << 8 | pixel[i];
    return color;
}

/* Whether the image, of 8 bits, has at most so many. @return 0 with the number, 1 = it
 * has more, or -1 */
static int count_colors(VipsImage *image, uint32_t most, uint32_t *out)
{
    struct colors colors = { .count = 0 };
    int width = vips_image_get_width(image), bands = vips_image_get_bands(image);
    VipsRegion *region = vips_region_new(image);
    int rc = region ? 0 : -1;
    for (int y = 0; rc == 0 && y < vips_image_get_height(image); y++) {
        const VipsRect row = { 0, y, width, 1 };
        rc = vips_region_prepare(region, &row);
        const uint8_t *pixel = rc == 0 ? VIPS_REGION_ADDR(region, 0, y) : NULL;
        for (int x = 0; rc == 0 && x < width; x++, pixel += bands) {
            see(&colors, color_of(pixel, bands));
            rc = colors.count > most;
        }
    }
    g_clear_object(&region);
    *out = colors.count;
    return rc;
}

struct palette {
    int bits;
    double dither;
};

/* An image of few colours keeps them all; where there are more, or that was not asked, it
 * is the largest palette within what was asked for. */
static int choose_palette(const struct ij_encoding *how, VipsImage *image,
                          struct palette *out)
{
    uint32_t most = asked_colors(how), colors;
    *out = (struct palette){ bits_within(most, how->format), dither(how) };
    if (!ij_encoder_counts_colors(how))
        return 0;
    int rc = count_colors(image, most, &colors);
    if (rc == 0)
        *out = (struct palette){ bits_to_hold(colors, how->format), 0 };
    return rc < 0 ? -1 : 0;
}

/* ---- formats ---- */

static int save_jpeg(const struct ij_encoding *how, VipsImage *image, void **bytes,
                     size_t *len)
{
    /* better tables are worth their time only where bytes are counted */
    return vips_jpegsave_buffer(image, bytes, len, "Q", (int)ij_encoder_quality(how),
                                "interlace", is_on(how, IJ_OUT_PROGRESSIVE),
                                "subsample-mode", subsample(how), "optimize-coding",
                                how->is_searched, METADATA(how), NULL);
}

/* A libvips without the library for palettes writes all colours, and warns. */
static int expect_palette(void *bytes, size_t len)
{
    enum { COLOR_TYPE = 25, COLORS = 2, COLORS_AND_ALPHA = 6 };
    const uint8_t *png = bytes;
    if (len > COLOR_TYPE && png[COLOR_TYPE] != COLORS &&
        png[COLOR_TYPE] != COLORS_AND_ALPHA)
        return 0;
    vips_error("pngsave", "%s", "this libvips cannot make palettes");
    return -1;
}

static int save_png(const struct ij_encoding *how, VipsImage *image, void **bytes,
                    size_t *len)
{
    int compression = effort(how, 1, 9, PNG_COMPRESSION);
    gboolean interlace = is_on(how, IJ_OUT_PROGRESSIVE);
    if (!how->colors && !is_on(how, IJ_OUT_PALETTE))
        return vips_pngsave_buffer(image, bytes, len, "compression", compression,
                                   "interlace", interlace, METADATA(how), NULL);
    struct palette palette;
    if (choose_palette(how, image, &palette) != 0 ||
        vips_pngsave_buffer(image, bytes, len, "compression", compression, "interlace",
                            interlace, "palette", TRUE, "bitdepth", palette.bits,
                            "dither", palette.dither, "effort",
                            effort(how, 1, 10, PALETTE_EFFORT), METADATA(how), NULL) != 0)
        return -1;
    if (expect_palette(*bytes, *len) == 0)
        return 0;
    g_free(*bytes);
    *bytes = NULL;
    return -1;
}

static int save_webp(const struct ij_encoding *how, VipsImage *image, void **bytes,
                     size_t *len)
{
    if (vips_webpsave_buffer(image, bytes, len, "Q", (int)ij_encoder_quality(how),
                             "lossless", is_on(how, IJ_OUT_LOSSLESS), "effort",
                             effort(how, 0, WEBP_EFFORT_MAX, WEBP_EFFORT), METADATA(how),
                             NULL) != 0)
        return -1;
    ij_metadata_clean_webp(*bytes, len, &how->metadata);
    return 0;
}

static int save_avif(const struct ij_encoding *how, VipsImage *image, void **bytes,
                     size_t *len)
{
    return vips_heifsave_buffer(
        image, bytes, len, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "Q",
        (int)ij_encoder_quality(how), "bitdepth", 8, "lossless",
        is_on(how, IJ_OUT_LOSSLESS), "effort", effort(how, 0, 9, AVIF_EFFORT),
        "subsample-mode", subsample(how), METADATA(how), NULL);
}

/* libjxl's own scale (JxlEncoderDistanceFromQuality), up to what libvips allows. That of
 * libvips 8.14 goes beyond what libjxl takes, and then is ignored. */
static double distance_of(uint32_t quality)
{
    enum { DISTANCE_MAX = 15 };
    if (quality >= 30)
        return 0.1 + (100 - quality) * 0.09;
    double distance = 53.0 / 3000 * quality * quality - 23.0 / 20 * quality + 25;
    return distance < DISTANCE_MAX ? distance : DISTANCE_MAX;
}

static int save_jxl(const struct ij_encoding *how, VipsImage *image, void **bytes,
                    size_t *len)
{
    bool is_lossless = is_on(how, IJ_OUT_LOSSLESS);
    /* without loss, more is ten times as slow for five percent */
    int fallback = is_lossless ? JXL_EFFORT_MIN : JXL_EFFORT;
    return vips_jxlsave_buffer(
        image, bytes, len, "distance", distance_of(ij_encoder_quality(how)), "lossless",
        is_lossless, "effort", effort(how, JXL_EFFORT_MIN, EFFORT_MAX, fallback),
        METADATA(how), NULL);
}

static int save_gif(const struct ij_encoding *how, VipsImage *image, void **bytes,
                    size_t *len)
{
    struct palette palette;
    if (choose_palette(how, image, &palette) != 0)
        return -1;
    return vips_gifsave_buffer(image, bytes, len, "bitdepth", palette.bits, "dither",
                               palette.dither, "effort",
                               effort(how, 1, 10, PALETTE_EFFORT), METADATA(how), NULL);
}

static int save_tiff(const struct ij_encoding *how, VipsImage *image, void **bytes,
                     size_t *len)
{
    static const VipsForeignTiffCompression kinds[] = {
        [IJ_COMPRESSION_NONE] = VIPS_FOREIGN_TIFF_COMPRESSION_NONE,
        [IJ_COMPRESSION_DEFLATE] = VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE,
        [IJ_COMPRESSION_LZW] = VIPS_FOREIGN_TIFF_COMPRESSION_LZW,
        [IJ_COMPRESSION_JPEG] = VIPS_FOREIGN_TIFF_COMPRESSION_JPEG,
    };
    int64_t kind = integer(how, IJ_OUT_COMPRESSION, IJ_COMPRESSION_DEFLATE);
    return vips_tiffsave_buffer(
        image, bytes, len, "compression", kinds[kind], "Q", (int)ij_encoder_quality(how),
        "predictor", VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, METADATA(how), NULL);
}

int ij_encoder_run(const struct ij_encoding *how, VipsImage *image, void **bytes,
                   size_t *len)
{
    *bytes = NULL;
    switch (how->format) {
    case IMGJOB_FORMAT_JPEG:
        return save_jpeg(how, image, bytes, len);
    case IMGJOB_FORMAT_PNG:
        return save_png(how, image, bytes, len);
    case IMGJOB_FORMAT_WEBP:
        return save_webp(how, image, bytes, len);
    case IMGJOB_FORMAT_AVIF:
        return save_avif(how, image, bytes, len);
    case IMGJOB_FORMAT_GIF:
        return save_gif(how, image, bytes, len);
    case IMGJOB_FORMAT_TIFF:
        return save_tiff(how, image, bytes, len);
    case IMGJOB_FORMAT_JXL:
        return save_jxl(how, image, bytes, len);
    default:
        vips_error("imgsave", "no encoder for format %u", how->format);
        return -1;
    }
}
