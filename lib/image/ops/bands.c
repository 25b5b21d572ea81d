/*
 * Owns what operations on colours have in common. Colours are computed as they are
 * stored, with sRGB's curve, as CSS filters and image editors do. Alpha never changes.
 */
#include "image/ops/bands.h"

#include <string.h>

#include "base/auto.h"
#include "image/ops/pixels.h"
#include "image/source.h"

const double ij_luma_weights[3] = { .2126, .7152, .0722 };

/* The kind goes by the bands, whatever an operation of libvips thinks of it. */
static int name_kind(VipsImage *image, VipsImage **made)
{
    return vips_copy(image, made, "interpretation",
                     vips_image_get_bands(image) < 3 ? VIPS_INTERPRETATION_B_W
                                                     : VIPS_INTERPRETATION_sRGB,
                     NULL);
}

int ij_bands_apply(const struct ij_step *step, VipsImage *image, ij_bands_make *make,
                   VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *changed = NULL;
    if (!vips_image_hasalpha(image)) {
        if (make(step, image, &changed) != 0)
            return -1;
        return name_kind(changed, made);
    }
    int bands = vips_image_get_bands(image) - 1;
    IJ_AUTO(ij_image_unref) VipsImage *colors = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *alpha = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *joined = NULL;
    if (vips_extract_band(image, &colors, 0, "n", bands, NULL) != 0 ||
        vips_extract_band(image, &alpha, bands, NULL) != 0 ||
        make(step, colors, &changed) != 0 ||
        vips_bandjoin2(changed, alpha, &joined, NULL) != 0)
        return -1;
    return name_kind(joined, made);
}

int ij_bands_narrow(VipsImage *wide, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *floats = NULL;
    if (vips_cast_float(wide, &floats, NULL) != 0)
        return -1;
    return ij_pixels_narrow(floats, made);
}

int ij_bands_weigh(VipsImage *band, VipsImage *by, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *both = NULL;
    if (vips_bandjoin2(band, by, &both, NULL) != 0)
        return -1;
    return ij_pixels_multiply(both, made);
}

static int three_bands(VipsImage *colors, VipsImage **made)
{
    if (vips_image_get_bands(colors) >= 3) {
        *made = g_object_ref(colors);
        return 0;
    }
    VipsImage *same[] = { colors, colors, colors };
    return vips_bandjoin(same, made, 3, NULL);
}

int ij_bands_matrix(VipsImage *colors, const struct ij_color_matrix *matrix,
                    VipsImage **made)
{
    double offsets[3];
    static const double ones[3] = { 1, 1, 1 };
    for (int i = 0; i < 3; i++)
        offsets[i] = matrix->offset[i] + .5; /* to the nearest */
    IJ_AUTO(ij_image_unref) VipsImage *three = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *wide = NULL;
    IJ_AUTO(ij_image_unref)
    VipsImage *weights = vips_image_new_matrix_from_array(3, 3, &matrix->weight[0][0], 9);
    if (!weights || three_bands(colors, &three) != 0 ||
        vips_recomb(three, &wide, weights, NULL) != 0)
        return -1;
    return vips_linear(wide, made, ones, offsets, 3, "uchar", TRUE, NULL);
}

int ij_bands_table(VipsImage *image, const uint8_t table[256], VipsImage **made)
{
    IJ_AUTO(ij_image_unref)
    VipsImage *lut =
        vips_image_new_from_memory_copy(table, 256, 256, 1, 1, VIPS_FORMAT_UCHAR);
    return lut ? vips_maplut(image, made, lut, NULL) : -1;
}

int ij_bands_luma(VipsImage *colors, VipsImage **made)
{
    if (vips_image_get_bands(colors) >= 3)
        return ij_pixels_luma(colors, made);
    *made = g_object_ref(colors);
    return 0;
}

int ij_bands_luma_table(VipsImage *colors, const uint8_t table[256][3], VipsImage **made)
{
    enum { BYTES = 256 * 3 };
    IJ_AUTO(ij_image_unref) VipsImage *luma = NULL;
    IJ_AUTO(ij_image_unref)
    VipsImage *lut =
        vips_image_new_from_memory_copy(table, BYTES, 256, 1, 3, VIPS_FORMAT_UCHAR);
    if (!lut || ij_bands_luma(colors, &luma) != 0)
        return -1;
    return vips_maplut(luma, made, lut, NULL);
}

int ij_bands_histogram(VipsImage *colors, uint64_t counts[256])
{
    IJ_AUTO(ij_image_unref) VipsImage *luma = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *lazy = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *found = NULL;
    if (ij_bands_luma(colors, &luma) != 0 || vips_hist_find(luma, &lazy, NULL) != 0)
        return -1;
    found = vips_image_copy_memory(lazy);
    if (!found)
        return -1;
    memset(counts, 0, 256 * sizeof(*counts));
    const uint32_t *bins = (const uint32_t *)VIPS_IMAGE_ADDR(found, 0, 0);
    for (int i = 0; i < vips_image_get_width(found) && i < 256; i++)
        counts[i] = bins[i];
    return 0;
}

int ij_bands_for_color(VipsImage *image, uint32_t color, VipsImage **made)
{
    uint32_t red = color >> 24, green = color >> 16 & 0xff, blue = color >> 8 & 0xff;
    if (vips_image_get_bands(image) >= 3 || (red == green && green == blue)) {
        *made = g_object_ref(image);
        return 0;
    }
    return vips_colourspace(image, made, VIPS_INTERPRETATION_sRGB, NULL);
}
