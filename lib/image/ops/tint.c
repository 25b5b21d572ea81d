/* Brightness times a colour: black stays black, white becomes the colour. */
#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"

enum { COLOR, AMOUNT };

static const struct ij_param params[] = {
    [COLOR] = { .name = "color",
                .type = IJ_PARAM_COLOR,
                .is_required = true,
                .doc = "What white becomes; its alpha does not count" },
    [AMOUNT] = { .name = "amount",
                 .type = IJ_PARAM_REAL,
                 .min = 0,
                 .max = 1,
                 .fallback = IJ_DEFAULT_REAL(1),
                 .doc = "How much: 0 changes nothing, 1 all" },
};

/* Of brightness alone, a table. */
static int make_whole(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    uint8_t table[256][3];
    for (int i = 0; i < 256; i++)
        for (int band = 0; band < 3; band++) {
            double level = ij_color_level(step->values[COLOR].color, band);
            table[i][band] = (uint8_t)lround(level * i / 255);
        }
    return ij_bands_luma_table(colors, table, made);
}

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    double amount = step->values[AMOUNT].real;
    if (amount >= 1)
        return make_whole(step, colors, made);
    struct ij_color_matrix matrix = { 0 };
    for (int y = 0; y < 3; y++) {
        double level = ij_color_level(step->values[COLOR].color, y) / 255;
        for (int x = 0; x < 3; x++)
            matrix.weight[y][x] =
                amount * level * ij_luma_weights[x] + (x == y ? 1 - amount : 0);
    }
    return ij_bands_matrix(colors, &matrix, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_tint_op = {
    .op = { .name = "tint",
            .group = "colour",
            .doc = "Colour the image by its brightness",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
