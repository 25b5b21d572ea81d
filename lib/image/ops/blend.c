/*
 * Owns how two pixels become one, by the W3C's Compositing and Blending Level 1, on
 * colours as they are stored. Not vips_composite(): it blends colours that are weighed by
 * their alpha already, so that what multiplies at half opacity darkens under white, and
 * it cuts off where it should round.
 */
#include "image/ops/blend.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "image/source.h"

/* ---- colours, 0..1 (§10.1) ---- */

static double over(double below, double above)
{
    (void)below;
    return above;
}

static double multiply(double below, double above)
{
    return below * above;
}

static double screen(double below, double above)
{
    return below + above - below * above;
}

static double darken(double below, double above)
{
    return fmin(below, above);
}

static double lighten(double below, double above)
{
    return fmax(below, above);
}

static double color_dodge(double below, double above)
{
    if (below <= 0)
        return 0;
    return below >= 1 - above ? 1 : below / (1 - above);
}

static double color_burn(double below, double above)
{
    if (below >= 1)
        return 1;
    return 1 - below >= above ? 0 : 1 - (1 - below) / above;
}

static double hard_light(double below, double above)
{
    return above <= .5 ? multiply(below, 2 * above) : screen(below, 2 * above - 1);
}

static double overlay(double below, double above)
{
    return hard_light(above, below);
}

static double soft_light(double below, double above)
{
    if (above <= .5)
        return below - (1 - 2 * above) * below * (1 - below);
    double most = below <= .25 ? ((16 * below - 12) * below + 4) * below : sqrt(below);
    return below + (2 * above - 1) * (most - below);
}

static double difference(double below, double above)
{
    return fabs(below - above);
}

static double exclusion(double below, double above)
{
    return below + above - 2 * below * above;
}

/* ---- the modes ---- */

const char *const ij_blends[] = {
    [IJ_BLEND_OVER] = "over",
    [IJ_BLEND_ATOP] = "atop",
    [IJ_BLEND_DEST_OVER] = "dest-over",
    [IJ_BLEND_ADD] = "add",
    [IJ_BLEND_MULTIPLY] = "multiply",
    [IJ_BLEND_SCREEN] = "screen",
    [IJ_BLEND_OVERLAY] = "overlay",
    [IJ_BLEND_DARKEN] = "darken",
    [IJ_BLEND_LIGHTEN] = "lighten",
    [IJ_BLEND_COLOR_DODGE] = "color-dodge",
    [IJ_BLEND_COLOR_BURN] = "color-burn",
    [IJ_BLEND_HARD_LIGHT] = "hard-light",
    [IJ_BLEND_SOFT_LIGHT] = "soft-light",
    [IJ_BLEND_DIFFERENCE] = "difference",
    [IJ_BLEND_EXCLUSION] = "exclusion",
    NULL,
};

typedef double mix_colors(double below, double above);
static mix_colors *const mixes[] = {
    [IJ_BLEND_OVER] = over,
    [IJ_BLEND_ATOP] = over,
    [IJ_BLEND_DEST_OVER] = over,
    [IJ_BLEND_ADD] = over,
    [IJ_BLEND_MULTIPLY] = multiply,
    [IJ_BLEND_SCREEN] = screen,
    [IJ_BLEND_OVERLAY] = overlay,
    [IJ_BLEND_DARKEN] = darken,
    [IJ_BLEND_LIGHTEN] = lighten,
    [IJ_BLEND_COLOR_DODGE] = color_dodge,
    [IJ_BLEND_COLOR_BURN] = color_burn,
    [IJ_BLEND_HARD_LIGHT] = hard_light,
    [IJ_BLEND_SOFT_LIGHT] = soft_light,
    [IJ_BLEND_DIFFERENCE] = difference,
    [IJ_BLEND_EXCLUSION] = exclusion,
};

/* ---- pixels ---- */

/* How much of the outcome comes from each: the factors of Porter and Duff (§9.1), times
 * the alpha. */
struct parts {
    double below, above;
};

static struct parts parts_of(enum ij_blend mode, double below, double above)
{
    switch (mode) {
    case IJ_BLEND_ATOP:
        return (struct parts){ below * (1 - above), above * below };
    case IJ_BLEND_DEST_OVER:
        return (struct parts){ below, above * (1 - below) };
    case IJ_BLEND_ADD:
        return (struct parts){ below, above };
    default:
        return (struct parts){ below * (1 - above), above };
    }
}

