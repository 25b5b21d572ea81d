/*
 * Laying further inputs on an image: every pixel against the formulas of the W3C's
 * Compositing and Blending Level 1, written down again; then the same through the engine.
 */
#include "image_case.h"

#include <math.h>

#include "image/source.h"
#include "image_step.h"

extern const struct ij_image_op ij_composite_op, ij_mask_op;

/* ---- images ---- */

enum { SIDE_MAX = 64 };

struct canvas {
    int width, height, bands;
    uint8_t at[SIDE_MAX][SIDE_MAX][4];
};

static bool has_alpha(const struct canvas *canvas)
{
    return canvas->bands % 2 == 0;
}

static int color_bands(const struct canvas *canvas)
{
    return canvas->bands - has_alpha(canvas);
}

/* Noise, with whole ranges that are 0 and 255; the same every time. */
static void paint(struct canvas *canvas, int width, int height, int bands, uint32_t seed)
{
    *canvas = (struct canvas){ width, height, bands, { { { 0 } } } };
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int i = 0; i < bands; i++) {
                seed = seed * 1664525 + 1013904223;
                int level = (int)(seed >> 23) - 128;
                canvas->at[y][x][i] = (uint8_t)(level < 0     ? 0
                                                : level > 255 ? 255
                                                              : level);
            }
}

static void fill(struct canvas *canvas, int width, int height, int bands,
                 const uint8_t *levels)
{
    *canvas = (struct canvas){ width, height, bands, { { { 0 } } } };
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            memcpy(canvas->at[y][x], levels, (size_t)bands);
}

static VipsImage *to_image(const struct canvas *canvas)
{
    static uint8_t bytes[SIDE_MAX * SIDE_MAX * 4];
    uint8_t *to = bytes;
    for (int y = 0; y < canvas->height; y++)
        for (int x = 0; x < canvas->width; x++, to += canvas->bands)
            memcpy(to, canvas->at[y][x], (size_t)canvas->bands);
    IJ_AUTO(ij_image_unref)
    VipsImage *plain =
        vips_image_new_from_memory_copy(bytes, (size_t)(to - bytes), canvas->width,
                                        canvas->height, canvas->bands, VIPS_FORMAT_UCHAR);
    VipsImage *made;
    assert_int_equal(
        vips_copy(plain, &made, "interpretation",
                  canvas->bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB,
                  NULL),
        0);
    return made;
}

static void from_image(VipsImage *image, struct canvas *canvas)
{
    *canvas = (struct canvas){ vips_image_get_width(image),
                               vips_image_get_height(image),
                               vips_image_get_bands(image),
                               { { { 0 } } } };
    assert_true(canvas->width <= SIDE_MAX && canvas->height <= SIDE_MAX);
    assert_true(canvas->bands <= 4);
    for (int y = 0; y < canvas->height; y++)
        for (int x = 0; x < canvas->width; x++)
            memcpy(canvas->at[y][x], VIPS_IMAGE_ADDR(image, x, y), (size_t)canvas->bands);
}

/* ---- steps ---- */

static VipsImage *apply_to_images(const struct ij_step *step, VipsImage *image,
                                  VipsImage *further)
{
    VipsImage *const inputs[] = { further };
    const struct ij_apply with = {
        .step = step,
        .to = { (uint32_t)vips_image_get_width(image),
                (uint32_t)vips_image_get_height(image) },
        .inputs = inputs,
        .input_count = 1,
    };
    assert_int_equal(step->op->input(step), 1);
    IJ_AUTO(ij_image_unref) VipsImage *lazy = NULL;
    if (ij_image_op_of(step)->apply(&with, image, &lazy) != 0)
        fail_msg("%s: %s", step->op->name, vips_error_buffer());
    VipsImage *made = vips_image_copy_memory(lazy);
    if (!made)
        fail_msg("%s: %s", step->op->name, vips_error_buffer());
    return made;
}

static void apply(const struct ij_step *step, const struct canvas *image,
                  const struct canvas *further, struct canvas *out)
{
    IJ_AUTO(ij_image_unref) VipsImage *base = to_image(image);
    IJ_AUTO(ij_image_unref) VipsImage *input = to_image(further);
    IJ_AUTO(ij_image_unref) VipsImage *made = apply_to_images(step, base, input);
    assert_int_equal(vips_image_get_format(made), VIPS_FORMAT_UCHAR);
    int bands = vips_image_get_bands(made);
    assert_int_equal(vips_image_get_interpretation(made),
                     bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB);
    from_image(made, out);
    assert_int_equal(out->width, image->width);
    assert_int_equal(out->height, image->height);
}

/* ---- computing it again ---- */

static double hard(double b, double s)
{
    if (s <= .5)
        return b * 2 * s;
    double t = 2 * s - 1;
    return b + t - b * t;
}

