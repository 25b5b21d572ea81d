/*
 * Threads, clocks and figures of a load. Samples live in one array made beforehand: while
 * the clock runs nothing is allocated, locked or printed here.
 */
#include "load.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* One pass over `count` jobs by all threads. */
struct pass {
    const struct bench_load *load;
    struct bench_sample *samples;
    uint32_t count;
    atomic_uint next;
    atomic_int is_broken;
};

struct thread {
    struct pass *pass;
    uint32_t client;
    pthread_t handle;
};

static void *thread_run(void *data)
{
    const struct thread *thread = data;
    struct pass *pass = thread->pass;
    while (!atomic_load(&pass->is_broken)) {
        uint32_t number = atomic_fetch_add(&pass->next, 1);
        if (number >= pass->count)
            break;
        if (pass->load->run(pass->load->data, thread->client, number,
                            &pass->samples[number]) < 0)
            atomic_store(&pass->is_broken, 1);
    }
    if (pass->load->thread_end)
        pass->load->thread_end();
    return NULL;
}

static int pass_run(struct pass *pass)
{
    static struct thread threads[BENCH_CLIENTS_MAX];
    uint32_t started = 0;
    for (; started < pass->load->options->clients; started++) {
        struct thread *thread = &threads[started];
        *thread = (struct thread){ pass, started, 0 };
        if (pthread_create(&thread->handle, NULL, thread_run, thread) != 0) {
            fprintf(stderr, "cannot start thread %u\n", started);
            atomic_store(&pass->is_broken, 1);
            break;
        }
    }
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i].handle, NULL);
    return atomic_load(&pass->is_broken) ? -1 : 0;
}

static int compare_ns(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* `times` is sorted here. The nearest-rank percentiles, in milliseconds. */
static void print_times(const char *name, int64_t *times, uint32_t count)
{
    qsort(times, count, sizeof(*times), compare_ns);
    printf("\"%s\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}, ", name,
           (double)times[(count - 1) / 2] / 1e6,
           (double)times[(uint32_t)((uint64_t)(count - 1) * 99 / 100)] / 1e6,
           (double)times[count - 1] / 1e6);
}

static void print_outputs(const struct bench_sample *samples, uint32_t count)
{
    uint64_t shortest = UINT64_MAX, longest = 0;
    uint32_t of_outcome[BENCH_OUTCOMES] = { 0 };
    const struct bench_sample *completed = NULL;
    int is_same_size = 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct bench_sample *sample = &samples[i];
        of_outcome[sample->outcome]++;
        if (sample->outcome != BENCH_COMPLETED)
            continue;
        if (sample->output_len < shortest)
            shortest = sample->output_len;
        if (sample->output_len > longest)
            longest = sample->output_len;
        if (completed &&
            (completed->width != sample->width || completed->height != sample->height))
            is_same_size = 0;
        completed = sample;
    }
    printf("\"completed\": %u, \"failed\": %u, \"refused\": %u, ",
           of_outcome[BENCH_COMPLETED], of_outcome[BENCH_FAILED],
           of_outcome[BENCH_REFUSED]);
    printf("\"output_bytes\": [%" PRIu64 ", %" PRIu64 "], \"output_size\": [%u, %u], "
           "\"is_same_size\": %s",
           completed ? shortest : 0, longest, completed ? completed->width : 0,
           completed ? completed->height : 0, is_same_size ? "true" : "false");
}

static int print_figures(const struct pass *pass, int64_t took_ns)
{
    int64_t *times = calloc(pass->count, sizeof(*times));
    if (!times) {
        fprintf(stderr, "no memory for %u times\n", pass->count);
        return -1;
    }
    printf("{\"jobs\": %u, \"seconds\": %.6f, ", pass->count, (double)took_ns / 1e9);
    for (uint32_t i = 0; i < pass->count; i++)
        times[i] = pass->samples[i].submit_ns;
    print_times("submit_ms", times, pass->count);
    for (uint32_t i = 0; i < pass->count; i++)
        times[i] = pass->samples[i].done_ns;
    print_times("done_ms", times, pass->count);
    free(times);
    print_outputs(pass->samples, pass->count);
    printf("}\n");
    fflush(stdout);
    return 0;
}

static void wait_for_line(void)
{
    char line[64];
    if (!fgets(line, sizeof(line), stdin))
        exit(1); /* whoever measures is gone */
}

int bench_load_run(const struct bench_load *load)
{
    uint32_t jobs = load->options->jobs, warm_up = load->options->warm_up;
    uint32_t most = jobs > warm_up ? jobs : warm_up;
    struct bench_sample *samples = calloc(most, sizeof(*samples));
    if (!samples) {
        fprintf(stderr, "no memory for %u samples\n", most);
        return -1;
    }
    struct pass first = { .load = load, .samples = samples, .count = warm_up };
    struct pass pass = { .load = load, .samples = samples, .count = jobs };
    int failed = pass_run(&first);
    if (!failed) {
        memset(samples, 0, most * sizeof(*samples));
        printf("ready\n");
        fflush(stdout);
        wait_for_line();
        int64_t begun = bench_now_ns();
        failed = pass_run(&pass);
        if (!failed)
            failed = print_figures(&pass, bench_now_ns() - begun);
        if (!failed)
            wait_for_line();
    }
    free(samples);
    return failed;
}

static uint32_t big_endian(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* Walk the segments up to the frame header (ITU T.81, B.2.2). */
static int jpeg_size(const uint8_t *data, size_t len, uint32_t *out_width,
                     uint32_t *out_height)
{
    size_t at = 2;
    while (at + 9 <= len && data[at] == 0xff) {
        uint8_t marker = data[at + 1];
        int is_frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
                       marker != 0xc8 && marker != 0xcc;
        if (is_frame) {
            *out_height = big_endian(data + at + 5, 2);
            *out_width = big_endian(data + at + 7, 2);
            return 1;
        }
        at += 2 + big_endian(data + at + 2, 2);
    }
    return 0;
}

int bench_picture_size(const uint8_t *data, size_t len, uint32_t *out_width,
                       uint32_t *out_height)
{
    if (len >= 24 && memcmp(data, "\x89PNG", 4) == 0) {
        *out_width = big_endian(data + 16, 4);
        *out_height = big_endian(data + 20, 4);
        return 1;
    }
    if (len >= 4 && data[0] == 0xff && data[1] == 0xd8)
        return jpeg_size(data, len, out_width, out_height);
    return 0;
}
