/* Stretch brightness to the whole range. All bands are stretched alike, so hues stay. */
#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"

enum { LOWER, UPPER };

static const struct ij_param params[] = {
    [LOWER] = { .name = "lower",
                .type = IJ_PARAM_REAL,
                .min = 0,
                .max = 50,
                .fallback = IJ_DEFAULT_REAL(1),
                .unit = "percent",
                .doc = "So many of the pixels may become black" },
    [UPPER] = { .name = "upper",
                .type = IJ_PARAM_REAL,
                .min = 50,
                .max = 100,
                .fallback = IJ_DEFAULT_REAL(99),
                .unit = "percent",
                .doc = "All pixels beyond these may become white" },
};

/* The first level up to which there are more than `percent` of the pixels. */
static int percentile(const uint64_t counts[256], double percent)
{
    uint64_t all = 0, so_far = 0;
    for (int i = 0; i < 256; i++)
        all += counts[i];
    for (int i = 0; i < 256; i++) {
        so_far += counts[i];
        if ((double)so_far > (double)all * percent / 100 || so_far == all)
            return i;
    }
    return 255;
}

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    uint64_t counts[256];
    if (ij_bands_histogram(colors, counts) != 0)
        return -1;
    int black = percentile(counts, step->values[LOWER].real);
    int white = percentile(counts, step->values[UPPER].real);
    uint8_t table[256];
    for (int i = 0; i < 256; i++) {
        double level = white > black ? 255.0 * (i - black) / (white - black) : i;
        table[i] = (uint8_t)lround(fmin(fmax(level, 0), 255));
    }
    return ij_bands_table(colors, table, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_normalize_op = {
    .op = { .name = "normalize",
            .group = "colour",
            .doc = "Stretch brightness to the whole range",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .needs_pixels = true,
    .apply = apply,
};
