/*
 * Owns the horizontal reduction of 8-bit images. A column of the result is a weighted sum
 * of columns of the image. Weights are whole numbers whose sum is exact, so that an area
 * of one colour keeps it; what the kernel gives to columns beyond the edge is given to
 * the edge, so a sum never leaves the image.
 *
 * For large factors vips_resize() first takes means of `block` columns and weighs these.
 * Here both are one weighted sum, with one rounding.
 */
#include "image/reduce.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/auto.h"
#include "image/ops/pixels.h"

enum { BANDS_MAX = 4 }; /* as many sums as a vector has */
enum { WEIGHT_BITS = 14, WEIGHT_ONE = 1 << WEIGHT_BITS, WEIGHT_HALF = WEIGHT_ONE / 2 };
enum { SLACK = 1 /* pixels after a row: vectors read four bytes of three */ };

/* ---- kernels ---- */

static double sinc(double x)
{
    return x == 0 ? 1 : sin(G_PI * x) / (G_PI * x);
}

/* Mitchell and Netravali 1988, "Reconstruction Filters in Computer Graphics". */
static double bicubic(double x, double b, double c)
{
    if (x < 1)
        return ((12 - 9 * b - 6 * c) * x * x * x + (-18 + 12 * b + 6 * c) * x * x +
                (6 - 2 * b)) /
               6;
    return ((-b - 6 * c) * x * x * x + (6 * b + 30 * c) * x * x + (-12 * b - 48 * c) * x +
            (8 * b + 24 * c)) /
           6;
}

/* How far a kernel reaches; 0 = not a kernel for this. */
static int reach_of(VipsKernel kernel)
{
    switch (kernel) {
    case VIPS_KERNEL_LINEAR:
        return 1;
    case VIPS_KERNEL_CUBIC:
    case VIPS_KERNEL_MITCHELL:
    case VIPS_KERNEL_LANCZOS2:
        return 2;
    case VIPS_KERNEL_LANCZOS3:
        return 3;
    default:
        return 0;
    }
}

static double kernel_at(VipsKernel kernel, double x)
{
    int reach = reach_of(kernel);
    x = fabs(x);
    if (x >= reach)
        return 0;
    if (kernel == VIPS_KERNEL_LINEAR)
        return 1 - x;
    if (kernel == VIPS_KERNEL_CUBIC)
        return bicubic(x, 0, .5); /* Catmull-Rom */
    if (kernel == VIPS_KERNEL_MITCHELL)
        return bicubic(x, 1 / 3.0, 1 / 3.0);
    return sinc(x) * sinc(x / reach);
}

/* ---- weights ---- */

/* Which columns count for which; follows from sizes and kernel. */
struct plan {
    VipsKernel kernel;
    int from_width, width;
    int block;     /* so many columns have one weight */
    int blocks;    /* of the image; the last may be cut */
    double factor; /* blocks to a column of the result, 1 or more */
    int reached;   /* blocks that a kernel reaches, at most */
    int taps;      /* weights of each column of the result, an even number */
};

static struct plan plan_of(int from_width, int width, VipsKernel kernel)
{
    struct plan plan = { .kernel = kernel, .from_width = from_width, .width = width };
    /* at least a factor of 2 is left to the kernel */
    plan.block = from_width / width / 2 > 1 ? from_width / width / 2 : 1;
    plan.blocks = (from_width + plan.block - 1) / plan.block;
    plan.factor = (double)from_width / plan.block / width;
    plan.reached = (int)(2 * reach_of(kernel) * plan.factor) + 1;
    int columns = plan.reached < plan.blocks ? plan.reached * plan.block : from_width;
    plan.taps = (columns + 1) / 2 * 2;
    return plan;
}

static int within(int at, int count)
{
    return at < 0 ? 0 : at < count ? at : count - 1;
}

/*
 * The weights of column `x` of the result, before rounding; they count from the column
 * that is returned.
 *
 * @param shares of plan->taps, overwritten
 */
static int share_out(const struct plan *plan, int x, double *shares, double *total)
{
    double middle = (x + .5) * plan->factor;
    double reach = reach_of(plan->kernel) * plan->factor;
    int begin = (int)ceil(middle - reach - .5);
    int first = within(begin, plan->blocks) * plan->block;
    memset(shares, 0, (size_t)plan->taps * sizeof(*shares));
    *total = 0;
    for (int i = begin; i < begin + plan->reached; i++) {
        double share = kernel_at(plan->kernel, (i + .5 - middle) / plan->factor);
        int column = within(i, plan->blocks) * plan->block;
        for (int k = 0; k < plan->block; k++)
            shares[within(column + k, plan->from_width) - first] += share;
        *total += share * plan->block;
    }
    return first;
}

