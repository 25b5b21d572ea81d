/*
 * The bound of the engine's benchmark: what libvips alone takes. Best practice
 * throughout: a stream where the operation allows one, 8 bits where they do, a table
 * where it is all about levels, the encoder settings that the engine uses. Nothing is
 * checked, planned or limited, and every number is known beforehand.
 */
#include "by_hand.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static int keep(struct hand *hand, VipsImage **out)
{
    *out = hand->inputs[0];
    return 0;
}

static VipsImage *input(const struct hand *hand)
{
    return hand->inputs[0];
}

/* ---- geometry ---- */

static int scale(struct hand *hand, double width, double height)
{
    VipsImage *in = input(hand);
    return vips_resize(in, &hand->t[0], width / vips_image_get_width(in), "vscale",
                       height / vips_image_get_height(in), NULL);
}

static int resize(struct hand *hand, VipsImage **out)
{
    int failed = scale(hand, 800, 600);
    *out = hand->t[0];
    return failed;
}

static int resize_large(struct hand *hand, VipsImage **out)
{
    int failed = scale(hand, 1600, 1200);
    *out = hand->t[0];
    return failed;
}

/* Of an image with alpha: colours by their alpha, in 8 bits. */
static int resize_alpha(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed =
        vips_premultiply(input(hand), &t[0], NULL) ||
        vips_cast_uchar(t[0], &t[1], NULL) || vips_resize(t[1], &t[2], .4, NULL) ||
        vips_unpremultiply(t[2], &t[3], NULL) || vips_cast_uchar(t[3], &t[4], NULL);
    *out = t[4];
    return failed;
}

/* The profile is converted where there are fewest pixels. */
static int resize_profile(struct hand *hand, VipsImage **out)
{
    int failed =
        scale(hand, 800, 600) || vips_icc_transform(hand->t[0], &hand->t[1], "srgb",
                                                    "embedded", TRUE, "depth", 8, NULL);
    *out = hand->t[1];
    return failed;
}

/* Stored lying, of 1500 x 2000 upright. */
static int resize_turned(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed = scale(hand, 800, 600);
    if (!failed)
        failed =
            !(t[1] = vips_image_copy_memory(t[0])) || vips_autorot(t[1], &t[2], NULL);
    *out = t[2];
    return failed;
}

static int resize_cover(struct hand *hand, VipsImage **out)
{
    int failed = scale(hand, 800, 600) ||
                 vips_crop(hand->t[0], &hand->t[1], 100, 0, 600, 600, NULL);
    *out = hand->t[1];
    return failed;
}

static int crop(struct hand *hand, VipsImage **out)
{
    int failed = vips_crop(input(hand), &hand->t[0], 200, 150, 1600, 1200, NULL);
    *out = hand->t[0];
    return failed;
}

static int trim(struct hand *hand, VipsImage **out)
{
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int left, top, width, height;
    int failed = vips_find_trim(input(hand), &left, &top, &width, &height, "threshold",
                                10.0, "background", white, NULL) ||
                 vips_crop(input(hand), &hand->t[0], left, top, width, height, NULL);
    vips_area_unref(VIPS_AREA(white));
    *out = hand->t[0];
    return failed;
}

static int extend(struct hand *hand, VipsImage **out)
{
    int failed = vips_embed(input(hand), &hand->t[0], 50, 50, 2100, 1600, "extend",
                            VIPS_EXTEND_WHITE, NULL);
    *out = hand->t[0];
    return failed;
}

static int rotate_quarter(struct hand *hand, VipsImage **out)
{
    int failed = vips_rot(input(hand), &hand->t[0], VIPS_ANGLE_D90, NULL);
    *out = hand->t[0];
    return failed;
}

