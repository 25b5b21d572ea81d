/*
 * Operations on the geometry: every size against its formula, every pixel that is moved
 * and not computed against where it came from.
 */
#include "image_step.h"

#include <math.h>

#include "image/image.h"
#include "image/source.h"

extern const struct ij_image_op ij_resize_op, ij_crop_op, ij_trim_op, ij_extend_op,
    ij_rotate_op, ij_flip_op, ij_flop_op;

/* ---- images and steps ---- */

/* Every pixel unlike its neighbours, the same every time. */
static VipsImage *painted(int width, int height, int bands)
{
    uint8_t *bytes = malloc((size_t)width * height * bands);
    assert_non_null(bytes);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int i = 0; i < bands; i++)
                bytes[((size_t)y * width + x) * bands + i] =
                    (uint8_t)(x * 7 + y * 31 + i * 80);
    IJ_AUTO(ij_image_unref)
    VipsImage *plain = vips_image_new_from_memory_copy(
        bytes, (size_t)width * height * bands, width, height, bands, VIPS_FORMAT_UCHAR);
    free(bytes);
    IJ_AUTO(ij_image_unref) VipsImage *named = NULL;
    assert_int_equal(
        vips_copy(plain, &named, "interpretation",
                  bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL),
        0);
    VipsImage *made = vips_image_copy_memory(named);
    assert_non_null(made);
    return made;
}

static struct ij_extent size_of(VipsImage *image)
{
    return (struct ij_extent){ (uint32_t)vips_image_get_width(image),
                               (uint32_t)vips_image_get_height(image) };
}

/* Plan and do; the pixels in memory. */
static VipsImage *made_of(const struct ij_step *step, VipsImage *image)
{
    struct ij_extent to = size_of(image);
    if (step->op->check)
        expect_code(0, step->op->check(step, "/steps/0", &test_err));
    if (step->op->plan)
        expect_code(0, step->op->plan(step, to, &to, &test_err));
    const struct ij_apply with = { .step = step, .to = to };
    IJ_AUTO(ij_image_unref) VipsImage *lazy = NULL;
    if (ij_image_op_of(step)->apply(&with, image, &lazy) != 0)
        fail_msg("%s: %s", step->op->name, vips_error_buffer());
    VipsImage *made = vips_image_copy_memory(lazy);
    assert_non_null(made);
    assert_int_equal(vips_image_get_format(made), VIPS_FORMAT_UCHAR);
    if (!step->op->finds_size) {
        assert_int_equal(vips_image_get_width(made), to.width);
        assert_int_equal(vips_image_get_height(made), to.height);
    }
    return made;
}

static const uint8_t *pixel(VipsImage *image, int x, int y)
{
    return (const uint8_t *)VIPS_IMAGE_ADDR(image, x, y);
}

/* Which pixel of the image a made one is. @return whether it is one */
typedef bool origin(const struct ij_extent *in, int x, int y, int from[2]);

static void expect_moved(VipsImage *image, VipsImage *made, origin *of)
{
    const struct ij_extent in = size_of(image);
    for (int y = 0; y < vips_image_get_height(made); y++)
        for (int x = 0; x < vips_image_get_width(made); x++) {
            int from[2];
            if (of(&in, x, y, from) &&
                memcmp(pixel(made, x, y), pixel(image, from[0], from[1]),
                       (size_t)vips_image_get_bands(image)) != 0)
                fail_msg("%d, %d is not what was at %d, %d", x, y, from[0], from[1]);
        }
}

static bool flipped(const struct ij_extent *in, int x, int y, int from[2])
{
    from[0] = x;
    from[1] = (int)in->height - 1 - y;
    return true;
}

static bool flopped(const struct ij_extent *in, int x, int y, int from[2])
{
    from[0] = (int)in->width - 1 - x;
    from[1] = y;
    return true;
}

static bool right_turned(const struct ij_extent *in, int x, int y, int from[2])
{
    from[0] = y;
    from[1] = (int)in->height - 1 - x;
    return true;
}

