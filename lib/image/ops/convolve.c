/* Any small filter: each level becomes a sum of those around it. */
#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"
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

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    const struct ij_value *values = step->values;
    int width = (int)values[WIDTH].integer, count = (int)values[KERNEL].numbers.count;
    IJ_AUTO(ij_image_unref) VipsImage *sums = NULL;
    IJ_AUTO(ij_image_unref)
    VipsImage *kernel = vips_image_new_matrix_from_array(
        width, count / width, values[KERNEL].numbers.at, count);
    if (!kernel ||
        vips_conv(colors, &sums, kernel, "precision", VIPS_PRECISION_FLOAT, NULL) != 0)
        return -1;
    return vips_linear1(sums, made, 1 / scale_of(values), values[OFFSET].real + .5,
                        "uchar", TRUE, NULL);
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
