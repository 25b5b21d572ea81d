/*
 * Owns the measure of likeness: structural similarity of brightness. Sums are kept of
 * blocks of 4 × 4 px, and a window is 2 × 2 of them, so each pixel is read once and only
 * two rows of sums are in memory. A rest of fewer than 4 px at an edge is not looked at.
 */
#include "image/ssim.h"

#include <string.h>

#include "base/auto.h"
#include "image/source.h"

enum { BLOCK = 4 };

struct sums {
    uint64_t a, b, squares, products; /* squares: of both together */
};

void ij_luma_done(struct ij_luma *luma)
{
    g_free(luma->at);
    *luma = (struct ij_luma){ 0 };
}

/* Weights of BT.709, in 2^-16. */
static void row_luma(const uint8_t *from, int bands, uint32_t width, uint8_t *to)
{
    for (uint32_t x = 0; x < width; x++, from += bands)
        to[x] = bands < 3 ? from[0]
                          : (uint8_t)((13933u * from[0] + 46871u * from[1] +
                                       4732u * from[2] + 32768u) >>
                                      16);
}

static int on_white(VipsImage *image, VipsImage **made)
{
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int rc = vips_flatten(image, made, "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    return rc;
}

int ij_luma_read(VipsImage *image, struct ij_luma *out)
{
    IJ_AUTO(ij_image_unref) VipsImage *flat = NULL;
    if (vips_image_hasalpha(image) && on_white(image, &flat) != 0)
        return -1;
    VipsImage *from = flat ? flat : image;
    if (vips_image_get_format(from) != VIPS_FORMAT_UCHAR) {
        vips_error("ssim", "%s", "not an image of 8 bits");
        return -1;
    }
    IJ_AUTO(ij_luma_done)
    struct ij_luma luma = { .width = (uint32_t)vips_image_get_width(from),
                            .height = (uint32_t)vips_image_get_height(from) };
    luma.at = g_try_malloc((size_t)luma.width * luma.height);
    IJ_AUTO(ij_image_unref) VipsImage *pixels = vips_image_copy_memory(from);
    if (!pixels)
        return -1;
    if (!luma.at) {
        vips_error("ssim", "%s", "out of memory");
        return -1;
    }
    int bands = vips_image_get_bands(pixels);
    for (uint32_t y = 0; y < luma.height; y++)
        row_luma(VIPS_IMAGE_ADDR(pixels, 0, (int)y), bands, luma.width,
                 luma.at + (size_t)y * luma.width);
    *out = luma;
    luma = (struct ij_luma){ 0 }; /* handed over */
    return 0;
}

static void add_box(const struct ij_luma *a, const struct ij_luma *b, size_t start,
                    struct ij_luma box, struct sums *sums)
{
    for (uint32_t y = 0; y < box.height; y++, start += a->width)
        for (uint32_t x = 0; x < box.width; x++) {
            uint32_t pa = a->at[start + x], pb = b->at[start + x];
            sums->a += pa;
            sums->b += pb;
            sums->squares += pa * pa + pb * pb;
            sums->products += pa * pb;
        }
}

/* With the constants of the paper, (.01 × 255)² and (.03 × 255)². */
static double window_ssim(const struct sums *sums, double count)
{
    const double c1 = 6.5025, c2 = 58.5225;
    double a = (double)sums->a / count, b = (double)sums->b / count;
    double variances = (double)sums->squares / count - a * a - b * b;
    double covariance = (double)sums->products / count - a * b;
    return (2 * a * b + c1) * (2 * covariance + c2) /
           ((a * a + b * b + c1) * (variances + c2));
}

static void row_sums(const struct ij_luma *a, const struct ij_luma *b, uint32_t row,
                     struct sums *sums)
{
    const struct ij_luma block = { .width = BLOCK, .height = BLOCK };
    uint32_t count = a->width / BLOCK;
    memset(sums, 0, count * sizeof(*sums));
    for (uint32_t i = 0; i < count; i++)
        add_box(a, b, (size_t)row * BLOCK * a->width + (size_t)i * BLOCK, block,
                sums + i);
}

static struct sums four(const struct sums *above, const struct sums *below)
{
    return (struct sums){
        above[0].a + above[1].a + below[0].a + below[1].a,
        above[0].b + above[1].b + below[0].b + below[1].b,
        above[0].squares + above[1].squares + below[0].squares + below[1].squares,
        above[0].products + above[1].products + below[0].products + below[1].products,
    };
}

int ij_ssim(const struct ij_luma *a, const struct ij_luma *b, double *out)
{
    uint32_t columns = a->width / BLOCK, rows = a->height / BLOCK;
    if (columns < 2 || rows < 2) {
        struct sums all = { 0 };
        add_box(a, b, 0, *a, &all);
        *out = window_ssim(&all, (double)a->width * a->height);
        return 0;
    }
    IJ_AUTO(ij_free) struct sums *both = calloc((size_t)columns * 2, sizeof(*both));
    if (!both)
        return -1;
    struct sums *above = both, *below = both + columns;
    double total = 0;
    row_sums(a, b, 0, above);
    for (uint32_t row = 1; row < rows; row++) {
        row_sums(a, b, row, below);
        for (uint32_t i = 0; i + 1 < columns; i++) {
            struct sums window = four(above + i, below + i);
            total += window_ssim(&window, 4.0 * BLOCK * BLOCK);
        }
        struct sums *next = above;
        above = below;
        below = next;
    }
    *out = total / ((double)(columns - 1) * (rows - 1));
    return 0;
}
