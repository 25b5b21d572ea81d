/* Black and white by brightness. */
#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/source.h"

enum { VALUE };

static const struct ij_param params[] = {
    [VALUE] = { .name = "value",
                .type = IJ_PARAM_INT,
                .min = 0,
                .max = 255,
                .fallback = IJ_DEFAULT_INT(128),
                .doc = "From this brightness on a pixel becomes white" },
};

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    uint8_t table[256];
    for (int i = 0; i < 256; i++)
        table[i] = i >= step->values[VALUE].integer ? 255 : 0;
    IJ_AUTO(ij_image_unref) VipsImage *luma = NULL;
    if (ij_bands_luma(colors, &luma) != 0)
        return -1;
    return ij_bands_table(luma, table, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_threshold_op = {
    .op = { .name = "threshold",
            .group = "colour",
            .doc = "Make every pixel black or white",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
