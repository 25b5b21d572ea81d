/*
 * Crop: a box by its place, or the largest of a ratio, placed by gravity. A box beyond
 * the edge is refused, never moved or cut.
 */
#include "image/operation.h"

#include <math.h>

#include "base/auto.h"
#include "image/ops/place.h"

enum { X, Y, WIDTH, HEIGHT, UNIT, RATIO, GRAVITY };
enum { UNIT_PX, UNIT_FRACTION };
enum { SIDE_MAX = 10000000 /* of an image of libvips */, RATIO_NUMBERS = 2 };

static const char *const units[] = {
    [UNIT_PX] = "px", [UNIT_FRACTION] = "fraction", NULL
};

static const struct ij_param params[] = {
    [X] = { .name = "x",
            .type = IJ_PARAM_REAL,
            .min = 0,
            .max = SIDE_MAX,
            .doc = "The left edge of the box; absent, with y, gravity places it" },
    [Y] = { .name = "y",
            .type = IJ_PARAM_REAL,
            .min = 0,
            .max = SIDE_MAX,
            .doc = "The upper edge of the box" },
    [WIDTH] = { .name = "width",
                .type = IJ_PARAM_REAL,
                .min = 0,
                .max = SIDE_MAX,
                .doc = "The width of the box" },
    [HEIGHT] = { .name = "height",
                 .type = IJ_PARAM_REAL,
                 .min = 0,
                 .max = SIDE_MAX,
                 .doc = "The height of the box" },
    [UNIT] = { .name = "unit",
               .type = IJ_PARAM_CHOICE,
               .fallback = IJ_DEFAULT_INT(UNIT_PX),
               .choices = units,
               .doc = "What x, y, width and height count: whole px, or parts of the "
                      "image's sides from 0 to 1" },
    [RATIO] = { .name = "ratio",
                .type = IJ_PARAM_NUMBERS,
                .min = .001,
                .max = 100000,
                .count_min = RATIO_NUMBERS,
                .count_max = RATIO_NUMBERS,
                .doc = "Instead of width and height: the largest box of that width to "
                       "height, such as [16, 9]" },
    [GRAVITY] = { .name = "gravity",
                  .type = IJ_PARAM_CHOICE,
                  .fallback = IJ_DEFAULT_INT(IJ_GRAVITY_CENTER),
                  .choices = ij_gravities,
                  .doc = "Where the box lies without x and y; attention and entropy look "
                         "at the pixels" },
};

static bool is_placed(const struct ij_step *step)
{
    return step->values[X].is_given;
}

static int check_number(const struct ij_step *step, int index, const char *at,
                        struct imgjob_error *err)
{
    double value = step->values[index].real;
    if (!step->values[index].is_given)
        return 0;
    if ((index == WIDTH || index == HEIGHT) && value <= 0)
        return ij_fail(err, IMGJOB_E_SPEC, "%s/%s: must be above 0", at,
                       params[index].name);
    if (step->values[UNIT].integer == UNIT_FRACTION) {
        if (value > 1)
            return ij_fail(err, IMGJOB_E_SPEC,
                           "%s/%s: must be 0..1 as a fraction, not %g", at,
                           params[index].name, value);
    } else if (value != floor(value)) {
        return ij_fail(err, IMGJOB_E_SPEC, "%s/%s: must be whole px, not %g", at,
                       params[index].name, value);
    }
    return 0;
}

