/* Brightness as the way from one colour to another. */
#include <math.h>

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
    uint8_t table[256][3];
    for (int i = 0; i < 256; i++)
        for (int band = 0; band < 3; band++) {
            double from = ij_color_level(step->values[SHADOW].color, band);
            double to = ij_color_level(step->values[HIGHLIGHT].color, band);
            table[i][band] = (uint8_t)lround(from + (to - from) * i / 255);
        }
    return ij_bands_luma_table(colors, table, made);
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
