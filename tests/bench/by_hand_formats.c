/* One small image in every format. */
#include "by_hand_cases.h"

static int keep(struct hand *hand, VipsImage **out)
{
    *out = hand->inputs[0];
    return 0;
}

/* To 800 x 600, of the half that is loaded. */
static int resize(struct hand *hand, VipsImage **out)
{
    int failed = vips_resize(hand->inputs[0], &hand->t[0], .8, NULL);
    *out = hand->t[0];
    return failed;
}

/* Of an image with alpha: colours by their alpha, in 8 bits. */
static int resize_alpha(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed =
        vips_premultiply(hand->inputs[0], &t[0], NULL) ||
        vips_cast_uchar(t[0], &t[1], NULL) || vips_resize(t[1], &t[2], .4, NULL) ||
        vips_unpremultiply(t[2], &t[3], NULL) || vips_cast_uchar(t[3], &t[4], NULL);
    *out = t[4];
    return failed;
}

static int save_png(VipsImage *image, void **out, size_t *len)
{
    return vips_pngsave_buffer(image, out, len, "compression", 6, "strip", TRUE, NULL);
}

static int save_webp(VipsImage *image, void **out, size_t *len)
{
    return vips_webpsave_buffer(image, out, len, "Q", 80, "effort", 4, "strip", TRUE,
                                NULL);
}

static int save_avif(VipsImage *image, void **out, size_t *len)
{
    return vips_heifsave_buffer(image, out, len, "compression",
                                VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "Q", 50, "bitdepth", 8,
                                "effort", 2, "subsample-mode", VIPS_FOREIGN_SUBSAMPLE_ON,
                                "strip", TRUE, NULL);
}

static int save_gif(VipsImage *image, void **out, size_t *len)
{
    return vips_gifsave_buffer(image, out, len, "dither", 1.0, "effort", 7, "strip", TRUE,
                               NULL);
}

static int save_tiff(VipsImage *image, void **out, size_t *len)
{
    return vips_tiffsave_buffer(
        image, out, len, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE,
        "predictor", VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "strip", TRUE, NULL);
}

static const struct hand_case cases[] = {
    { "resize/alpha",
      { "alpha.png" },
      FORMAT("webp"),
      .process = resize_alpha,
      .save = save_webp },
    { "format/jpeg", PHOTO, FORMAT("jpeg"), .shrink = 2, .process = resize },
    { "format/png", PHOTO, FORMAT("png"), .shrink = 2, .process = resize,
      .save = save_png },
    { "format/webp", PHOTO, FORMAT("webp"), .shrink = 2, .process = resize,
      .save = save_webp },
    { "format/avif", PHOTO, FORMAT("avif"), .shrink = 2, .process = resize,
      .save = save_avif },
    { "format/gif", PHOTO, FORMAT("gif"), .shrink = 2, .process = resize,
      .save = save_gif },
    { "format/tiff", PHOTO, FORMAT("tiff"), .shrink = 2, .process = resize,
      .save = save_tiff },
    { "copy", PHOTO, STEP(""), .process = keep },
};
const struct hand_group hand_formats = { cases, sizeof(cases) / sizeof(cases[0]) };