static uint8_t level_of(double value)
{
    return value >= 1 ? 255 : (uint8_t)(value * 255 + .5);
}

struct blending {
    enum ij_blend mode;
    double opacity;
    int colors;
    bool has_alpha; /* what is below, and so what is made */
};

/* In place; a pixel that nothing is seen of stays as it is, with its colours. */
static void blend_pixel(const struct blending *how, const uint8_t *above, uint8_t *below)
{
    double alpha_above = above[how->colors] / 255.0 * how->opacity;
    double alpha_below = how->has_alpha ? below[how->colors] / 255.0 : 1;
    struct parts parts = parts_of(how->mode, alpha_below, alpha_above);
    double alpha = fmin(parts.below + parts.above, 1);
    if (alpha_above <= 0 || alpha <= 0)
        return;
    for (int i = 0; i < how->colors; i++) {
        double was = below[i] / 255.0, color = above[i] / 255.0;
        double mixed = mixes[how->mode](was, color);
        color += alpha_below * (mixed - color);
        below[i] = level_of((parts.below * was + parts.above * color) / alpha);
    }
    if (how->has_alpha)
        below[how->colors] = level_of(alpha);
}

/* ---- images ---- */

/* How a blending is told as one number. */
enum {
    MODE_BITS = 5,
    BANDS_BITS = 3,
    OPACITY_MAX = 0xfffff /* how finely it is told */
};

static int number_of(enum ij_blend mode, int bands, double opacity)
{
    return (int)lround(opacity * OPACITY_MAX) << (MODE_BITS + BANDS_BITS) |
           bands << MODE_BITS | (int)mode;
}

static struct blending blending_of(int number)
{
    int bands = number >> MODE_BITS & ((1 << BANDS_BITS) - 1);
    bool has_alpha = bands % 2 == 0;
    return (struct blending){
        .mode = (enum ij_blend)(number & ((1 << MODE_BITS) - 1)),
        .opacity = (double)(number >> (MODE_BITS + BANDS_BITS)) / OPACITY_MAX,
        .colors = bands - has_alpha,
        .has_alpha = has_alpha,
    };
}

/* Where the two lie over each other, blend into what is a copy of the one below. */
static int blend_area(const struct blending *how, VipsRegion *above, VipsRegion *to)
{
    int left = above->im->Xoffset, top = above->im->Yoffset;
    VipsRect all = { left, top, above->im->Xsize, above->im->Ysize };
    VipsRect area;
    vips_rect_intersectrect(&to->valid, &all, &area);
    if (vips_rect_isempty(&area))
        return 0;
    VipsRect needed = { area.left - left, area.top - top, area.width, area.height };
    if (vips_region_prepare(above, &needed) != 0)
        return -1;
    for (int y = 0; y < area.height; y++) {
        uint8_t *pixel = VIPS_REGION_ADDR(to, area.left, area.top + y);
        const uint8_t *over_it = VIPS_REGION_ADDR(above, needed.left, needed.top + y);
        for (int x = 0; x < area.width; x++) {
            blend_pixel(how, over_it, pixel);
            pixel += how->colors + how->has_alpha;
            over_it += how->colors + 1;
        }
    }
    return 0;
}

/* Runs on threads of libvips: all it is told is a number, as a pointer's value. */
static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    (void)a;
    (void)stop;
    VipsRegion **from = sequence; /* below, above */
    struct blending how = blending_of(GPOINTER_TO_INT(b));
    if (vips_region_prepare(from[0], &region->valid) != 0)
        return -1;
    vips_region_copy(from[0], region, &region->valid, region->valid.left,
                     region->valid.top);
    return blend_area(&how, from[1], region);
}

int ij_blend(VipsImage *below, VipsImage *above, enum ij_blend mode, double opacity,
             VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *out = vips_image_new();
    if (!out)
        return -1;
    vips_object_local(out, g_object_ref(below)); /* they go when the made one goes */
    vips_object_local(out, g_object_ref(above));
    VipsImage **from = vips_allocate_input_array(out, below, above, NULL);
    int number = number_of(mode, vips_image_get_bands(below), opacity);
    if (!from ||
        vips_image_pipelinev(out, VIPS_DEMAND_STYLE_THINSTRIP, below, above, NULL) != 0 ||
        vips_image_generate(out, vips_start_many, generate, vips_stop_many, from,
                            GINT_TO_POINTER(number)) != 0)
        return -1;
    *made = ij_steal(&out);
    return 0;
}