/* B(Cb, Cs) of the modes, by name. */
static double mixed(const char *mode, double b, double s)
{
    if (strcmp(mode, "multiply") == 0)
        return b * s;
    if (strcmp(mode, "screen") == 0)
        return 1 - (1 - b) * (1 - s);
    if (strcmp(mode, "overlay") == 0)
        return hard(s, b);
    if (strcmp(mode, "darken") == 0)
        return b < s ? b : s;
    if (strcmp(mode, "lighten") == 0)
        return b > s ? b : s;
    if (strcmp(mode, "color-dodge") == 0)
        return b == 0 ? 0 : s == 1 ? 1 : fmin(1, b / (1 - s));
    if (strcmp(mode, "color-burn") == 0)
        return b == 1 ? 1 : s == 0 ? 0 : 1 - fmin(1, (1 - b) / s);
    if (strcmp(mode, "hard-light") == 0)
        return hard(b, s);
    if (strcmp(mode, "soft-light") == 0) {
        double d = b <= .25 ? ((16 * b - 12) * b + 4) * b : sqrt(b);
        return s <= .5 ? b - (1 - 2 * s) * b * (1 - b) : b + (2 * s - 1) * (d - b);
    }
    if (strcmp(mode, "difference") == 0)
        return b > s ? b - s : s - b;
    if (strcmp(mode, "exclusion") == 0)
        return b + s - 2 * b * s;
    return s;
}

struct pixel {
    double color[3], alpha; /* 0..1 */
};

/* As a colour with alpha, whatever the bands. */
static struct pixel read_pixel(const struct canvas *canvas, int x, int y)
{
    struct pixel pixel = { .alpha = 1 };
    for (int i = 0; i < 3; i++)
        pixel.color[i] = canvas->at[y][x][color_bands(canvas) < 3 ? 0 : i] / 255.0;
    if (has_alpha(canvas))
        pixel.alpha = canvas->at[y][x][canvas->bands - 1] / 255.0;
    return pixel;
}

static struct pixel blended(const char *mode, struct pixel b, struct pixel s)
{
    bool is_atop = strcmp(mode, "atop") == 0, is_add = strcmp(mode, "add") == 0;
    bool is_under = strcmp(mode, "dest-over") == 0;
    double fa = is_atop ? b.alpha : is_under ? 1 - b.alpha : 1;
    double fb = is_add || is_under ? 1 : 1 - s.alpha;
    struct pixel made = { .alpha = fmin(1, s.alpha * fa + b.alpha * fb) };
    if (made.alpha == 0)
        return b;
    for (int i = 0; i < 3; i++) {
        double cb = b.color[i];
        double cs = (1 - b.alpha) * s.color[i] + b.alpha * mixed(mode, cb, s.color[i]);
        double weighed = fmin(1, s.alpha * fa * cs + b.alpha * fb * cb);
        made.color[i] = fmin(1, weighed / made.alpha);
    }
    return made;
}

static void expect_pixel(const char *what, const struct canvas *made, int x, int y,
                         struct pixel wanted)
{
    struct pixel is = read_pixel(made, x, y);
    for (int i = 0; i < 3; i++)
        if (fabs(is.color[i] - wanted.color[i]) * 255 > .5001)
            fail_msg("%s at %d,%d of %d bands: band %d is %g, not %g", what, x, y,
                     made->bands, i, is.color[i] * 255, wanted.color[i] * 255);
    if (has_alpha(made) && fabs(is.alpha - wanted.alpha) * 255 > .5001)
        fail_msg("%s at %d,%d: alpha is %g, not %g", what, x, y, is.alpha * 255,
                 wanted.alpha * 255);
}

/* The overlay lies at `left`, `top`, and beyond it the image is as it was. */
static void expect_over(const char *what, const struct canvas *image,
                        const struct canvas *further, const int at[2],
                        const struct canvas *made)
{
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            int u = x - at[0], v = y - at[1];
            struct pixel wanted = read_pixel(image, x, y);
            if (u >= 0 && u < further->width && v >= 0 && v < further->height)
                wanted = blended("over", wanted, read_pixel(further, u, v));
            expect_pixel(what, made, x, y, wanted);
        }
}

/* ---- composite ---- */

static void try_mode(const char *mode, const int bands[2], double opacity)
{
    static struct canvas image, further, made;
    paint(&image, 40, 30, bands[0], 1);
    paint(&further, 40, 30, bands[1], 2);
    const struct ij_step step = step_of(
        &ij_composite_op,
        (struct set[SETS_MAX]){ { "blend", INT(choice(&ij_composite_op, "blend", mode)) },
                                { "opacity", REAL(opacity) } });
    apply(&step, &image, &further, &made);
    bool in_color = bands[0] >= 3 || bands[1] >= 3;
    assert_int_equal(made.bands, (in_color ? 3 : 1) + has_alpha(&image));
    for (int y = 0; y < 30; y++)
        for (int x = 0; x < 40; x++) {
            struct pixel above = read_pixel(&further, x, y);
            above.alpha *= opacity;
            expect_pixel(mode, &made, x, y,
                         blended(mode, read_pixel(&image, x, y), above));
        }
}

static void every_mode_mixes_by_its_formula(void **state)
{
    (void)state;
    static const char *const modes[] = { "over",        "atop",       "dest-over",
                                         "add",         "multiply",   "screen",
                                         "overlay",     "darken",     "lighten",
                                         "color-dodge", "color-burn", "hard-light",
                                         "soft-light",  "difference", "exclusion" };
    static const double opacities[] = { 1, .6, 0 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(modes); i++)
        for (int below = 1; below <= 4; below++)
            for (int above = 1; above <= 4; above++)
                for (size_t k = 0; k < IJ_ARRAY_LEN(opacities); k++)
                    try_mode(modes[i], (int[]){ below, above }, opacities[k]);
    for (size_t i = 0; i < ij_composite_op.op.param_count; i++)
        if (strcmp(ij_composite_op.op.params[i].name, "blend") == 0)
            assert_null(ij_composite_op.op.params[i].choices[IJ_ARRAY_LEN(modes)]);
}

