/* What becomes of levels. */
#include "by_hand_cases.h"

#include <math.h>
#include <stdint.h>

static const double luma_weights[] = { .2126, .7152, .0722 };

/* From t[at] on, three of them. */
static int luma(struct hand *hand, int at, VipsImage **out)
{
    VipsImage **t = hand->t + at;
    t[0] = vips_image_new_matrix_from_array(3, 1, luma_weights, 3);
    int failed = vips_recomb(hand->inputs[0], &t[1], t[0], NULL) ||
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
        vips_colourspace(hand->inputs[0], &hand->t[0], VIPS_INTERPRETATION_B_W, NULL);
    *out = hand->t[0];
    return failed;
}

static int matrix(struct hand *hand, const double rows[9], double offset, VipsImage **out)
{
    VipsImage **t = hand->t;
    t[0] = vips_image_new_matrix_from_array(3, 3, rows, 9);
    int failed = vips_recomb(hand->inputs[0], &t[1], t[0], NULL) ||
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
    int failed = vips_gamma(hand->inputs[0], &hand->t[0], "exponent", 2.2, NULL);
    *out = hand->t[0];
    return failed;
}

static int negate(struct hand *hand, VipsImage **out)
{
    int failed = vips_invert(hand->inputs[0], &hand->t[0], NULL);
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
    int failed = vips_linear1(hand->inputs[0], &t[5], slope, .5 - slope * black, "uchar",
                              TRUE, NULL);
    *out = t[5];
    return failed;
}

static int equalize(struct hand *hand, VipsImage **out)
{
    VipsImage *grey, **t = hand->t;
    int failed = luma(hand, 0, &grey) || vips_hist_find(grey, &t[3], NULL) ||
                 vips_hist_cum(t[3], &t[4], NULL) || vips_hist_norm(t[4], &t[5], NULL) ||
                 vips_maplut(hand->inputs[0], &t[6], t[5], NULL);
    *out = t[6];
    return failed;
}

static const struct hand_case cases[] = {
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
};
const struct hand_group hand_colour = { cases, sizeof(cases) / sizeof(cases[0]) };
