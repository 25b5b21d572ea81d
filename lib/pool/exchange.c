/*
 * Owns how an attempt reads its input and writes its outputs. Both are bounded here, on
 * the side that has the pixels; a pool that does not trust that side checks again.
 */
#include "pool/exchange.h"

#include <errno.h>
#include <stdlib.h>

#include "base/io.h"
#include "image/limits.h"

enum {
    INPUT_STEP = 64 * 1024,      /* capacity grows by whole steps */
    INPUT_KEPT = 4 * 1024 * 1024 /* more is not worth holding for the next job */
};

static int input_reserve(struct ij_input *input, uint64_t len, struct ij_failure *failure)
{
    if (len <= input->cap)
        return 0;
    size_t cap = ((size_t)len + INPUT_STEP - 1) / INPUT_STEP * INPUT_STEP;
    ij_input_done(input); /* its content is the last job's: not worth moving */
    input->data = malloc(cap);
    if (!input->data)
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_INTERNAL, IMGJOB_E_NOMEM,
                              "no memory for an input of %zu bytes", (size_t)len);
    input->cap = cap;
    return 0;
}

int ij_input_read(struct ij_input *input, int fd, uint64_t len,
                  const struct imgjob_limits *limits, struct ij_failure *failure)
{
    int rc = ij_limits_check_input(limits, len, failure);
    if (rc == 0)
        rc = input_reserve(input, len, failure);
    if (rc < 0)
        return rc;
    if (ij_pread_all(fd, input->data, len, 0) < 0) {
        struct imgjob_error err;
        rc = ij_fail_errno(&err, IMGJOB_E_BLOB, "read %zu bytes of the input",
                           (size_t)len);
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_BLOB, rc, "%s", err.text);
    }
    input->len = len;
    return 0;
}

void ij_input_trim(struct ij_input *input)
{
    if (input->cap > INPUT_KEPT)
        ij_input_done(input);
    input->len = 0;
}

void ij_input_done(struct ij_input *input)
{
    free(input->data);
    *input = (struct ij_input){ 0 };
}

/* @return 0, or the negative code in outlet->failure */
static int outlet_write(struct ij_outlet *outlet, size_t index, const void *bytes,
                        size_t len)
{
    struct ij_failure *failure = &outlet->failure;
    if (index >= outlet->count)
        return ij_failure_set(failure, IJ_STAGE_ENCODE, IJ_REASON_INTERNAL,
                              IMGJOB_E_INTERNAL, "no place for output %zu of %zu", index,
                              outlet->count);
    int rc = ij_limits_check_output(outlet->limits, outlet->written + len, failure);
    if (rc < 0)
        return rc;
    if (ij_pwrite_all(outlet->fds[index], bytes, len, 0) < 0) {
        struct imgjob_error err;
        rc = ij_fail_errno(&err, IMGJOB_E_INTERNAL, "write an output of %zu bytes", len);
        return ij_failure_set(failure, IJ_STAGE_ENCODE, IJ_REASON_INTERNAL, rc, "%s",
                              err.text);
    }
    outlet->written += len;
    return 0;
}

int ij_outlet_write(struct ij_outlet *outlet, size_t index, const void *bytes, size_t len,
                    struct imgjob_error *err)
{
    int rc = outlet_write(outlet, index, bytes, len);
    if (rc < 0 && err)
        *err = outlet->failure.error;
    return rc;
}
