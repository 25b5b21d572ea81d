/*
 * Operations on colours and filters: every pixel against a computation of its own, which
 * knows nothing of libvips.
 */
#include "image_step.h"

#include <math.h>

#include "image/image.h"
#include "image/source.h"

extern const struct ij_image_op ij_blur_op, ij_sharpen_op, ij_pixelate_op, ij_modulate_op,
    ij_gamma_op, ij_normalize_op, ij_equalize_op, ij_grayscale_op, ij_sepia_op,
    ij_tint_op, ij_duotone_op, ij_negate_op, ij_threshold_op, ij_median_op,
    ij_convolve_op, ij_flatten_op, ij_round_op, ij_redact_op;

enum { WIDTH = 41, HEIGHT = 33, BANDS_MAX = 4 };

/* ---- images ---- */

struct canvas {
    int bands;
    double at[HEIGHT][WIDTH][BANDS_MAX];
};

static bool has_alpha(const struct canvas *canvas)
{
    return canvas->bands % 2 == 0;
}

static int color_bands(const struct canvas *canvas)
{
    return canvas->bands - has_alpha(canvas);
}

/* Slopes with some noise, of a narrow range in places; the same every time. */
static void paint(struct canvas *canvas, int bands)
{
    uint32_t seed = 7;
    canvas->bands = bands;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int i = 0; i < bands; i++) {
                seed = seed * 1664525 + 1013904223;
                int level = 20 + x * 4 + (i - 1) * y + (int)(seed >> 27);
                bool is_alpha = i == bands - 1 && bands % 2 == 0;
                if (is_alpha)
                    level = x < 8 ? 0 : x > 30 ? 255 : x * 8;
                canvas->at[y][x][i] = level < 0 ? 0 : level > 255 ? 255 : level;
            }
}

static VipsImage *to_image(const struct canvas *canvas)
{
    static uint8_t bytes[HEIGHT * WIDTH * BANDS_MAX];
    uint8_t *to = bytes;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int i = 0; i < canvas->bands; i++)
                *to++ = (uint8_t)canvas->at[y][x][i];
    IJ_AUTO(ij_image_unref)
    VipsImage *plain = vips_image_new_from_memory_copy(
        bytes, (size_t)(to - bytes), WIDTH, HEIGHT, canvas->bands, VIPS_FORMAT_UCHAR);
    VipsImage *made;
    assert_int_equal(
        vips_copy(plain, &made, "interpretation",
                  canvas->bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB,
                  NULL),
        0);
    return made;
}

/* ---- computing it again ---- */

static double clip(double level)
{
    return level < 0 ? 0 : level > 255 ? 255 : level;
}

static double nearest(double level)
{
    return floor(clip(level) + .5);
}

static int inside(int at, int count)
{
    return at < 0 ? 0 : at >= count ? count - 1 : at;
}

static void copy_alpha(const struct canvas *in, struct canvas *out)
{
    if (!has_alpha(in))
        return;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            out->at[y][x][out->bands - 1] = in->at[y][x][in->bands - 1];
}

static double red(const struct canvas *in, int x, int y, int band)
{
    return in->at[y][x][color_bands(in) < 3 ? 0 : band];
}

static double luma(const struct canvas *in, int x, int y)
{
    return .2126 * red(in, x, y, 0) + .7152 * red(in, x, y, 1) + .0722 * red(in, x, y, 2);
}

/* What a pixel's colours become. */
typedef void recolor(const double in[3], double light, double out[3]);

/* @param bands of colours afterwards; 0 = as before */
static void recolor_all(const struct canvas *in, recolor *how, int bands,
                        struct canvas *out)
{
    int count = bands ? bands : color_bands(in);
    out->bands = count + has_alpha(in);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const double rgb[] = { red(in, x, y, 0), red(in, x, y, 1), red(in, x, y, 2) };
            double made[3];
            how(rgb, luma(in, x, y), made);
            for (int i = 0; i < count; i++)
                out->at[y][x][i] = clip(made[i]);
        }
    copy_alpha(in, out);
}