/* Sums are rounded, not weights: the last sum is exact, and what one weight has too much
 * its neighbour has too little. None is far above WEIGHT_ONE, so 16 bits hold them. */
static void round_shares(const double *shares, double total, int taps, int16_t *weights)
{
    double sum = 0;
    long before = 0;
    for (int i = 0; i < taps; i++) {
        sum += shares[i];
        long rounded = lround(sum / total * WEIGHT_ONE);
        weights[i] = (int16_t)(rounded - before);
        before = rounded;
    }
}

/* ---- one row ---- */

/* How one thread does it. */
struct reduction {
    struct plan plan;
    int bands;
    int *firsts;      /* of each column of the result: the first column that counts */
    int16_t *weights; /* plan.taps of each */
    uint8_t *row;     /* a row of the image, with slack */
    VipsRegion *from;
};

/* Some columns of the result, next to each other. */
struct run {
    int left, width;
    int from; /* the column of the image that the row begins with */
};

static inline const uint8_t *pixels_of(const struct reduction *with, struct run run,
                                       int x)
{
    return with->row + (ptrdiff_t)(with->firsts[x] - run.from) * with->bands;
}

static inline const int16_t *weights_of(const struct reduction *with, int x)
{
    return with->weights + (size_t)x * (size_t)with->plan.taps;
}

static void make_plain(const struct reduction *with, struct run run, uint8_t *to)
{
    for (int x = run.left; x < run.left + run.width; x++) {
        const uint8_t *pixels = pixels_of(with, run, x);
        const int16_t *weights = weights_of(with, x);
        for (int band = 0; band < with->bands; band++) {
            int sum = WEIGHT_HALF;
            for (int i = 0; i < with->plan.taps; i++)
                sum += weights[i] * pixels[i * with->bands + band];
            sum >>= WEIGHT_BITS;
            *to++ = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
        }
    }
}

#ifdef __SSE2__
static inline __m128i four_bytes(const void *at)
{
    int bytes;
    memcpy(&bytes, at, sizeof(bytes));
    return _mm_cvtsi32_si128(bytes);
}

/* Two pixels times their two weights. Of three bands the fourth product is of bytes that
 * belong to the neighbours, and is not kept. */
static inline __m128i weighed(const uint8_t *pixels, size_t bands, __m128i weights)
{
    __m128i two = _mm_unpacklo_epi8(four_bytes(pixels), four_bytes(pixels + bands));
    return _mm_madd_epi16(_mm_unpacklo_epi8(two, _mm_setzero_si128()), weights);
}

/* The sums as levels, a byte each. */
static inline int sum_wide(const uint8_t *pixels, size_t bands, const int16_t *weights,
                           int taps)
{
    __m128i sums = _mm_set1_epi32(WEIGHT_HALF);
    for (int i = 0; i < taps; i += 2, pixels += 2 * bands) {
        __m128i by = _mm_shuffle_epi32(four_bytes(weights + i), 0);
        sums = _mm_add_epi32(sums, weighed(pixels, bands, by));
    }
    sums = _mm_srai_epi32(sums, WEIGHT_BITS);
    sums = _mm_packs_epi32(sums, sums);
    return _mm_cvtsi128_si32(_mm_packus_epi16(sums, sums));
}

static inline int levels_at(const struct reduction *with, struct run run, size_t bands,
                            int x)
{
    return sum_wide(pixels_of(with, run, x), bands, weights_of(with, x), with->plan.taps);
}

/* Inlined with a number of bands that the compiler knows. Four bytes are written fastest;
 * of three bands the fourth is the next column's, which is written after it. */
static inline void make_wide(const struct reduction *with, struct run run, size_t bands,
                             uint8_t *to)
{
    const int last = run.left + run.width - 1;
    for (int x = run.left; x < last; x++, to += bands) {
        int levels = levels_at(with, run, bands, x);
        memcpy(to, &levels, sizeof(levels));
    }
    int levels = levels_at(with, run, bands, last);
    memcpy(to, &levels, bands);
}

static void make_run(const struct reduction *with, struct run run, uint8_t *to)
{
    if (with->bands == 3)
        make_wide(with, run, 3, to);
    else if (with->bands == 4)
        make_wide(with, run, 4, to);
    else
        make_plain(with, run, to);
}
#else
static void make_run(const struct reduction *with, struct run run, uint8_t *to)
{
    make_plain(with, run, to);
}
#endif

/* ---- on libvips' threads ---- */

static void reduction_free(struct reduction *with)
{
    if (!with)
        return;
    g_clear_object(&with->from);
    g_free(with->row);
    g_free(with->weights);
    g_free(with->firsts);
    g_free(with);
}