static bool half_turned(const struct ij_extent *in, int x, int y, int from[2])
{
    from[0] = (int)in->width - 1 - x;
    from[1] = (int)in->height - 1 - y;
    return true;
}

static bool left_turned(const struct ij_extent *in, int x, int y, int from[2])
{
    from[0] = (int)in->width - 1 - y;
    from[1] = x;
    return true;
}

static void mirrors_and_quarter_turns_move_pixels(void **state)
{
    (void)state;
    static const struct {
        const struct ij_image_op *op;
        struct set sets[SETS_MAX];
        origin *of;
    } cases[] = {
        { &ij_flip_op, { { NULL } }, flipped },
        { &ij_flop_op, { { NULL } }, flopped },
        { &ij_rotate_op, { { "angle", REAL(90) } }, right_turned },
        { &ij_rotate_op, { { "angle", REAL(-270) } }, right_turned },
        { &ij_rotate_op, { { "angle", REAL(180) } }, half_turned },
        { &ij_rotate_op, { { "angle", REAL(-90) } }, left_turned },
        { &ij_rotate_op, { { "angle", REAL(270) } }, left_turned },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        for (int bands = 1; bands <= 4; bands++) {
            IJ_AUTO(ij_image_unref) VipsImage *image = painted(13, 8, bands);
            struct ij_step step = step_of(cases[i].op, cases[i].sets);
            IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
            assert_int_equal(vips_image_get_bands(made), bands);
            expect_moved(image, made, cases[i].of);
        }
}

/* ---- rotate ---- */

static void any_angle_makes_the_box_around_it(void **state)
{
    (void)state;
    uint32_t seed = 3;
    for (int i = 0; i < 60; i++) {
        seed = seed * 1664525 + 1013904223;
        int width = 1 + (int)(seed >> 8) % 60, height = 1 + (int)(seed >> 16) % 60;
        double angle = (int)(seed >> 4) % 72000 / 100.0 - 360;
        IJ_AUTO(ij_image_unref) VipsImage *image = painted(width, height, 3);
        struct ij_step step =
            step_of(&ij_rotate_op, (struct set[SETS_MAX]){ { "angle", REAL(angle) } });
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        double across = fabs(cos(angle * M_PI / 180)),
               down = fabs(sin(angle * M_PI / 180));
        assert_in_range(vips_image_get_width(made), width * across + height * down - .001,
                        width * across + height * down + 1);
        assert_in_range(vips_image_get_height(made),
                        width * down + height * across - .001,
                        width * down + height * across + 1);
    }
}

/* The corners have the background, the middle stays where it was. */
static void a_turned_image_lies_on_its_background(void **state)
{
    (void)state;
    static const struct {
        uint32_t color;
        int bands;
        uint8_t corner[4];
    } cases[] = { { 0x00000000, 4, { 0, 0, 0, 0 } },
                  { 0x102030ff, 3, { 0x10, 0x20, 0x30 } } };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(ij_image_unref) VipsImage *black = painted(41, 41, 3);
        IJ_AUTO(ij_image_unref) VipsImage *image = NULL;
        assert_int_equal(vips_linear1(black, &image, 0, 200, "uchar", TRUE, NULL), 0);
        struct ij_step step =
            step_of(&ij_rotate_op,
                    (struct set[SETS_MAX]){ { "angle", REAL(45) },
                                            { "background", COLOR(cases[i].color) } });
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        int side = vips_image_get_width(made);
        assert_int_equal(side, 58); /* 41 × √2 = 57.98 */
        assert_int_equal(vips_image_get_bands(made), cases[i].bands);
        assert_memory_equal(pixel(made, 0, 0), cases[i].corner, cases[i].bands);
        assert_memory_equal(pixel(made, side - 1, side - 1), cases[i].corner,
                            cases[i].bands);
        static const uint8_t middle[] = { 200, 200, 200, 255 };
        for (int at = 8; at < side - 8; at++) { /* along both diagonals' legs */
            assert_memory_equal(pixel(made, at, side / 2), middle, cases[i].bands);
            assert_memory_equal(pixel(made, side / 2, at), middle, cases[i].bands);
        }
    }
}

