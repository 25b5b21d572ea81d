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
    return format == IMGJOB_FORMAT_GIF || format == IMGJOB_FORMAT_WEBP;
}

bool ij_encoder_is_opaque(const struct ij_encoding *how)
{
    return how->format == IMGJOB_FORMAT_JPEG || is_jpeg_in_tiff(how);
}

bool ij_encoder_is_lossy(const struct ij_encoding *how)
{
    if (how->format == IMGJOB_FORMAT_WEBP || how->format == IMGJOB_FORMAT_AVIF)
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

bool ij_encoder_can(uint32_t format, uint32_t width, uint32_t height)
{
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
    };
    if (format >= IJ_ARRAY_LEN(encoders) || !encoders[format].operation)
        return false;
    return width <= encoders[format].side_max && height <= encoders[format].side_max &&
           vips_type_find("VipsOperation", encoders[format].operation) != 0;
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

/* libvips makes palettes of 2^bits colours: the most that are not more than asked for. */
static int palette_bits(uint32_t colors, bool is_png)
{
    int bits = 1;
    while (bits < 8 && (2u << bits) <= colors)
        bits++;
    if (is_png) /* which knows 1, 2, 4 and 8 bits only */
        bits = bits >= 8 ? 8 : bits >= 4 ? 4 : bits >= 2 ? 2 : 1;
    return bits;
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
    uint32_t colors =
        how->colors ? how->colors : (uint32_t)integer(how, IJ_OUT_COLORS, COLORS_MAX);
    if (vips_pngsave_buffer(image, bytes, len, "compression", compression, "interlace",
                            interlace, "palette", TRUE, "bitdepth",
                            palette_bits(colors, true), "dither", dither(how), "effort",
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

static int save_gif(const struct ij_encoding *how, VipsImage *image, void **bytes,
                    size_t *len)
{
    uint32_t colors =
        how->colors ? how->colors : (uint32_t)integer(how, IJ_OUT_COLORS, COLORS_MAX);
    return vips_gifsave_buffer(image, bytes, len, "bitdepth", palette_bits(colors, false),
                               "dither", dither(how), "effort",
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
    default:
        vips_error("save", "no encoder for format %u", how->format);
        return -1;
    }
}