static int check(const struct ij_step *step, const char *at, struct imgjob_error *err)
{
    const struct ij_value *values = step->values;
    if (values[X].is_given != values[Y].is_given)
        return ij_fail(err, IMGJOB_E_SPEC, "%s: needs both of x and y, or none", at);
    if (values[RATIO].is_given && (values[WIDTH].is_given || values[HEIGHT].is_given))
        return ij_fail(err, IMGJOB_E_SPEC, "%s: ratio stands instead of width and height",
                       at);
    if (values[RATIO].is_given && is_placed(step))
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s: a ratio is placed by gravity, not x and y", at);
    if (!values[RATIO].is_given && !(values[WIDTH].is_given && values[HEIGHT].is_given))
        return ij_fail(err, IMGJOB_E_SPEC, "%s: needs width and height, or ratio", at);
    for (int i = X; i <= HEIGHT; i++) {
        int rc = check_number(step, i, at, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A box in px; may be beyond the edge. */
struct box {
    int64_t x, y, width, height;
};

static struct ij_extent largest(const struct ij_value *ratio, struct ij_extent in)
{
    double across = ratio->numbers.at[0], down = ratio->numbers.at[1];
    struct ij_extent box = in;
    if (in.width * down <= in.height * across)
        box.height = (uint32_t)fmax(1, round(in.width * down / across));
    else
        box.width = (uint32_t)fmax(1, round(in.height * across / down));
    return box;
}

/* Edges are rounded, not sizes: boxes that touch as fractions touch as pixels. */
static int64_t edge(double at, uint32_t side, int64_t unit)
{
    return unit == UNIT_FRACTION ? llround(at * side) : llround(at);
}

static struct box box_of(const struct ij_step *step, struct ij_extent in)
{
    const struct ij_value *values = step->values;
    if (values[RATIO].is_given) {
        struct ij_extent found = largest(&values[RATIO], in);
        struct ij_offset at =
            ij_gravity_place((enum ij_gravity)values[GRAVITY].integer, in, found);
        return (struct box){ at.x, at.y, found.width, found.height };
    }
    int64_t unit = values[UNIT].integer;
    double x = is_placed(step) ? values[X].real : 0;
    double y = is_placed(step) ? values[Y].real : 0;
    struct box box = { .x = edge(x, in.width, unit), .y = edge(y, in.height, unit) };
    box.width = edge(x + values[WIDTH].real, in.width, unit) - box.x;
    box.height = edge(y + values[HEIGHT].real, in.height, unit) - box.y;
    box.width = box.width < 1 ? 1 : box.width; /* a tiny fraction */
    box.height = box.height < 1 ? 1 : box.height;
    if (is_placed(step) || box.width > in.width || box.height > in.height)
        return box;
    struct ij_extent size = { (uint32_t)box.width, (uint32_t)box.height };
    struct ij_offset at =
        ij_gravity_place((enum ij_gravity)values[GRAVITY].integer, in, size);
    return (struct box){ at.x, at.y, box.width, box.height };
}

static int plan(const struct ij_step *step, struct ij_extent in, struct ij_extent *out,
                struct imgjob_error *err)
{
    struct box box = box_of(step, in);
    if (box.x + box.width > in.width || box.y + box.height > in.height)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "a box of %lld x %lld px at %lld, %lld is beyond the edge of an "
                       "image of %u x %u",
                       (long long)box.width, (long long)box.height, (long long)box.x,
                       (long long)box.y, in.width, in.height);
    *out = (struct ij_extent){ (uint32_t)box.width, (uint32_t)box.height };
    return 0;
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    const struct ij_step *step = with->step;
    enum ij_gravity gravity = (enum ij_gravity)step->values[GRAVITY].integer;
    struct ij_extent in = ij_extent_of(image);
    bool is_whole = with->to.width == in.width && with->to.height == in.height;
    /* a box with a place is cut out of the stream; only one that is to be found is not */
    if (!is_placed(step) && !is_whole && gravity >= IJ_GRAVITY_COMPASS_END)
        return ij_cut_by_gravity(image, with->to, gravity, made);
    struct box box = box_of(step, in);
    return vips_crop(image, made, (int)box.x, (int)box.y, (int)box.width, (int)box.height,
                     NULL);
}

const struct ij_image_op ij_crop_op = {
    .op = { .name = "crop",
            .group = "geometry",
            .doc = "Cut out a box",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .check = check,
            .plan = plan },
    .apply = apply,
};
