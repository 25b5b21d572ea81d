/* Sharpen brightness, in CIELAB: colours get no fringes. */
#include "base/auto.h"
#include "image/ops/bands.h"

enum { SIGMA, FLAT, JAGGED };

static const struct ij_param params[] = {
    [SIGMA] = { .name = "sigma",
                .type = IJ_PARAM_REAL,
                .min = .3,
                .max = 10,
                .fallback = IJ_DEFAULT_REAL(.5),
                .unit = "px",
                .doc = "How wide an edge is, as the sigma of a Gaussian" },
    [FLAT] = { .name = "flat",
               .type = IJ_PARAM_REAL,
               .min = 0,
               .max = 20,
               .fallback = IJ_DEFAULT_REAL(0),
               .doc = "How much to sharpen where it is flat, such as noise" },
    [JAGGED] = { .name = "jagged",
                 .type = IJ_PARAM_REAL,
                 .min = 0,
                 .max = 20,
                 .fallback = IJ_DEFAULT_REAL(3),
                 .doc = "How much to sharpen where there are edges" },
};

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    const struct ij_value *values = step->values;
    return vips_sharpen(colors, made, "sigma", values[SIGMA].real, "m1",
                        values[FLAT].real, "m2", values[JAGGED].real, NULL);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_sharpen_op = {
    .op = { .name = "sharpen",
            .group = "filter",
            .doc = "Sharpen the edges",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