static void negated(const double in[3], double light, double out[3])
{
    (void)light;
    for (int i = 0; i < 3; i++)
        out[i] = 255 - in[i];
}

static void expect_negate(const struct canvas *in, struct canvas *out)
{
    recolor_all(in, negated, 0, out);
}

static void gamma_22(const double in[3], double light, double out[3])
{
    (void)light;
    for (int i = 0; i < 3; i++)
        out[i] = 255 * exp(log(fmax(in[i], 1e-9) / 255) / 2.2);
}

static void expect_gamma(const struct canvas *in, struct canvas *out)
{
    recolor_all(in, gamma_22, 0, out);
}

static void greyed(const double in[3], double light, double out[3])
{
    (void)in;
    out[0] = light;
}

static void expect_grayscale(const struct canvas *in, struct canvas *out)
{
    recolor_all(in, greyed, 1, out);
}

static void cut_at_100(const double in[3], double light, double out[3])
{
    (void)in;
    out[0] = nearest(light) >= 100 ? 255 : 0;
}

static void expect_threshold(const struct canvas *in, struct canvas *out)
{
    recolor_all(in, cut_at_100, 1, out);
}

static void browned(const double in[3], double light, double out[3])
{
    (void)light;
    out[0] = .5 * in[0] + .5 * (.393 * in[0] + .769 * in[1] + .189 * in[2]);
    out[1] = .5 * in[1] + .5 * (.349 * in[0] + .686 * in[1] + .168 * in[2]);
    out[2] = .5 * in[2] + .5 * (.272 * in[0] + .534 * in[1] + .131 * in[2]);
}

static void expect_sepia(const struct canvas *in, struct canvas *out)
{
    recolor_all(in, browned, 3, out);
}

static void tinted(const double in[3], double light, double out[3])
{
    (void)in;
    out[0] = light * 0x40 / 255;
    out[1] = light * 0x80 / 255;
    out[2] = light;
}

static void expect_tint(const struct canvas *in, struct canvas *out)
{
    recolor_all(in, tinted, 3, out);
}

static void two_tones(const double in[3], double light, double out[3])
{
    (void)in;
    out[0] = 0x20 + (0xff - 0x20) * light / 255;
    out[1] = 0x00 + (0xe0 - 0x00) * light / 255;
    out[2] = 0x60 + (0x10 - 0x60) * light / 255;
}

static void expect_duotone(const struct canvas *in, struct canvas *out)
{
    recolor_all(in, two_tones, 3, out);
}

/* brightness 1.2, contrast .8, saturation .5: grey is the weighted mean of the CSS text
 */
static void modulated(const double in[3], double light, double out[3])
{
    (void)light;
    double grey = .213 * in[0] + .715 * in[1] + .072 * in[2];
    for (int i = 0; i < 3; i++)
        out[i] = ((grey + .5 * (in[i] - grey)) * 1.2 - 127.5) * .8 + 127.5;
}

static void expect_modulate(const struct canvas *in, struct canvas *out)
{
    recolor_all(in, modulated, 0, out);
}

/* A hue turned by 180 degrees: each colour is mirrored at its grey. */
static void turned(const double in[3], double light, double out[3])
{
    (void)light;
    double grey = .213 * in[0] + .715 * in[1] + .072 * in[2];
    for (int i = 0; i < 3; i++)
        out[i] = 2 * grey - in[i];
}

static void expect_hue(const struct canvas *in, struct canvas *out)
{
    recolor_all(in, turned, 0, out);
}

static int by_level(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void lights(const struct canvas *in, double sorted[HEIGHT * WIDTH])
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            sorted[y * WIDTH + x] = nearest(luma(in, x, y));
    qsort(sorted, HEIGHT * WIDTH, sizeof(*sorted), by_level);
}

