/* Where pixels go. */
#include "by_hand_cases.h"

static int scale(struct hand *hand, double width, double height)
{
    VipsImage *in = hand->inputs[0];
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
    int failed = vips_crop(hand->inputs[0], &hand->t[0], 200, 150, 1600, 1200, NULL);
    *out = hand->t[0];
    return failed;
}

static int trim(struct hand *hand, VipsImage **out)
{
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int left, top, width, height;
    int failed = vips_find_trim(hand->inputs[0], &left, &top, &width, &height,
                                "threshold", 10.0, "background", white, NULL) ||
                 vips_crop(hand->inputs[0], &hand->t[0], left, top, width, height, NULL);
    vips_area_unref(VIPS_AREA(white));
    *out = hand->t[0];
    return failed;
}

static int extend(struct hand *hand, VipsImage **out)
{
    int failed = vips_embed(hand->inputs[0], &hand->t[0], 50, 50, 2100, 1600, "extend",
                            VIPS_EXTEND_WHITE, NULL);
    *out = hand->t[0];
    return failed;
}

static int rotate_quarter(struct hand *hand, VipsImage **out)
{
    int failed = vips_rot(hand->inputs[0], &hand->t[0], VIPS_ANGLE_D90, NULL);
    *out = hand->t[0];
    return failed;
}

static int rotate(struct hand *hand, VipsImage **out)
{
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    VipsInterpolate *cubic = vips_interpolate_new("bicubic");
    int failed = vips_rotate(hand->inputs[0], &hand->t[0], 15.0, "interpolate", cubic,
                             "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    g_object_unref(cubic);
    *out = hand->t[0];
    return failed;
}

static int flip(struct hand *hand, VipsImage **out)
{
    int failed = vips_flip(hand->inputs[0], &hand->t[0], VIPS_DIRECTION_VERTICAL, NULL);
    *out = hand->t[0];
    return failed;
}

static int flop(struct hand *hand, VipsImage **out)
{
    int failed = vips_flip(hand->inputs[0], &hand->t[0], VIPS_DIRECTION_HORIZONTAL, NULL);
    *out = hand->t[0];
    return failed;
}

static const struct hand_case cases[] = {
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
};
const struct hand_group hand_geometry = { cases, sizeof(cases) / sizeof(cases[0]) };
