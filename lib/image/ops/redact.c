/*
 * Hide what is in boxes. What comes out depends only on the pixels in a box, coarsely:
 * how coarse goes by the box, so that letters of a line or a face cannot be read.
 */
#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/blend.h"
#include "image/ops/place.h"
#include "image/ops/soften.h"
#include "image/source.h"

enum { BOXES, MODE, COLOR };
enum { MODE_FILL, MODE_BLUR, MODE_PIXELATE };
enum { X, Y, WIDTH, HEIGHT, BOX_NUMBERS };

static const char *const modes[] = {
    [MODE_FILL] = "fill", [MODE_BLUR] = "blur", [MODE_PIXELATE] = "pixelate", NULL
};

static const struct ij_param params[] = {
    [BOXES] = { .name = "boxes",
                .type = IJ_PARAM_NUMBERS,
                .is_required = true,
                .min = -65536,
                .max = 65536,
                .group = BOX_NUMBERS,
                .count_min = 1,
                .count_max = IJ_NUMBERS_MAX / BOX_NUMBERS,
                .unit = "px",
                .doc = "Boxes of [x, y, width, height]; what is beyond the image is "
                       "left away" },
    [MODE] = { .name = "mode",
               .type = IJ_PARAM_CHOICE,
               .fallback = IJ_DEFAULT_INT(MODE_FILL),
               .choices = modes,
               .doc = "fill is the only one of which nothing can be guessed" },
    [COLOR] = { .name = "color",
                .type = IJ_PARAM_COLOR,
                .fallback = IJ_DEFAULT_COLOR(0x000000ff),
                .doc = "Of fill; its alpha does not count" },
};

static int check(const struct ij_step *step, const char *at, struct imgjob_error *err)
{
    const struct ij_value *boxes = &step->values[BOXES];
    for (size_t i = 0; i + BOX_NUMBERS <= boxes->numbers.count; i += BOX_NUMBERS)
        if (boxes->numbers.at[i + WIDTH] <= 0 || boxes->numbers.at[i + HEIGHT] <= 0)
            return ij_fail(err, IMGJOB_E_SPEC,
                           "%s/boxes/%zu: width and height must be above 0", at,
                           i / BOX_NUMBERS);
    return 0;
}

/* All pixels that the box touches. */
static VipsRect box_of(const double *numbers, struct ij_extent in)
{
    int left = (int)floor(numbers[X]), top = (int)floor(numbers[Y]);
    VipsRect box = { left, top, (int)ceil(numbers[X] + numbers[WIDTH]) - left,
                     (int)ceil(numbers[Y] + numbers[HEIGHT]) - top };
    VipsRect all = { 0, 0, (int)in.width, (int)in.height };
    VipsRect inside;
    vips_rect_intersectrect(&box, &all, &inside);
    return inside;
}

/* Each box is held until all are laid on: those over each other have a bound. */
static int plan(const struct ij_step *step, struct ij_extent in, struct ij_extent *out,
                struct imgjob_error *err)
{
    enum { COVERED_TIMES = 4, ALWAYS = 1000000 /* px */ };
    const struct ij_value *boxes = &step->values[BOXES];
    int64_t covered = 0, most = COVERED_TIMES * (int64_t)in.width * in.height;
    for (size_t i = 0; i + BOX_NUMBERS <= boxes->numbers.count; i += BOX_NUMBERS) {
        VipsRect box = box_of(boxes->numbers.at + i, in);
        covered += (int64_t)box.width * box.height;
    }
    if (covered > ALWAYS && covered > most)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "the boxes cover %lld px, more than %d times those of an image of "
                       "%u x %u",
                       (long long)covered, COVERED_TIMES, in.width, in.height);
    *out = in;
    return 0;
}

/* The box in a colour, laid on without any pixel being asked for twice. */
static int fill_box(uint32_t color, VipsRect box, VipsImage **image)
{
    int bands = vips_image_get_bands(*image) - vips_image_hasalpha(*image);
    double levels[4] = { 0 };
    for (int i = 0; i < bands; i++)
        levels[i] = ij_color_level(color, i);
    levels[bands] = 255;
    IJ_AUTO(ij_image_unref) VipsImage *black = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *plain = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *placed = NULL;
    VipsImage *made;
    if (vips_black(&black, box.width, box.height, NULL) != 0)
        return -1;
    plain = vips_image_new_from_image(black, levels, bands + 1);
    if (!plain ||
        vips_copy(plain, &placed, "xoffset", box.left, "yoffset", box.top, NULL) != 0 ||
        ij_blend(*image, placed, IJ_BLEND_OVER, 1, &made) != 0)
        return -1;
    ij_image_replace(image, made);
    return 0;
}

static int hide(const struct ij_step *step, VipsImage *part, VipsImage **made)
{
    enum { SIGMA_LEAST = 8, SIGMA_MOST = 100, SQUARE_LEAST = 8 };
    int width = vips_image_get_width(part), height = vips_image_get_height(part);
    int side = width < height ? width : height; /* of a line of text: its height */
    if (step->values[MODE].integer == MODE_BLUR)
        return ij_soften_blur(part, fmin(fmax(side / 3.0, SIGMA_LEAST), SIGMA_MOST),
                              made);
    return ij_soften_pixelate(
        part, (uint32_t)(side / 4 > SQUARE_LEAST ? side / 4 : SQUARE_LEAST), made);
}

/* The other modes look at a box, and then at all of the image. */
static bool is_streamed(const struct ij_step *step)
{
    return step->values[MODE].integer == MODE_FILL;
}

static int hide_box(const struct ij_step *step, const double *numbers, VipsImage **image)
{
    VipsRect box = box_of(numbers, ij_extent_of(*image));
    if (vips_rect_isempty(&box))
        return 0;
    if (is_streamed(step))
        return fill_box(step->values[COLOR].color, box, image);
    IJ_AUTO(ij_image_unref) VipsImage *part = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *hidden = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *small = NULL;
    VipsImage *made;
    if (vips_crop(*image, &part, box.left, box.top, box.width, box.height, NULL) != 0 ||
        hide(step, part, &hidden) != 0)
        return -1;
    small = vips_image_copy_memory(hidden); /* or boxes over each other multiply work */
    if (!small || vips_insert(*image, small, &made, box.left, box.top, NULL) != 0)
        return -1;
    ij_image_replace(image, made);
    return 0;
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    const struct ij_step *step = with->step;
    const struct ij_value *boxes = &step->values[BOXES];
    /* a colour on grey needs colours; other modes take what is there */
    uint32_t color = is_streamed(step) ? step->values[COLOR].color : 0;
    IJ_AUTO(ij_image_unref) VipsImage *current = NULL;
    if (ij_bands_for_color(image, color, &current) != 0)
        return -1;
    for (size_t i = 0; i + BOX_NUMBERS <= boxes->numbers.count; i += BOX_NUMBERS)
        if (hide_box(step, boxes->numbers.at + i, &current) != 0)
            return -1;
    *made = ij_steal(&current);
    return 0;
}

const struct ij_image_op ij_redact_op = {
    .op = { .name = "redact",
            .group = "filter",
            .doc = "Hide what is in boxes",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .check = check,
            .plan = plan },
    .needs_pixels = true,
    .is_streamed = is_streamed,
    .apply = apply,
};