static int rotate(struct hand *hand, VipsImage **out)
{
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    VipsInterpolate *cubic = vips_interpolate_new("bicubic");
    int failed = vips_rotate(input(hand), &hand->t[0], 15.0, "interpolate", cubic,
                             "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    g_object_unref(cubic);
    *out = hand->t[0];
    return failed;
}

static int flip(struct hand *hand, VipsImage **out)
{
    int failed = vips_flip(input(hand), &hand->t[0], VIPS_DIRECTION_VERTICAL, NULL);
    *out = hand->t[0];
    return failed;
}

static int flop(struct hand *hand, VipsImage **out)
{
    int failed = vips_flip(input(hand), &hand->t[0], VIPS_DIRECTION_HORIZONTAL, NULL);
    *out = hand->t[0];
    return failed;
}

/* ---- filters ---- */

static int blur(struct hand *hand, VipsImage **out)
{
    int failed = vips_gaussblur(input(hand), &hand->t[0], 2.0, NULL);
    *out = hand->t[0];
    return failed;
}

static int blur_wide(struct hand *hand, VipsImage **out)
{
    int failed = vips_gaussblur(input(hand), &hand->t[0], 10.0, NULL);
    *out = hand->t[0];
    return failed;
}

static int sharpen(struct hand *hand, VipsImage **out)
{
    int failed =
        vips_sharpen(input(hand), &hand->t[0], "sigma", .5, "m1", 0.0, "m2", 3.0, NULL);
    *out = hand->t[0];
    return failed;
}

static int pixelate(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed = vips_shrink(input(hand), &t[0], 16, 16, "ceil", TRUE, NULL) ||
                 vips_zoom(t[0], &t[1], 16, 16, NULL) ||
                 vips_crop(t[1], &t[2], 0, 0, 2000, 1500, NULL);
    *out = t[2];
    return failed;
}

static int median(struct hand *hand, VipsImage **out)
{
    int failed = vips_median(input(hand), &hand->t[0], 3, NULL);
    *out = hand->t[0];
    return failed;
}

/* Whole weights: the arithmetic of whole numbers is exact, and vectors. */
static int convolve(struct hand *hand, VipsImage **out)
{
    static const double kernel[] = { 0, -1, 0, -1, 5, -1, 0, -1, 0 };
    hand->t[0] = vips_image_new_matrix_from_array(3, 3, kernel, 9);
    int failed = vips_conv(input(hand), &hand->t[1], hand->t[0], "precision",
                           VIPS_PRECISION_INTEGER, NULL);
    *out = hand->t[1];
    return failed;
}

static int redact_fill(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed = vips_black(&t[0], 400, 300, "bands", 3, NULL) ||
                 vips_insert(input(hand), t[0], &t[1], 600, 500, NULL);
    *out = t[1];
    return failed;
}

static int redact_pixelate(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed = vips_crop(input(hand), &t[0], 600, 500, 400, 300, NULL) ||
                 vips_shrink(t[0], &t[1], 75, 75, "ceil", TRUE, NULL) ||
                 vips_zoom(t[1], &t[2], 75, 75, NULL) ||
                 vips_crop(t[2], &t[3], 0, 0, 400, 300, NULL) ||
                 vips_insert(input(hand), t[3], &t[4], 600, 500, NULL);
    *out = t[4];
    return failed;
}

/* ---- colour ---- */

static const double luma_weights[] = { .2126, .7152, .0722 };

/* From t[at] on, three of them. */
static int luma(struct hand *hand, int at, VipsImage **out)
{
    VipsImage **t = hand->t + at;
    t[0] = vips_image_new_matrix_from_array(3, 1, luma_weights, 3);
    int failed = vips_recomb(input(hand), &t[1], t[0], NULL) ||
                 vips_linear1(t[1], &t[2], 1, .5, "uchar", TRUE, NULL);
    *out = t[2];
    return failed;
}

static int grayscale(struct hand *hand, VipsImage **out)
{
    return luma(hand, 0, out);
}

static int colorspace(struct hand *hand, VipsImage **out)
{
    int failed =
        vips_colourspace(input(hand), &hand->t[0], VIPS_INTERPRETATION_B_W, NULL);
    *out = hand->t[0];
    return failed;
}

static int matrix(struct hand *hand, const double rows[9], double offset, VipsImage **out)
{
    VipsImage **t = hand->t;
    t[0] = vips_image_new_matrix_from_array(3, 3, rows, 9);
    int failed = vips_recomb(input(hand), &t[1], t[0], NULL) ||
                 vips_linear1(t[1], &t[2], 1, offset + .5, "uchar", TRUE, NULL);
    *out = t[2];
    return failed;
}

/* Saturation 1.3, then brightness 1.1. */
static int modulate(struct hand *hand, VipsImage **out)
{
    double rows[9];
    static const double weights[] = { .213, .715, .072 };
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++)
            rows[y * 3 + x] = 1.1 * (weights[x] * (1 - 1.3) + (x == y ? 1.3 : 0));
    return matrix(hand, rows, 0, out);
}

