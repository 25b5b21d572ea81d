/*
 * Brightness, contrast, saturation and hue, as the CSS filters of those names, in that
 * order, but clipped only once at the end (Filter Effects Module Level 1 §6.1, §9.3).
 */
#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"

enum { BRIGHTNESS, CONTRAST, SATURATION, HUE };

static const struct ij_param params[] = {
    [BRIGHTNESS] = { .name = "brightness",
                     .type = IJ_PARAM_REAL,
                     .min = 0,
                     .max = 10,
                     .fallback = IJ_DEFAULT_REAL(1),
                     .doc = "Factor of every level" },
    [CONTRAST] = { .name = "contrast",
                   .type = IJ_PARAM_REAL,
                   .min = 0,
                   .max = 10,
                   .fallback = IJ_DEFAULT_REAL(1),
                   .doc = "Factor of the distance to middle grey" },
    [SATURATION] = { .name = "saturation",
                     .type = IJ_PARAM_REAL,
                     .min = 0,
                     .max = 10,
                     .fallback = IJ_DEFAULT_REAL(1),
                     .doc = "Factor of the distance to grey; 0 takes all colour away" },
    [HUE] = { .name = "hue",
              .type = IJ_PARAM_REAL,
              .min = -360,
              .max = 360,
              .fallback = IJ_DEFAULT_REAL(0),
              .unit = "degrees",
              .doc = "How far to turn the hue" },
};

struct rows {
    double at[3][3];
};

static struct rows multiply(struct rows a, struct rows b)
{
    struct rows made = { 0 };
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++)
            for (int i = 0; i < 3; i++)
                made.at[y][x] += a.at[y][i] * b.at[i][x];
    return made;
}

static struct rows saturate(double by)
{
    return (struct rows){ { { .213 + .787 * by, .715 - .715 * by, .072 - .072 * by },
                            { .213 - .213 * by, .715 + .285 * by, .072 - .072 * by },
                            { .213 - .213 * by, .715 - .715 * by, .072 + .928 * by } } };
}

static struct rows turn_hue(double degrees)
{
    double angle = degrees * G_PI / 180, c = cos(angle), s = sin(angle);
    return (struct rows){ {
        { .213 + c * .787 - s * .213, .715 - c * .715 - s * .715,
          .072 - c * .072 + s * .928 },
        { .213 - c * .213 + s * .143, .715 + c * .285 + s * .140,
          .072 - c * .072 - s * .283 },
        { .213 - c * .213 - s * .787, .715 - c * .715 + s * .715,
          .072 + c * .928 + s * .072 },
    } };
}

/* A level through brightness and contrast: × slope + offset. */
static double slope(const struct ij_step *step)
{
    return step->values[BRIGHTNESS].real * step->values[CONTRAST].real;
}

static double offset(const struct ij_step *step)
{
    return 127.5 * (1 - step->values[CONTRAST].real);
}

static int make_grey(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    return vips_linear1(colors, made, slope(step), offset(step) + .5, "uchar", TRUE,
                        NULL);
}

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    const struct ij_value *values = step->values;
    if (vips_image_get_bands(colors) < 3) /* without colour, colours cannot change */
        return make_grey(step, colors, made);
    /* the rows of both matrices add up to 1, so an offset before them stays what it is */
    struct rows rows =
        multiply(turn_hue(values[HUE].real), saturate(values[SATURATION].real));
    struct ij_color_matrix matrix;
    for (int y = 0; y < 3; y++) {
        matrix.offset[y] = offset(step);
        for (int x = 0; x < 3; x++)
            matrix.weight[y][x] = rows.at[y][x] * slope(step);
    }
    return ij_bands_matrix(colors, &matrix, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_modulate_op = {
    .op = { .name = "modulate",
            .group = "colour",
            .doc = "Change brightness, contrast, saturation and hue",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
