/*
 * Owns what each pixel becomes by itself: rounding, brightness, and colours times alpha.
 * Whole numbers throughout, each outcome to the nearest.
 */
#include "image/ops/pixels.h"

#include <stdint.h>

#include "base/auto.h"
#include "image/source.h"

int ij_pixels_make(const struct ij_pixels *how, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *out = vips_image_new();
    VipsImage *from = how->from;
    void *images = from;
    /* they go when the made one goes */
    vips_object_local(out, g_object_ref(from));
    if (how->with) {
        vips_object_local(out, g_object_ref(how->with));
        images = vips_allocate_input_array(out, from, how->with, NULL);
    }
    if (!images || vips_image_pipelinev(out, how->demand, from, NULL) != 0)
        return -1;
    /* not field by field: ThreadSanitizer would miss that threads read them later only */
    vips_image_init_fields(
        out, how->width, how->height, how->bands, how->format, VIPS_CODING_NONE,
        how->bands < 3 ? VIPS_INTERPRETATION_B_W : from->Type, from->Xres, from->Yres);
    if (vips_image_generate(out, how->start, how->generate, how->stop, images,
                            GINT_TO_POINTER(how->number)) != 0)
        return -1;
    *made = ij_steal(&out);
    return 0;
}

/* ---- rows ---- */

/* Both are of the formats that their images have, `from` of so many bands. */
typedef void make_row(const void *from, void *to, int width, int bands);

static void narrow_row(const void *from, void *to, int width, int bands)
{
    const float *restrict wide = from;
    uint8_t *restrict levels = to;
    for (int i = 0; i < width * bands; i++) {
        float level = wide[i] + .5f;
        level = level > 0 ? level : 0; /* nor is a NaN */
        levels[i] = (uint8_t)(int)(level < 255 ? level : 255);
    }
}

/* The weights of ij_luma_weights as whole numbers, of which the sum fits 31 bits. */
static void luma_row(const void *from, void *to, int width, int bands)
{
    enum { RED = 1783418, GREEN = 5999532, BLUE = 605658, ONE = 1 << 23 };
    _Static_assert(RED + GREEN + BLUE == ONE, "white stays white");
    (void)bands;
    const uint8_t *restrict pixel = from;
    uint8_t *restrict luma = to;
    for (int x = 0; x < width; x++, pixel += 3)
        luma[x] =
            (uint8_t)((RED * pixel[0] + GREEN * pixel[1] + BLUE * pixel[2] + ONE / 2) /
                      ONE);
}

static void multiply_row(const void *from, void *to, int width, int bands)
{
    (void)bands;
    const uint8_t *restrict pair = from;
    uint8_t *restrict product = to;
    for (int x = 0; x < width; x++, pair += 2)
        product[x] = (uint8_t)((pair[0] * pair[1] + 127) / 255);
}

static inline void premultiply(const uint8_t *restrict pixel, uint16_t *restrict fine,
                               int width, const int colors)
{
    for (int x = 0; x < width; x++, pixel += colors + 1, fine += colors + 1) {
        int alpha = pixel[colors] * IJ_PIXELS_FINE;
        for (int i = 0; i < colors; i++)
            fine[i] = (uint16_t)((pixel[i] * alpha + 127) / 255);
        fine[colors] = (uint16_t)alpha;
    }
}

/* The bands are told apart once, so that the loops within have a fixed length. */
static void premultiply_row(const void *from, void *to, int width, int bands)
{
    if (bands == 4)
        premultiply(from, to, width, 3);
    else
        premultiply(from, to, width, 1);
}

static inline void unpremultiply(const uint16_t *restrict fine, uint8_t *restrict pixel,
                                 int width, const int colors)
{
    for (int x = 0; x < width; x++, pixel += colors + 1, fine += colors + 1) {
        int alpha = fine[colors];
        float times = alpha ? 255.f / (float)alpha : 0;
        for (int i = 0; i < colors; i++) {
            float level = (float)fine[i] * times + .5f;
            pixel[i] = (uint8_t)(int)(level < 255 ? level : 255);
        }
        alpha = (alpha + IJ_PIXELS_FINE / 2) / IJ_PIXELS_FINE;
        pixel[colors] = (uint8_t)(alpha < 255 ? alpha : 255);
    }
}

static void unpremultiply_row(const void *from, void *to, int width, int bands)
{
    if (bands == 4)
        unpremultiply(from, to, width, 3);
    else
        unpremultiply(from, to, width, 1);
}

/* ---- images ---- */

enum way { NARROW, LUMA, MULTIPLY, PREMULTIPLY, UNPREMULTIPLY };

static make_row *const rows[] = {
    [NARROW] = narrow_row,
    [LUMA] = luma_row,
    [MULTIPLY] = multiply_row,
    [PREMULTIPLY] = premultiply_row,
    [UNPREMULTIPLY] = unpremultiply_row,
};

static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    (void)a;
    (void)stop;
    VipsRegion *from = sequence;
    const VipsRect *area = &region->valid;
    if (vips_region_prepare(from, area) != 0)
        return -1;
    for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++)
        rows[GPOINTER_TO_INT(b)](VIPS_REGION_ADDR(from, area->left, y),
                                 VIPS_REGION_ADDR(region, area->left, y), area->width,
                                 from->im->Bands);
    return 0;
}

static int by_pixel(VipsImage *from, enum way way, int bands, VipsImage **made)
{
    const struct ij_pixels how = {
        .from = from,
        .width = vips_image_get_width(from),
        .height = vips_image_get_height(from),
        .bands = bands,
        .format = way == PREMULTIPLY ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR,
        .demand = VIPS_DEMAND_STYLE_THINSTRIP,
        .start = vips_start_one,
        .generate = generate,
        .stop = vips_stop_one,
        .number = (int)way,
    };
    return ij_pixels_make(&how, made);
}

int ij_pixels_narrow(VipsImage *floats, VipsImage **made)
{
    return by_pixel(floats, NARROW, vips_image_get_bands(floats), made);
}

int ij_pixels_luma(VipsImage *colors, VipsImage **made)
{
    return by_pixel(colors, LUMA, 1, made);
}

int ij_pixels_multiply(VipsImage *two, VipsImage **made)
{
    return by_pixel(two, MULTIPLY, 1, made);
}

int ij_pixels_premultiply(VipsImage *image, VipsImage **made)
{
    return by_pixel(image, PREMULTIPLY, vips_image_get_bands(image), made);
}

int ij_pixels_unpremultiply(VipsImage *fine, VipsImage **made)
{
    return by_pixel(fine, UNPREMULTIPLY, vips_image_get_bands(fine), made);
}
