/* Change the curve of brightness: middle tones move, black and white stay. */
#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"

enum { GAMMA };

static const struct ij_param params[] = {
    [GAMMA] = { .name = "gamma",
                .type = IJ_PARAM_REAL,
                .min = .1,
                .max = 10,
                .fallback = IJ_DEFAULT_REAL(2.2),
                .doc = "Levels are raised to 1 by this; above 1 is brighter" },
};

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    uint8_t table[256];
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)lround(255 * pow(i / 255.0, 1 / step->values[GAMMA].real));
    return ij_bands_table(colors, table, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_gamma_op = {
    .op = { .name = "gamma",
            .group = "colour",
            .doc = "Make the middle tones brighter or darker",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