static int sepia(struct hand *hand, VipsImage **out)
{
    static const double rows[] = { .393, .769, .189, .349, .686, .168, .272, .534, .131 };
    return matrix(hand, rows, 0, out);
}

/* Brightness as the way from one colour to another: one band, and a table of three. */
static int tint_between(struct hand *hand, const double from[3], const double to[3],
                        VipsImage **out)
{
    uint8_t table[256][3];
    VipsImage *grey;
    for (int i = 0; i < 256; i++)
        for (int band = 0; band < 3; band++)
            table[i][band] =
                (uint8_t)lround(from[band] + (to[band] - from[band]) * i / 255);
    hand->t[0] = vips_image_new_from_memory_copy(table, sizeof(table), 256, 1, 3,
                                                 VIPS_FORMAT_UCHAR);
    int failed = luma(hand, 1, &grey) ||
                 vips_maplut(grey, &hand->t[4], hand->t[0], NULL) ||
                 vips_copy(hand->t[4], &hand->t[5], "interpretation",
                           VIPS_INTERPRETATION_sRGB, NULL);
    *out = hand->t[5];
    return failed;
}

static int tint(struct hand *hand, VipsImage **out)
{
    static const double black[] = { 0, 0, 0 }, orange[] = { 255, 160, 64 };
    return tint_between(hand, black, orange, out);
}

static int duotone(struct hand *hand, VipsImage **out)
{
    static const double navy[] = { 16, 32, 96 }, cream[] = { 255, 240, 208 };
    return tint_between(hand, navy, cream, out);
}

static int gamma_curve(struct hand *hand, VipsImage **out)
{
    int failed = vips_gamma(input(hand), &hand->t[0], "exponent", 2.2, NULL);
    *out = hand->t[0];
    return failed;
}

static int negate(struct hand *hand, VipsImage **out)
{
    int failed = vips_invert(input(hand), &hand->t[0], NULL);
    *out = hand->t[0];
    return failed;
}

static int threshold(struct hand *hand, VipsImage **out)
{
    VipsImage *grey;
    int failed = luma(hand, 0, &grey) || vips_moreeq_const1(grey, &hand->t[3], 128, NULL);
    *out = hand->t[3];
    return failed;
}

/* Percentiles of brightness become black and white. */
static int normalize(struct hand *hand, VipsImage **out)
{
    VipsImage *grey, **t = hand->t;
    if (luma(hand, 0, &grey) || vips_hist_find(grey, &t[3], NULL) ||
        !(t[4] = vips_image_copy_memory(t[3])))
        return -1;
    const uint32_t *bins = (const uint32_t *)VIPS_IMAGE_ADDR(t[4], 0, 0);
    double all = 2000 * 1500, so_far = 0, black = 0, white = 255;
    for (int i = 0; i < vips_image_get_width(t[4]); i++) {
        if (so_far <= all * .01)
            black = i;
        if (so_far <= all * .99)
            white = i;
        so_far += bins[i];
    }
    double slope = 255 / (white - black);
    int failed =
        vips_linear1(input(hand), &t[5], slope, .5 - slope * black, "uchar", TRUE, NULL);
    *out = t[5];
    return failed;
}