static void a_turn_is_clockwise(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *dark = painted(40, 40, 1);
    IJ_AUTO(ij_image_unref) VipsImage *left = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *image = NULL;
    assert_int_equal(vips_linear1(dark, &left, 0, 250, "uchar", TRUE, NULL), 0);
    IJ_AUTO(ij_image_unref) VipsImage *half = NULL;
    assert_int_equal(vips_crop(left, &half, 0, 0, 20, 40, NULL), 0);
    assert_int_equal(vips_embed(half, &image, 0, 0, 40, 40, NULL), 0);
    static const double angles[] = { 90, 89.5, 80 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(angles); i++) { /* what was left comes up */
        struct ij_step step = step_of(
            &ij_rotate_op, (struct set[SETS_MAX]){ { "angle", REAL(angles[i]) },
                                                   { "background", COLOR(0x000000ff) } });
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        int middle = vips_image_get_width(made) / 2;
        assert_true(pixel(made, middle, middle - 12)[0] > 200);
        assert_true(pixel(made, middle, middle + 12)[0] < 50);
    }
}

/* ---- crop ---- */

static void a_crop_is_its_box(void **state)
{
    (void)state;
    static const double wide[] = { 16, 9 }, high[] = { 1, 3 };
    const int64_t fraction = choice(&ij_crop_op, "unit", "fraction");
    const struct {
        struct set sets[SETS_MAX];
        int x, y, width, height;
    } cases[] = {
        { { { "x", REAL(3) },
            { "y", REAL(2) },
            { "width", REAL(10) },
            { "height", REAL(5) } },
          3,
          2,
          10,
          5 },
        { { { "x", REAL(0) },
            { "y", REAL(0) },
            { "width", REAL(40) },
            { "height", REAL(30) } },
          0,
          0,
          40,
          30 },
        { { { "width", REAL(10) }, { "height", REAL(5) } }, 15, 12, 10, 5 },
        { { { "width", REAL(10) },
            { "height", REAL(5) },
            { "gravity", INT(IJ_GRAVITY_SOUTHEAST) } },
          30,
          25,
          10,
          5 },
        { { { "x", REAL(.25) },
            { "y", REAL(.5) },
            { "width", REAL(.5) },
            { "height", REAL(.5) },
            { "unit", INT(fraction) } },
          10,
          15,
          20,
          15 },
        { { { "width", REAL(.001) },
            { "height", REAL(1) },
            { "unit", INT(fraction) },
            { "gravity", INT(IJ_GRAVITY_WEST) } },
          0,
          0,
          1,
          30 },
        { { { "ratio", { .is_given = true, .numbers = { wide, 2 } } } }, 0, 3, 40, 23 },
        { { { "ratio", { .is_given = true, .numbers = { high, 2 } } },
            { "gravity", INT(IJ_GRAVITY_NORTHWEST) } },
          0,
          0,
          10,
          30 },
    };
    IJ_AUTO(ij_image_unref) VipsImage *image = painted(40, 30, 3);
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct ij_step step = step_of(&ij_crop_op, cases[i].sets);
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        assert_int_equal(vips_image_get_width(made), cases[i].width);
        assert_int_equal(vips_image_get_height(made), cases[i].height);
        for (int y = 0; y < cases[i].height; y++)
            assert_memory_equal(pixel(made, 0, y),
                                pixel(image, cases[i].x, cases[i].y + y),
                                3 * cases[i].width);
    }
}