static void an_opaque_overlay_is_copied(void **state)
{
    (void)state;
    static struct canvas image, further, made;
    for (int bands = 1; bands <= 4; bands++) {
        paint(&image, 40, 30, bands, 3);
        paint(&further, 40, 30, bands, 4);
        for (int y = 0; has_alpha(&further) && y < 30; y++)
            for (int x = 0; x < 40; x++)
                further.at[y][x][bands - 1] = 255;
        const struct ij_step step = step_of(&ij_composite_op, (struct set[]){ { 0 } });
        apply(&step, &image, &further, &made);
        assert_memory_equal(&made, &further, sizeof(made));
    }
}

static void what_is_transparent_changes_nothing(void **state)
{
    (void)state;
    static struct canvas image, further, made;
    paint(&image, 40, 30, 4, 3); /* with colours under alpha 0 */
    fill(&further, 40, 30, 4, (const uint8_t[]){ 10, 20, 30, 0 });
    const struct ij_step step = step_of(&ij_composite_op, (struct set[]){ { 0 } });
    apply(&step, &image, &further, &made);
    assert_memory_equal(&made, &image, sizeof(made));
}

/* Towards the lesser side where a half is left over. */
static int middle(int space)
{
    return (int)floor(space / 2.0);
}

static void expect_places(int width, int height)
{
    static const int offsets[][2] = { { 0, 0 }, { 3, -2 }, { -7, 5 }, { 26, 17 } };
    static struct canvas image, further, made;
    paint(&image, 31, 22, 3, 5);
    paint(&further, width, height, 4, 6);
    const int right = 31 - width, bottom = 22 - height;
    const struct {
        const char *name;
        int at[2];
    } places[] = {
        { "center", { middle(right), middle(bottom) } },
        { "north", { middle(right), 0 } },
        { "northeast", { right, 0 } },
        { "east", { right, middle(bottom) } },
        { "southeast", { right, bottom } },
        { "south", { middle(right), bottom } },
        { "southwest", { 0, bottom } },
        { "west", { 0, middle(bottom) } },
        { "northwest", { 0, 0 } },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(places); i++)
        for (size_t k = 0; k < IJ_ARRAY_LEN(offsets); k++) {
            const struct ij_step step =
                step_of(&ij_composite_op,
                        (struct set[SETS_MAX]){
                            { "gravity",
                              INT(choice(&ij_composite_op, "gravity", places[i].name)) },
                            { "x", INT(offsets[k][0]) },
                            { "y", INT(offsets[k][1]) } });
            apply(&step, &image, &further, &made);
            expect_over(places[i].name, &image, &further,
                        (int[]){ places[i].at[0] + offsets[k][0],
                                 places[i].at[1] + offsets[k][1] },
                        &made);
        }
}

static void an_overlay_lies_where_its_gravity_and_offset_say(void **state)
{
    (void)state;
    expect_places(8, 5);
    expect_places(1, 1);
    expect_places(31, 22);
}

static void an_overlay_larger_than_the_image_is_clipped(void **state)
{
    (void)state;
    expect_places(50, 5);
    expect_places(8, 41);
    expect_places(60, 60);
}

static void an_overlay_beyond_the_image_is_not_seen(void **state)
{
    (void)state;
    static const int offsets[][2] = { { 40, 0 },  { -40, 0 },       { 0, 40 },
                                      { 0, -40 }, { 65536, 65536 }, { -65536, -65536 } };
    static struct canvas image, further, made;
    paint(&image, 40, 40, 3, 5);
    paint(&further, 40, 40, 4, 6);
    for (size_t i = 0; i < IJ_ARRAY_LEN(offsets); i++) {
        const struct ij_step step = step_of(
            &ij_composite_op, (struct set[SETS_MAX]){ { "x", INT(offsets[i][0]) },
                                                      { "y", INT(offsets[i][1]) } });
        apply(&step, &image, &further, &made);
        assert_memory_equal(&made, &image, sizeof(made));
    }
}

static int around(int value, int count)
{
    return (value % count + count) % count;
}

static void expect_tiles(int width, int height, const int offset[2])
{
    static struct canvas image, further, made;
    paint(&image, 47, 39, 4, 7);
    paint(&further, width, height, 4, 8);
    const struct ij_step step =
        step_of(&ij_composite_op,
                (struct set[SETS_MAX]){
                    { "gravity", INT(choice(&ij_composite_op, "gravity", "southeast")) },
                    { "x", INT(offset[0]) },
                    { "y", INT(offset[1]) },
                    { "tile", INT(1) } });
    apply(&step, &image, &further, &made);
    for (int y = 0; y < 39; y++)
        for (int x = 0; x < 47; x++) {
            int u = around(x - (47 - width + offset[0]), width);
            int v = around(y - (39 - height + offset[1]), height);
            expect_pixel(
                "tile", &made, x, y,
                blended("over", read_pixel(&image, x, y), read_pixel(&further, u, v)));
        }
}

