/* Make squares of one colour. */
#include "base/auto.h"
#include "image/operation.h"
#include "image/ops/soften.h"

enum { SIZE };

static const struct ij_param params[] = {
    [SIZE] = { .name = "size",
               .type = IJ_PARAM_INT,
               .is_required = true,
               .min = 2,
               .max = 1024,
               .unit = "px",
               .doc = "The side of a square; squares begin at the top left, and where "
                      "the edge "
                      "cuts one, its pixels are repeated beyond it" },
};

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_soften_pixelate(image, (uint32_t)with->step->values[SIZE].integer, made);
}

const struct ij_image_op ij_pixelate_op = {
    .op = { .name = "pixelate",
            .group = "filter",
            .doc = "Make squares, each of the mean colour of its pixels",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