static int equalize(struct hand *hand, VipsImage **out)
{
    VipsImage *grey, **t = hand->t;
    int failed = luma(hand, 0, &grey) || vips_hist_find(grey, &t[3], NULL) ||
                 vips_hist_cum(t[3], &t[4], NULL) || vips_hist_norm(t[4], &t[5], NULL) ||
                 vips_maplut(input(hand), &t[6], t[5], NULL);
    *out = t[6];
    return failed;
}

/* ---- compositing ---- */

static int flatten(struct hand *hand, VipsImage **out)
{
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int failed = vips_flatten(input(hand), &hand->t[0], "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    *out = hand->t[0];
    return failed;
}

enum { ROUND_WIDTH = 2000, ROUND_HEIGHT = 1500, RADIUS = 100 };

static void draw_corners(uint8_t *mask)
{
    memset(mask, 255, (size_t)ROUND_WIDTH * ROUND_HEIGHT);
    for (int y = 0; y < RADIUS; y++)
        for (int x = 0; x < RADIUS; x++) {
            double depth = RADIUS - hypot(RADIUS - x - .5, RADIUS - y - .5) + .5;
            uint8_t level = (uint8_t)lround(255 * fmin(fmax(depth, 0), 1));
            uint8_t *above = mask + (size_t)y * ROUND_WIDTH;
            uint8_t *below = mask + (size_t)(ROUND_HEIGHT - 1 - y) * ROUND_WIDTH;
            above[x] = above[ROUND_WIDTH - 1 - x] = level;
            below[x] = below[ROUND_WIDTH - 1 - x] = level;
        }
}

/* The mask is drawn into memory; all but its corners is one memset(). */
static int round_corners(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    t[0] = vips_image_new_memory();
    vips_image_init_fields(t[0], ROUND_WIDTH, ROUND_HEIGHT, 1, VIPS_FORMAT_UCHAR,
                           VIPS_CODING_NONE, VIPS_INTERPRETATION_B_W, 1, 1);
    if (vips_image_write_prepare(t[0]))
        return -1;
    draw_corners(VIPS_IMAGE_ADDR(t[0], 0, 0));
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int failed = vips_bandjoin2(input(hand), t[0], &t[1], NULL) ||
                 vips_flatten(t[1], &t[2], "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    *out = t[2];
    return failed;
}

/* In the lower right corner. */
static int composite(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed =
        vips_composite2(input(hand), hand->inputs[1], &t[0], VIPS_BLEND_MODE_OVER, "x",
                        2000 - vips_image_get_width(hand->inputs[1]), "y",
                        1500 - vips_image_get_height(hand->inputs[1]), NULL) ||
        vips_extract_band(t[0], &t[1], 0, "n", 3, NULL);
    *out = t[1];
    return failed;
}

static int mask(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int failed = vips_resize(hand->inputs[1], &t[0],
                             2000.0 / vips_image_get_width(hand->inputs[1]), "vscale",
                             1500.0 / vips_image_get_height(hand->inputs[1]), NULL) ||
                 vips_bandjoin2(input(hand), t[0], &t[1], NULL) ||
                 vips_flatten(t[1], &t[2], "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    *out = t[2];
    return failed;
}

/* White, in the middle. */
static int text(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    static const double color[] = { 255, 255, 255 };
    if (vips_text(&t[0], "The quick brown fox", "font", "sans 72", "dpi", 72, NULL) ||
        vips_embed(t[0], &t[1], (2000 - vips_image_get_width(t[0])) / 2,
                   (1500 - vips_image_get_height(t[0])) / 2, 2000, 1500, NULL))
        return -1;
    t[2] = vips_image_new_from_image(input(hand), color, 3);
    int failed =
        !t[2] || vips_ifthenelse(t[1], t[2], input(hand), &t[3], "blend", TRUE, NULL);
    *out = t[3];
    return failed;
}

/* ---- formats ---- */

static int save_jpeg(VipsImage *image, void **out, size_t *len)
{
    return vips_jpegsave_buffer(image, out, len, "Q", 80, "strip", TRUE, NULL);
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

/* ---- the cases ---- */

#define PHOTO       \
    {               \
        "photo.jpg" \
    }
#define STEP(step) "{\"steps\": [" step "], \"outputs\": [{\"format\": \"jpeg\"}]}"
#define RESIZE     "{\"op\": \"resize\", \"width\": 800, \"height\": 600}"
#define FORMAT(format) \
    "{\"steps\": [" RESIZE "], \"outputs\": [{\"format\": \"" format "\"}]}"

const struct hand_case hand_cases[] = {
    { "resize", PHOTO, STEP(RESIZE), .shrink = 2, .process = resize },
    { "resize/whole", PHOTO, STEP("{\"op\": \"resize\", \"width\": 1600}"),
      .process = resize_large },
    { "resize/cover", PHOTO,
      STEP("{\"op\": \"resize\", \"width\": 600, \"height\": 600, \"fit\": \"cover\"}"),
      .shrink = 2, .process = resize_cover },
    { "resize/turned",
      { "turned.jpg" },
      STEP("{\"op\": \"resize\", \"width\": 600, \"height\": 800}"),
      .shrink = 2,
      .process = resize_turned },
    { "resize/profile",
      { "profile.jpg" },
      STEP(RESIZE),
      .shrink = 2,
      .process = resize_profile },
    { "resize/alpha",
      { "alpha.png" },
      FORMAT("webp"),
      .process = resize_alpha,
      .save = save_webp },
    { "crop", PHOTO,
      STEP("{\"op\": \"crop\", \"x\": 200, \"y\": 150, \"width\": 1600, "
           "\"height\": 1200}"),
      .process = crop },
    { "trim",
      { "framed.jpg" },
      STEP("{\"op\": \"trim\"}"),
      .is_held = 1,
      .process = trim },
    { "extend", PHOTO,
      STEP("{\"op\": \"extend\", \"top\": 50, \"right\": 50, \"bottom\": 50, "
           "\"left\": 50, \"background\": \"#fff\"}"),
      .process = extend },
    { "rotate", PHOTO, STEP("{\"op\": \"rotate\", \"angle\": 90}"), .is_held = 1,
      .process = rotate_quarter },
    { "rotate/free", PHOTO,
      STEP("{\"op\": \"rotate\", \"angle\": 15, \"background\": \"#fff\"}"), .is_held = 1,
      .is_apart = 1, .process = rotate },
    { "flip", PHOTO, STEP("{\"op\": \"flip\"}"), .is_held = 1, .process = flip },
    { "flop", PHOTO, STEP("{\"op\": \"flop\"}"), .process = flop },
    { "blur", PHOTO, STEP("{\"op\": \"blur\", \"sigma\": 2}"), .is_apart = 1,
      .process = blur },
    { "blur/wide", PHOTO, STEP("{\"op\": \"blur\", \"sigma\": 10}"), .is_apart = 1,
      .process = blur_wide },
    { "sharpen", PHOTO, STEP("{\"op\": \"sharpen\"}"), .process = sharpen },
    { "pixelate", PHOTO, STEP("{\"op\": \"pixelate\", \"size\": 16}"),
      .process = pixelate },
    { "modulate", PHOTO,
      STEP("{\"op\": \"modulate\", \"brightness\": 1.1, \"saturation\": 1.3}"),
      .process = modulate },
    { "gamma", PHOTO, STEP("{\"op\": \"gamma\"}"), .process = gamma_curve },
    { "normalize", PHOTO, STEP("{\"op\": \"normalize\"}"), .is_held = 1,
      .process = normalize },
    { "equalize", PHOTO, STEP("{\"op\": \"equalize\"}"), .is_held = 1,
      .process = equalize },
    { "grayscale", PHOTO, STEP("{\"op\": \"grayscale\"}"), .process = grayscale },
    { "colorspace", PHOTO, STEP("{\"op\": \"colorspace\", \"to\": \"grey\"}"),
      .is_apart = 1, .process = colorspace },
    { "sepia", PHOTO, STEP("{\"op\": \"sepia\"}"), .process = sepia },
    { "tint", PHOTO, STEP("{\"op\": \"tint\", \"color\": \"#ffa040\"}"),
      .process = tint },
    { "duotone", PHOTO,
      STEP("{\"op\": \"duotone\", \"shadow\": \"#102060\", \"highlight\": "
           "\"#fff0d0\"}"),
      .process = duotone },
    { "negate", PHOTO, STEP("{\"op\": \"negate\"}"), .process = negate },
    { "threshold", PHOTO, STEP("{\"op\": \"threshold\"}"), .process = threshold },
    { "median", PHOTO, STEP("{\"op\": \"median\"}"), .process = median },
    { "convolve", PHOTO,
      STEP("{\"op\": \"convolve\", \"kernel\": [0, -1, 0, -1, 5, -1, 0, -1, 0], "
           "\"width\": 3}"),
      .process = convolve },
    { "flatten", { "alpha.png" }, STEP("{\"op\": \"flatten\"}"), .process = flatten },
    { "round", PHOTO, STEP("{\"op\": \"round\", \"radius\": 100}"),
      .process = round_corners },
    { "redact", PHOTO, STEP("{\"op\": \"redact\", \"boxes\": [[600, 500, 400, 300]]}"),
      .process = redact_fill },
    { "redact/pixelate", PHOTO,
      STEP("{\"op\": \"redact\", \"boxes\": [[600, 500, 400, 300]], \"mode\": "
           "\"pixelate\"}"),
      .is_held = 1, .process = redact_pixelate },
    { "composite",
      { "photo.jpg", "logo.png" },
      STEP("{\"op\": \"composite\", \"gravity\": \"southeast\"}"),
      .process = composite },
    { "mask", { "photo.jpg", "mask.png" }, STEP("{\"op\": \"mask\"}"), .process = mask },
    { "text", PHOTO,
      STEP("{\"op\": \"text\", \"text\": \"The quick brown fox\", \"size\": 72, "
           "\"color\": \"#fff\"}"),
      .is_apart = 1, .process = text },
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
const size_t hand_case_count = sizeof(hand_cases) / sizeof(hand_cases[0]);

/* ---- running one ---- */

static int is_png(const struct hand_bytes *bytes)
{
    return ((const uint8_t *)bytes->data)[0] == 0x89;
}

static int load(const struct hand_bytes *bytes, int shrink, VipsImage **out)
{
    if (is_png(bytes))
        return vips_pngload_buffer(bytes->data, bytes->len, out, "access",
                                   VIPS_ACCESS_SEQUENTIAL, NULL);
    return vips_jpegload_buffer(bytes->data, bytes->len, out, "access",
                                VIPS_ACCESS_SEQUENTIAL, "shrink", shrink ? shrink : 1,
                                NULL);
}

static int hold(VipsImage **image)
{
    VipsImage *held = vips_image_copy_memory(*image);
    if (!held)
        return -1;
    g_object_unref(*image);
    *image = held;
    return 0;
}

int hand_run(const struct hand_case *which, const struct hand_bytes *inputs,
             struct hand_bytes *out)
{
    struct hand hand = { { NULL }, { NULL } };
    VipsImage *made = NULL;
    int failed = 0;
    for (int i = 0; i < HAND_INPUTS_MAX && which->images[i] && !failed; i++) {
        failed = load(&inputs[i], i == 0 ? which->shrink : 1, &hand.inputs[i]);
        if (!failed && (i > 0 || which->is_held))
            failed = hold(&hand.inputs[i]);
    }
    failed = failed || which->process(&hand, &made) ||
             (which->save ? which->save : save_jpeg)(made, &out->data, &out->len);
    for (int i = HAND_STEPS_MAX - 1; i >= 0; i--)
        g_clear_object(&hand.t[i]);
    for (int i = 0; i < HAND_INPUTS_MAX; i++)
        g_clear_object(&hand.inputs[i]);
    return failed ? -1 : 0;
}
