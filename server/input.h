/* The images of a submit, by the names under which a body gives them. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* The image, which is input 0, and overlay1 to overlay8, which steps take as "input": k.
 */
enum { IJ_INPUTS = 9 };

/* Owned; but for the name zeroed = none yet. */
struct ij_inputs {
    const char *image_name; /* a constant: what input 0 is called in this form of body */
    bool seen[IJ_INPUTS];
};

/*
 * Take the field `name` as one of the inputs, each of which may stand once.
 *
 * @return 0 with its number in `out`, 1 when a field of that name is none, or
 * IMGJOB_E_INVALID
 */
int ij_inputs_take(struct ij_inputs *inputs, const char *name, unsigned *out,
                   struct imgjob_error *err);
