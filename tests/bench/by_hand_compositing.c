/* What is laid on, under and around the image. */
#include "by_hand_cases.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static int flatten(struct hand *hand, VipsImage **out)
{
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int failed = vips_flatten(hand->inputs[0], &hand->t[0], "background", white, NULL);
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
    int failed = vips_bandjoin2(hand->inputs[0], t[0], &t[1], NULL) ||
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
        vips_composite2(hand->inputs[0], hand->inputs[1], &t[0], VIPS_BLEND_MODE_OVER,
                        "x", 2000 - vips_image_get_width(hand->inputs[1]), "y",
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
                 vips_bandjoin2(hand->inputs[0], t[0], &t[1], NULL) ||
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
    t[2] = vips_image_new_from_image(hand->inputs[0], color, 3);
    int failed =
        !t[2] || vips_ifthenelse(t[1], t[2], hand->inputs[0], &t[3], "blend", TRUE, NULL);
    *out = t[3];
    return failed;
}

static const struct hand_case cases[] = {
    { "flatten", { "alpha.png" }, STEP("{\"op\": \"flatten\"}"), .process = flatten },
    { "round", PHOTO, STEP("{\"op\": \"round\", \"radius\": 100}"),
      .process = round_corners },
    { "composite",
      { "photo.jpg", "logo.png" },
      STEP("{\"op\": \"composite\", \"gravity\": \"southeast\"}"),
      .process = composite },
    { "mask", { "photo.jpg", "mask.png" }, STEP("{\"op\": \"mask\"}"), .process = mask },
    { "text", PHOTO,
      STEP("{\"op\": \"text\", \"text\": \"The quick brown fox\", \"size\": 72, "
           "\"color\": \"#fff\"}"),
      .is_apart = 1, .process = text },
};
const struct hand_group hand_compositing = { cases, sizeof(cases) / sizeof(cases[0]) };