static void tiles_cover_the_image_from_where_one_lies(void **state)
{
    (void)state;
    static const int sizes[][2] = {
        { 9, 7 }, { 1, 1 }, { 47, 39 }, { 60, 3 }, { 64, 64 }
    };
    static const int offsets[][2] = { { 0, 0 }, { 5, -3 }, { -65536, 65535 } };
    for (size_t i = 0; i < IJ_ARRAY_LEN(sizes); i++)
        for (size_t k = 0; k < IJ_ARRAY_LEN(offsets); k++)
            expect_tiles(sizes[i][0], sizes[i][1], offsets[k]);
}

static void scale_fits_the_overlay_into_its_share(void **state)
{
    (void)state;
    static const struct {
        int image[2], overlay[2];
        double scale;
        int size[2];
    } cases[] = {
        { { 60, 40 }, { 20, 10 }, 0, { 20, 10 } },  /* its own */
        { { 60, 40 }, { 20, 10 }, .5, { 30, 15 } }, /* by the width, larger */
        { { 60, 40 }, { 10, 20 }, .5, { 10, 20 } }, /* by the height, as it is */
        { { 60, 40 }, { 64, 64 }, .5, { 20, 20 } }, /* smaller */
        { { 60, 40 }, { 60, 40 }, 1, { 60, 40 } },
        { { 60, 40 }, { 64, 1 }, .25, { 15, 1 } },
        { { 60, 40 }, { 3, 7 }, .001, { 1, 1 } },
        { { 7, 61 }, { 64, 64 }, .5, { 4, 4 } }, /* 3.5 goes up */
    };
    static struct canvas image, further, made;
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        fill(&image, cases[i].image[0], cases[i].image[1], 3,
             (const uint8_t[]){ 0, 0, 0 });
        fill(&further, cases[i].overlay[0], cases[i].overlay[1], 4,
             (const uint8_t[]){ 200, 100, 50, 255 });
        const struct ij_step step = step_of(
            &ij_composite_op,
            (struct set[SETS_MAX]){
                { "gravity", INT(choice(&ij_composite_op, "gravity", "northwest")) },
                { "scale", REAL(cases[i].scale) } });
        apply(&step, &image, &further, &made);
        for (int y = 0; y < image.height; y++)
            for (int x = 0; x < image.width; x++) {
                bool is_under = x < cases[i].size[0] && y < cases[i].size[1];
                static const uint8_t seen[] = { 200, 100, 50 }, plain[3] = { 0 };
                if (memcmp(made.at[y][x], is_under ? seen : plain, 3) != 0)
                    fail_msg("case %zu: %d,%d is %d %d %d", i, x, y, made.at[y][x][0],
                             made.at[y][x][1], made.at[y][x][2]);
            }
    }
}

/* A slope stays where it is: no half pixel to either side. Colours of what is transparent
 * do not get into what is not. */
static void a_scaled_overlay_keeps_its_place_and_its_colours(void **state)
{
    (void)state;
    static struct canvas image, further, made;
    fill(&image, 64, 64, 3, (const uint8_t[]){ 0, 0, 0 });
    for (int side = 16; side <= 64; side *= 4) {
        double factor = 32.0 / side;
        paint(&further, side, side, 4, 9);
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                bool is_clear = y < side / 2;
                further.at[y][x][0] = (uint8_t)(is_clear ? 255 : (x + .5) * 256 / side);
                further.at[y][x][1] = is_clear ? 255 : 0;
                further.at[y][x][3] = is_clear ? 0 : 255;
            }
        const struct ij_step step = step_of(
            &ij_composite_op,
            (struct set[SETS_MAX]){
                { "gravity", INT(choice(&ij_composite_op, "gravity", "northwest")) },
                { "scale", REAL(.5) } });
        apply(&step, &image, &further, &made);
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++) {
                assert_true(made.at[y][x][1] <= 1);
                if (y < 20 || x < 2 * factor + 1 || x > 29 - 2 * factor)
                    continue;
                double wanted = (x + .5) * 256 / 32;
                if (fabs(made.at[y][x][0] - wanted) > 1.01)
                    fail_msg("%d to 32 at %d: %d, not %g", side, x, made.at[y][x][0],
                             wanted);
            }
    }
}

/* Of a colour everywhere, it stays that colour at its soft edges, smaller or larger, but
 * for what a cubic overshoots. */
