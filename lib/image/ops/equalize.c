/* Make every brightness about as frequent. All bands go by one table, made of brightness.
 */
#include "image/ops/bands.h"

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    (void)step;
    uint64_t counts[256], all = 0, so_far = 0, first = 0;
    if (ij_bands_histogram(colors, counts) != 0)
        return -1;
    for (int i = 0; i < 256; i++) {
        first = first ? first : counts[i];
        all += counts[i];
    }
    uint8_t table[256];
    for (int i = 0; i < 256; i++) {
        so_far += counts[i];
        uint64_t above = so_far > first ? so_far - first : 0;
        table[i] = all == first
                       ? (uint8_t)i /* one level only */
                       : (uint8_t)((above * 255 + (all - first) / 2) / (all - first));
    }
    return ij_bands_table(colors, table, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_equalize_op = {
    .op = { .name = "equalize",
            .group = "colour",
            .doc = "Spread brightness evenly over the whole range" },
    .needs_pixels = true,
    .apply = apply,
};
