/* Lay a further input on the image: a logo in a corner, a pattern over all of it. */
#include <math.h>

#include "base/auto.h"
#include "image/ops/blend.h"
#include "image/ops/overlay.h"
#include "image/ops/place.h"
#include "image/source.h"
#include "spec/spec.h"

enum { INPUT, GRAVITY, X, Y, SCALE, OPACITY, BLEND, TILE };
enum { OFFSET_MAX = 65536 };

static const struct ij_param params[] = {
    [INPUT] = { .name = "input",
                .type = IJ_PARAM_INT,
                .min = 1,
                .max = IJ_SPEC_INPUTS_MAX - 1,
                .fallback = IJ_DEFAULT_INT(1),
                .doc = "Which further input is laid on the image" },
    [GRAVITY] = { .name = "gravity",
                  .type = IJ_PARAM_CHOICE,
                  .fallback = IJ_DEFAULT_INT(IJ_GRAVITY_CENTER),
                  .choices = ij_compass,
                  .doc = "Where it lies; what sticks out is left away" },
    [X] = { .name = "x",
            .type = IJ_PARAM_INT,
            .min = -OFFSET_MAX,
            .max = OFFSET_MAX,
            .fallback = IJ_DEFAULT_INT(0),
            .unit = "px",
            .doc = "How far to the right of there; negative is to the left" },
    [Y] = { .name = "y",
            .type = IJ_PARAM_INT,
            .min = -OFFSET_MAX,
            .max = OFFSET_MAX,
            .fallback = IJ_DEFAULT_INT(0),
            .unit = "px",
            .doc = "How far below there; negative is above" },
    [SCALE] = { .name = "scale",
                .type = IJ_PARAM_REAL,
                .min = 0,
                .max = 1,
                .fallback = IJ_DEFAULT_REAL(0),
                .unit = "fraction",
                .doc = "It is fitted, at its own ratio, into so much of the image's "
                       "width and height; 0 leaves its size as it is" },
    [OPACITY] = { .name = "opacity",
                  .type = IJ_PARAM_REAL,
                  .min = 0,
                  .max = 1,
                  .fallback = IJ_DEFAULT_REAL(1),
                  .doc = "Multiplies its alpha" },
    [BLEND] = { .name = "blend",
                .type = IJ_PARAM_CHOICE,
                .fallback = IJ_DEFAULT_INT(IJ_BLEND_OVER),
                .choices = ij_blends,
                .doc = "How colours mix, by the names of the W3C; atop draws only where "
                       "the image is, dest-over only where it is not" },
    [TILE] = { .name = "tile",
               .type = IJ_PARAM_BOOL,
               .fallback = IJ_DEFAULT_INT(0),
               .doc = "Repeat it over the whole image; one lies where it would alone" },
};

static uint32_t input(const struct ij_step *step)
{
    return (uint32_t)step->values[INPUT].integer;
}

/* ---- the overlay ---- */

static uint32_t share_of(uint32_t side, double scale)
{
    double share = floor(side * scale + .5);
    return share < 1 ? 1 : (uint32_t)share;
}

/* `of` × `by` / `per`, to the nearest, at least 1; none is more than 2^31. */
static uint32_t in_ratio(uint32_t of, uint32_t by, uint32_t per)
{
    uint64_t side = ((uint64_t)of * by + per / 2) / per;
    return side < 1 ? 1 : (uint32_t)side;
}

static struct ij_extent fitted(struct ij_extent overlay, struct ij_extent image,
                               double scale)
{
    if (scale <= 0)
        return overlay;
    struct ij_extent box = { share_of(image.width, scale),
                             share_of(image.height, scale) };
    if ((uint64_t)box.width * overlay.height <= (uint64_t)box.height * overlay.width)
        box.height = in_ratio(overlay.height, box.width, overlay.width);
    else
        box.width = in_ratio(overlay.width, box.height, overlay.height);
    return box;
}

static int match_colors(VipsImage *image, bool takes_color, VipsImage **made)
{
    if (takes_color && vips_image_get_bands(image) < 3)
        return vips_colourspace(image, made, VIPS_INTERPRETATION_sRGB, NULL);
    *made = g_object_ref(image);
    return 0;
}

static int with_alpha(VipsImage *image, VipsImage **made)
{
    if (!vips_image_hasalpha(image))
        return vips_addalpha(image, made, NULL);
    *made = g_object_ref(image);
    return 0;
}

/* The further input as it is laid on the image: of that size, with alpha, and with the
 * image's colours. */
static int overlay_of(VipsImage *further, struct ij_extent to, bool takes_color,
                      VipsImage **made)
{
    struct ij_extent is = ij_extent_of(further);
    IJ_AUTO(ij_image_unref) VipsImage *bare = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *scaled = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *colored = NULL;
    if (ij_overlay_bare(further, &bare) != 0)
        return -1;
    if (is.width == to.width && is.height == to.height)
        scaled = g_object_ref(bare);
    else if (ij_overlay_scale(bare, to, &scaled) != 0)
        return -1;
    if (match_colors(scaled, takes_color, &colored) != 0)
        return -1;
    return with_alpha(colored, made);
}

/* ---- laying it on ---- */

static int placed_at(VipsImage *overlay, struct ij_offset at, VipsImage **made)
{
    return vips_copy(overlay, made, "xoffset", (int)at.x, "yoffset", (int)at.y, NULL);
}

/* Of the whole image's size, with one of the tiles at `at`. The tile is held, or it would
 * be scaled again for each. */
static int tiled(VipsImage *tile, struct ij_offset at, struct ij_extent to,
                 VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *held = vips_image_copy_memory(tile);
    IJ_AUTO(ij_image_unref) VipsImage *tiles = NULL;
    if (!held || vips_embed(held, &tiles, (int)(at.x % vips_image_get_width(held)),
                            (int)(at.y % vips_image_get_height(held)), (int)to.width,
                            (int)to.height, "extend", VIPS_EXTEND_REPEAT, NULL) != 0)
        return -1;
    return placed_at(tiles, (struct ij_offset){ 0, 0 }, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    const struct ij_value *values = with->step->values;
    VipsImage *further = with->inputs[values[INPUT].integer - 1];
    struct ij_extent to = ij_extent_of(image);
    struct ij_extent size = fitted(ij_extent_of(further), to, values[SCALE].real);
    struct ij_offset at =
        ij_gravity_place((enum ij_gravity)values[GRAVITY].integer, to, size);
    at.x += values[X].integer;
    at.y += values[Y].integer;
    bool takes_color =
        vips_image_get_bands(image) >= 3 || vips_image_get_bands(further) >= 3;
    IJ_AUTO(ij_image_unref) VipsImage *base = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *overlay = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *placed = NULL;
    if (match_colors(image, takes_color, &base) != 0 ||
        overlay_of(further, size, takes_color, &overlay) != 0 ||
        (values[TILE].integer ? tiled(overlay, at, to, &placed)
                              : placed_at(overlay, at, &placed)) != 0)
        return -1;
    return ij_blend(base, placed, (enum ij_blend)values[BLEND].integer,
                    values[OPACITY].real, made);
}

const struct ij_image_op ij_composite_op = {
    .op = { .name = "composite",
            .group = "compositing",
            .doc = "Lay a further input on the image, which keeps its size",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .input = input },
    .apply = apply,
};
