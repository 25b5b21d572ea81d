/* Owns where a smaller image lies in a larger one, for all operations that cut or pad. */
#include "image/ops/place.h"

#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/source.h"

struct ij_extent ij_extent_of(VipsImage *image)
{
    return (struct ij_extent){ (uint32_t)vips_image_get_width(image),
                               (uint32_t)vips_image_get_height(image) };
}

static int64_t within(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

static int cut_at(VipsImage *image, struct ij_extent box, struct ij_offset at,
                  VipsImage **made)
{
    struct ij_extent whole = ij_extent_of(image);
    int64_t width = box.width < whole.width ? box.width : whole.width;
    int64_t height = box.height < whole.height ? box.height : whole.height;
    return vips_crop(image, made, (int)within(at.x, whole.width - width),
                     (int)within(at.y, whole.height - height), (int)width, (int)height,
                     NULL);
}

int ij_cut_by_gravity(VipsImage *image, struct ij_extent box, enum ij_gravity gravity,
                      VipsImage **made)
{
    struct ij_extent whole = ij_extent_of(image);
    if (gravity < IJ_GRAVITY_COMPASS_END)
        return cut_at(image, box, ij_gravity_place(gravity, whole, box), made);
    int width = (int)(box.width < whole.width ? box.width : whole.width);
    int height = (int)(box.height < whole.height ? box.height : whole.height);
    /* it looks at all pixels before it gives the first */
    IJ_AUTO(ij_image_unref) VipsImage *held = vips_image_copy_memory(image);
    if (!held)
        return -1;
    return vips_smartcrop(held, made, width, height, "interesting",
                          gravity == IJ_GRAVITY_ENTROPY ? VIPS_INTERESTING_ENTROPY
                                                        : VIPS_INTERESTING_ATTENTION,
                          NULL);
}

int ij_cut_around(VipsImage *image, struct ij_extent box, double x, double y,
                  VipsImage **made)
{
    struct ij_extent whole = ij_extent_of(image);
    struct ij_offset at = { (int64_t)floor(x * whole.width - box.width / 2.0 + 0.5),
                            (int64_t)floor(y * whole.height - box.height / 2.0 + 0.5) };
    return cut_at(image, box, at, made);
}

int ij_pad(VipsImage *image, struct ij_extent box, struct ij_offset at, uint32_t color,
           VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *colored = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *whole = NULL;
    if (ij_bands_for_color(image, color, &colored) != 0)
        return -1;
    if ((color & 0xff) < 255 && !vips_image_hasalpha(colored)) {
        if (vips_addalpha(colored, &whole, NULL) != 0)
            return -1;
    } else
        whole = g_object_ref(colored);
    double levels[4] = { ij_color_level(color, 0), ij_color_level(color, 1),
                         ij_color_level(color, 2), ij_color_level(color, 3) };
    int bands = vips_image_get_bands(whole);
    if (bands == 2)
        levels[1] = levels[3];
    VipsArrayDouble *background = vips_array_double_new(levels, bands);
    int rc =
        vips_embed(whole, made, (int)at.x, (int)at.y, (int)box.width, (int)box.height,
                   "extend", VIPS_EXTEND_BACKGROUND, "background", background, NULL);
    vips_area_unref(VIPS_AREA(background));
    return rc;
}
