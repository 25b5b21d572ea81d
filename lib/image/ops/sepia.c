/* Brown, as an old photograph: the CSS filter (Filter Effects Module Level 1 §9.3). */
#include "base/auto.h"
#include "image/ops/bands.h"

enum { AMOUNT };

static const struct ij_param params[] = {
    [AMOUNT] = { .name = "amount",
                 .type = IJ_PARAM_REAL,
                 .min = 0,
                 .max = 1,
                 .fallback = IJ_DEFAULT_REAL(1),
                 .doc = "How much: 0 changes nothing, 1 all" },
};

static const double brown[3][3] = {
    { .393, .769, .189 },
    { .349, .686, .168 },
    { .272, .534, .131 },
};

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    double amount = step->values[AMOUNT].real;
    struct ij_color_matrix matrix = { 0 };
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++)
            matrix.weight[y][x] = amount * brown[y][x] + (x == y ? 1 - amount : 0);
    return ij_bands_matrix(colors, &matrix, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_sepia_op = {
    .op = { .name = "sepia",
            .group = "colour",
            .doc = "Make the image brown, as an old photograph",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