static void a_scaled_overlay_has_edges_of_its_own_colour(void **state)
{
    (void)state;
    static struct canvas image, further, made;
    fill(&image, 64, 64, 4, (const uint8_t[4]){ 0 });
    for (int side = 8; side <= 64; side += 56) {
        fill(&further, side, side, 4, (const uint8_t[]){ 200, 100, 50, 0 });
        for (int y = side / 4; y < side * 3 / 4; y++)
            for (int x = side / 4; x < side * 3 / 4; x++)
                further.at[y][x][3] = 255;
        const struct ij_step step =
            step_of(&ij_composite_op, (struct set[SETS_MAX]){ { "scale", REAL(.6) } });
        apply(&step, &image, &further, &made);
        int soft = 0;
        for (int y = 0; y < 64; y++)
            for (int x = 0; x < 64; x++) {
                const uint8_t *pixel = made.at[y][x];
                soft += pixel[3] > 50 && pixel[3] < 200;
                for (int i = 0; i < 3 && pixel[3] > 50; i++)
                    if (abs(pixel[i] - further.at[0][0][i]) > 8)
                        fail_msg("%d to 38 at %d,%d: band %d is %d of alpha %d", side, x,
                                 y, i, pixel[i], pixel[3]);
            }
        assert_true(soft > 40);
        assert_int_equal(made.at[32][32][3], 255);
        assert_int_equal(made.at[14][14][3], 0);
    }
}

/* Where and by whom the overlay was made, or how it is turned, is not the image's. */
static void nothing_is_said_of_the_image_that_the_input_says_of_itself(void **state)
{
    (void)state;
    static const struct ij_image_op *const ops[] = { &ij_composite_op, &ij_mask_op };
    static struct canvas canvas;
    paint(&canvas, 20, 20, 4, 1);
    for (size_t i = 0; i < IJ_ARRAY_LEN(ops); i++) {
        IJ_AUTO(ij_image_unref) VipsImage *image = to_image(&canvas);
        IJ_AUTO(ij_image_unref) VipsImage *further = to_image(&canvas);
        vips_image_set_string(image, "exif-ifd0-Artist", "painter");
        vips_image_set_string(further, "exif-ifd0-Artist", "printer");
        vips_image_set_string(further, "exif-ifd3-GPSLatitude", "52");
        vips_image_set_int(further, VIPS_META_PAGE_HEIGHT, 10);
        vips_image_set_blob_copy(further, VIPS_META_ICC_NAME, "icc", 3);
        const struct ij_step step = step_of(ops[i], (struct set[]){ { 0 } });
        IJ_AUTO(ij_image_unref) VipsImage *made = apply_to_images(&step, image, further);
        const char *artist = NULL;
        assert_int_equal(vips_image_get_string(made, "exif-ifd0-Artist", &artist), 0);
        assert_string_equal(artist, "painter");
        assert_int_equal(vips_image_get_typeof(made, "exif-ifd3-GPSLatitude"), 0);
        assert_int_equal(vips_image_get_typeof(made, VIPS_META_PAGE_HEIGHT), 0);
        assert_int_equal(vips_image_get_typeof(made, VIPS_META_ICC_NAME), 0);
        /* and the input still says it */
        assert_int_not_equal(vips_image_get_typeof(further, VIPS_META_ICC_NAME), 0);
    }
}

/* ---- mask ---- */

static double shown(const struct canvas *mask, int x, int y, const char *source)
{
    struct pixel pixel = read_pixel(mask, x, y);
    double luma = floor(255 * (.2126 * pixel.color[0] + .7152 * pixel.color[1] +
                               .0722 * pixel.color[2]) +
                        .5) /
                  255; /* brightness has 8 bits */
    bool takes_alpha =
        strcmp(source, "alpha") == 0 || (strcmp(source, "auto") == 0 && has_alpha(mask));
    if (takes_alpha)
        return pixel.alpha;
    return floor(255 * luma * pixel.alpha + .5) / 255;
}

static void try_mask(const int bands[2], const char *source, bool is_inverse)
{
    static struct canvas image, mask, made;
    paint(&image, 40, 30, bands[0], 10);
    paint(&mask, 40, 30, bands[1], 11);
    const struct ij_step step = step_of(
        &ij_mask_op,
        (struct set[SETS_MAX]){ { "source", INT(choice(&ij_mask_op, "source", source)) },
                                { "invert", INT(is_inverse) } });
    apply(&step, &image, &mask, &made);
    assert_int_equal(made.bands, color_bands(&image) + 1);
    for (int y = 0; y < 30; y++)
        for (int x = 0; x < 40; x++) {
            struct pixel wanted = read_pixel(&image, x, y);
            double by = shown(&mask, x, y, source);
            wanted.alpha *= is_inverse ? 1 - by : by;
            expect_pixel(source, &made, x, y, wanted);
            assert_memory_equal(made.at[y][x], image.at[y][x],
                                (size_t)color_bands(&image));
        }
}

static void a_mask_weighs_the_alpha(void **state)
{
    (void)state;
    static const char *const sources[] = { "auto", "alpha", "luma" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(sources); i++)
        for (int image = 1; image <= 4; image++)
            for (int mask = 1; mask <= 4; mask++)
                for (int inverse = 0; inverse < 2; inverse++)
                    try_mask((int[]){ image, mask }, sources[i], inverse != 0);
}