static void a_crop_finds_what_stands_out(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *noise = painted(30, 30, 3);
    IJ_AUTO(ij_image_unref) VipsImage *image = NULL;
    assert_int_equal(vips_embed(noise, &image, 160, 40, 200, 100, NULL), 0);
    for (int64_t gravity = IJ_GRAVITY_ATTENTION; gravity <= IJ_GRAVITY_ENTROPY;
         gravity++) {
        struct ij_step step =
            step_of(&ij_crop_op, (struct set[SETS_MAX]){ { "width", REAL(100) },
                                                         { "height", REAL(100) },
                                                         { "gravity", INT(gravity) } });
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        double mean;
        assert_int_equal(vips_avg(made, &mean, NULL), 0);
        assert_true(mean > 2); /* of black all around */
    }
}

static void a_crop_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const double square[] = { 1, 1 };
    const int64_t fraction = choice(&ij_crop_op, "unit", "fraction");
    const struct {
        struct set sets[SETS_MAX];
        const char *words;
    } cases[] = {
        { { { "width", REAL(9) } }, "/steps/0: needs width and height, or ratio" },
        { { { "x", REAL(1) }, { "width", REAL(9) }, { "height", REAL(9) } },
          "/steps/0: needs both of x and y, or none" },
        { { { "width", REAL(9.5) }, { "height", REAL(9) } },
          "/steps/0/width: must be whole px, not 9.5" },
        { { { "width", REAL(0) }, { "height", REAL(9) } },
          "/steps/0/width: must be above 0" },
        { { { "width", REAL(2) }, { "height", REAL(1) }, { "unit", INT(fraction) } },
          "/steps/0/width: must be 0..1 as a fraction, not 2" },
        { { { "width", REAL(9) },
            { "ratio", { .is_given = true, .numbers = { square, 2 } } } },
          "/steps/0: ratio stands instead of width and height" },
        { { { "x", REAL(31) },
            { "y", REAL(0) },
            { "width", REAL(10) },
            { "height", REAL(9) } },
          "a box of 10 x 9 px at 31, 0 is beyond the edge of an image of 40 x 30" },
        { { { "width", REAL(41) }, { "height", REAL(9) } }, "is beyond the edge" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct ij_step step = step_of(&ij_crop_op, cases[i].sets);
        struct ij_extent to = { 40, 30 };
        int rc = step.op->check(&step, "/steps/0", &test_err);
        if (rc == 0)
            rc = step.op->plan(&step, to, &to, &test_err);
        assert_int_equal(rc, IMGJOB_E_SPEC);
        expect_words(cases[i].words);
    }
}

/* ---- trim ---- */

/* `inner` with a border of a level: 3 left, 5 top, 7 right, 9 bottom. */
static VipsImage *bordered(VipsImage *inner, double level, double alpha)
{
    double levels[] = { level, level, level, level };
    int bands = vips_image_get_bands(inner);
    if (vips_image_hasalpha(inner))
        levels[bands - 1] = alpha;
    VipsArrayDouble *background = vips_array_double_new(levels, bands);
    IJ_AUTO(ij_image_unref) VipsImage *lazy = NULL;
    assert_int_equal(vips_embed(inner, &lazy, 3, 5, 10 + vips_image_get_width(inner),
                                14 + vips_image_get_height(inner), "extend",
                                VIPS_EXTEND_BACKGROUND, "background", background, NULL),
                     0);
    vips_area_unref(VIPS_AREA(background));
    return vips_image_copy_memory(lazy);
}

static void trim_finds_the_border(void **state)
{
    (void)state;
    for (int bands = 1; bands <= 4; bands++) {
        IJ_AUTO(ij_image_unref) VipsImage *noise = painted(20, 10, bands);
        IJ_AUTO(ij_image_unref) VipsImage *inner = NULL; /* 100..163, far from 20 */
        assert_int_equal(vips_linear1(noise, &inner, .25, 100, "uchar", TRUE, NULL), 0);
        IJ_AUTO(ij_image_unref) VipsImage *image = bordered(inner, 20, 0);
        struct ij_step step = step_of(&ij_trim_op, (struct set[SETS_MAX]){ { NULL } });
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        assert_int_equal(vips_image_get_width(made), 20);
        assert_int_equal(vips_image_get_height(made), 10);
        assert_memory_equal(pixel(made, 0, 0), pixel(image, 3, 5), bands);
        /* another colour than the border's finds no border */
        struct ij_step other = step_of(
            &ij_trim_op, (struct set[SETS_MAX]){ { "color", COLOR(0xff0000ff) } });
        IJ_AUTO(ij_image_unref) VipsImage *whole = made_of(&other, image);
        assert_int_equal(vips_image_get_width(whole), 30);
        assert_int_equal(vips_image_get_height(whole), 24);
        assert_int_equal(vips_image_get_bands(whole), bands);
    }
}

