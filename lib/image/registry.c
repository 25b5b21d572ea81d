/* Owns the list of the operations that exist. */
#include "image/image.h"

#include "base/auto.h"
#include "image/operation.h"

static const struct ij_op *const ops[] = {
    &ij_resize_op.op,
};

const struct ij_ops ij_image_ops = { .ops = ops, .count = IJ_ARRAY_LEN(ops) };
