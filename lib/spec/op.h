/*
 * What an operation is, apart from pixels: its name, its parameters, and how it changes
 * the size. The image room adds how it is done; this room knows only what may be asked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { IJ_OP_PARAMS_MAX = 16 };

enum ij_param_type {
    IJ_PARAM_INT,
    IJ_PARAM_BOOL,  /* 0 or 1 */
    IJ_PARAM_CHOICE /* the index into `choices` */
};

struct ij_param {
    const char *name;
    enum ij_param_type type;
    bool is_required;
    int64_t min, max;           /* of an INT, both included */
    int64_t fallback;           /* when absent and not required */
    const char *const *choices; /* of a CHOICE: names, ended by NULL */
    const char *unit;           /* "px"; NULL = none */
    const char *doc;            /* one sentence */
};

struct ij_op;

/* One operation with its checked values, in the order of op->params. */
struct ij_step {
    const struct ij_op *op;
    int64_t values[IJ_OP_PARAMS_MAX];
};

struct ij_extent {
    uint32_t width, height; /* px, at least 1 */
};

struct ij_op {
    const char *name;
    const char *doc; /* one sentence */
    const struct ij_param *params;
    size_t param_count; /* at most IJ_OP_PARAMS_MAX */

    /* What size the step makes of an image of `in`, computed in 64 bits and without
     * touching a pixel. Sides are never below 1. */
    struct ij_extent (*plan)(const struct ij_step *step, struct ij_extent in);
};

/* The operations that exist, in the order in which they are listed. */
struct ij_ops {
    const struct ij_op *const *ops;
    size_t count;
};