/* A slope from left to right, and one from top to bottom. */
static void a_mask_is_scaled_to_the_image(void **state)
{
    (void)state;
    static const int sizes[][2] = {
        { 10, 64 }, { 64, 10 }, { 10, 10 }, { 64, 64 }, { 1, 1 }
    };
    static struct canvas image, mask, made;
    fill(&image, 40, 30, 3, (const uint8_t[]){ 1, 2, 3 });
    for (size_t i = 0; i < IJ_ARRAY_LEN(sizes); i++) {
        int width = sizes[i][0], height = sizes[i][1];
        paint(&mask, width, height, 1, 1);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                mask.at[y][x][0] =
                    (uint8_t)((x + .5) * 120 / width + (y + .5) * 120 / height);
        const struct ij_step step = step_of(&ij_mask_op, (struct set[]){ { 0 } });
        apply(&step, &image, &mask, &made);
        for (int y = 8; y < 22; y++)
            for (int x = 10; x < 30; x++) {
                double wanted =
                    width == 1 ? 120 : (x + .5) * 120 / 40 + (y + .5) * 120 / 30;
                if (fabs(made.at[y][x][3] - wanted) > 1.51)
                    fail_msg("%d x %d at %d,%d: %d, not %g", width, height, x, y,
                             made.at[y][x][3], wanted);
            }
    }
}

/* ---- through the engine ---- */

enum { FILES_MAX = 3, OUTPUTS_MAX = 2 };

/* A job of several files, and its outputs with all their pages. */
struct case_run {
    struct bytes files[FILES_MAX];
    VipsImage *images[OUTPUTS_MAX];
    struct ij_failure failure;
};

static void case_done(struct case_run *run)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        bytes_done(&run->files[i]);
    for (size_t i = 0; i < OUTPUTS_MAX; i++)
        g_clear_object(&run->images[i]);
}

static int keep_pages(void *data, size_t index, const void *bytes, size_t len,
                      struct imgjob_error *err)
{
    (void)err;
    struct case_run *run = data;
    IJ_AUTO(ij_image_unref)
    VipsImage *read = vips_image_new_from_buffer(bytes, len, "", NULL);
    assert_non_null(read);
    if (vips_image_get_n_pages(read) > 1) {
        g_clear_object(&read);
        read = vips_image_new_from_buffer(bytes, len, "", "n", -1, NULL);
        assert_non_null(read);
    }
    assert_true(index < OUTPUTS_MAX && !run->images[index]);
    run->images[index] = vips_image_copy_memory(read);
    assert_non_null(run->images[index]);
    return 0;
}

static struct bytes png_of(VipsImage *image)
{
    void *buffer;
    size_t len;
    assert_int_equal(vips_pngsave_buffer(image, &buffer, &len, NULL), 0);
    struct bytes bytes = { malloc(len), len };
    assert_non_null(bytes.data);
    memcpy(bytes.data, buffer, len);
    g_free(buffer);
    return bytes;
}

static struct bytes png_of_canvas(const struct canvas *canvas)
{
    IJ_AUTO(ij_image_unref) VipsImage *image = to_image(canvas);
    return png_of(image);
}

static int run_case(struct case_run *run, const char *json)
{
    struct imgjob_error err;
    struct imgjob_limits limits = { .size = sizeof(limits), .max_pages = 3 };
    assert_int_equal(ij_limits_read(&limits, &limits, &err), 0);
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    expect_code(0, ij_spec_parse(json, strlen(json), &ij_image_ops, &spec, &test_err));
    struct ij_image_job job = {
        .spec = spec,
        .limits = &limits,
        .on_output = keep_pages,
        .callback_data = run,
    };
    for (; job.input_count < FILES_MAX && run->files[job.input_count].data;
         job.input_count++)
        job.inputs[job.input_count] =
            (struct ij_image_input){ run->files[job.input_count].data,
                                     run->files[job.input_count].len };
    struct ij_image_output outputs[OUTPUTS_MAX];
    struct ij_timings timings;
    return ij_image_run(&job, outputs, &timings, &run->failure);
}

static void run_case_well(struct case_run *run, const char *json)
{
    if (run_case(run, json) != 0)
        fail_msg("%s: %s (%s)", json, run->failure.error.text, run->failure.library_text);
}

static bool is_near(const uint8_t *pixel, const uint8_t wanted[3])
{
    for (int i = 0; i < 3; i++)
        if (abs(pixel[i] - wanted[i]) > 3)
            return false;
    return true;
}

/* Red, green and blue frames; each gets the mark in its corner. */
static void every_frame_gets_the_overlay(void **state)
{
    (void)state;
    static const uint8_t frames[][3] = { { 230, 40, 40 },
                                         { 40, 200, 40 },
                                         { 40, 40, 230 } };
    static const uint8_t mark[] = { 10, 250, 250 };
    static struct canvas canvas;
    fill(&canvas, 8, 4, 3, mark);
    IJ_AUTO(case_done)
    struct case_run run = { .files = { fixture("animated.gif"),
                                       png_of_canvas(&canvas) } };
    run_case_well(&run, "{\"load\":{\"pages\":\"all\"},\"steps\":[{\"op\":\"composite\","
                        "\"gravity\":\"southeast\"}],"
                        "\"outputs\":[{\"format\":\"webp\",\"lossless\":true}]}");
    VipsImage *made = run.images[0];
    assert_int_equal(vips_image_get_height(made), 3 * 32);
    for (int page = 0; page < 3; page++)
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++) {
                const uint8_t *pixel = VIPS_IMAGE_ADDR(made, x, 32 * page + y);
                if (!is_near(pixel, x >= 24 && y >= 28 ? mark : frames[page]))
                    fail_msg("frame %d at %d,%d: %d %d %d", page, x, y, pixel[0],
                             pixel[1], pixel[2]);
            }
}