static double black_level, white_level;

static void stretched(const double in[3], double light, double out[3])
{
    (void)light;
    for (int i = 0; i < 3; i++)
        out[i] = (in[i] - black_level) * 255 / (white_level - black_level);
}

static void expect_normalize(const struct canvas *in, struct canvas *out)
{
    static double sorted[HEIGHT * WIDTH];
    lights(in, sorted);
    black_level = sorted[(int)(HEIGHT * WIDTH * .05)];
    white_level = sorted[(int)(HEIGHT * WIDTH * .9)];
    recolor_all(in, stretched, 0, out);
}

static double sorted_lights[HEIGHT * WIDTH];

static void ranked(const double in[3], double light, double out[3])
{
    (void)light;
    const int all = HEIGHT * WIDTH;
    int first = 0;
    while (first < all && sorted_lights[first] == sorted_lights[0])
        first++;
    for (int i = 0; i < 3; i++) {
        int rank = 0;
        while (rank < all && sorted_lights[rank] <= in[i])
            rank++;
        out[i] = 255.0 * (rank - first) / (all - first);
    }
}

static void expect_equalize(const struct canvas *in, struct canvas *out)
{
    lights(in, sorted_lights);
    recolor_all(in, ranked, 0, out);
}

static void expect_median(const struct canvas *in, struct canvas *out)
{
    out->bands = in->bands;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int i = 0; i < color_bands(in); i++) {
                double around[25];
                for (int n = 0; n < 25; n++)
                    around[n] = in->at[inside(y + n / 5 - 2, HEIGHT)]
                                      [inside(x + n % 5 - 2, WIDTH)][i];
                qsort(around, 25, sizeof(*around), by_level);
                out->at[y][x][i] = around[12];
            }
    copy_alpha(in, out);
}

static const double slope_kernel[] = { -1, -2, 0, 1.5, 3 };

static void expect_convolve(const struct canvas *in, struct canvas *out)
{
    out->bands = in->bands;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int i = 0; i < color_bands(in); i++) {
                double sum = 0;
                for (int n = 0; n < 5; n++)
                    sum += slope_kernel[n] * in->at[y][inside(x + n - 2, WIDTH)][i];
                out->at[y][x][i] = clip(sum / 2 + 60);
            }
    copy_alpha(in, out);
}

/* Colours count by their alpha. */
static double weight(const struct canvas *in, int x, int y)
{
    return has_alpha(in) ? in->at[y][x][in->bands - 1] / 255 : 1;
}

static double weighted(const struct canvas *in, int x, int y, int band)
{
    bool is_alpha = has_alpha(in) && band == in->bands - 1;
    return is_alpha ? in->at[y][x][band] : in->at[y][x][band] * weight(in, x, y);
}

static void unweigh(struct canvas *out)
{
    for (int y = 0; has_alpha(out) && y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int i = 0; i < out->bands - 1; i++) {
                double by = weight(out, x, y);
                out->at[y][x][i] = by > 0 ? clip(out->at[y][x][i] / by) : 0;
            }
}

static double blur_sigma;

static void expect_blur(const struct canvas *in, struct canvas *out)
{
    int reach = (int)(4 * blur_sigma) + 1;
    out->bands = in->bands;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int i = 0; i < in->bands; i++) {
                double sum = 0, weights = 0;
                for (int dy = -reach; dy <= reach; dy++)
                    for (int dx = -reach; dx <= reach; dx++) {
                        double by =
                            exp(-(dx * dx + dy * dy) / (2 * blur_sigma * blur_sigma));
                        weights += by;
                        sum += by * weighted(in, inside(x + dx, WIDTH),
                                             inside(y + dy, HEIGHT), i);
                    }
                out->at[y][x][i] = sum / weights;
            }
    unweigh(out);
}

static void expect_blur_2(const struct canvas *in, struct canvas *out)
{
    blur_sigma = 2;
    expect_blur(in, out);
}

