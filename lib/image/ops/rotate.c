/*
 * Rotate, clockwise. Multiples of 90 degrees move whole pixels. Others make the smallest
 * image that holds the turned one, computed in the plan and kept to the pixel.
 */
#include "image/operation.h"

#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/place.h"
#include "image/source.h"

enum { ANGLE, BACKGROUND };

static const struct ij_param params[] = {
    [ANGLE] = { .name = "angle",
                .type = IJ_PARAM_REAL,
                .is_required = true,
                .min = -360,
                .max = 360,
                .unit = "degrees",
                .doc = "How far to turn, clockwise" },
    [BACKGROUND] = { .name = "background",
                     .type = IJ_PARAM_COLOR,
                     .fallback = IJ_DEFAULT_COLOR(0x00000000),
                     .doc = "Of the corners; transparent by default" },
};

/* Quarter turns, 0..3; -1 = none. */
static int quarters_of(const struct ij_step *step)
{
    double quarters = step->values[ANGLE].real / 90;
    return quarters == floor(quarters) ? ((int)quarters + 4) % 4 : -1;
}

struct turn {
    double cos, sin;
};

static struct turn turn_of(const struct ij_step *step)
{
    double radians = step->values[ANGLE].real * M_PI / 180;
    return (struct turn){ cos(radians), sin(radians) };
}

/* Up to a whole pixel, but not for what is beyond it by rounding only. */
static uint32_t up(double side)
{
    double whole = ceil(side - 1e-6);
    return whole < 1 ? 1 : whole > UINT32_MAX ? UINT32_MAX : (uint32_t)whole;
}

static int plan(const struct ij_step *step, struct ij_extent in, struct ij_extent *out,
                struct imgjob_error *err)
{
    (void)err; /* any image can be turned */
    struct turn turn = turn_of(step);
    switch (quarters_of(step)) {
    case 0:
    case 2:
        *out = in;
        return 0;
    case 1:
    case 3:
        *out = (struct ij_extent){ in.height, in.width };
        return 0;
    default:
        *out = (struct ij_extent){
            up(in.width * fabs(turn.cos) + in.height * fabs(turn.sin)),
            up(in.width * fabs(turn.sin) + in.height * fabs(turn.cos))
        };
        return 0;
    }
}

/* The background in the bands of the image, colours times alpha. */
struct corner {
    double levels[4];
    int bands;
};

static struct corner corner_of(const struct ij_step *step, VipsImage *image)
{
    uint32_t color = step->values[BACKGROUND].color;
    bool has_alpha = vips_image_hasalpha(image);
    double alpha = has_alpha ? ij_color_level(color, 3) / 255 : 1;
    struct corner corner = { .bands = vips_image_get_bands(image) };
    for (int i = 0; i < corner.bands; i++)
        corner.levels[i] = ij_color_level(color, i) * alpha;
    if (has_alpha)
        corner.levels[corner.bands - 1] = ij_color_level(color, 3);
    return corner;
}

/* About the middle of both images; a pixel's place is its middle. */
static int turn_by(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    struct corner corner = corner_of(with->step, image);
    struct turn turn = turn_of(with->step);
    VipsInterpolate *cubic = vips_interpolate_new("bicubic");
    VipsArrayInt *area =
        vips_array_int_newv(4, 0, 0, (int)with->to.width, (int)with->to.height);
    VipsArrayDouble *background = vips_array_double_new(corner.levels, corner.bands);
    int rc = -1;
    if (cubic)
        rc = vips_affine(
            image, made, turn.cos, -turn.sin, turn.sin, turn.cos, "interpolate", cubic,
            "oarea", area, "background", background, "premultiplied", TRUE, "extend",
            VIPS_EXTEND_BACKGROUND, "idx", -(vips_image_get_width(image) - 1) / 2.0,
            "idy", -(vips_image_get_height(image) - 1) / 2.0, "odx",
            (with->to.width - 1) / 2.0, "ody", (with->to.height - 1) / 2.0, NULL);
    vips_area_unref(VIPS_AREA(background));
    vips_area_unref(VIPS_AREA(area));
    g_clear_object(&cubic);
    return rc;
}

static int turn_by_alpha(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *weighted = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *turned = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *plain = NULL;
    if (vips_premultiply(image, &weighted, NULL) != 0 ||
        turn_by(with, weighted, &turned) != 0 ||
        vips_unpremultiply(turned, &plain, NULL) != 0)
        return -1;
    return ij_bands_narrow(plain, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    static const VipsAngle angles[] = { VIPS_ANGLE_D0, VIPS_ANGLE_D90, VIPS_ANGLE_D180,
                                        VIPS_ANGLE_D270 };
    int quarters = quarters_of(with->step);
    if (quarters >= 0)
        return vips_rot(image, made, angles[quarters], NULL);
    /* with an alpha, or a colour, where the corners need it; not larger yet */
    IJ_AUTO(ij_image_unref) VipsImage *prepared = NULL;
    if (ij_pad(image, ij_extent_of(image), (struct ij_offset){ 0, 0 },
               with->step->values[BACKGROUND].color, &prepared) != 0)
        return -1;
    return vips_image_hasalpha(prepared) ? turn_by_alpha(with, prepared, made)
                                         : turn_by(with, prepared, made);
}

const struct ij_image_op ij_rotate_op = {
    .op = { .name = "rotate",
            .group = "geometry",
            .doc = "Turn the image",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .plan = plan },
    .needs_pixels = true,
    .apply = apply,
};
