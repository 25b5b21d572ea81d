/* Crop: cut a box out of the image, at a place or by a gravity. */
#include "image/operation.h"

#include "base/auto.h"
#include "image/ops/place.h"

enum { X, Y, WIDTH, HEIGHT, GRAVITY, PARAM_COUNT };
enum { SIDE_MAX = 16384 };

static const struct ij_param params[PARAM_COUNT] = {
    [X] = { .name = "x",
            .type = IJ_PARAM_INT,
            .min = 0,
            .max = SIDE_MAX,
            .unit = "px",
            .doc = "Where the box begins, from the left; absent leaves it to gravity" },
    [Y] = { .name = "y",
            .type = IJ_PARAM_INT,
            .min = 0,
            .max = SIDE_MAX,
            .unit = "px",
            .doc = "Where the box begins, from the top" },
    [WIDTH] = { .name = "width",
                .type = IJ_PARAM_INT,
                .is_required = true,
                .min = 1,
                .max = SIDE_MAX,
                .unit = "px",
                .doc = "The width of the box" },
    [HEIGHT] = { .name = "height",
                 .type = IJ_PARAM_INT,
                 .is_required = true,
                 .min = 1,
                 .max = SIDE_MAX,
                 .unit = "px",
                 .doc = "The height of the box" },
    [GRAVITY] = { .name = "gravity",
                  .type = IJ_PARAM_CHOICE,
                  .choices = ij_gravities,
                  .fallback = IJ_DEFAULT_INT(IJ_GRAVITY_CENTER),
                  .doc = "Where the box lies when x and y are absent" },
};

static int check(const struct ij_step *step, const char *at, struct imgjob_error *err)
{
    if (step->values[X].is_given == step->values[Y].is_given)
        return 0;
    return ij_fail(err, IMGJOB_E_SPEC, "%s: x and y go together: one is missing", at);
}

static int plan(const struct ij_step *step, struct ij_extent in, struct ij_extent *out,
                struct imgjob_error *err)
{
    const struct ij_value *v = step->values;
    int64_t x = v[X].is_given ? v[X].integer : 0;
    int64_t y = v[X].is_given ? v[Y].integer : 0;
    if (x + v[WIDTH].integer > in.width || y + v[HEIGHT].integer > in.height)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "the box of %lld x %lld px at %lld, %lld reaches beyond the "
                       "image of %u x %u px",
                       (long long)v[WIDTH].integer, (long long)v[HEIGHT].integer,
                       (long long)x, (long long)y, in.width, in.height);
    *out = (struct ij_extent){ (uint32_t)v[WIDTH].integer, (uint32_t)v[HEIGHT].integer };
    return 0;
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    const struct ij_value *v = with->step->values;
    if (!v[X].is_given)
        return ij_cut_by_gravity(image, with->to, (enum ij_gravity)v[GRAVITY].integer,
                                 made);
    return vips_crop(image, made, (int)v[X].integer, (int)v[Y].integer,
                     (int)with->to.width, (int)with->to.height, NULL);
}

const struct ij_image_op ij_crop_op = {
    .op = { .name = "crop",
            .group = "geometry",
            .doc = "Cut a box out of the image",
            .params = params,
            .param_count = PARAM_COUNT,
            .check = check,
            .plan = plan },
    .apply = apply,
};
