/*
 * Owns colour: after ij_colour_to_srgb() an image has 8 bits a band and 1 (grey), 2 (grey
 * and alpha), 3 (sRGB) or 4 (sRGB and alpha) bands. A profile that is broken, or meant
 * for another kind of image, is as none: browsers do the same.
 */
#include "image/colour.h"

#include <stdbool.h>

#include "base/auto.h"
#include "image/icc.h"
#include "image/source.h"

static bool is_grey(VipsImage *image)
{
    VipsInterpretation kind = vips_image_guess_interpretation(image);
    return kind == VIPS_INTERPRETATION_B_W || kind == VIPS_INTERPRETATION_GREY16 ||
           vips_image_get_bands(image) < 3;
}

static bool needs_profile(VipsImage *image)
{
    const void *profile;
    size_t len;
    return vips_image_get_typeof(image, VIPS_META_ICC_NAME) == VIPS_TYPE_BLOB &&
           vips_image_get_blob(image, VIPS_META_ICC_NAME, &profile, &len) == 0 &&
           !ij_icc_is_srgb(profile, len);
}

/* Leave only the colour bands and one alpha. */
static int drop_extra_bands(VipsImage **image)
{
    int most = is_grey(*image) ? 2 : 4;
    if (vips_image_get_bands(*image) <= most)
        return 0;
    VipsImage *made;
    if (vips_extract_band(*image, &made, 0, "n", most, NULL) != 0)
        return -1;
    ij_image_replace(image, made);
    return 0;
}

static void convert_by_profile(VipsImage **image)
{
    VipsImage *made;
    if (vips_icc_transform(*image, &made, "srgb", "embedded", TRUE, "depth", 8, NULL) !=
        0) {
        vips_error_clear(); /* the profile is of no use */
        return;
    }
    ij_image_replace(image, made);
}

static int convert_by_kind(VipsImage **image)
{
    VipsInterpretation kind = vips_image_guess_interpretation(*image);
    VipsInterpretation wanted =
        is_grey(*image) ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    if (kind == wanted && vips_image_get_format(*image) == VIPS_FORMAT_UCHAR)
        return 0;
    VipsImage *made;
    if (vips_colourspace(*image, &made, wanted, NULL) != 0)
        return -1;
    ij_image_replace(image, made);
    if (vips_image_get_format(*image) == VIPS_FORMAT_UCHAR)
        return 0;
    if (vips_cast_uchar(*image, &made, NULL) != 0)
        return -1;
    ij_image_replace(image, made);
    return 0;
}

int ij_colour_to_srgb(VipsImage **image)
{
    if (needs_profile(*image))
        convert_by_profile(image);
    if (convert_by_kind(image) != 0)
        return -1;
    return drop_extra_bands(image);
}

bool ij_colour_keeps_profile(VipsImage *image)
{
    VipsInterpretation kind = vips_image_guess_interpretation(image);
    return vips_image_get_typeof(image, VIPS_META_ICC_NAME) == VIPS_TYPE_BLOB &&
           vips_image_get_format(image) == VIPS_FORMAT_UCHAR &&
           (kind == VIPS_INTERPRETATION_sRGB || kind == VIPS_INTERPRETATION_RGB ||
            kind == VIPS_INTERPRETATION_B_W) &&
           vips_image_get_bands(image) <= 4;
}
