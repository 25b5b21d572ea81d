/* Take transparency away: the image stands on a colour. */
#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/source.h"

enum { BACKGROUND };

static const struct ij_param params[] = {
    [BACKGROUND] = { .name = "background",
                     .type = IJ_PARAM_COLOR,
                     .fallback = IJ_DEFAULT_COLOR(0xffffffff),
                     .doc = "The colour under it; its alpha does not count" },
};

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    if (!vips_image_hasalpha(image)) {
        *made = g_object_ref(image);
        return 0;
    }
    uint32_t color = with->step->values[BACKGROUND].color;
    IJ_AUTO(ij_image_unref) VipsImage *ready = NULL;
    if (ij_bands_for_color(image, color, &ready) != 0)
        return -1;
    const double levels[] = { ij_color_level(color, 0), ij_color_level(color, 1),
                              ij_color_level(color, 2) };
    VipsArrayDouble *background =
        vips_array_double_new(levels, vips_image_get_bands(ready) - 1);
    int rc = vips_flatten(ready, made, "background", background, NULL);
    vips_area_unref(VIPS_AREA(background));
    return rc;
}

const struct ij_image_op ij_flatten_op = {
    .op = { .name = "flatten",
            .group = "compositing",
            .doc = "Put the image on a colour, without transparency",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