static void reduction_freep(struct reduction **with)
{
    reduction_free(*with);
}

static bool allocate(struct reduction *with, VipsImage *from)
{
    const struct plan *plan = &with->plan;
    size_t columns = (size_t)plan->from_width + (size_t)plan->taps;
    with->firsts = g_try_malloc0_n((size_t)plan->width, sizeof(*with->firsts));
    with->weights =
        g_try_malloc0_n((size_t)plan->width, (size_t)plan->taps * sizeof(*with->weights));
    with->row = g_try_malloc0_n(columns + SLACK, (size_t)with->bands);
    with->from = vips_region_new(from);
    return with->firsts && with->weights && with->row && with->from;
}

static bool weigh(struct reduction *with)
{
    const struct plan *plan = &with->plan;
    double *shares = g_try_malloc0_n((size_t)plan->taps, sizeof(*shares));
    if (!shares)
        return false;
    for (int x = 0; x < plan->width; x++) {
        double total;
        with->firsts[x] = share_out(plan, x, shares, &total);
        round_shares(shares, total, plan->taps,
                     with->weights + (size_t)x * (size_t)plan->taps);
    }
    g_free(shares);
    return true;
}

/* Each thread makes its own weights: all that the threads are told is the image and, as a
 * pointer's value, the kernel. What they ask of an image, libvips knows. */
static void *reduction_start(VipsImage *out, void *a, void *b)
{
    IJ_AUTO(reduction_freep) struct reduction *with = g_try_malloc0(sizeof(*with));
    if (with) {
        with->plan = plan_of(vips_image_get_width(a), vips_image_get_width(out),
                             (VipsKernel)GPOINTER_TO_INT(b));
        with->bands = vips_image_get_bands(a);
    }
    if (!with || !allocate(with, a) || !weigh(with)) {
        vips_error("reduce", "%s", "out of memory");
        return NULL;
    }
    return ij_steal(&with);
}

static int reduction_stop(void *sequence, void *a, void *b)
{
    (void)a;
    (void)b;
    reduction_free(sequence);
    return 0;
}

/* The columns of the image that count for the columns of `area`. */
static VipsRect needed_for(const struct reduction *with, const VipsRect *area)
{
    VipsRect needed = *area;
    int end = with->firsts[VIPS_RECT_RIGHT(area) - 1] + with->plan.taps;
    needed.left = with->firsts[area->left];
    needed.width = MIN(end, with->plan.from_width) - needed.left;
    return needed;
}

static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    (void)a;
    (void)b;
    (void)stop;
    struct reduction *with = sequence;
    const VipsRect *area = &region->valid;
    VipsRect needed = needed_for(with, area);
    const struct run run = { area->left, area->width, needed.left };
    size_t len = (size_t)needed.width * (size_t)with->bands;
    if (vips_region_prepare(with->from, &needed) != 0)
        return -1;
    for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++) {
        memcpy(with->row, VIPS_REGION_ADDR(with->from, needed.left, y), len);
        make_run(with, run, VIPS_REGION_ADDR(region, area->left, y));
    }
    return 0;
}

/* ---- the operation ---- */

bool ij_reduce_h_takes(VipsImage *image, VipsKernel kernel)
{
    return vips_image_get_format(image) == VIPS_FORMAT_UCHAR &&
           vips_image_get_coding(image) == VIPS_CODING_NONE &&
           vips_image_get_bands(image) >= 1 && vips_image_get_bands(image) <= BANDS_MAX &&
           reach_of(kernel) > 0;
}

int ij_reduce_h(VipsImage *image, uint32_t width, VipsKernel kernel, VipsImage **made)
{
    if (!ij_reduce_h_takes(image, kernel)) {
        vips_error("reduce",
                   "%d bands of format %d by kernel %d; takes 1 to %d of 8 bits",
                   vips_image_get_bands(image), (int)vips_image_get_format(image),
                   (int)kernel, BANDS_MAX);
        return -1;
    }
    if (width < 1 || width > (uint32_t)vips_image_get_width(image)) {
        vips_error("reduce", "to a width of %u px; takes 1 to %d, which the image has",
                   width, vips_image_get_width(image));
        return -1;
    }
    const struct ij_pixels how = {
        .from = image,
        .width = (int)width,
        .height = vips_image_get_height(image),
        .bands = vips_image_get_bands(image),
        .demand = VIPS_DEMAND_STYLE_THINSTRIP,
        .start = reduction_start,
        .generate = generate,
        .stop = reduction_stop,
        .number = (int)kernel,
    };
    return ij_pixels_make(&how, made);
}
