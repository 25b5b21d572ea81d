/* What an attempt reads and writes, where pixels are: in a worker process or inline. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <imgjob/image.h>

#include "base/buf.h"
#include "base/failure.h"
#include "image/image.h"
#include "spec/spec.h"

/* Read the spec of an attempt, which was a good one when the job was submitted.
 * @return 0, or the negative code in `failure` */
int ij_attempt_spec(const char *text, size_t len, const struct ij_ops *ops,
                    struct imgjob_spec **out, struct ij_failure *failure);

/* Encoded bytes, read from offset 0. A plain value; the descriptor is borrowed. */
struct ij_input_file {
    int fd;
    uint64_t len;
};

/* The inputs in memory. Owned; zeroed = empty. The memory of the image is kept between
 * jobs, so that each does not fault its pages anew. */
struct ij_inputs {
    char *data[IJ_SPEC_INPUTS_MAX];
    size_t len[IJ_SPEC_INPUTS_MAX], cap[IJ_SPEC_INPUTS_MAX];
    size_t count;
};

/* Read all of `count` inputs, 1..IJ_SPEC_INPUTS_MAX.
 * @return 0, or the negative code in `failure` */
int ij_inputs_read(struct ij_inputs *inputs, const struct ij_input_file *files,
                   size_t count, const struct imgjob_limits *limits,
                   struct ij_failure *failure);

/* Let a job have them: fills its inputs, which are borrowed. */
void ij_inputs_give(const struct ij_inputs *inputs, struct ij_image_job *job);

/* After a job, however it ended: all but a small image is given back. */
void ij_inputs_trim(struct ij_inputs *inputs);
void ij_inputs_done(struct ij_inputs *inputs);

/* Where outputs go. Owned, but for the descriptors; end with ij_outlet_done(). */
struct ij_outlet {
    int fds[IJ_SPEC_OUTPUTS_MAX];
    size_t count;
    const struct imgjob_limits *limits; /* borrowed */
    uint64_t written;                   /* bytes, over all outputs */
    struct ij_buf info;                 /* what is known about the image, JSON */
    struct ij_failure failure; /* of the write that failed; error.code 0 = none did */
};

/*
 * The callbacks on_output and on_info of a struct ij_image_job whose data is an outlet,
 * or a struct that begins with one. The first writes one whole output, and what it fails
 * of is also in outlet->failure; the second keeps what is known about the image.
 */
int ij_outlet_write(void *outlet, size_t index, const void *bytes, size_t len,
                    struct imgjob_error *err);
int ij_outlet_inform(void *outlet, const char *json, size_t len,
                     struct imgjob_error *err);

void ij_outlet_done(struct ij_outlet *outlet);
