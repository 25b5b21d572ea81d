/* The description of an operation as a program gives it, copied and checked. */
#pragma once

#include <imgjob/operation.h>

#include "spec/spec.h"

/* Owned; zeroed = none. End with ij_description_done(). */
struct ij_description {
    struct ij_op op;            /* but for how it is done; points into `memory` */
    struct imgjob_spec *memory; /* no spec: only what one owns */
};

/*
 * @param operation read by ij_options_read()
 * @param out       to be ended on failure too
 * @return 0, or IMGJOB_E_INVALID, which names the operation, the parameter and the
 * member; _ABI, _NOMEM
 */
int ij_description_read(const struct imgjob_operation *operation,
                        struct ij_description *out, struct imgjob_error *err);
void ij_description_done(struct ij_description *description);
