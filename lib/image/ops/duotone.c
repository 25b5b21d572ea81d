/* Brightness as the way from one colour to another. */
#include "base/auto.h"
#include "image/ops/bands.h"

enum { SHADOW, HIGHLIGHT };

static const struct ij_param params[] = {
    [SHADOW] = { .name = "shadow",
                 .type = IJ_PARAM_COLOR,
                 .is_required = true,
                 .doc = "What black becomes; its alpha does not count" },
    [HIGHLIGHT] = { .name = "highlight",
                    .type = IJ_PARAM_COLOR,
                    .is_required = true,
                    .doc = "What white becomes; its alpha does not count" },
};

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    struct ij_color_matrix matrix = { 0 };
    for (int y = 0; y < 3; y++) {
        double from = ij_color_level(step->values[SHADOW].color, y);
        double to = ij_color_level(step->values[HIGHLIGHT].color, y);
        matrix.offset[y] = from;
        for (int x = 0; x < 3; x++)
            matrix.weight[y][x] = (to - from) / 255 * ij_luma_weights[x];
    }
    return ij_bands_matrix(colors, &matrix, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_duotone_op = {
    .op = { .name = "duotone",
            .group = "colour",
            .doc = "Go from one colour to another by brightness",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
