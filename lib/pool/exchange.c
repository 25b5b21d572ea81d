/*
 * Owns how an attempt reads its spec and its inputs and writes its outputs. The bytes are
 * bounded here, on the side that has the pixels; a pool that does not trust that side
 * checks again.
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

int ij_attempt_spec(const char *text, size_t len, const struct ij_ops *ops,
                    struct imgjob_spec **out, struct ij_failure *failure)
{
    struct imgjob_error err;
    int rc = ij_spec_parse(text, len, ops, out, &err);
    if (rc < 0)
        return ij_failure_set(failure, IJ_STAGE_STEPS,
                              rc == IMGJOB_E_SPEC ? IJ_REASON_SPEC : IJ_REASON_INTERNAL,
                              rc, "%s", err.text);
    return 0;
}

static void forget(struct ij_inputs *inputs, size_t index)
{
    free(inputs->data[index]);
    inputs->data[index] = NULL;
    inputs->cap[index] = 0;
}

static int reserve(struct ij_inputs *inputs, size_t index, uint64_t len,
                   struct ij_failure *failure)
{
    if (len <= inputs->cap[index])
        return 0;
    size_t cap = ((size_t)len + INPUT_STEP - 1) / INPUT_STEP * INPUT_STEP;
    forget(inputs, index); /* its content is the last job's: not worth moving */
    inputs->data[index] = malloc(cap);
    if (!inputs->data[index])
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_INTERNAL, IMGJOB_E_NOMEM,
                              "no memory for an input of %zu bytes", (size_t)len);
    inputs->cap[index] = cap;
    return 0;
}

static int read_one(struct ij_inputs *inputs, size_t index,
                    const struct ij_input_file *file, struct ij_failure *failure)
{
    int rc = reserve(inputs, index, file->len, failure);
    if (rc < 0)
        return rc;
    if (ij_pread_all(file->fd, inputs->data[index], file->len, 0) < 0) {
        struct imgjob_error err;
        rc = ij_fail_errno(&err, IMGJOB_E_BLOB, "read %zu bytes of input %zu",
                           (size_t)file->len, index);
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_BLOB, rc, "%s", err.text);
    }
    inputs->len[index] = file->len;
    return 0;
}

int ij_inputs_read(struct ij_inputs *inputs, const struct ij_input_file *files,
                   size_t count, const struct imgjob_limits *limits,
                   struct ij_failure *failure)
{
    uint64_t total = 0;
    inputs->count = 0;
    for (size_t i = 0; i < count; i++) {
        total = files[i].len > UINT64_MAX - total ? UINT64_MAX : total + files[i].len;
        int rc = ij_limits_check_input(limits, total, failure);
        if (rc == 0)
            rc = read_one(inputs, i, &files[i], failure);
        if (rc < 0)
            return rc;
        inputs->count = i + 1;
    }
    return 0;
}

void ij_inputs_give(const struct ij_inputs *inputs, struct ij_image_job *job)
{
    for (size_t i = 0; i < inputs->count; i++)
        job->inputs[i] = (struct ij_image_input){ inputs->data[i], inputs->len[i] };
    job->input_count = inputs->count;
}

void ij_inputs_trim(struct ij_inputs *inputs)
{
    for (size_t i = 0; i < IJ_SPEC_INPUTS_MAX; i++)
        if (i > 0 || inputs->cap[i] > INPUT_KEPT)
            forget(inputs, i);
    inputs->count = 0;
}

void ij_inputs_done(struct ij_inputs *inputs)
{
    for (size_t i = 0; i < IJ_SPEC_INPUTS_MAX; i++)
        forget(inputs, i);
    inputs->count = 0;
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

int ij_outlet_write(void *data, size_t index, const void *bytes, size_t len,
                    struct imgjob_error *err)
{
    struct ij_outlet *outlet = data;
    int rc = outlet_write(outlet, index, bytes, len);
    if (rc < 0 && err)
        *err = outlet->failure.error;
    return rc;
}

int ij_outlet_inform(void *data, const char *json, size_t len, struct imgjob_error *err)
{
    struct ij_outlet *outlet = data;
    ij_buf_clear(&outlet->info);
    ij_buf_add(&outlet->info, json, len);
    return outlet->info.failed ? ij_fail_nomem(err, "describing the image") : 0;
}

void ij_outlet_done(struct ij_outlet *outlet)
{
    ij_buf_done(&outlet->info);
}
