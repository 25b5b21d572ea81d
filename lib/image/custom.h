/* Operations that a program brings along, for rooms that know no image. */
#pragma once

#include <imgjob/operation.h>

#include "spec/op.h"

/* What a callback sees of a step. A plain value that lives during one call. */
struct imgjob_step {
    const struct ij_step *step;
    char wrong[112]; /* the first question that has no answer, in words; "" = none */
};

/*
 * Make an operation that is described by `described` and done by the callbacks of
 * `operation`; both are checked already. Texts and parameters stay the caller's and must
 * outlive it.
 *
 * @return to end with free(); NULL when there is no memory
 */
struct ij_op *ij_custom_new(const struct ij_op *described,
                            const struct imgjob_operation *operation);
