/*
 * Decode, do what the spec says, encode: the only room that knows libvips. One call runs
 * in one thread; libvips' error text is one per process, so in worker processes one job
 * runs at a time.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/image.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/progress.h"
#include "spec/spec.h"

/* The operations of this library, for ij_spec_parse(). */
extern const struct ij_ops ij_image_ops;

/* Start libvips once per process: cache off, concurrency 1, untrusted loaders blocked.
 * Any thread, any number of times. @return 0, or IMGJOB_E_INTERNAL */
int ij_image_start(struct imgjob_error *err);

/* Unblock libvips' loader of that format, where it is one of those that it calls
 * untrusted: for this process and for good, so whoever opens a file asks
 * ij_format_is_read() each time. Any thread. */
void ij_image_allow(uint32_t format);

/* The version of libvips, "8.14.1"; it need not be started. A constant string. */
const char *ij_image_library_version(void);

/* Give back what libvips keeps per thread; call before a thread that ran images ends. */
void ij_image_thread_end(void);

/* Fill every zero of the caller's limits with its default and check the ranges.
 * @param limits NULL = all defaults. @return 0, or IMGJOB_E_INVALID, _ABI */
int ij_limits_read(const struct imgjob_limits *limits, struct imgjob_limits *out,
                   struct imgjob_error *err);

/* What the header says. */
struct ij_image_header {
    uint32_t format;        /* enum imgjob_format */
    uint32_t width, height; /* px of one page as stored */
    uint32_t pages;         /* in the file */
    uint32_t bands, bits, orientation;
    bool has_alpha, has_profile, progressive;
    char loader[32]; /* "jpegload_buffer" */
};

/* Milliseconds spent. */
struct ij_timings {
    uint32_t decode_ms;  /* header and, where it is a pass of its own, pixels */
    uint32_t process_ms; /* decode, steps and encode run as one stream: all of it */
    uint32_t encode_ms;  /* where it is a pass of its own */
};

enum { IJ_IMAGE_INFO_MAX = 16 * 1024 /* bytes of what is known about an image */ };

/* Encoded bytes of an input, borrowed. */
struct ij_image_input {
    const void *data;
    size_t len;
};

struct ij_image_job {
    struct ij_image_input
        inputs[IJ_SPEC_INPUTS_MAX]; /* the image, then what steps take */
    size_t input_count;             /* at least 1 */
    const struct imgjob_spec *spec;
    const struct imgjob_limits *limits; /* filled by ij_limits_read() */
    bool safe_shrink;
    int64_t until_mono_ms; /* stop at the next tile after this; 0 = never */
    atomic_bool *stop;     /* or when another thread sets this; NULL = none does */

    /* Called after the limits were checked on the header and before any pixel; a non-zero
     * return stops the job as stage load, reason internal. May be NULL. */
    int (*on_header)(void *data, const struct ij_image_header *header);

    /* Called once per output, in order, with the whole encoded image, borrowed. A
     * negative return (an error code, `err` filled) fails the job. */
    int (*on_output)(void *data, size_t index, const void *bytes, size_t len,
                     struct imgjob_error *err);

    /* Called once, after the outputs, for a spec that asks for it: what is known about
     * the image, a JSON object, borrowed. A negative return fails the job. May be NULL.
     */
    int (*on_info)(void *data, const char *json, size_t len, struct imgjob_error *err);

    /* Called while pixels move, on any thread but never twice at once: how far the job
     * is, at most 99 per cent and never less than before. Not for a job that takes less
     * than 100 ms, but for a slow encoder, nor more often than that. May be NULL. */
    void (*on_progress)(void *data, const struct ij_progress *progress);
    const struct ij_clock *clock; /* by which progress is told; NULL = the machine's */
    void *callback_data;          /* handed to all of them */
};

/* What became of an output. */
struct ij_image_output {
    uint32_t format;        /* enum imgjob_format */
    uint32_t width, height; /* px of one page */
    uint32_t pages;         /* at least 1 */
    uint64_t len;           /* bytes */

    /* of a search for max_bytes or target_ssim; zeros without one */
    uint32_t encodes;     /* how often it was encoded */
    uint32_t quality;     /* that the search took, 1..100; 0 = none was searched */
    uint32_t colors;      /* that the search took; 0 = none was searched */
    uint32_t ssim_millis; /* reached: 0..1000; 0 = not measured */
    bool is_over_budget;  /* the floor was reached and it still is too large, or the top
                           * and it still is too different */
};

/*
 * Run a job. ij_image_start() must have succeeded.
 *
 * @param outputs spec->output_count entries, filled on success
 * @param failure filled on failure, zeroed before
 * @return 0, or the negative code in failure->error
 */
int ij_image_run(const struct ij_image_job *job, struct ij_image_output *outputs,
                 struct ij_timings *timings, struct ij_failure *failure);

/* Read a header only; of the limits only extra_formats counts.
 * @return 0, or the negative code in failure->error */
int ij_image_header(const struct ij_image_input *image,
                    const struct imgjob_limits *limits, struct ij_image_header *out,
                    struct ij_failure *failure);
