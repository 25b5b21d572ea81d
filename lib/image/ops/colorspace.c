/*
 * Convert to another colour space. The pipeline has two; what becomes grey here keeps its
 * luminance, which is computed in linear light.
 */
#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/source.h"

enum { TO };
enum { TO_SRGB, TO_GREY };

static const char *const spaces[] = { [TO_SRGB] = "srgb", [TO_GREY] = "grey", NULL };

static const struct ij_param params[] = {
    [TO] = { .name = "to",
             .type = IJ_PARAM_CHOICE,
             .is_required = true,
             .choices = spaces,
             .doc = "grey keeps the luminance, where grayscale weighs the levels; srgb "
                    "gives a grey image three channels" },
};

/* The weights of BT.709, which scRGB has the primaries of; those of libvips' own
 * conversion are rounded, and make blue a sixth too bright. */
static int to_grey(VipsImage *colors, VipsImage **made)
{
    enum { BANDS = 3 };
    double weights[BANDS * BANDS];
    for (int i = 0; i < BANDS * BANDS; i++)
        weights[i] = ij_luma_weights[i % BANDS];
    IJ_AUTO(ij_image_unref) VipsImage *linear = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *light = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *same = NULL;
    IJ_AUTO(ij_image_unref)
    VipsImage *matrix =
        vips_image_new_matrix_from_array(BANDS, BANDS, weights, BANDS * BANDS);
    if (!matrix ||
        vips_colourspace(colors, &linear, VIPS_INTERPRETATION_scRGB, NULL) != 0 ||
        vips_recomb(linear, &light, matrix, NULL) != 0 ||
        vips_colourspace(light, &same, VIPS_INTERPRETATION_sRGB, NULL) != 0)
        return -1;
    return vips_extract_band(same, made, 0, NULL);
}

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    if (step->values[TO].integer == TO_SRGB)
        return vips_colourspace(colors, made, VIPS_INTERPRETATION_sRGB, NULL);
    return to_grey(colors, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_colorspace_op = {
    .op = { .name = "colorspace",
            .group = "colour",
            .doc = "Convert to another colour space",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