static void expect_blur_9(const struct canvas *in, struct canvas *out)
{
    blur_sigma = 9;
    expect_blur(in, out);
}

static void expect_pixelate(const struct canvas *in, struct canvas *out)
{
    enum { SIZE = 6 };
    out->bands = in->bands;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int i = 0; i < in->bands; i++) {
                double sum = 0;
                for (int dy = 0; dy < SIZE; dy++)
                    for (int dx = 0; dx < SIZE; dx++)
                        sum += weighted(in, inside(x / SIZE * SIZE + dx, WIDTH),
                                        inside(y / SIZE * SIZE + dy, HEIGHT), i);
                out->at[y][x][i] = sum / (SIZE * SIZE);
            }
    unweigh(out);
}

static void expect_flatten(const struct canvas *in, struct canvas *out)
{
    static const double under[] = { 0x10, 0x80, 0xf0 };
    out->bands = 3;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int i = 0; i < 3; i++) {
                double by = weight(in, x, y);
                out->at[y][x][i] = red(in, x, y, i) * by + under[i] * (1 - by);
            }
}

/* A box inside, one over the right edge, one that lies beyond the image. */
static const double boxes[] = { 3.5, 4, 6, 5.2, 36, 30, 50, 50, 100, 100, 4, 4 };

static void expect_redact(const struct canvas *in, struct canvas *out)
{
    static const double over[] = { 0x33, 0x66, 0x99 };
    out->bands = 3 + has_alpha(in);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            bool is_hidden =
                (x >= 3 && x < 10 && y >= 4 && y < 10) || (x >= 36 && y >= 30);
            for (int i = 0; i < 3; i++)
                out->at[y][x][i] = is_hidden ? over[i] : red(in, x, y, i);
            if (has_alpha(in))
                out->at[y][x][3] = is_hidden ? 255 : in->at[y][x][in->bands - 1];
        }
}

/* How much of a pixel a rounded box covers, by counting 16 × 16 points of it. */
static double covered(int x, int y, double radius)
{
    int count = 0;
    for (int n = 0; n < 256; n++) {
        double px = x + (n % 16 + .5) / 16, py = y + (n / 16 + .5) / 16;
        double dx = fmax(fmax(radius - px, px - (WIDTH - radius)), 0);
        double dy = fmax(fmax(radius - py, py - (HEIGHT - radius)), 0);
        count += dx * dx + dy * dy <= radius * radius;
    }
    return count / 256.0;
}

static void expect_round(const struct canvas *in, struct canvas *out)
{
    out->bands = color_bands(in) + 1;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            for (int i = 0; i < color_bands(in); i++)
                out->at[y][x][i] = in->at[y][x][i];
            out->at[y][x][out->bands - 1] = 255 * weight(in, x, y) * covered(x, y, 9);
        }
}

/* The largest circle in the middle, by the same count. */
static void expect_circle(const struct canvas *in, struct canvas *out)
{
    out->bands = color_bands(in) + 1;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            int count = 0;
            for (int n = 0; n < 256; n++) {
                double dx = x + (n % 16 + .5) / 16 - WIDTH / 2.0;
                double dy = y + (n / 16 + .5) / 16 - HEIGHT / 2.0;
                count += dx * dx + dy * dy <= HEIGHT * HEIGHT / 4.0;
            }
            for (int i = 0; i < color_bands(in); i++)
                out->at[y][x][i] = in->at[y][x][i];
            out->at[y][x][out->bands - 1] = 255 * weight(in, x, y) * count / 256.0;
        }
}

/* The lightness of CIELAB of a grey of sRGB, and back. */
static double lightness(double level)
{
    double v = level / 255;
    double linear = v <= .04045 ? v / 12.92 : pow((v + .055) / 1.055, 2.4);
    return linear > .008856 ? 116 * cbrt(linear) - 16 : 903.3 * linear;
}

