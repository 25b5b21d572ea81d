/*
 * Owns what makes details go away. Colours count by their alpha throughout. A wide blur
 * is made of a smaller image: what it throws away is not computed first.
 */
#include "image/ops/soften.h"

#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/resize.h"
#include "image/source.h"

/* ---- by alpha ---- */

struct how {
    int (*soften)(const struct how *how, VipsImage *image, VipsImage **made);
    double sigma;
    int size;
};

static int by_alpha(const struct how *how, VipsImage *image, VipsImage **made)
{
    if (!vips_image_hasalpha(image))
        return how->soften(how, image, made);
    IJ_AUTO(ij_image_unref) VipsImage *weighted = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *soft = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *plain = NULL;
    if (vips_premultiply(image, &weighted, NULL) != 0 ||
        how->soften(how, weighted, &soft) != 0 ||
        vips_unpremultiply(soft, &plain, NULL) != 0)
        return -1;
    return ij_bands_narrow(plain, made);
}

/* Also of a weighted image, which is not 8 bits and becomes so only at the end. */
static int narrow_if_plain(VipsImage *wide, VipsImage *like, VipsImage **made)
{
    if (vips_image_get_format(like) == VIPS_FORMAT_UCHAR &&
        vips_image_get_format(wide) != VIPS_FORMAT_UCHAR)
        return ij_bands_narrow(wide, made);
    *made = g_object_ref(wide);
    return 0;
}

/* ---- blur ---- */

static int gauss(VipsImage *image, double sigma, VipsImage **made)
{
    /* down to 1 % of the middle: beyond, nothing reaches half a level */
    return vips_gaussblur(image, made, sigma, "min_ampl", .01, "precision",
                          VIPS_PRECISION_FLOAT, NULL);
}

/* By how much to shrink: two of the small image's pixels stay one sigma. */
static int shrink_for(double sigma)
{
    return (int)(sigma / 2);
}

/* A multiple of `factor` that is at least `least`. */
static int up_to(double least, int factor)
{
    return (int)ceil(least / factor) * factor;
}

/* The edge is repeated before, as far as the blur reaches: a pixel of the small image at
 * the edge would otherwise stand for what is beyond it. */
static int blur_small(const struct how *how, VipsImage *image, int factor,
                      VipsImage **made)
{
    int width = vips_image_get_width(image), height = vips_image_get_height(image);
    int pad = up_to(3 * how->sigma, factor);
    /* shrinking blurs a little itself */
    double sigma = sqrt(how->sigma * how->sigma - (factor * factor - 1) / 12.0) / factor;
    IJ_AUTO(ij_image_unref) VipsImage *padded = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *small = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *soft = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *large = NULL;
    const struct ij_extent to = { (uint32_t)up_to(width + 2.0 * pad, factor),
                                  (uint32_t)up_to(height + 2.0 * pad, factor) };
    if (vips_embed(image, &padded, pad, pad, (int)to.width, (int)to.height, "extend",
                   VIPS_EXTEND_COPY, NULL) != 0 ||
        vips_shrink(padded, &small, factor, factor, NULL) != 0 ||
        gauss(small, sigma, &soft) != 0 ||
        ij_resize_enlarge(soft, to, "bicubic", &large) != 0)
        return -1;
    return vips_crop(large, made, pad, pad, width, height, NULL);
}

static int blur(const struct how *how, VipsImage *image, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *wide = NULL;
    int factor = shrink_for(how->sigma);
    int rc = factor < 2 ? gauss(image, how->sigma, &wide)
                        : blur_small(how, image, factor, &wide);
    return rc == 0 ? narrow_if_plain(wide, image, made) : -1;
}

int ij_soften_blur(VipsImage *image, double sigma, VipsImage **made)
{
    const struct how how = { .soften = blur, .sigma = sigma };
    return by_alpha(&how, image, made);
}

/* ---- pixelate ---- */

static int pixelate(const struct how *how, VipsImage *image, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *means = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *squares = NULL;
    if (vips_shrink(image, &means, how->size, how->size, "ceil", TRUE, NULL) != 0 ||
        vips_zoom(means, &squares, how->size, how->size, NULL) != 0)
        return -1;
    return vips_crop(squares, made, 0, 0, vips_image_get_width(image),
                     vips_image_get_height(image), NULL);
}

int ij_soften_pixelate(VipsImage *image, uint32_t size, VipsImage **made)
{
    const struct how how = { .soften = pixelate, .size = (int)size };
    return by_alpha(&how, image, made);
}
