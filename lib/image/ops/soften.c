/*
 * Owns what makes details go away. Colours count by their alpha throughout. A wide blur
 * is made of a smaller image: what it throws away is not computed first.
 */
#include "image/ops/soften.h"

#include <math.h>

#include "base/auto.h"
#include "image/ops/gauss.h"
#include "image/ops/pixels.h"
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
    if (ij_pixels_premultiply(image, &weighted) != 0 ||
        how->soften(how, weighted, &soft) != 0)
        return -1;
    return ij_pixels_unpremultiply(soft, made);
}

/* ---- blur ---- */

/* By how much to shrink: four of the small image's pixels stay one sigma, so that it has
 * no detail that enlarging it would miss. */
static int shrink_for(double sigma)
{
    return sigma <= IJ_GAUSS_SIGMA_MAX ? 1 : (int)(sigma / 4);
}

/* A multiple of `factor` that is at least `least`. */
static int up_to(double least, int factor)
{
    return (int)ceil(least / factor) * factor;
}

/* The edge is repeated before, as far as the blur reaches: a pixel of the small image at
 * the edge would otherwise stand for what is beyond it. Enlarging asks for small tiles
 * and so for some lines many times, which are kept. */
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
    IJ_AUTO(ij_image_unref) VipsImage *kept = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *large = NULL;
    const struct ij_extent to = { (uint32_t)up_to(width + 2.0 * pad, factor),
                                  (uint32_t)up_to(height + 2.0 * pad, factor) };
    if (vips_embed(image, &padded, pad, pad, (int)to.width, (int)to.height, "extend",
                   VIPS_EXTEND_COPY, NULL) != 0 ||
        vips_shrink(padded, &small, factor, factor, NULL) != 0 ||
        ij_gauss_blur(small, sigma, &soft) != 0 ||
        vips_linecache(soft, &kept, "tile_height", 16, NULL) != 0 ||
        ij_resize_enlarge(kept, to, "bicubic", &large) != 0)
        return -1;
    return vips_crop(large, made, pad, pad, width, height, NULL);
}

static int blur(const struct how *how, VipsImage *image, VipsImage **made)
{
    int factor = shrink_for(how->sigma);
    return factor < 2 ? ij_gauss_blur(image, how->sigma, made)
                      : blur_small(how, image, factor, made);
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
