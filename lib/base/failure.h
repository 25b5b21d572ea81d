/* Why a job failed, in the detail that a user or an operator needs. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

/* What was being done. */
enum ij_stage {
    IJ_STAGE_NONE = 0,
    IJ_STAGE_SUBMIT,
    IJ_STAGE_LOAD,   /* reading the header */
    IJ_STAGE_DECODE, /* pixels of the input */
    IJ_STAGE_STEPS,
    IJ_STAGE_ENCODE,
    IJ_STAGE_PUBLISH, /* storing the outputs */
    IJ_STAGE_COUNT
};

/* A closed list; the numbers are on disk and on the wire. */
enum ij_reason {
    IJ_REASON_NONE = 0,
    /* permanent: the same job would fail again */
    IJ_REASON_FORMAT,
    IJ_REASON_TRUNCATED,
    IJ_REASON_CORRUPT,
    IJ_REASON_TOO_LARGE,
    IJ_REASON_SPEC,
    IJ_REASON_STEP,
    IJ_REASON_ENCODE,
    IJ_REASON_OUTPUT_LIMIT,
    IJ_REASON_MEMORY,
    IJ_REASON_TIMEOUT,
    IJ_REASON_CPU,
    IJ_REASON_SANDBOX,
    IJ_REASON_INPUT_MISSING,
    /* given by the store */
    IJ_REASON_DEADLINE,
    IJ_REASON_POISON,
    IJ_REASON_LOST,
    /* transient: worth another try */
    IJ_REASON_STORE,
    IJ_REASON_BLOB,
    IJ_REASON_INTERNAL,
    IJ_REASON_COUNT
};

/* A plain value; zeroed = none. All strings are terminated. */
struct ij_failure {
    struct imgjob_error error; /* the sentence, and the code of the public API */
    enum ij_stage stage;
    enum ij_reason reason;
    int32_t signal;      /* that ended the worker, 0 = none */
    int64_t value;       /* what the image has, when `limit` is set */
    int64_t limit_value; /* what is allowed, when `limit` is set */
    char limit[32];      /* what is limited: "pixels", "side", "pages", …; "" = none */
    char setting[32];    /* the field of struct imgjob_limits that sets it */
    char loader[32];     /* libvips' loader, "jpegload_buffer"; "" before it is known */
    char library_text[192]; /* libvips' own words; "" = none. Bytes of a stranger */
};

const char *ij_stage_name(enum ij_stage stage);    /* "" for NONE and out of range */
const char *ij_reason_name(enum ij_reason reason); /* "" for NONE and out of range */

/* Whether the same job would fail in the same way again. */
bool ij_reason_is_permanent(enum ij_reason reason);

/* Whether this node is to blame and not the job: no room on the disk, no memory, no
 * descriptors, or no writing to the storage. An input that cannot be read is the job's
 * own trouble. */
bool ij_failure_is_of_node(const struct ij_failure *failure);

/* Fill stage, reason, code and sentence; the other members stay. @return `code` */
int ij_failure_set(struct ij_failure *failure, enum ij_stage stage, enum ij_reason reason,
                   int code, const char *fmt, ...) IJ_PRINTF(5, 6);

/* The same for a limit: code LIMIT, reason TOO_LARGE (OUTPUT_LIMIT in stage encode). The
 * sentence names what, the value, the limit and the setting. */
int ij_failure_set_limit(struct ij_failure *failure, enum ij_stage stage,
                         const char *limit, int64_t value, int64_t limit_value,
                         const char *setting);

/* As a JSON object: error, stage, reason and, where set, loader, library_text, signal,
 * limit, value, limit_value, setting. */
void ij_failure_write(struct ij_json_out *out, const char *key,
                      const struct ij_failure *failure);
