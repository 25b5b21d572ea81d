/*
 * Resize: to exact dimensions, to what fits within or around them at the image's own
 * ratio, or to exactly them by cutting or padding. The plan is whole numbers only, so
 * that every process computes the same size, and the pixels have that size to the pixel.
 */
#include "image/ops/resize.h"

#include <math.h>
#include <string.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/place.h"
#include "image/reduce.h"
#include "image/source.h"

enum {
    WIDTH,
    HEIGHT,
    FIT,
    ENLARGE,
    DPR,
    KERNEL,
    GRAVITY,
    FOCAL_X,
    FOCAL_Y,
    BACKGROUND,
    LINEAR,
    PARAM_COUNT
};
enum { FIT_FILL, FIT_INSIDE, FIT_COVER, FIT_CONTAIN, FIT_OUTSIDE };
enum { KERNEL_NEAREST }; /* the first of kernels[] */
enum { SIDE_MAX = 16384 };

static const char *const fits[] = {
    "fill", "inside", "cover", "contain", "outside", NULL
};
static const char *const kernels[] = { "nearest",  "linear",   "cubic", "mitchell",
                                       "lanczos2", "lanczos3", NULL };
static const VipsKernel vips_kernels[] = { VIPS_KERNEL_NEAREST,  VIPS_KERNEL_LINEAR,
                                           VIPS_KERNEL_CUBIC,    VIPS_KERNEL_MITCHELL,
                                           VIPS_KERNEL_LANCZOS2, VIPS_KERNEL_LANCZOS3 };
static const char nearest_name[] = "nearest";
/* What libvips has for enlarging; the finer kernels differ in shrinking only. */
static const char *const interpolators[] = { nearest_name, "bilinear", "bicubic",
                                             "bicubic",    "bicubic",  "bicubic" };

static const struct ij_param params[PARAM_COUNT] = {
    [WIDTH] = { .name = "width",
                .type = IJ_PARAM_INT,
                .min = 1,
                .max = SIDE_MAX,
                .unit = "px",
                .doc = "The width; absent follows from the height" },
    [HEIGHT] = { .name = "height",
                 .type = IJ_PARAM_INT,
                 .min = 1,
                 .max = SIDE_MAX,
                 .unit = "px",
                 .doc = "The height; absent follows from the width" },
    [FIT] = { .name = "fit",
              .type = IJ_PARAM_CHOICE,
              .fallback = IJ_DEFAULT_INT(FIT_FILL),
              .choices = fits,
              .doc =
                  "fill makes exactly that size and may distort; inside keeps the ratio "
                  "and stays within; outside keeps it and covers; cover cuts what "
                  "sticks out; contain pads what is missing" },
    [ENLARGE] = { .name = "enlarge",
                  .type = IJ_PARAM_BOOL,
                  .fallback = IJ_DEFAULT_INT(1),
                  .doc = "Whether the picture may become larger than it is" },
    [DPR] = { .name = "dpr",
              .type = IJ_PARAM_REAL,
              .min = 0.1,
              .max = 8,
              .fallback = IJ_DEFAULT_REAL(1),
              .doc = "Device pixel ratio, which multiplies both sides" },
    [KERNEL] = { .name = "kernel",
                 .type = IJ_PARAM_CHOICE,
                 .fallback = IJ_DEFAULT_INT(5),
                 .choices = kernels,
                 .doc =
                     "How pixels are weighed; to enlarge, those after cubic are cubic" },
    [GRAVITY] = { .name = "gravity",
                  .type = IJ_PARAM_CHOICE,
                  .fallback = IJ_DEFAULT_INT(IJ_GRAVITY_CENTER),
                  .choices = ij_gravities,
                  .doc = "What cover keeps, and where contain puts the picture" },
    [FOCAL_X] = { .name = "focal_x",
                  .type = IJ_PARAM_REAL,
                  .min = 0,
                  .max = 1,
                  .unit = "fraction",
                  .doc =
                      "The point that cover keeps nearest to the middle, from the left" },
    [FOCAL_Y] = { .name = "focal_y",
                  .type = IJ_PARAM_REAL,
                  .min = 0,
                  .max = 1,
                  .unit = "fraction",
                  .doc = "The same from the top" },
    [BACKGROUND] = { .name = "background",
                     .type = IJ_PARAM_COLOR,
                     .fallback = IJ_DEFAULT_COLOR(0x00000000),
                     .doc = "What contain pads with" },
    [LINEAR] = { .name = "linear",
                 .type = IJ_PARAM_BOOL,
                 .fallback = IJ_DEFAULT_INT(0),
                 .doc =
                     "Scale in linear light: slower, and right for fine bright detail" },
};

