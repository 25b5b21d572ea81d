/* The images of a submit, by the names under which a body gives them. */
#pragma once

#include <stdbool.h>

#include <imgjob/spec.h>

#include "base/error.h"

/* Which inputs a body has given so far: the image, which is input 0, and overlay1,
 * overlay2, …, which steps take as "input": k. A plain value; but for the name zeroed =
 * none yet. */
struct ij_input_names {
    const char *image_name; /* a constant: what input 0 is called in this form of body */
    bool seen[1 + IMGJOB_INPUTS_MAX];
};

/*
 * Take the field `name` as one of the inputs, each of which may stand once.
 *
 * @return 0 with its number in `out`, 1 when a field of that name is none, or
 * IMGJOB_E_INVALID
 */
int ij_input_names_take(struct ij_input_names *inputs, const char *name, unsigned *out,
                        struct imgjob_error *err);
