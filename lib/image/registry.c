/* Owns the list of the operations that exist, in the order in which they are shown. */
#include "image/image.h"

#include "base/auto.h"
#include "image/operation.h"

#define OPERATIONS(each)                                                                \
    each(resize) each(crop) each(trim) each(extend) each(rotate) each(flip) each(flop)  \
        each(blur) each(sharpen) each(pixelate) each(modulate) each(gamma)              \
            each(normalize) each(equalize) each(grayscale) each(colorspace) each(sepia) \
                each(tint) each(duotone) each(negate) each(threshold) each(median)      \
                    each(convolve) each(flatten) each(round) each(mask) each(redact)    \
                        each(composite) each(text)

#define DECLARE(name) extern const struct ij_image_op ij_##name##_op;
OPERATIONS(DECLARE)

#define LIST(name) &ij_##name##_op.op,
static const struct ij_op *const ops[] = { OPERATIONS(LIST) };

const struct ij_ops ij_image_ops = { .ops = ops, .count = IJ_ARRAY_LEN(ops) };