static double of_lightness(double light)
{
    double linear = light > 8 ? pow((light + 16) / 116, 3) : light / 903.3;
    double v = linear <= .0031308 ? linear * 12.92 : 1.055 * pow(linear, 1 / 2.4) - .055;
    return clip(v * 255);
}

/* Sigma 1, as a filter of whole numbers; flat below a difference of 2 in lightness. */
static void expect_sharpen(const struct canvas *in, struct canvas *out)
{
    static const double row[] = { 3, 12, 20, 12, 3 };
    out->bands = in->bands;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double sum = 0;
            for (int n = 0; n < 25; n++)
                sum += row[n / 5] * row[n % 5] *
                       lightness(in->at[inside(y + n / 5 - 2, HEIGHT)]
                                       [inside(x + n % 5 - 2, WIDTH)][0]);
            double light = lightness(in->at[y][x][0]);
            double by = light - sum / 2500, size = fabs(by);
            double more = size < 2 ? size * .5 : 1 + (size - 2) * 2;
            more = fmin(more, by < 0 ? 20 : 10);
            out->at[y][x][0] =
                of_lightness(fmin(fmax(light + copysign(more, by), 0), 100));
        }
    copy_alpha(in, out);
}

/* ---- the table ---- */

static const struct {
    const struct ij_image_op *op;
    void (*expect)(const struct canvas *in, struct canvas *out);
    double tolerance; /* levels */
    struct set sets[SETS_MAX];
    unsigned int bands; /* which it is tried with: bits 1..4; 0 = all */
} cases[] = {
    { &ij_negate_op, expect_negate, 0, { { 0 } }, 0 },
    { &ij_gamma_op, expect_gamma, 1, { { "gamma", REAL(2.2) } }, 0 },
    { &ij_grayscale_op, expect_grayscale, 1, { { 0 } }, 0 },
    { &ij_threshold_op, expect_threshold, 0, { { "value", INT(100) } }, 0 },
    { &ij_sepia_op, expect_sepia, 1, { { "amount", REAL(.5) } }, 0 },
    { &ij_tint_op, expect_tint, 1, { { "color", COLOR(0x4080ffff) } }, 0 },
    { &ij_duotone_op,
      expect_duotone,
      1,
      { { "shadow", COLOR(0x200060ff) }, { "highlight", COLOR(0xffe010ff) } },
      0 },
    { &ij_modulate_op,
      expect_modulate,
      1,
      { { "brightness", REAL(1.2) },
        { "contrast", REAL(.8) },
        { "saturation", REAL(.5) } },
      0 },
    { &ij_modulate_op, expect_hue, 2, { { "hue", REAL(180) } }, 0 },
    { &ij_normalize_op,
      expect_normalize,
      1,
      { { "lower", REAL(5) }, { "upper", REAL(90) } },
      0 },
    { &ij_equalize_op, expect_equalize, 1, { { 0 } }, 0 },
    { &ij_median_op, expect_median, 0, { { "size", INT(5) } }, 0 },
    { &ij_convolve_op,
      expect_convolve,
      1,
      { { "kernel", NUMBERS(slope_kernel) },
        { "width", INT(5) },
        { "scale", REAL(2) },
        { "offset", REAL(60) } },
      0 },
    { &ij_blur_op, expect_blur_2, 2, { { "sigma", REAL(2) } }, 0 },
    { &ij_blur_op, expect_blur_9, 2, { { "sigma", REAL(9) } }, 1 << 1 | 1 << 3 },
    { &ij_pixelate_op, expect_pixelate, 2, { { "size", INT(6) } }, 0 },
    { &ij_flatten_op,
      expect_flatten,
      1,
      { { "background", COLOR(0x1080f0ff) } },
      1 << 2 | 1 << 4 },
    { &ij_redact_op,
      expect_redact,
      0,
      { { "boxes", NUMBERS(boxes) }, { "color", COLOR(0x336699ff) } },
      1 << 3 | 1 << 4 },
    { &ij_round_op, expect_round, 20, { { "radius", REAL(9) } }, 0 },
    { &ij_round_op, expect_circle, 20, { { "circle", INT(1) } }, 0 },
    { &ij_sharpen_op,
      expect_sharpen,
      2,
      { { "sigma", REAL(1) }, { "flat", REAL(.5) }, { "jagged", REAL(2) } },
      1 << 1 | 1 << 2 },
};

