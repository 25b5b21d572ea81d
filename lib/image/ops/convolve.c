/* Any small filter: each level becomes a sum of those around it. */
#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/pixels.h"
#include "image/source.h"

enum { KERNEL, WIDTH, SCALE, OFFSET };
enum { SIDE_MAX = 15 };

static const struct ij_param params[] = {
    [KERNEL] = { .name = "kernel",
                 .type = IJ_PARAM_NUMBERS,
                 .is_required = true,
                 .min = -1000000,
                 .max = 1000000,
                 .count_min = 1,
                 .count_max = SIDE_MAX * SIDE_MAX,
                 .doc = "The weights, row by row, as they lie over the image" },
    [WIDTH] = { .name = "width",
                .type = IJ_PARAM_INT,
                .is_required = true,
                .min = 1,
                .max = SIDE_MAX,
                .doc = "How many weights a row has; rows and columns are odd in number" },
    [SCALE] = { .name = "scale",
                .type = IJ_PARAM_REAL,
                .min = -1000000,
                .max = 1000000,
                .doc = "Divides the sum; if absent, the sum of the weights, or 1 if that "
                       "is 0" },
    [OFFSET] = { .name = "offset",
                 .type = IJ_PARAM_REAL,
                 .min = -255,
                 .max = 255,
                 .fallback = IJ_DEFAULT_REAL(0),
                 .unit = "levels",
                 .doc = "Added at the end" },
};

static int check(const struct ij_step *step, const char *at, struct imgjob_error *err)
{
    const struct ij_value *values = step->values;
    size_t count = values[KERNEL].numbers.count, width = (size_t)values[WIDTH].integer;
    if (width % 2 == 0)
        return ij_fail(err, IMGJOB_E_SPEC, "%s/width: must be odd, not %zu", at, width);
    if (count % width != 0 || count / width % 2 == 0 || count / width > SIDE_MAX)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s/kernel: must have an odd number of rows of %zu, at most %d; "
                       "%zu numbers have not",
                       at, width, SIDE_MAX, count);
    if (values[SCALE].is_given && fabs(values[SCALE].real) < 1e-6)
        return ij_fail(err, IMGJOB_E_SPEC, "%s/scale: must not be 0", at);
    return 0;
}

static double scale_of(const struct ij_value *values)
{
    if (values[SCALE].is_given)
        return values[SCALE].real;
    double sum = 0;
    for (size_t i = 0; i < values[KERNEL].numbers.count; i++)
        sum += values[KERNEL].numbers.at[i];
    return fabs(sum) < 1e-6 ? 1 : sum;
}

/* ---- rows ---- */

enum { BLOCK = 256 /* levels that are summed up at a time: they stay in the cache */ };

/* What is summed up: the weights other than 0, each with where its level lies. */
struct taps {
    int count;
    ptrdiff_t places[SIDE_MAX * SIDE_MAX];
    float weights[SIDE_MAX * SIDE_MAX];
    float factor, offset; /* of the sum */
};

static void make_taps(struct taps *taps, VipsRegion *kernel, ptrdiff_t line, int bands)
{
    const VipsRect *area = &kernel->valid;
    taps->count = 0;
    taps->factor = (float)(1 / vips_image_get_scale(kernel->im));
    taps->offset = (float)vips_image_get_offset(kernel->im);
    for (int y = 0; y < area->height; y++) {
        const double *weights = (const double *)VIPS_REGION_ADDR(kernel, 0, y);
        for (int x = 0; x < area->width; x++) {
            if (fpclassify(weights[x]) == FP_ZERO)
                continue;
            taps->places[taps->count] = y * line + x * bands;
            taps->weights[taps->count++] = (float)weights[x];
        }
    }
}

static void sum_block(const struct taps *taps, const uint8_t *from, uint8_t *restrict to,
                      int count)
{
    float sums[BLOCK] = { 0 };
    for (int tap = 0; tap < taps->count; tap++) {
        const uint8_t *levels = from + taps->places[tap];
        float weight = taps->weights[tap];
        for (int i = 0; i < count; i++)
            sums[i] += weight * levels[i];
    }
    for (int i = 0; i < count; i++) {
        float level = sums[i] * taps->factor + taps->offset + .5f;
        level = level > 0 ? level : 0;
        to[i] = (uint8_t)(int)(level < 255 ? level : 255);
    }
}

/* ---- images ---- */

/* Runs on threads of libvips; the kernel is an image to it. */
static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    (void)a;
    (void)b;
    (void)stop;
    VipsRegion *from = ((VipsRegion **)sequence)[0];
    VipsRegion *kernel = ((VipsRegion **)sequence)[1];
    const VipsRect *area = &region->valid;
    VipsRect whole = { 0, 0, kernel->im->Xsize, kernel->im->Ysize };
    VipsRect needed = *area;
    needed.width += whole.width - 1;
    needed.height += whole.height - 1;
    if (vips_region_prepare(kernel, &whole) != 0 ||
        vips_region_prepare(from, &needed) != 0)
        return -1;
    struct taps taps;
    int bands = region->im->Bands, count = area->width * bands;
    make_taps(&taps, kernel, (ptrdiff_t)VIPS_REGION_LSKIP(from), bands);
    for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++) {
        const uint8_t *row = VIPS_REGION_ADDR(from, area->left, y);
        uint8_t *to = VIPS_REGION_ADDR(region, area->left, y);
        for (int i = 0; i < count; i += BLOCK)
            sum_block(&taps, row + i, to + i, VIPS_MIN(count - i, BLOCK));
    }
    return 0;
}

/* Not vips_conv(): its whole numbers overflow, and its floats take twice as long. */
static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    const struct ij_value *values = step->values;
    int across = (int)values[WIDTH].integer, count = (int)values[KERNEL].numbers.count;
    int down = count / across;
    int width = vips_image_get_width(colors), height = vips_image_get_height(colors);
    IJ_AUTO(ij_image_unref) VipsImage *padded = NULL; /* by repeated pixels */
    IJ_AUTO(ij_image_unref)
    VipsImage *kernel =
        vips_image_new_matrix_from_array(across, down, values[KERNEL].numbers.at, count);
    if (!kernel || vips_embed(colors, &padded, across / 2, down / 2, width + across - 1,
                              height + down - 1, "extend", VIPS_EXTEND_COPY, NULL) != 0)
        return -1;
    vips_image_set_double(kernel, "scale", scale_of(values));
    vips_image_set_double(kernel, "offset", values[OFFSET].real);
    const struct ij_pixels how = {
        .from = padded,
        .with = kernel,
        .width = width,
        .height = height,
        .bands = vips_image_get_bands(colors),
        .demand = VIPS_DEMAND_STYLE_FATSTRIP,
        .start = vips_start_many,
        .generate = generate,
        .stop = vips_stop_many,
    };
    return ij_pixels_make(&how, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_convolve_op = {
    .op = { .name = "convolve",
            .group = "filter",
            .doc = "Filter with weights of your own",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .check = check },
    .apply = apply,
};