static int check(const struct ij_step *step, const char *at, struct imgjob_error *err)
{
    const struct ij_value *v = step->values;
    if (!v[WIDTH].is_given && !v[HEIGHT].is_given)
        return ij_fail(err, IMGJOB_E_SPEC, "%s: width or height is missing", at);
    if (v[FOCAL_X].is_given != v[FOCAL_Y].is_given)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s: focal_x and focal_y go together: one is missing", at);
    if (v[FIT].integer == FIT_CONTAIN && v[GRAVITY].integer >= IJ_GRAVITY_COMPASS_END)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s/gravity: contain cuts nothing, so it must be a place", at);
    return 0;
}

/* `of` × `by` / `per`, rounded to the nearest, at least 1. All are below 2^32. */
static uint32_t scale_side(uint32_t of, uint32_t by, uint32_t per)
{
    uint64_t side = ((uint64_t)of * by + per / 2) / per;
    return side ? side > UINT32_MAX ? UINT32_MAX : (uint32_t)side : 1;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t asked_side(const struct ij_step *step, int param)
{
    if (!step->values[param].is_given)
        return 0;
    double side =
        floor((double)step->values[param].integer * step->values[DPR].real + 0.5);
    return side < 1 ? 1 : (uint32_t)side;
}

/* The box that was asked for; a side that was not follows the image's ratio. */
static struct ij_extent box_of(const struct ij_step *step, struct ij_extent in)
{
    struct ij_extent box = { asked_side(step, WIDTH), asked_side(step, HEIGHT) };
    if (box.width == 0)
        box.width = scale_side(in.width, box.height, in.height);
    else if (box.height == 0)
        box.height = scale_side(in.height, box.width, in.width);
    return box;
}

/* The image's ratio within the box, or around it; compared without dividing. */
static struct ij_extent at_ratio(struct ij_extent in, struct ij_extent box, bool around)
{
    bool by_width = (uint64_t)box.width * in.height <= (uint64_t)box.height * in.width;
    if (by_width != around)
        box.height = scale_side(in.height, box.width, in.width);
    else
        box.width = scale_side(in.width, box.height, in.height);
    return box;
}

/* One side that was not asked for: the box has the image's ratio, as near as whole pixels
 * come, and is not fitted again. */
static bool follows_ratio(const struct ij_step *step)
{
    return !step->values[WIDTH].is_given || !step->values[HEIGHT].is_given;
}

/* Whether the picture may get that size: not where it would be enlarged and must not. */
static bool may_become(const struct ij_step *step, struct ij_extent in,
                       struct ij_extent to)
{
    return step->values[ENLARGE].integer ||
           (to.width <= in.width && to.height <= in.height);
}

/* The size of the scaled picture, before anything is cut or padded. */
static struct ij_extent scaled_of(const struct ij_step *step, struct ij_extent in)
{
    int64_t fit = step->values[FIT].integer;
    struct ij_extent box = box_of(step, in);
    if (!may_become(step, in, box) && (fit == FIT_FILL || fit == FIT_INSIDE))
        box = (struct ij_extent){ smaller(box.width, in.width),
                                  smaller(box.height, in.height) };
    if (fit == FIT_FILL)
        return box;
    struct ij_extent to = box;
    if (!follows_ratio(step))
        to = at_ratio(in, box, fit == FIT_COVER || fit == FIT_OUTSIDE);
    return may_become(step, in, to) ? to : in;
}

static int plan(const struct ij_step *step, struct ij_extent in, struct ij_extent *out,
                struct imgjob_error *err)
{
    struct ij_extent to = scaled_of(step, in);
    struct ij_extent box = box_of(step, in);
    if (step->values[FIT].integer == FIT_COVER)
        to = (struct ij_extent){ smaller(to.width, box.width),
                                 smaller(to.height, box.height) };
    else if (step->values[FIT].integer == FIT_CONTAIN)
        to = box;
    if (to.width > SIDE_MAX || to.height > SIDE_MAX)
        return ij_fail(err, IMGJOB_E_SPEC, "would make %u x %u px; a side may have %d",
                       to.width, to.height, SIDE_MAX);
    *out = to;
    return 0;
}

/* The nearest pixels are the image's own, so it must have all of them. */
static struct ij_extent need(const struct ij_step *step, struct ij_extent in)
{
    return step->values[KERNEL].integer == KERNEL_NEAREST ? in : scaled_of(step, in);
}

/* ---- pixels ---- */

/* libvips rounds the size it is asked for; should that ever be one pixel off, the edge
 * is cut or repeated. */
static int fit_exactly(VipsImage **image, struct ij_extent to)
{
    int width = (int)to.width, height = (int)to.height;
    if (vips_image_get_width(*image) == width && vips_image_get_height(*image) == height)
        return 0;
    VipsImage *made;
    if (vips_embed(*image, &made, 0, 0, width, height, "extend", VIPS_EXTEND_COPY,
                   NULL) != 0)
        return -1;
    ij_image_replace(image, made);
    return 0;
}

/* Not vips_resize(): that of 8.14 moves what it enlarges by half a pixel. A pixel's place
 * is its middle; only "nearest" takes a place for the pixel that it lies in. */
int ij_resize_enlarge(VipsImage *image, struct ij_extent to, const char *kind,
                      VipsImage **made)
{
    double across = (double)to.width / vips_image_get_width(image);
    double down = (double)to.height / vips_image_get_height(image);
    double middle = strcmp(kind, nearest_name) == 0 ? 0 : .5;
    VipsInterpolate *interpolate = vips_interpolate_new(kind);
    VipsArrayInt *area = vips_array_int_newv(4, 0, 0, (int)to.width, (int)to.height);
    int rc = interpolate ? vips_affine(image, made, across, 0, 0, down, "interpolate",
                                       interpolate, "idx", middle, "idy", middle, "odx",
                                       -.5, "ody", -.5, "oarea", area, "premultiplied",
                                       TRUE, "extend", VIPS_EXTEND_COPY, NULL)
                         : -1;
    vips_area_unref(VIPS_AREA(area));
    g_clear_object(&interpolate);
    return rc;
}

/* Whether libvips makes images narrower with vectors, which is as fast as we do it. */
enum { LIBVIPS_HAS_VECTORS = VIPS_MAJOR_VERSION > 8 || VIPS_MINOR_VERSION >= 15 };

/* No side of `to` is longer than the image's. The parts of vips_resize() in its order,
 * where the part that is slow can be replaced. */
static int shrink(VipsImage *image, struct ij_extent to, VipsKernel kernel,
                  VipsImage **made)
{
    struct ij_extent in = ij_extent_of(image);
    if (LIBVIPS_HAS_VECTORS || to.width == in.width || !ij_reduce_h_takes(image, kernel))
        return vips_resize(image, made, (double)to.width / in.width, "vscale",
                           (double)to.height / in.height, "kernel", kernel, NULL);
    if (to.height == in.height)
        return ij_reduce_h(image, to.width, kernel, made);
    IJ_AUTO(ij_image_unref) VipsImage *lower = NULL;
    if (vips_reducev(image, &lower, (double)in.height / to.height, "kernel", kernel,
                     "gap", 2.0, NULL) != 0)
        return -1;
    return ij_reduce_h(lower, to.width, kernel, made);
}

/* First the sides that shrink, then those that grow. */
static int resample(const struct ij_step *step, VipsImage *image, struct ij_extent to,
                    VipsImage **made)
{
    struct ij_extent in = ij_extent_of(image);
    size_t kernel = (size_t)step->values[KERNEL].integer;
    IJ_AUTO(ij_image_unref) VipsImage *shrunk = NULL;
    if (to.width >= in.width && to.height >= in.height)
        return ij_resize_enlarge(image, to, interpolators[kernel], made);
    const struct ij_extent less = { smaller(to.width, in.width),
                                    smaller(to.height, in.height) };
    if (shrink(image, less, vips_kernels[kernel], &shrunk) != 0 ||
        fit_exactly(&shrunk, less) != 0)
        return -1;
    if (to.width > in.width || to.height > in.height)
        return ij_resize_enlarge(shrunk, to, interpolators[kernel], made);
    *made = ij_steal(&shrunk);
    return 0;
}

/* Back to 8 bits where the image has them: scaling is many times faster there. */
static int narrow_as(VipsImage *image, VipsImage *wide, VipsImage **made)
{
    if (vips_image_get_format(image) == VIPS_FORMAT_UCHAR)
        return ij_bands_narrow(wide, made);
    *made = g_object_ref(wide);
    return 0;
}

/* Colours of transparent pixels must not bleed into their neighbours: they count by their
 * alpha. */
static int resample_by_alpha(const struct ij_step *step, VipsImage *image,
                             struct ij_extent to, VipsImage **made)
{
    if (!vips_image_hasalpha(image))
        return resample(step, image, to, made);
    IJ_AUTO(ij_image_unref) VipsImage *weighted = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *narrow = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *scaled = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *plain = NULL;
    if (vips_premultiply(image, &weighted, NULL) != 0 ||
        narrow_as(image, weighted, &narrow) != 0 ||
        resample(step, narrow, to, &scaled) != 0 ||
        vips_unpremultiply(scaled, &plain, NULL) != 0)
        return -1;
    return narrow_as(image, plain, made);
}

/* In linear light, floating point; grey takes the way of colour and back. */
static int resample_linear(const struct ij_step *step, VipsImage *image,
                           struct ij_extent to, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *light = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *scaled = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *encoded = NULL;
    VipsInterpretation kind = vips_image_guess_interpretation(image);
    if (vips_colourspace(image, &light, VIPS_INTERPRETATION_scRGB, NULL) != 0 ||
        resample_by_alpha(step, light, to, &scaled) != 0 ||
        vips_colourspace(scaled, &encoded, kind, NULL) != 0)
        return -1;
    return vips_cast_uchar(encoded, made, NULL);
}

static int scale(const struct ij_step *step, VipsImage *image, struct ij_extent to,
                 VipsImage **made)
{
    if (vips_image_get_width(image) == (int)to.width &&
        vips_image_get_height(image) == (int)to.height) {
        *made = g_object_ref(image);
        return 0;
    }
    return step->values[LINEAR].integer ? resample_linear(step, image, to, made)
                                        : resample_by_alpha(step, image, to, made);
}

static int cut(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    const struct ij_value *v = with->step->values;
    enum ij_gravity gravity = (enum ij_gravity)v[GRAVITY].integer;
    if (v[FOCAL_X].is_given)
        return ij_cut_around(image, with->to, v[FOCAL_X].real, v[FOCAL_Y].real, made);
    return ij_cut_by_gravity(image, with->to, gravity, made);
}

/*
 * The scaled size is computed anew from what the picture is now: it may have been decoded
 * at a fraction, and its sides then say the ratio a little differently. One side of the
 * outcome is known, so the difference stays below a pixel and is cut.
 */
static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    const struct ij_step *step = with->step;
    int64_t fit = step->values[FIT].integer;
    struct ij_extent in = ij_extent_of(image);
    if ((fit != FIT_COVER && fit != FIT_CONTAIN) ||
        (follows_ratio(step) && may_become(step, in, with->to)))
        return scale(step, image, with->to, made);
    struct ij_extent to = at_ratio(in, with->to, fit == FIT_COVER);
    if (!may_become(step, in, to))
        to = in;
    IJ_AUTO(ij_image_unref) VipsImage *scaled = NULL;
    if (scale(step, image, to, &scaled) != 0)
        return -1;
    if (fit == FIT_COVER)
        return cut(with, scaled, made);
    return ij_pad(
        scaled, with->to,
        ij_gravity_place((enum ij_gravity)step->values[GRAVITY].integer, with->to, to),
        step->values[BACKGROUND].color, made);
}

const struct ij_image_op ij_resize_op = {
    .op = { .name = "resize",
            .group = "geometry",
            .doc = "Change the size",
            .params = params,
            .param_count = PARAM_COUNT,
            .check = check,
            .plan = plan },
    .need = need,
    .scale = scale,
    .apply = apply,
};

bool ij_resize_is_alike(const struct ij_step *one, const struct ij_step *other)
{
    const struct ij_op *op = &ij_resize_op.op;
    return one->op == op && other->op == op &&
           one->values[KERNEL].integer == other->values[KERNEL].integer &&
           one->values[LINEAR].integer == other->values[LINEAR].integer;
}
