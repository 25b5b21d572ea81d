/* Owns how further inputs are made ready to be laid on an image. */
#include "image/ops/overlay.h"

#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/place.h"
#include "image/ops/resize.h"
#include "image/source.h"

int ij_overlay_bare(VipsImage *image, VipsImage **made)
{
    if (vips_copy(image, made, NULL) != 0)
        return -1;
    gchar **names = vips_image_get_fields(*made);
    for (size_t i = 0; names && names[i]; i++)
        (void)vips_image_remove(*made, names[i]); /* false: what every image has */
    g_strfreev(names);
    return 0;
}

/* One side may become smaller and the other larger. */
static int scale(VipsImage *image, struct ij_extent to, VipsImage **made)
{
    double horizontal = (double)to.width / vips_image_get_width(image);
    double vertical = (double)to.height / vips_image_get_height(image);
    IJ_AUTO(ij_image_unref) VipsImage *small = NULL;
    if (vips_resize(image, &small, fmin(horizontal, 1), "vscale", fmin(vertical, 1),
                    NULL) != 0)
        return -1;
    struct ij_extent is = ij_extent_of(small);
    if (is.width != to.width || is.height != to.height)
        return ij_resize_enlarge(small, to, "bicubic", made);
    *made = ij_steal(&small);
    return 0;
}

/* Not in 8 bits while colours are weighed: where a kernel overshoots at the edge of a
 * logo, its alpha would be cut off and its colour would not, which gives it a bright rim.
 */
int ij_overlay_scale(VipsImage *image, struct ij_extent to, VipsImage **made)
{
    if (!vips_image_hasalpha(image))
        return scale(image, to, made);
    IJ_AUTO(ij_image_unref) VipsImage *weighted = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *scaled = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *plain = NULL;
    if (vips_premultiply(image, &weighted, NULL) != 0 ||
        scale(weighted, to, &scaled) != 0 ||
        vips_unpremultiply(scaled, &plain, NULL) != 0)
        return -1;
    return ij_bands_narrow(plain, made);
}
