/* What a pixel has from its neighbours. */
#include "by_hand_cases.h"

static int blur(struct hand *hand, VipsImage **out)
{
    int failed = vips_gaussblur(hand->inputs[0], &hand->t[0], 2.0, NULL);
    *out = hand->t[0];
    return failed;
}

static int blur_wide(struct hand *hand, VipsImage **out)
{
    int failed = vips_gaussblur(hand->inputs[0], &hand->t[0], 10.0, NULL);
    *out = hand->t[0];
    return failed;
}

static int sharpen(struct hand *hand, VipsImage **out)
{
    int failed = vips_sharpen(hand->inputs[0], &hand->t[0], "sigma", .5, "m1", 0.0, "m2",
                              3.0, NULL);
    *out = hand->t[0];
    return failed;
}

static int pixelate(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed = vips_shrink(hand->inputs[0], &t[0], 16, 16, "ceil", TRUE, NULL) ||
                 vips_zoom(t[0], &t[1], 16, 16, NULL) ||
                 vips_crop(t[1], &t[2], 0, 0, 2000, 1500, NULL);
    *out = t[2];
    return failed;
}

static int median(struct hand *hand, VipsImage **out)
{
    int failed = vips_median(hand->inputs[0], &hand->t[0], 3, NULL);
    *out = hand->t[0];
    return failed;
}

/* Whole weights: the arithmetic of whole numbers is exact, and vectors. */
static int convolve(struct hand *hand, VipsImage **out)
{
    static const double kernel[] = { 0, -1, 0, -1, 5, -1, 0, -1, 0 };
    hand->t[0] = vips_image_new_matrix_from_array(3, 3, kernel, 9);
    int failed = vips_conv(hand->inputs[0], &hand->t[1], hand->t[0], "precision",
                           VIPS_PRECISION_INTEGER, NULL);
    *out = hand->t[1];
    return failed;
}

static int redact_fill(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed = vips_black(&t[0], 400, 300, "bands", 3, NULL) ||
                 vips_insert(hand->inputs[0], t[0], &t[1], 600, 500, NULL);
    *out = t[1];
    return failed;
}

static int redact_pixelate(struct hand *hand, VipsImage **out)
{
    VipsImage **t = hand->t;
    int failed = vips_crop(hand->inputs[0], &t[0], 600, 500, 400, 300, NULL) ||
                 vips_shrink(t[0], &t[1], 75, 75, "ceil", TRUE, NULL) ||
                 vips_zoom(t[1], &t[2], 75, 75, NULL) ||
                 vips_crop(t[2], &t[3], 0, 0, 400, 300, NULL) ||
                 vips_insert(hand->inputs[0], t[3], &t[4], 600, 500, NULL);
    *out = t[4];
    return failed;
}

static const struct hand_case cases[] = {
    { "blur", PHOTO, STEP("{\"op\": \"blur\", \"sigma\": 2}"), .is_apart = 1,
      .process = blur },
    { "blur/wide", PHOTO, STEP("{\"op\": \"blur\", \"sigma\": 10}"), .is_apart = 1,
      .process = blur_wide },
    { "sharpen", PHOTO, STEP("{\"op\": \"sharpen\"}"), .process = sharpen },
    { "pixelate", PHOTO, STEP("{\"op\": \"pixelate\", \"size\": 16}"),
      .process = pixelate },
    { "median", PHOTO, STEP("{\"op\": \"median\"}"), .process = median },
    { "convolve", PHOTO,
      STEP("{\"op\": \"convolve\", \"kernel\": [0, -1, 0, -1, 5, -1, 0, -1, 0], "
           "\"width\": 3}"),
      .process = convolve },
    { "redact", PHOTO, STEP("{\"op\": \"redact\", \"boxes\": [[600, 500, 400, 300]]}"),
      .process = redact_fill },
    { "redact/pixelate", PHOTO,
      STEP("{\"op\": \"redact\", \"boxes\": [[600, 500, 400, 300]], \"mode\": "
           "\"pixelate\"}"),
      .is_held = 1, .process = redact_pixelate },
};
const struct hand_group hand_filters = { cases, sizeof(cases) / sizeof(cases[0]) };
