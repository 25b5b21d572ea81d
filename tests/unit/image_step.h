/* A step as a spec would give it, made from an operation and a few values. */
#pragma once

#include "test.h"

#include <vips/vips.h>

#include "image/operation.h"

struct set {
    const char *param; /* NULL = no more */
    struct ij_value value;
};
enum { SETS_MAX = 6 };

#define INT(n)   IJ_DEFAULT_INT(n)
#define REAL(x)  IJ_DEFAULT_REAL(x)
#define COLOR(c) IJ_DEFAULT_COLOR(c)
#define NUMBERS(a)                                           \
    {                                                        \
        .is_given = true, .numbers = {(a), IJ_ARRAY_LEN(a) } \
    }

static inline size_t param_of(const struct ij_image_op *op, const char *name)
{
    size_t i = 0;
    while (i < op->op.param_count && strcmp(op->op.params[i].name, name) != 0)
        i++;
    if (i == op->op.param_count)
        fail_msg("%s knows no %s", op->op.name, name);
    return i;
}

/* All that is not set has its default. */
static inline struct ij_step step_of(const struct ij_image_op *op, const struct set *sets)
{
    struct ij_step step = { .op = &op->op };
    for (size_t i = 0; i < op->op.param_count; i++)
        step.values[i] = op->op.params[i].fallback;
    for (size_t s = 0; s < SETS_MAX && sets[s].param; s++)
        step.values[param_of(op, sets[s].param)] = sets[s].value;
    return step;
}

static inline int64_t choice(const struct ij_image_op *op, const char *param,
                             const char *name)
{
    const char *const *choices = op->op.params[param_of(op, param)].choices;
    int64_t k = 0;
    while (choices[k] && strcmp(choices[k], name) != 0)
        k++;
    if (!choices[k])
        fail_msg("%s knows no %s %s", op->op.name, param, name);
    return k;
}
