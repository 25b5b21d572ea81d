/*
 * Trim: cut off a border of one colour. Colours count by their alpha, so what is clear is
 * all alike. An image that is nothing but border stays as it is.
 */
#include "image/operation.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/source.h"

enum { THRESHOLD, COLOR };
enum { BANDS_MAX = 4 };

static const struct ij_param params[] = {
    [THRESHOLD] = { .name = "threshold",
                    .type = IJ_PARAM_INT,
                    .min = 0,
                    .max = 255,
                    .fallback = IJ_DEFAULT_INT(10),
                    .doc = "By how many levels, 0..255, a pixel of the border may differ "
                           "from its colour" },
    [COLOR] = { .name = "color",
                .type = IJ_PARAM_COLOR,
                .doc = "Of the border; absent, that of the upper left pixel" },
};

/* What a pixel is compared with, by alpha. */
struct border {
    VipsImage *image; /* 8-bit, in memory */
    int bands, width, height, threshold;
    bool has_alpha;
    int levels[BANDS_MAX];
};

/* Colours times alpha, and alpha itself. */
static void weigh(const struct border *border, const uint8_t *pixel, int *levels)
{
    int alpha = border->has_alpha ? pixel[border->bands - 1] : 255;
    for (int i = 0; i < border->bands; i++)
        levels[i] = (pixel[i] * alpha + 127) / 255;
    if (border->has_alpha)
        levels[border->bands - 1] = alpha;
}

static bool is_border(const struct border *border, int x, int y)
{
    int levels[BANDS_MAX];
    weigh(border, (const uint8_t *)VIPS_IMAGE_ADDR(border->image, x, y), levels);
    for (int i = 0; i < border->bands; i++)
        if (abs(levels[i] - border->levels[i]) > border->threshold)
            return false;
    return true;
}

static bool row_is_border(const struct border *border, int y)
{
    for (int x = 0; x < border->width; x++)
        if (!is_border(border, x, y))
            return false;
    return true;
}

static bool column_is_border(const struct border *border, int x, VipsRect rows)
{
    for (int y = rows.top; y < rows.top + rows.height; y++)
        if (!is_border(border, x, y))
            return false;
    return true;
}

/* What is within the border; empty where there is nothing. */
static VipsRect content(const struct border *border)
{
    VipsRect box = { 0, 0, border->width, border->height };
    while (box.height > 0 && row_is_border(border, box.top)) {
        box.top++;
        box.height--;
    }
    if (box.height == 0)
        return box;
    while (row_is_border(border, box.top + box.height - 1))
        box.height--;
    while (column_is_border(border, box.left, box)) {
        box.left++;
        box.width--;
    }
    while (column_is_border(border, box.left + box.width - 1, box))
        box.width--;
    return box;
}

/* The colour that was asked for in the bands of the image, or its first pixel. */
static void set_color(struct border *border, const struct ij_value *color)
{
    uint8_t pixel[BANDS_MAX];
    if (color->is_given) {
        for (int i = 0; i < border->bands; i++)
            pixel[i] = (uint8_t)ij_color_level(color->color, i);
        if (border->has_alpha)
            pixel[border->bands - 1] = (uint8_t)ij_color_level(color->color, 3);
    } else {
        memcpy(pixel, VIPS_IMAGE_ADDR(border->image, 0, 0), (size_t)border->bands);
    }
    weigh(border, pixel, border->levels);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *held = vips_image_copy_memory(image);
    if (!held)
        return -1;
    const struct ij_value *values = with->step->values;
    /* of grey, a colour that is none is compared with in sRGB */
    IJ_AUTO(ij_image_unref) VipsImage *colored = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *compared = NULL;
    uint32_t color = values[COLOR].is_given ? values[COLOR].color : 0;
    if (ij_bands_for_color(held, color, &colored) != 0)
        return -1;
    compared = vips_image_copy_memory(colored);
    if (!compared)
        return -1;
    struct border border = {
        .image = compared,
        .bands = vips_image_get_bands(compared),
        .width = vips_image_get_width(compared),
        .height = vips_image_get_height(compared),
        .threshold = (int)values[THRESHOLD].integer,
        .has_alpha = vips_image_hasalpha(compared),
    };
    set_color(&border, &values[COLOR]);
    VipsRect box = content(&border);
    if (box.height == 0) {
        *made = ij_steal(&held);
        return 0;
    }
    return vips_crop(held, made, box.left, box.top, box.width, box.height, NULL);
}

const struct ij_image_op ij_trim_op = {
    .op = { .name = "trim",
            .group = "geometry",
            .doc = "Cut off a border of one colour",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .finds_size = true },
    .needs_pixels = true,
    .apply = apply,
};
