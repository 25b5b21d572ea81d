/* Blur by a Gaussian. */
#include "base/auto.h"
#include "image/operation.h"
#include "image/ops/soften.h"

enum { SIGMA };

static const struct ij_param params[] = {
    [SIGMA] = { .name = "sigma",
                .type = IJ_PARAM_REAL,
                .is_required = true,
                .min = .3,
                .max = 100,
                .unit = "px",
                .doc = "The standard deviation of the Gaussian" },
};

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_soften_blur(image, with->step->values[SIGMA].real, made);
}

const struct ij_image_op ij_blur_op = {
    .op = { .name = "blur",
            .group = "filter",
            .doc = "Blur the image",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
