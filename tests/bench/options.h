/* What every program of the benchmark is told: one set of flags for all of them, so that
 * the same line, given to each, asks each for the same work. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { BENCH_IMAGES_MAX = 16, BENCH_CLIENTS_MAX = 256 };

struct bench_image {
    const char *path;
    uint8_t *data;
    size_t len;
};

enum bench_mode {
    BENCH_JOB,    /* submit, wait, download */
    BENCH_SUBMIT, /* submit only */
    BENCH_STATUS  /* read jobs submitted before, at random */
};

/* Owned; zeroed = empty, end with bench_options_done(). */
struct bench_options {
    struct bench_image images[BENCH_IMAGES_MAX];
    size_t image_count;
    const char *operation; /* "resize" */
    const char *format;    /* "jpeg", "png", or "" = as the input */
    uint32_t width, height;
    uint32_t jobs;
    uint32_t warm_up; /* jobs before the clock starts */
    uint32_t clients; /* threads that keep one job under way each */
    uint32_t workers;
    const char *dir;    /* of the store */
    const char *worker; /* the worker program; NULL = as the library finds it */
    uint32_t port;      /* of the server on 127.0.0.1 */
    enum bench_mode mode;
    int is_raw;       /* the image as the body; else JSON with base64 */
    uint32_t poll_ms; /* ask for the status this often; 0 = one waiting call */
    const char *ids;  /* file of job ids: written by submit, read by status */
};

/* Read the flags and the images. On a fault: a line on stderr and exit status 2. */
void bench_options_read(struct bench_options *out, int argc, char **argv);
void bench_options_done(struct bench_options *options);
