/* Each operation of the engine as a good libvips programmer would write it for this one
 * image, and the spec that asks the engine for the same. */
#pragma once

#include <stddef.h>

#include <vips/vips.h>

#include "program.h"

enum { HAND_STEPS_MAX = 12, HAND_INPUTS_MAX = 2 };

/* What is made on the way: NULLs that are filled and freed by the caller. */
struct hand {
    VipsImage *inputs[HAND_INPUTS_MAX]; /* the image, then a second one, in memory */
    VipsImage *t[HAND_STEPS_MAX];
};

struct hand_case {
    const char *name;                    /* the operation, "/", what is special */
    const char *images[HAND_INPUTS_MAX]; /* files */
    const char *spec;                    /* JSON */

    int shrink;   /* of a JPEG, on load; 0 = 1 */
    int is_held;  /* pixels are needed in any order: decoded to memory first */
    int is_apart; /* another way to the same end: alike to the eye, not to the level */

    /* @param out borrowed: one of `t`, or an input. @return 0, or -1 */
    int (*process)(struct hand *hand, VipsImage **out);
    int (*save)(VipsImage *image, void **out, size_t *len); /* NULL = JPEG, Q 80 */
};

/* @return NULL beyond the last */
const struct hand_case *hand_case_at(size_t index);

/* @param out g_free(). @return 0, or -1 with libvips' error text */
int hand_run(const struct hand_case *which, const struct bench_bytes *inputs,
             struct bench_bytes *out);