static void every_frame_gets_the_mask(void **state)
{
    (void)state;
    static struct canvas canvas;
    fill(&canvas, 2, 1, 1, (const uint8_t[]){ 0 });
    canvas.at[0][1][0] = 255;
    IJ_AUTO(case_done)
    struct case_run run = { .files = { fixture("animated.gif"),
                                       png_of_canvas(&canvas) } };
    run_case_well(&run, "{\"load\":{\"pages\":\"all\"},\"steps\":[{\"op\":\"mask\"}],"
                        "\"outputs\":[{\"format\":\"webp\",\"lossless\":true}]}");
    VipsImage *made = run.images[0];
    assert_int_equal(vips_image_get_height(made), 3 * 32);
    for (int page = 0; page < 3; page++) {
        assert_int_equal(VIPS_IMAGE_ADDR(made, 1, 32 * page + 16)[3], 0);
        assert_int_equal(VIPS_IMAGE_ADDR(made, 30, 32 * page + 16)[3], 255);
    }
}

/* Both inputs are taken by their number, by common steps and by an output's own. */
static void each_step_takes_the_input_it_names(void **state)
{
    (void)state;
    static const uint8_t first[] = { 200, 0, 0 }, second[] = { 0, 0, 200 };
    static struct canvas image, one, two;
    fill(&image, 20, 20, 3, (const uint8_t[]){ 90, 90, 90 });
    fill(&one, 4, 4, 3, first);
    fill(&two, 4, 4, 3, second);
    IJ_AUTO(case_done)
    struct case_run run = { .files = { png_of_canvas(&image), png_of_canvas(&one),
                                       png_of_canvas(&two) } };
    run_case_well(
        &run, "{\"steps\":[{\"op\":\"composite\",\"input\":2,\"gravity\":\"northwest\"}],"
              "\"outputs\":[{\"format\":\"png\",\"name\":\"a\"},"
              "{\"format\":\"png\",\"name\":\"b\","
              "\"steps\":[{\"op\":\"composite\",\"gravity\":\"southeast\"}]}]}");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(vips_image_get_bands(run.images[i]), 3);
        assert_memory_equal(VIPS_IMAGE_ADDR(run.images[i], 0, 0), second, 3);
    }
    assert_memory_equal(VIPS_IMAGE_ADDR(run.images[0], 19, 19), image.at[0][0], 3);
    assert_memory_equal(VIPS_IMAGE_ADDR(run.images[1], 19, 19), first, 3);
}

/* The image is one stream from top to bottom, wherever the overlay lies in it and however
 * little of its lines it covers. */
static void a_streamed_image_is_read_in_order(void **state)
{
    (void)state;
    enum { WIDTH = 700, HEIGHT = 1500 };
    static const char *const steps[] = {
        "{\"op\":\"composite\",\"gravity\":\"northwest\",\"x\":300",
        "{\"op\":\"composite\",\"scale\":1,\"gravity\":\"north\"",
        "{\"op\":\"composite\",\"gravity\":\"west\"},{\"op\":\"mask\"},{\"op\":\"flop\"},"
        "{\"op\":\"flop\"},"
        "{\"op\":\"composite\",\"gravity\":\"northeast\"",
        "{\"op\":\"composite\",\"tile\":true", /* the last: covers all */
    };
    static const uint8_t mark[] = { 10, 250, 250, 255 };
    static struct canvas canvas;
    fill(&canvas, 9, 40, 4, mark);
    IJ_AUTO(ij_image_unref) VipsImage *image = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *slope = NULL;
    assert_int_equal(vips_xyz(&slope, WIDTH, HEIGHT, NULL), 0);
    IJ_AUTO(ij_image_unref) VipsImage *joined = NULL;
    assert_int_equal(vips_bandjoin_const1(slope, &joined, 40, NULL), 0);
    assert_int_equal(vips_cast_uchar(joined, &image, NULL), 0);
    image->Type = VIPS_INTERPRETATION_sRGB;
    for (size_t i = 0; i < IJ_ARRAY_LEN(steps); i++)
        for (int y = 0; y <= 1300; y += 1300) {
            char json[256];
            (void)snprintf(
                json, sizeof(json),
                "{\"steps\":[%s,\"y\":%d}],\"outputs\":[{\"format\":\"png\"}]}", steps[i],
                y);
            IJ_AUTO(case_done)
            struct case_run run = { .files = { png_of(image), png_of_canvas(&canvas) } };
            run_case_well(&run, json);
            VipsImage *made = run.images[0];
            size_t marked = 0, left = 0;
            for (int v = 0; v < HEIGHT; v++)
                for (int u = 0; u < WIDTH; u++) {
                    const uint8_t *pixel = VIPS_IMAGE_ADDR(made, u, v);
                    uint8_t was[] = { (uint8_t)(u > 255 ? 255 : u),
                                      (uint8_t)(v > 255 ? 255 : v), 40 };
                    bool is_marked = memcmp(pixel, mark, 3) == 0;
                    assert_true(is_marked || memcmp(pixel, was, 3) == 0);
                    marked += is_marked;
                    left += !is_marked;
                }
            assert_true(marked >= 9 * 40);
            assert_true(i == IJ_ARRAY_LEN(steps) - 1 ? left == 0 : left > 0);
        }
}

