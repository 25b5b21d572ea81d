/*
 * Round the corners, or leave a circle: what is outside becomes transparent. How much of
 * a pixel is inside is computed when it is asked for; there is no mask of the image's
 * size.
 */
#include <math.h>
#include <string.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/source.h"

enum { RADIUS, CIRCLE };

static const struct ij_param params[] = {
    [RADIUS] = { .name = "radius",
                 .type = IJ_PARAM_REAL,
                 .min = 1,
                 .max = 16384,
                 .unit = "px",
                 .doc = "Of the corners; at most half of the shorter side is used, which "
                        "makes half circles of the shorter sides" },
    [CIRCLE] = { .name = "circle",
                 .type = IJ_PARAM_BOOL,
                 .fallback = IJ_DEFAULT_INT(0),
                 .doc = "Leave the largest circle around the middle; the size stays" },
};

static int check(const struct ij_step *step, const char *at, struct imgjob_error *err)
{
    bool has_radius = step->values[RADIUS].is_given;
    if (has_radius == (step->values[CIRCLE].integer != 0))
        return ij_fail(err, IMGJOB_E_SPEC, "%s/radius: %s", at,
                       has_radius ? "must be absent with circle"
                                  : "missing, as circle is not set either");
    return 0;
}

struct shape {
    double width, height, radius; /* px */
    bool is_circle;
};

/* From the middle of a side to where its round ends begin. */
static double straight_of(const struct shape *shape, double side)
{
    return shape->is_circle ? 0 : side / 2 - shape->radius;
}

/* How far a middle of a pixel is beyond the middle of the circle that it could be out of:
 * that of the corner, or the only one. */
static double beyond(const struct shape *shape, double at, double side)
{
    double distance = fabs(at + .5 - side / 2) - straight_of(shape, side);
    return distance > 0 ? distance : 0;
}

/* A pixel that the edge goes through is inside by its distance to it. */
static double inside(const struct shape *shape, int x, int y)
{
    double dx = beyond(shape, x, shape->width);
    double dy = beyond(shape, y, shape->height);
    if (!shape->is_circle && (dx <= 0 || dy <= 0))
        return 1; /* beside the corners */
    double depth = shape->radius - sqrt(dx * dx + dy * dy) + .5;
    return depth < 0 ? 0 : depth > 1 ? 1 : depth;
}

/* How many pixels of a row, from either side, may not be inside as a whole. */
static int edge_of(const struct shape *shape, int y)
{
    double dy = beyond(shape, y, shape->height);
    if (!shape->is_circle && dy <= 0)
        return 0;
    double whole = shape->radius - .5;
    double reach = whole > dy ? sqrt(whole * whole - dy * dy) : 0;
    return (int)ceil(shape->width / 2 - straight_of(shape, shape->width) - reach);
}

static void make_pixels(const struct shape *shape, int y, int from, int to, uint8_t *row)
{
    for (int x = from; x < to; x++)
        row[x - from] = (uint8_t)(255 * inside(shape, x, y) + .5);
}

/* `row` begins at `left` and ends before `right`. */
static void make_row(const struct shape *shape, int y, int left, int right, uint8_t *row)
{
    int edge = edge_of(shape, y);
    int first = VIPS_CLIP(left, edge, right);
    int last = VIPS_CLIP(first, (int)shape->width - edge, right);
    make_pixels(shape, y, left, first, row);
    memset(row + (first - left), 255, (size_t)(last - first));
    make_pixels(shape, y, last, right, row + (last - left));
}

enum { STEPS = 256 /* of a pixel: how finely the radius is told */ };

/* Runs on threads of libvips: all it is told is the radius, and whether it is a circle,
 * as pointers' values. */
static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    (void)sequence;
    (void)stop;
    const struct shape shape = { region->im->Xsize, region->im->Ysize,
                                 (double)GPOINTER_TO_INT(a) / STEPS,
                                 GPOINTER_TO_INT(b) != 0 };
    const VipsRect *area = &region->valid;
    for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++)
        make_row(&shape, y, area->left, VIPS_RECT_RIGHT(area),
                 VIPS_REGION_ADDR(region, area->left, y));
    return 0;
}

/* A band of 0..255. */
static int mask_of(VipsImage *image, const struct ij_step *step, VipsImage **made)
{
    int width = vips_image_get_width(image), height = vips_image_get_height(image);
    bool is_circle = step->values[CIRCLE].integer != 0;
    double most = (width < height ? width : height) / 2.0;
    double radius = is_circle ? most : fmin(most, step->values[RADIUS].real);
    int told = (int)lround(radius * STEPS);
    IJ_AUTO(ij_image_unref) VipsImage *mask = vips_image_new();
    vips_image_init_fields(mask, width, height, 1, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE,
                           VIPS_INTERPRETATION_B_W, 1, 1);
    if (vips_image_pipelinev(mask, VIPS_DEMAND_STYLE_ANY, NULL) != 0 ||
        vips_image_generate(mask, NULL, generate, NULL, GINT_TO_POINTER(told),
                            GINT_TO_POINTER(is_circle)) != 0)
        return -1;
    *made = ij_steal(&mask);
    return 0;
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *mask = NULL;
    if (mask_of(image, with->step, &mask) != 0)
        return -1;
    if (!vips_image_hasalpha(image))
        return vips_bandjoin2(image, mask, made, NULL);
    int bands = vips_image_get_bands(image) - 1;
    IJ_AUTO(ij_image_unref) VipsImage *colors = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *alpha = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *weighed = NULL;
    if (vips_extract_band(image, &colors, 0, "n", bands, NULL) != 0 ||
        vips_extract_band(image, &alpha, bands, NULL) != 0 ||
        ij_bands_weigh(alpha, mask, &weighed) != 0)
        return -1;
    return vips_bandjoin2(colors, weighed, made, NULL);
}

const struct ij_image_op ij_round_op = {
    .op = { .name = "round",
            .group = "compositing",
            .doc = "Round the corners, or leave a circle; what is outside becomes "
                   "transparent",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .check = check },
    .apply = apply,
};
