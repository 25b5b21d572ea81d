/*
 * Owns a Gaussian: first down the columns, then along the rows. Sums are of 16 bits, in
 * parts of a level, so that a vector holds eight of them; libvips' own takes floats, or
 * weights of so few bits that they do not add up.
 */
#include "image/ops/gauss.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/auto.h"
#include "image/ops/pixels.h"
#include "image/source.h"

enum {
    ONE = 65536, /* what the weights add up to */
    REACH_MAX = 4 * IJ_GAUSS_SIGMA_MAX,
    BLOCK = 256,        /* levels that are summed up at a time: they stay in the cache */
    SIGMA_STEPS = 65536 /* of a pixel: how finely sigma is told */
};

struct taps {
    int reach;                       /* px to either side */
    uint16_t weights[REACH_MAX + 1]; /* by the distance from the middle */
};

/* Beyond 1 % of the middle nothing reaches half a level. */
static int reach_of(double sigma)
{
    return (int)(sigma * sqrt(2 * log(100)));
}

/* From the outside in, each weight takes on what rounding left of the one before. */
static void make_taps(struct taps *taps, double sigma)
{
    double exact[REACH_MAX + 1], sum = 1, left = 0;
    *taps = (struct taps){ .reach = reach_of(sigma) };
    for (int i = 1; i <= taps->reach; i++) {
        exact[i] = exp(-i * i / (2 * sigma * sigma));
        sum += 2 * exact[i];
    }
    int middle = ONE;
    for (int i = taps->reach; i > 0; i--) {
        double weight = exact[i] * ONE / sum + left;
        taps->weights[i] = (uint16_t)lround(weight);
        left = weight - taps->weights[i];
        middle -= 2 * taps->weights[i];
    }
    taps->weights[0] = (uint16_t)(middle < ONE ? middle : ONE - 1);
}

/* In parts of a level. */
static inline uint16_t fine_at(const void *from, ptrdiff_t at, const bool is_fine)
{
    return is_fine ? ((const uint16_t *)from)[at]
                   : (uint16_t)(((const uint8_t *)from)[at] * IJ_PIXELS_FINE);
}

static inline uint16_t part_of(uint16_t sum, uint16_t weight)
{
    return (uint16_t)((uint32_t)sum * weight / ONE);
}

/* `count` levels: each becomes the sum of those around it that are a multiple of `stride`
 * away. */
static inline void sum_up(const struct taps *taps, const void *from, const bool is_fine,
                          ptrdiff_t stride, uint16_t *restrict to, int count)
{
    /* each part is rounded down, by half a unit on the average */
    uint16_t lost = (uint16_t)((taps->reach + 1) / 2);
    for (int i = 0; i < count; i++)
        to[i] = (uint16_t)(lost + part_of(fine_at(from, i, is_fine), taps->weights[0]));
    for (int tap = 1; tap <= taps->reach; tap++) {
        ptrdiff_t away = tap * stride;
        for (int i = 0; i < count; i++) {
            uint16_t both = (uint16_t)(fine_at(from, i - away, is_fine) +
                                       fine_at(from, i + away, is_fine));
            to[i] = (uint16_t)(to[i] + part_of(both, taps->weights[tap]));
        }
    }
}

static void blur_levels(const struct taps *taps, const uint8_t *from, ptrdiff_t stride,
                        uint16_t *to, int count)
{
    for (int i = 0; i < count; i += BLOCK)
        sum_up(taps, from + i, false, stride, to + i, VIPS_MIN(count - i, BLOCK));
}

static void blur_fine(const struct taps *taps, const uint16_t *from, ptrdiff_t stride,
                      uint16_t *to, int count)
{
    for (int i = 0; i < count; i += BLOCK)
        sum_up(taps, from + i, true, stride, to + i, VIPS_MIN(count - i, BLOCK));
}

static void round_levels(const uint16_t *from, uint8_t *restrict to, int count)
{
    for (int i = 0; i < count; i++) {
        unsigned level = (from[i] + IJ_PIXELS_FINE / 2u) / IJ_PIXELS_FINE;
        to[i] = (uint8_t)(level < 255 ? level : 255); /* what was lost is an estimate */
    }
}

