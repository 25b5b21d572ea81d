/* What an attempt reads and writes, where pixels are: in a worker process or inline. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <imgjob/image.h>

#include "base/failure.h"
#include "spec/spec.h"

/* The input in memory. Owned; zeroed = empty. The memory is kept between jobs, so that
 * each does not fault its pages anew. */
struct ij_input {
    char *data;
    size_t len, cap;
};

/* Read the whole input. @return 0, or the negative code in `failure` */
int ij_input_read(struct ij_input *input, int fd, uint64_t len,
                  const struct imgjob_limits *limits, struct ij_failure *failure);
void ij_input_trim(struct ij_input *input); /* after a job: a large one is given back */
void ij_input_done(struct ij_input *input);

/* Where outputs go. A plain value; the descriptors are borrowed. */
struct ij_outlet {
    int fds[IJ_SPEC_OUTPUTS_MAX];
    size_t count;
    const struct imgjob_limits *limits; /* borrowed */
    uint64_t written;                   /* bytes, over all outputs */
    struct ij_failure failure; /* of the write that failed; error.code 0 = none did */
};

/* Write one whole output. @return 0, or the negative code, also in outlet->failure */
int ij_outlet_write(struct ij_outlet *outlet, size_t index, const void *bytes, size_t len,
                    struct imgjob_error *err);