static void trim_leaves_what_is_nothing_but_border(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *noise = painted(9, 7, 3);
    IJ_AUTO(ij_image_unref) VipsImage *flat = NULL;
    assert_int_equal(vips_linear1(noise, &flat, 0, 77, "uchar", TRUE, NULL), 0);
    struct ij_step step = step_of(&ij_trim_op, (struct set[SETS_MAX]){ { NULL } });
    IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, flat);
    assert_int_equal(vips_image_get_width(made), 9);
    assert_int_equal(vips_image_get_height(made), 7);
}

static void trim_allows_what_the_threshold_does(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *noise = painted(4, 4, 1);
    IJ_AUTO(ij_image_unref) VipsImage *inner = NULL;
    assert_int_equal(vips_linear1(noise, &inner, 0, 30, "uchar", TRUE, NULL), 0);
    IJ_AUTO(ij_image_unref) VipsImage *image = bordered(inner, 20, 0); /* 10 apart */
    static const int thresholds[] = { 9, 10 }, widths[] = { 4, 14 };
    for (int i = 0; i < 2; i++) {
        struct ij_step step = step_of(
            &ij_trim_op, (struct set[SETS_MAX]){ { "threshold", INT(thresholds[i]) } });
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        assert_int_equal(vips_image_get_width(made), widths[i]);
    }
}

/* ---- extend ---- */

static int mirrored(int at, int count) /* … 1 0 | 0 1 2 | 2 1 … */
{
    while (at < 0 || at >= count)
        at = at < 0 ? -1 - at : 2 * count - 1 - at;
    return at;
}

static int kept(int at, int count)
{
    return at < 0 ? 0 : at >= count ? count - 1 : at;
}

static void extend_adds_to_the_edges(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = painted(12, 9, 3);
    static const char *const modes[] = { "background", "copy", "mirror" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(modes); i++) {
        struct ij_step step =
            step_of(&ij_extend_op,
                    (struct set[SETS_MAX]){
                        { "top", INT(4) },
                        { "right", INT(5) },
                        { "bottom", INT(2) },
                        { "left", INT(3) },
                        { "background", COLOR(0x0a141eff) },
                        { "mode", INT(choice(&ij_extend_op, "mode", modes[i])) } });
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        assert_int_equal(vips_image_get_width(made), 20);
        assert_int_equal(vips_image_get_height(made), 15);
        for (int y = 0; y < 15; y++)
            for (int x = 0; x < 20; x++) {
                static const uint8_t background[] = { 10, 20, 30 };
                int left = x - 3, top = y - 4;
                bool is_in = left >= 0 && left < 12 && top >= 0 && top < 9;
                const uint8_t *wanted =
                    i == 1   ? pixel(image, kept(left, 12), kept(top, 9))
                    : i == 2 ? pixel(image, mirrored(left, 12), mirrored(top, 9))
                    : is_in  ? pixel(image, left, top)
                             : background;
                assert_memory_equal(pixel(made, x, y), wanted, 3);
            }
    }
}