/* ---- images ---- */

/* What a thread has of its own. */
struct thread {
    VipsRegion *from;
    struct taps taps;
    uint16_t *down;  /* a row that is blurred down only; as long as the source's */
    uint16_t *along; /* and along */
};

static int stop_thread(void *sequence, void *a, void *b)
{
    (void)a;
    (void)b;
    struct thread *thread = sequence;
    VIPS_UNREF(thread->from);
    free(thread->down);
    free(thread->along);
    free(thread);
    return 0;
}

static void *start_thread(VipsImage *out, void *a, void *b)
{
    (void)out;
    VipsImage *from = a;
    struct thread *thread = calloc(1, sizeof(*thread));
    if (!thread) {
        vips_error("blur", "out of memory");
        return NULL;
    }
    make_taps(&thread->taps, (double)GPOINTER_TO_INT(b) / SIGMA_STEPS);
    thread->from = vips_region_new(from);
    thread->down = calloc(VIPS_IMAGE_N_ELEMENTS(from), sizeof(*thread->down));
    thread->along = calloc(VIPS_IMAGE_N_ELEMENTS(from), sizeof(*thread->along));
    if (!thread->from || !thread->down || !thread->along) {
        vips_error("blur", "out of memory");
        stop_thread(thread, NULL, NULL);
        return NULL;
    }
    return thread;
}

/* `out` begins `reach` to the right of and below what `from` has been asked for. */
static void make_row(const struct thread *thread, VipsRegion *out, int y)
{
    const struct taps *taps = &thread->taps;
    VipsRegion *from = thread->from;
    int bands = out->im->Bands, left = out->valid.left, beside = taps->reach * bands;
    int count = out->valid.width * bands;
    bool is_fine = out->im->BandFmt == VIPS_FORMAT_USHORT;
    ptrdiff_t line = (ptrdiff_t)VIPS_REGION_LSKIP(from);
    const void *row = VIPS_REGION_ADDR(from, left, y + taps->reach);
    void *to = VIPS_REGION_ADDR(out, left, y);
    if (is_fine) {
        blur_fine(taps, row, line / 2, thread->down, count + 2 * beside);
        blur_fine(taps, thread->down + beside, bands, to, count);
    } else {
        blur_levels(taps, row, line, thread->down, count + 2 * beside);
        blur_fine(taps, thread->down + beside, bands, thread->along, count);
        round_levels(thread->along, to, count);
    }
}

static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    (void)a;
    (void)b;
    (void)stop;
    struct thread *thread = sequence;
    VipsRect needed = region->valid;
    needed.width += 2 * thread->taps.reach;
    needed.height += 2 * thread->taps.reach;
    if (vips_region_prepare(thread->from, &needed) != 0)
        return -1;
    for (int y = region->valid.top; y < VIPS_RECT_BOTTOM(&region->valid); y++)
        make_row(thread, region, y);
    return 0;
}

int ij_gauss_blur(VipsImage *image, double sigma, VipsImage **made)
{
    int told = (int)lround(fmin(sigma, IJ_GAUSS_SIGMA_MAX) * SIGMA_STEPS);
    int reach = reach_of((double)told / SIGMA_STEPS);
    int width = vips_image_get_width(image), height = vips_image_get_height(image);
    IJ_AUTO(ij_image_unref) VipsImage *padded = NULL;
    if (vips_embed(image, &padded, reach, reach, width + 2 * reach, height + 2 * reach,
                   "extend", VIPS_EXTEND_COPY, NULL) != 0)
        return -1;
    const struct ij_pixels how = {
        .from = padded,
        .width = width,
        .height = height,
        .bands = vips_image_get_bands(image),
        .format = vips_image_get_format(image),
        .demand = VIPS_DEMAND_STYLE_FATSTRIP,
        .start = start_thread,
        .generate = generate,
        .stop = stop_thread,
        .number = told,
    };
    return ij_pixels_make(&how, made);
}