static void run_step(const struct ij_step *step, const struct canvas *in,
                     VipsImage **pixels)
{
    const struct ij_image_op *op = ij_image_op_of(step);
    IJ_AUTO(ij_image_unref) VipsImage *image = to_image(in);
    IJ_AUTO(ij_image_unref) VipsImage *made = NULL;
    const struct ij_apply with = { .step = step, .to = { WIDTH, HEIGHT } };
    if (op->apply(&with, image, &made) != 0)
        fail_msg("%s: %s", op->op.name, vips_error_buffer());
    *pixels = vips_image_copy_memory(made);
    if (!*pixels)
        fail_msg("%s: %s", op->op.name, vips_error_buffer());
    assert_int_equal(vips_image_get_width(*pixels), WIDTH);
    assert_int_equal(vips_image_get_height(*pixels), HEIGHT);
    assert_int_equal(vips_image_get_format(*pixels), VIPS_FORMAT_UCHAR);
    int bands = vips_image_get_bands(*pixels);
    assert_int_equal(vips_image_get_interpretation(*pixels),
                     bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB);
    assert_int_equal(vips_image_hasalpha(*pixels), bands % 2 == 0);
}

static void compare(const char *name, VipsImage *pixels, const struct canvas *wanted,
                    double tolerance)
{
    if (vips_image_get_bands(pixels) != wanted->bands)
        fail_msg("%s makes %d bands, not %d", name, vips_image_get_bands(pixels),
                 wanted->bands);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int i = 0; i < wanted->bands; i++) {
                double level = VIPS_IMAGE_ADDR(pixels, x, y)[i];
                bool is_color = !has_alpha(wanted) || i < wanted->bands - 1;
                /* what nearly cannot be seen has no colour to speak of */
                if (is_color && weight(wanted, x, y) < .1 &&
                    VIPS_IMAGE_ADDR(pixels, x, y)[wanted->bands - 1] < 26)
                    continue;
                if (fabs(level - wanted->at[y][x][i]) > tolerance + .5001)
                    fail_msg("%s of %d bands at %d,%d: band %d is %g, not %g", name,
                             wanted->bands, x, y, i, level, wanted->at[y][x][i]);
            }
}

static void every_pixel_is_what_it_should_be(void **state)
{
    (void)state;
    static struct canvas in, wanted;
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        for (int bands = 1; bands <= BANDS_MAX; bands++) {
            if (cases[i].bands && !(cases[i].bands & 1u << bands))
                continue;
            struct ij_step step = step_of(cases[i].op, cases[i].sets);
            paint(&in, bands);
            cases[i].expect(&in, &wanted);
            IJ_AUTO(ij_image_unref) VipsImage *pixels = NULL;
            run_step(&step, &in, &pixels);
            compare(cases[i].op->op.name, pixels, &wanted, cases[i].tolerance);
        }
}

static void neutral_settings_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const struct ij_image_op *op;
        struct set sets[SETS_MAX];
    } neutral[] = {
        { &ij_modulate_op, { { 0 } } },
        { &ij_gamma_op, { { "gamma", REAL(1) } } },
        { &ij_sepia_op, { { "amount", REAL(0) } } },
        { &ij_tint_op, { { "color", COLOR(0xff0000ff) }, { "amount", REAL(0) } } },
    };
    static struct canvas in;
    for (size_t i = 0; i < IJ_ARRAY_LEN(neutral); i++) {
        struct ij_step step = step_of(neutral[i].op, neutral[i].sets);
        paint(&in, 4);
        IJ_AUTO(ij_image_unref) VipsImage *pixels = NULL;
        run_step(&step, &in, &pixels);
        compare(neutral[i].op->op.name, pixels, &in, 0);
    }
}