static void extend_lays_the_image_on_a_size(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = painted(12, 9, 3);
    struct ij_step step = step_of(
        &ij_extend_op, (struct set[SETS_MAX]){ { "width", INT(20) },
                                               { "gravity", INT(IJ_GRAVITY_EAST) } });
    IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
    static const uint8_t clear[] = { 0, 0, 0, 0 };
    assert_int_equal(vips_image_get_width(made), 20);
    assert_int_equal(vips_image_get_height(made), 9);
    assert_int_equal(vips_image_get_bands(made), 4); /* transparent by default */
    assert_memory_equal(pixel(made, 7, 0), clear, 4);
    assert_memory_equal(pixel(made, 8, 0), pixel(image, 0, 0), 3);
    assert_int_equal(pixel(made, 8, 0)[3], 255);
    struct ij_extent to;
    struct ij_extent large = { 21, 9 };
    expect_code(IMGJOB_E_SPEC, step.op->plan(&step, large, &to, &test_err));
    expect_words("an image of 21 x 9 px is larger than 20 x 9 already");
    struct ij_step none = step_of(&ij_extend_op, (struct set[SETS_MAX]){ { NULL } });
    expect_code(IMGJOB_E_SPEC, none.op->check(&none, "/steps/3", &test_err));
    expect_words("/steps/3: needs either edges");
}

/* ---- resize ---- */

static double nearest(double side)
{
    return fmax(1, floor(side + .5));
}

/* The formulas in floating point, with no word of the whole numbers of the plan. */
static void expect_resized(const char *fit, struct ij_extent in, struct ij_extent box)
{
    struct ij_step step = step_of(
        &ij_resize_op,
        (struct set[SETS_MAX]){ { "width", INT(box.width) },
                                { "height", INT(box.height) },
                                { "fit", INT(choice(&ij_resize_op, "fit", fit)) } });
    IJ_AUTO(ij_image_unref) VipsImage *image = painted((int)in.width, (int)in.height, 3);
    IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
    double across = (double)box.width / in.width, down = (double)box.height / in.height;
    double factor = strcmp(fit, "inside") == 0 ? fmin(across, down) : fmax(across, down);
    bool is_box = strcmp(fit, "inside") != 0 && strcmp(fit, "outside") != 0;
    double width = is_box ? box.width : nearest(in.width * factor);
    double height = is_box ? box.height : nearest(in.height * factor);
    /* exactly half a pixel may fall either way in floating point */
    assert_true(fabs(vips_image_get_width(made) - width) <= (is_box ? 0 : 1e-9) ||
                fabs(in.width * factor - floor(in.width * factor) - .5) < 1e-9);
    assert_true(fabs(vips_image_get_height(made) - height) <= (is_box ? 0 : 1e-9) ||
                fabs(in.height * factor - floor(in.height * factor) - .5) < 1e-9);
    assert_int_equal(vips_image_get_bands(made),
                     strcmp(fit, "contain") == 0 && across != down &&
                             (nearest(in.width * fmin(across, down)) != box.width ||
                              nearest(in.height * fmin(across, down)) != box.height)
                         ? 4
                         : vips_image_get_bands(made));
}

static void resize_makes_the_sizes_of_the_formulas(void **state)
{
    (void)state;
    static const char *const fits[] = { "fill", "inside", "cover", "contain", "outside" };
    uint32_t seed = 11;
    for (int i = 0; i < 100; i++) {
        uint32_t sides[4];
        for (int k = 0; k < 4; k++) {
            seed = seed * 1664525 + 1013904223;
            sides[k] = 1 + (seed >> 8) % (k < 2 ? 90 : 60);
        }
        expect_resized(fits[i % 5], (struct ij_extent){ sides[0], sides[1] },
                       (struct ij_extent){ sides[2], sides[3] });
    }
}

