/*
 * The frames between the pool and a worker process, as bytes. One frame is one packet of
 * a SEQPACKET socket:
 *
 *     worker → pool   HELLO                      once, when it can run
 *     pool → worker   JOB + descriptors          inputs, then one memfd per output
 *     worker → pool   HEADER                     before any pixel; waits for …
 *     pool → worker   GO or STOP
 *     worker → pool   PROGRESS                   any number after GO, at a modest rate
 *     worker → pool   RESULT
 *
 * A job that fails before its header has a RESULT and no HEADER.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "base/progress.h"
#include "image/image.h"
#include "spec/spec.h"

enum {
    IJ_WIRE_FRAME_MAX = IJ_SPEC_TEXT_MAX + 256, /* bytes of any frame */
    /* bytes of a frame from a worker: all outputs and what is known of the image, or the
     * longest words of a failure */
    IJ_WIRE_REPLY_MAX = 2048 + IJ_IMAGE_INFO_MAX,
    IJ_WIRE_ENCODES_MAX = 256,  /* no search over all formats takes so many */
    IJ_WIRE_PROGRESS_SIZE = 24, /* bytes of that frame */
    IJ_WIRE_PERCENT_MAX = 99,   /* the last one is the RESULT */
    IJ_WIRE_BUILD_SIZE = 64,
    IJ_WIRE_OPS_MAX = 1024 /* operations, more than any registry has */
};

enum ij_wire_type {
    IJ_WIRE_HELLO = 1,
    IJ_WIRE_JOB,
    IJ_WIRE_HEADER,
    IJ_WIRE_GO,
    IJ_WIRE_STOP,
    IJ_WIRE_RESULT,
    IJ_WIRE_PROGRESS
};

struct ij_wire_hello {
    char build[IJ_WIRE_BUILD_SIZE]; /* as ij_wire_build() gives it */
    int32_t pid;
    uint32_t op_count; /* of the operations it knows … */
    uint64_t op_hash;  /* … and ij_ops_hash() of them */
};

struct ij_wire_job {
    struct imgjob_limits limits; /* filled; its `size` does not travel */
    bool safe_shrink;
    uint64_t input_lens[IJ_SPEC_INPUTS_MAX]; /* bytes */
    size_t input_count;                      /* 1..IJ_SPEC_INPUTS_MAX */
    const char *spec; /* not terminated; decoded: borrowed from the bytes of the frame */
    size_t spec_len;  /* 1..IJ_SPEC_TEXT_MAX */
};

struct ij_wire_result {
    struct ij_failure failure; /* error.code 0 = done, and the rest of it is not sent */
    struct ij_timings timings;
    size_t output_count; /* of what is done; 0..IJ_SPEC_OUTPUTS_MAX */
    struct ij_image_output outputs[IJ_SPEC_OUTPUTS_MAX];
    const char *info; /* JSON; as `spec` of a job is; 0 bytes = none */
    size_t info_len;  /* 0..IJ_IMAGE_INFO_MAX */
};

struct ij_wire_frame {
    enum ij_wire_type type;
    union {
        struct ij_wire_hello hello;
        struct ij_wire_job job;
        struct ij_image_header header;
        struct ij_wire_result result;
        struct ij_progress progress; /* percent 0..IJ_WIRE_PERCENT_MAX, stage
                                        load..encode, output below IJ_SPEC_OUTPUTS_MAX */
    };
};

/* What must be the same on both sides: the library's version, the shape of the frames. */
void ij_wire_build(char out[IJ_WIRE_BUILD_SIZE]);

/* All that a worker with these operations says of itself but its pid.
 * @return 0, or IMGJOB_E_NOMEM */
int ij_wire_hello_fill(struct ij_wire_hello *hello, const struct ij_ops *ops,
                       struct imgjob_error *err);

/* Write a frame. @return its length, or 0 when it does not fit or its type is unknown */
size_t ij_wire_encode(const struct ij_wire_frame *frame, void *out, size_t size);

/*
 * Read a frame that may come from an enemy: every length, range and string is checked and
 * nothing may be left over.
 *
 * @param out untouched on failure
 * @return 0, or IMGJOB_E_INTERNAL with a text that says what is wrong
 */
int ij_wire_decode(const void *data, size_t len, struct ij_wire_frame *out,
                   struct imgjob_error *err);
