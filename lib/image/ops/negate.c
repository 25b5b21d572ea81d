/* Turn colours into their opposites. */
#include "image/ops/bands.h"

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    (void)step;
    uint8_t table[256];
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)(255 - i);
    return ij_bands_table(colors, table, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_negate_op = {
    .op = { .name = "negate",
            .group = "colour",
            .doc = "Turn every colour into its opposite" },
    .apply = apply,
};
