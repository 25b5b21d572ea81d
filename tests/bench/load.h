/*
 * A closed load: so many threads, each doing one job after another until all are done,
 * and what that took. The same for every way of doing the job, so figures compare.
 *
 * Talk with the one who measures our CPU time from outside, on standard output and input:
 * we say `ready` after the warm-up, wait for a line, work, print one line of JSON, and
 * wait for another line before we end.
 */
#pragma once

#include <stdint.h>

#include "options.h"

enum bench_outcome {
    BENCH_COMPLETED,
    BENCH_FAILED,  /* accepted, and the job failed */
    BENCH_REFUSED, /* not accepted: no image that is read */
    BENCH_OUTCOMES
};

/* What one job took and gave. */
struct bench_sample {
    int64_t submit_ns; /* from the start to the acknowledgement */
    int64_t done_ns;   /* from the start to the knowledge that it ended */
    enum bench_outcome outcome;
    uint32_t width, height; /* of the output; 0 = not looked at */
    uint64_t output_len;
};

struct bench_load {
    const struct bench_options *options;
    void *data; /* handed to the functions below */

    /* Do one job as `client` (0 … options->clients − 1). @return 0, or −1 when the load
     * is broken; a line on stderr has said why */
    int (*run)(void *data, uint32_t client, uint32_t number, struct bench_sample *out);

    /* Called by each thread before it ends; may be NULL. */
    void (*thread_end)(void);
};

/* @return 0, or −1 after a line on stderr */
int bench_load_run(const struct bench_load *load);

int64_t bench_now_ns(void);

/* The size of a PNG or JPEG by its header; false when there is none to be found. */
int bench_picture_size(const uint8_t *data, size_t len, uint32_t *out_width,
                       uint32_t *out_height);
