/* A further input says how much of each pixel is seen. */
#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/overlay.h"
#include "image/ops/place.h"
#include "image/source.h"
#include "spec/spec.h"

enum { INPUT, SOURCE, INVERT };
enum { SOURCE_AUTO, SOURCE_ALPHA, SOURCE_LUMA };

static const char *const sources[] = {
    [SOURCE_AUTO] = "auto", [SOURCE_ALPHA] = "alpha", [SOURCE_LUMA] = "luma", NULL
};

static const struct ij_param params[] = {
    [INPUT] = { .name = "input",
                .type = IJ_PARAM_INT,
                .min = 1,
                .max = IJ_SPEC_INPUTS_MAX - 1,
                .fallback = IJ_DEFAULT_INT(1),
                .doc = "Which further input is the mask; it is scaled to the image" },
    [SOURCE] = { .name = "source",
                 .type = IJ_PARAM_CHOICE,
                 .fallback = IJ_DEFAULT_INT(SOURCE_AUTO),
                 .choices = sources,
                 .doc = "alpha shows the image where the mask is opaque, luma where it "
                        "is bright and opaque; auto is alpha where the mask has one, "
                        "else luma" },
    [INVERT] = { .name = "invert",
                 .type = IJ_PARAM_BOOL,
                 .fallback = IJ_DEFAULT_INT(0),
                 .doc = "Show what would be hidden, and hide what would be seen" },
};

static uint32_t input(const struct ij_step *step)
{
    return (uint32_t)step->values[INPUT].integer;
}

/* Colours and alpha apart; `alpha` stays NULL where there is none. */
static int split(VipsImage *image, VipsImage **colors, VipsImage **alpha)
{
    if (!vips_image_hasalpha(image)) {
        *colors = g_object_ref(image);
        return 0;
    }
    int bands = vips_image_get_bands(image) - 1;
    return vips_extract_band(image, colors, 0, "n", bands, NULL) != 0 ||
                   vips_extract_band(image, alpha, bands, NULL) != 0
               ? -1
               : 0;
}

/* One band of the mask's own size. */
static int band_of(VipsImage *mask, int64_t source, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *colors = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *alpha = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *luma = NULL;
    if (split(mask, &colors, &alpha) != 0)
        return -1;
    if (source != SOURCE_LUMA && alpha) {
        *made = ij_steal(&alpha);
        return 0;
    }
    if (source == SOURCE_ALPHA) {
        static const double opaque[] = { 255 };
        *made = vips_image_new_from_image(colors, opaque, 1);
        return *made ? 0 : -1;
    }
    if (ij_bands_luma(colors, &luma) != 0)
        return -1;
    if (alpha)
        return ij_bands_weigh(luma, alpha, made);
    *made = ij_steal(&luma);
    return 0;
}

/* One band of the image's size. */
static int mask_of(const struct ij_apply *with, struct ij_extent to, VipsImage **made)
{
    const struct ij_value *values = with->step->values;
    IJ_AUTO(ij_image_unref) VipsImage *bare = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *band = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *scaled = NULL;
    if (ij_overlay_bare(with->inputs[values[INPUT].integer - 1], &bare) != 0 ||
        band_of(bare, values[SOURCE].integer, &band) != 0 ||
        ij_overlay_scale(band, to, &scaled) != 0)
        return -1;
    if (values[INVERT].integer)
        return vips_invert(scaled, made, NULL);
    *made = ij_steal(&scaled);
    return 0;
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *mask = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *colors = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *alpha = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *weighed = NULL;
    if (mask_of(with, ij_extent_of(image), &mask) != 0 ||
        split(image, &colors, &alpha) != 0)
        return -1;
    if (!alpha)
        return vips_bandjoin2(colors, mask, made, NULL);
    if (ij_bands_weigh(alpha, mask, &weighed) != 0)
        return -1;
    return vips_bandjoin2(colors, weighed, made, NULL);
}

const struct ij_image_op ij_mask_op = {
    .op = { .name = "mask",
            .group = "compositing",
            .doc = "Let a further input say how much of each pixel is seen; the rest "
                   "becomes transparent",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .input = input },
    .apply = apply,
};