static void a_missing_side_follows_and_dpr_multiplies(void **state)
{
    (void)state;
    static const struct {
        struct set sets[SETS_MAX];
        struct ij_extent to;
    } cases[] = {
        { { { "width", INT(20) } }, { 20, 15 } },
        { { { "height", INT(20) } }, { 27, 20 } },
        { { { "width", INT(20) }, { "dpr", REAL(2) } }, { 40, 30 } },
        { { { "width", INT(20) }, { "height", INT(10) }, { "dpr", REAL(1.5) } },
          { 30, 15 } },
        { { { "width", INT(80) }, { "enlarge", INT(0) } }, { 40, 30 } },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(ij_image_unref) VipsImage *image = painted(40, 30, 3);
        struct ij_step step = step_of(&ij_resize_op, cases[i].sets);
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        assert_int_equal(vips_image_get_width(made), cases[i].to.width);
        assert_int_equal(vips_image_get_height(made), cases[i].to.height);
    }
    struct ij_step wide =
        step_of(&ij_resize_op, (struct set[SETS_MAX]){ { "width", INT(16384) } });
    struct ij_extent to, high = { 1, 4 };
    expect_code(IMGJOB_E_SPEC, wide.op->plan(&wide, high, &to, &test_err));
}

/* Where one side is not asked for, no fit has anything to fit, to cut or to pad. */
static void a_side_alone_means_the_same_for_every_fit(void **state)
{
    (void)state;
    static const char *const fits[] = { "fill", "inside", "cover", "contain", "outside" };
    uint32_t seed = 5;
    for (int i = 0; i < 150; i++) {
        uint32_t sides[3];
        for (int k = 0; k < 3; k++) {
            seed = seed * 1664525 + 1013904223;
            sides[k] = 1 + (seed >> 8) % 12;
        }
        bool may_enlarge = i % 2 == 0 || sides[2] > sides[0];
        IJ_AUTO(ij_image_unref)
        VipsImage *image = painted((int)sides[0], (int)sides[1], 3);
        struct ij_step step =
            step_of(&ij_resize_op,
                    (struct set[SETS_MAX]){
                        { "width", INT(sides[2]) },
                        { "enlarge", INT(may_enlarge) },
                        { "fit", INT(choice(&ij_resize_op, "fit", fits[i / 2 % 5])) } });
        IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
        double height = fmax(1, floor((double)sides[1] * sides[2] / sides[0] + .5));
        assert_int_equal(vips_image_get_width(made), sides[2]);
        assert_int_equal(vips_image_get_height(made), height);
        assert_int_equal(vips_image_get_bands(made), 3);
    }
}

/* One colour stays that colour, whatever the kernel, the light and the alpha. */
static void one_colour_stays_itself(void **state)
{
    (void)state;
    static const double levels[] = { 200, 100, 50, 40 };
    for (int64_t kernel = 0; kernel < 6; kernel++)
        for (int64_t linear = 0; linear < 2; linear++)
            for (int bands = 1; bands <= 4; bands++)
                for (int64_t width = 9; width < 60; width += 40) {
                    IJ_AUTO(ij_image_unref) VipsImage *noise = painted(30, 30, bands);
                    double wanted[4];
                    memcpy(wanted, levels, sizeof(wanted));
                    if (bands == 2)
                        wanted[1] = levels[3];
                    static const double none[4];
                    IJ_AUTO(ij_image_unref) VipsImage *image = NULL;
                    assert_int_equal(vips_linear(noise, &image, none, wanted, bands,
                                                 "uchar", TRUE, NULL),
                                     0);
                    struct ij_step step =
                        step_of(&ij_resize_op,
                                (struct set[SETS_MAX]){ { "width", INT(width) },
                                                        { "kernel", INT(kernel) },
                                                        { "linear", INT(linear) } });
                    IJ_AUTO(ij_image_unref) VipsImage *made = made_of(&step, image);
                    assert_int_equal(vips_image_get_bands(made), bands);
                    for (int i = 0; i < bands; i++)
                        if (fabs(pixel(made, 4, 4)[i] - wanted[i]) > 3)
                            fail_msg("kernel %d, linear %d, %d bands: band %d is %d, not "
                                     "%g",
                                     (int)kernel, (int)linear, bands, i,
                                     pixel(made, 4, 4)[i], wanted[i]);
                }
}