static void an_absent_input_is_refused_in_the_engines_words(void **state)
{
    (void)state;
    static const char *const ops[] = { "composite", "mask" };
    static struct canvas canvas;
    fill(&canvas, 4, 4, 1, (const uint8_t[]){ 1 });
    for (size_t i = 0; i < IJ_ARRAY_LEN(ops); i++) {
        char json[128];
        (void)snprintf(json, sizeof(json),
                       "{\"steps\":[{\"op\":\"%s\",\"input\":2}],"
                       "\"outputs\":[{\"format\":\"png\"}]}",
                       ops[i]);
        IJ_AUTO(case_done)
        struct case_run run = { .files = { png_of_canvas(&canvas),
                                           png_of_canvas(&canvas) } };
        assert_int_equal(run_case(&run, json), IMGJOB_E_SPEC);
        assert_string_equal(run.failure.error.text,
                            "the steps take 3 images, and 2 were uploaded");
        assert_null(run.images[0]);
    }
}

/* ---- what may be asked ---- */

static int parse(const char *step)
{
    char json[512];
    (void)snprintf(json, sizeof(json),
                   "{\"steps\":[%s],\"outputs\":[{\"format\":\"png\"}]}", step);
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    return ij_spec_parse(json, strlen(json), &ij_image_ops, &spec, &test_err);
}

#define COMPOSITE(rest) "{\"op\":\"composite\"," rest "}"
#define MASK(rest)      "{\"op\":\"mask\"," rest "}"

static void the_ends_of_the_ranges_are_welcome_and_what_is_beyond_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *step, *words; /* NULL = fine */
    } cases[] = {
        { COMPOSITE("\"input\":1"), NULL },
        { COMPOSITE("\"input\":8"), NULL },
        { COMPOSITE("\"input\":0"), "/steps/0/input: must be 1..8, not 0" },
        { COMPOSITE("\"input\":9"), "/steps/0/input: must be 1..8, not 9" },
        { COMPOSITE("\"x\":-65536,\"y\":65536"), NULL },
        { COMPOSITE("\"x\":-65537"), "/steps/0/x: must be -65536..65536, not -65537" },
        { COMPOSITE("\"y\":65537"), "/steps/0/y: must be -65536..65536, not 65537" },
        { COMPOSITE("\"scale\":0,\"opacity\":0"), NULL },
        { COMPOSITE("\"scale\":1,\"opacity\":1"), NULL },
        { COMPOSITE("\"scale\":1.01"), "/steps/0/scale: must be 0..1, not 1.01" },
        { COMPOSITE("\"opacity\":-0.1"), "/steps/0/opacity: must be 0..1, not -0.1" },
        { COMPOSITE("\"gravity\":\"attention\""), "/steps/0/gravity: must be one of" },
        { COMPOSITE("\"gravity\":\"entropy\""), "/steps/0/gravity: must be one of" },
        { COMPOSITE("\"blend\":\"dest-in\""), "/steps/0/blend: must be one of over, " },
        { COMPOSITE("\"tile\":1"), "/steps/0/tile: " },
        { MASK("\"input\":8,\"source\":\"luma\",\"invert\":true"), NULL },
        { MASK("\"input\":0"), "/steps/0/input: must be 1..8, not 0" },
        { MASK("\"input\":9"), "/steps/0/input: must be 1..8, not 9" },
        { MASK("\"source\":\"red\""),
          "/steps/0/source: must be one of auto, alpha, luma, not 'red'" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        expect_code(cases[i].words ? IMGJOB_E_SPEC : 0, parse(cases[i].step));
        if (cases[i].words)
            expect_words(cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_mixes_by_its_formula),
        cmocka_unit_test(an_opaque_overlay_is_copied),
        cmocka_unit_test(what_is_transparent_changes_nothing),
        cmocka_unit_test(an_overlay_lies_where_its_gravity_and_offset_say),
        cmocka_unit_test(an_overlay_larger_than_the_image_is_clipped),
        cmocka_unit_test(an_overlay_beyond_the_image_is_not_seen),
        cmocka_unit_test(tiles_cover_the_image_from_where_one_lies),
        cmocka_unit_test(scale_fits_the_overlay_into_its_share),
        cmocka_unit_test(a_scaled_overlay_keeps_its_place_and_its_colours),
        cmocka_unit_test(a_scaled_overlay_has_edges_of_its_own_colour),
        cmocka_unit_test(nothing_is_said_of_the_image_that_the_input_says_of_itself),
        cmocka_unit_test(a_mask_weighs_the_alpha),
        cmocka_unit_test(a_mask_is_scaled_to_the_image),
        cmocka_unit_test(every_frame_gets_the_overlay),
        cmocka_unit_test(every_frame_gets_the_mask),
        cmocka_unit_test(each_step_takes_the_input_it_names),
        cmocka_unit_test(a_streamed_image_is_read_in_order),
        cmocka_unit_test(an_absent_input_is_refused_in_the_engines_words),
        cmocka_unit_test(the_ends_of_the_ranges_are_welcome_and_what_is_beyond_is_not),
    };
    return cmocka_run_group_tests(tests, start_image_room, NULL);
}