/* Blurred and pixelated boxes: outside of them nothing changes, inside little is left. */
static void redacted_boxes_lose_their_detail(void **state)
{
    (void)state;
    static const double box[] = { 10, 8, 16, 16 };
    static struct canvas in;
    for (int mode = 1; mode <= 2; mode++) {
        struct ij_step step =
            step_of(&ij_redact_op, (struct set[SETS_MAX]){ { "boxes", NUMBERS(box) },
                                                           { "mode", INT(mode) } });
        paint(&in, 3);
        IJ_AUTO(ij_image_unref) VipsImage *pixels = NULL;
        run_step(&step, &in, &pixels);
        double roughness = 0;
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                const uint8_t *pixel = VIPS_IMAGE_ADDR(pixels, x, y);
                bool is_in = x >= 10 && x < 26 && y >= 8 && y < 24;
                if (!is_in)
                    assert_int_equal(pixel[1], (int)in.at[y][x][1]);
                else if (y < 23)
                    roughness += abs(pixel[1] - VIPS_IMAGE_ADDR(pixels, x, y + 1)[1]);
            }
        assert_true(roughness / (16 * 15) < 2); /* 11 before */
    }
}

static void what_single_values_cannot_say_is_checked(void **state)
{
    (void)state;
    static const double nine[9] = { 1 }, eight[8] = { 1 }, flat[] = { 1, 1, 0, 5 };
    static const struct {
        const struct ij_image_op *op;
        struct set sets[SETS_MAX];
        const char *words; /* NULL = fine */
    } checks[] = {
        { &ij_median_op, { { "size", INT(4) } }, "/steps/2/size: must be odd, not 4" },
        { &ij_median_op, { { "size", INT(5) } }, NULL },
        { &ij_convolve_op,
          { { "kernel", NUMBERS(nine) }, { "width", INT(2) } },
          "/steps/2/width: must be odd" },
        { &ij_convolve_op,
          { { "kernel", NUMBERS(eight) }, { "width", INT(3) } },
          "/steps/2/kernel: must have an odd number of rows of 3" },
        { &ij_convolve_op,
          { { "kernel", NUMBERS(nine) }, { "width", INT(3) }, { "scale", REAL(0) } },
          "/steps/2/scale: must not be 0" },
        { &ij_convolve_op, { { "kernel", NUMBERS(nine) }, { "width", INT(3) } }, NULL },
        { &ij_round_op, { { 0 } }, "/steps/2/radius: missing" },
        { &ij_round_op,
          { { "radius", REAL(4) }, { "circle", INT(1) } },
          "/steps/2/radius: must be absent" },
        { &ij_redact_op, { { "boxes", NUMBERS(flat) } }, "/steps/2/boxes/0: width" },
        { &ij_redact_op, { { "boxes", NUMBERS(boxes) } }, NULL },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(checks); i++) {
        struct ij_step step = step_of(checks[i].op, checks[i].sets);
        expect_code(checks[i].words ? IMGJOB_E_SPEC : 0,
                    checks[i].op->op.check(&step, "/steps/2", &test_err));
        if (checks[i].words)
            expect_words(checks[i].words);
    }
}

static int start_image_room(void **state)
{
    (void)state;
    return ij_image_start(&test_err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_is_what_it_should_be),
        cmocka_unit_test(neutral_settings_change_nothing),
        cmocka_unit_test(redacted_boxes_lose_their_detail),
        cmocka_unit_test(what_single_values_cannot_say_is_checked),
    };
    return cmocka_run_group_tests(tests, start_image_room, NULL);
}