/* Alike under both mirrors, of sides that no pixel's middle divides evenly. */
static VipsImage *symmetric(int bands)
{
    enum { W = 11, H = 9 };
    uint8_t bytes[W * H * 4], *to = bytes;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int i = 0; i < bands; i++) {
                int across = x < W / 2 ? x : W - 1 - x, down = y < H / 2 ? y : H - 1 - y;
                *to++ =
                    (uint8_t)(40 + 30 * across + 13 * down + across * down % 3 * 20 + i);
            }
    IJ_AUTO(ij_image_unref)
    VipsImage *plain = vips_image_new_from_memory_copy(bytes, (size_t)(to - bytes), W, H,
                                                       bands, VIPS_FORMAT_UCHAR);
    VipsImage *made;
    assert_int_equal(
        vips_copy(plain, &made, "interpretation",
                  bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL),
        0);
    return made;
}

static void expect_symmetric(const struct ij_step *step, VipsImage *image)
{
    IJ_AUTO(ij_image_unref) VipsImage *made = made_of(step, image);
    int width = vips_image_get_width(made), height = vips_image_get_height(made);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int i = 0; i < vips_image_get_bands(made); i++) {
                int level = pixel(made, x, y)[i];
                /* interpolators round a place to a 64th of a pixel */
                if (abs(level - pixel(made, width - 1 - x, y)[i]) > 4 ||
                    abs(level - pixel(made, x, height - 1 - y)[i]) > 4)
                    fail_msg("kernel %d to %d x %d: %d, %d is %d, mirrored %d and %d",
                             (int)step->values[param_of(&ij_resize_op, "kernel")].integer,
                             width, height, x, y, level, pixel(made, width - 1 - x, y)[i],
                             pixel(made, x, height - 1 - y)[i]);
            }
}

static void the_middle_stays_in_the_middle(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 22, 18 }, { 33, 27 }, { 25, 23 },
                                    { 12, 10 }, { 28, 9 },  { 11, 40 },
                                    { 22, 5 },  { 5, 18 },  { 5, 5 } };
    for (int64_t kernel = 0; kernel < 6; kernel++)
        for (size_t s = 0; s < IJ_ARRAY_LEN(sizes); s++)
            for (int bands = 1; bands <= 4; bands++)
                for (int linear = 0; linear < 2; linear++) {
                    bool shrinks = sizes[s][0] < 11 || sizes[s][1] < 9;
                    if (kernel == 0 && shrinks)
                        continue; /* one of two that are equally near is taken */
                    IJ_AUTO(ij_image_unref) VipsImage *image = symmetric(bands);
                    struct ij_step step =
                        step_of(&ij_resize_op,
                                (struct set[SETS_MAX]){ { "width", INT(sizes[s][0]) },
                                                        { "height", INT(sizes[s][1]) },
                                                        { "kernel", INT(kernel) },
                                                        { "linear", INT(linear) } });
                    expect_symmetric(&step, image);
                }
}

static int start(void **state)
{
    (void)state;
    return ij_image_start(&test_err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mirrors_and_quarter_turns_move_pixels),
        cmocka_unit_test(any_angle_makes_the_box_around_it),
        cmocka_unit_test(a_turned_image_lies_on_its_background),
        cmocka_unit_test(a_turn_is_clockwise),
        cmocka_unit_test(a_crop_is_its_box),
        cmocka_unit_test(a_crop_finds_what_stands_out),
        cmocka_unit_test(a_crop_that_cannot_be_is_refused),
        cmocka_unit_test(trim_finds_the_border),
        cmocka_unit_test(trim_leaves_what_is_nothing_but_border),
        cmocka_unit_test(trim_allows_what_the_threshold_does),
        cmocka_unit_test(extend_adds_to_the_edges),
        cmocka_unit_test(extend_lays_the_image_on_a_size),
        cmocka_unit_test(resize_makes_the_sizes_of_the_formulas),
        cmocka_unit_test(a_missing_side_follows_and_dpr_multiplies),
        cmocka_unit_test(a_side_alone_means_the_same_for_every_fit),
        cmocka_unit_test(one_colour_stays_itself),
        cmocka_unit_test(the_middle_stays_in_the_middle),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
