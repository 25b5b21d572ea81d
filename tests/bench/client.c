/*
 * The load over HTTP: per job one submit, one waiting call (or polling, to show what that
 * costs), one download. Requests are built before the clock starts; how the server spends
 * its time is the question, not how a client does.
 */
#include "exchange.h"
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ID_SIZE = 37, WAITS_MAX = 30, HEAD_SIZE = 512 };

struct request {
    char *bytes;
    size_t len;
};

struct bench {
    const struct bench_options *options;
    struct request submits[BENCH_IMAGES_MAX];
    struct exchange exchanges[BENCH_CLIENTS_MAX];
    char (*ids)[ID_SIZE]; /* of submit: one a job; of status: those to ask for */
    uint32_t id_count;
};

static char *base64(const uint8_t *data, size_t len, char *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t group = (uint32_t)data[i] << 16;
        if (left > 1)
            group |= (uint32_t)data[i + 1] << 8;
        if (left > 2)
            group |= data[i + 2];
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[group & 63] : '=';
    }
    return out;
}

/* `head_of` writes the head for a body of that length. */
static int join(struct request *out, const char *head, const char *body, size_t len)
{
    size_t head_len = strlen(head);
    out->bytes = malloc(head_len + len);
    if (!out->bytes) {
        fprintf(stderr, "no memory for a request of %zu bytes\n", head_len + len);
        return -1;
    }
    memcpy(out->bytes, head, head_len);
    memcpy(out->bytes + head_len, body, len);
    out->len = head_len + len;
    return 0;
}

static int build_raw(const struct bench_options *options, const struct bench_image *image,
                     struct request *out)
{
    char head[HEAD_SIZE], format[64] = "";
    if (options->format[0])
        snprintf(format, sizeof(format), "&output_format=%s", options->format);
    snprintf(head, sizeof(head),
             "POST /jobs?operation=%s&width=%u&height=%u%s HTTP/1.1\r\n"
             "Host: 127.0.0.1:%u\r\nConnection: close\r\n"
             "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
             options->operation, options->width, options->height, format, options->port,
             image->len);
    return join(out, head, (const char *)image->data, image->len);
}

static int build_json(const struct bench_options *options,
                      const struct bench_image *image, struct request *out)
{
    char head[HEAD_SIZE], format[64] = "";
    if (options->format[0])
        snprintf(format, sizeof(format), "\"output_format\": \"%s\", ", options->format);
    char *body = malloc(image->len / 3 * 4 + HEAD_SIZE);
    if (!body) {
        fprintf(stderr, "no memory for the body of %s\n", image->path);
        return -1;
    }
    int begun = snprintf(body, HEAD_SIZE,
                         "{\"operation\": \"%s\", \"width\": %u, \"height\": %u, "
                         "%s\"image_data\": \"",
                         options->operation, options->width, options->height, format);
    char *end = base64(image->data, image->len, body + begun);
    *end++ = '"';
    *end++ = '}';
    size_t len = (size_t)(end - body);
    snprintf(head, sizeof(head),
             "POST /jobs HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             options->port, len);
    int failed = join(out, head, body, len);
    free(body);
    return failed;
}

static int get(struct bench *bench, uint32_t client, const char *id, const char *rest)
{
    char request[HEAD_SIZE];
    int len = snprintf(request, sizeof(request),
                       "GET /jobs/%s%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                       "Connection: close\r\n\r\n",
                       id, rest, bench->options->port);
    return exchange_run(&bench->exchanges[client], (uint16_t)bench->options->port,
                        request, (size_t)len);
}

static int complain(const struct exchange *exchange, const char *what, const char *id)
{
    fprintf(stderr, "%s %s: %d %.400s\n", what, id, exchange->status, exchange->body);
    return -1;
}

/* @return 0 accepted, 1 refused as no image we read, −1 */
static int submit(struct bench *bench, uint32_t client, uint32_t number, char *id)
{
    struct exchange *exchange = &bench->exchanges[client];
    const struct request *request = &bench->submits[number % bench->options->image_count];
    if (exchange_run(exchange, (uint16_t)bench->options->port, request->bytes,
                     request->len) < 0)
        return -1;
    if (exchange->status == 415)
        return 1;
    exchange_member(exchange, "job_id", id, ID_SIZE);
    if (exchange->status != 202 || strlen(id) != ID_SIZE - 1)
        return complain(exchange, "submit", "");
    return 0;
}

/* Sleeping here is the thing measured: a client that polls. */
static void poll_delay(uint32_t poll_ms)
{
    struct timespec delay = { .tv_sec = poll_ms / 1000,
                              .tv_nsec = (long)(poll_ms % 1000) * 1000000 };
    (void)nanosleep(&delay, NULL); /* cut short by a signal, it polls a little earlier */
}

static int wait_for(struct bench *bench, uint32_t client, const char *id,
                    enum bench_outcome *out)
{
    struct exchange *exchange = &bench->exchanges[client];
    uint32_t poll_ms = bench->options->poll_ms;
    uint32_t tries = poll_ms ? WAITS_MAX * 20000 / poll_ms : WAITS_MAX;
    for (uint32_t i = 0; i < tries; i++) {
        char status[32];
        if (get(bench, client, id, poll_ms ? "" : "?wait=20") < 0)
            return -1;
        exchange_member(exchange, "status", status, sizeof(status));
        if (exchange->status != 200 || !status[0])
            return complain(exchange, "status of", id);
        if (strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0) {
            *out = status[0] == 'c' ? BENCH_COMPLETED : BENCH_FAILED;
            return 0;
        }
        if (poll_ms)
            poll_delay(poll_ms);
    }
    return complain(exchange, "never ended:", id);
}

static int download(struct bench *bench, uint32_t client, const char *id,
                    struct bench_sample *out)
{
    struct exchange *exchange = &bench->exchanges[client];
    if (get(bench, client, id, "/download") < 0)
        return -1;
    if (exchange->status != 200 || exchange->body_len == 0)
        return complain(exchange, "download", id);
    out->output_len = exchange->body_len;
    (void)bench_picture_size((const uint8_t *)exchange->body, exchange->body_len,
                             &out->width, &out->height); /* 0 × 0 is not looked at */
    return 0;
}

static int run_job(void *data, uint32_t client, uint32_t number, struct bench_sample *out)
{
    struct bench *bench = data;
    char id[ID_SIZE];
    int64_t begun = bench_now_ns();
    int outcome = submit(bench, client, number, id);
    out->submit_ns = out->done_ns = bench_now_ns() - begun;
    if (outcome != 0) {
        out->outcome = BENCH_REFUSED;
        return outcome < 0 ? -1 : 0;
    }
    if (wait_for(bench, client, id, &out->outcome) < 0)
        return -1;
    out->done_ns = bench_now_ns() - begun;
    return out->outcome == BENCH_COMPLETED ? download(bench, client, id, out) : 0;
}

static int run_submit(void *data, uint32_t client, uint32_t number,
                      struct bench_sample *out)
{
    struct bench *bench = data;
    int64_t begun = bench_now_ns();
    if (submit(bench, client, number, bench->ids[number]) != 0)
        return -1;
    out->submit_ns = out->done_ns = bench_now_ns() - begun;
    return 0;
}

static int run_status(void *data, uint32_t client, uint32_t number,
                      struct bench_sample *out)
{
    struct bench *bench = data;
    /* Knuth's multiplicative hash: scattered, and the same in every run */
    const char *id = bench->ids[number * 2654435761u % bench->id_count];
    int64_t begun = bench_now_ns();
    if (get(bench, client, id, "") < 0)
        return -1;
    out->submit_ns = out->done_ns = bench_now_ns() - begun;
    if (bench->exchanges[client].status != 200)
        return complain(&bench->exchanges[client], "status of", id);
    return 0;
}

static int ids_allocate(struct bench *bench, uint32_t count)
{
    bench->ids = calloc(count, sizeof(*bench->ids));
    if (!bench->ids)
        fprintf(stderr, "no memory for %u ids\n", count);
    return bench->ids ? 0 : -1;
}

static int ids_write(const struct bench *bench)
{
    FILE *file = fopen(bench->options->ids, "ae");
    if (!file) {
        fprintf(stderr, "cannot append to %s\n", bench->options->ids);
        return -1;
    }
    for (uint32_t i = 0; i < bench->options->jobs; i++)
        fprintf(file, "%s\n", bench->ids[i]);
    return fclose(file) == 0 ? 0 : -1;
}

static int ids_read(struct bench *bench)
{
    enum { IDS_MAX = 1000000 };
    FILE *file = bench->options->ids ? fopen(bench->options->ids, "re") : NULL;
    if (!file || ids_allocate(bench, IDS_MAX) < 0) {
        fprintf(stderr, "--ids FILE is missing or cannot be read\n");
        return -1;
    }
    while (bench->id_count < IDS_MAX &&
           fscanf(file, "%36s", bench->ids[bench->id_count]) == 1)
        bench->id_count++;
    (void)fclose(file); /* only read from */
    return bench->id_count ? 0 : -1;
}

static int prepare(struct bench *bench)
{
    const struct bench_options *options = bench->options;
    for (size_t i = 0; i < options->image_count; i++) {
        const struct bench_image *image = &options->images[i];
        int failed = options->is_raw ? build_raw(options, image, &bench->submits[i])
                                     : build_json(options, image, &bench->submits[i]);
        if (failed)
            return -1;
    }
    if (options->mode == BENCH_STATUS)
        return ids_read(bench);
    uint32_t most = options->jobs > options->warm_up ? options->jobs : options->warm_up;
    return ids_allocate(bench, most);
}

int main(int argc, char **argv)
{
    static struct bench_options options;
    static struct bench bench;
    static int (*const runs[])(void *, uint32_t, uint32_t, struct bench_sample *) = {
        [BENCH_JOB] = run_job, [BENCH_SUBMIT] = run_submit, [BENCH_STATUS] = run_status
    };
    bench_options_read(&options, argc, argv);
    bench.options = &options;
    int failed = prepare(&bench);
    if (!failed) {
        struct bench_load work = { .options = &options,
                                   .data = &bench,
                                   .run = runs[options.mode] };
        failed = bench_load_run(&work);
    }
    if (!failed && options.mode == BENCH_SUBMIT && options.ids)
        failed = ids_write(&bench);
    for (size_t i = 0; i < BENCH_IMAGES_MAX; i++)
        free(bench.submits[i].bytes);
    for (size_t i = 0; i < BENCH_CLIENTS_MAX; i++)
        exchange_done(&bench.exchanges[i]);
    free(bench.ids);
    bench_options_done(&options);
    return failed ? 1 : 0;
}
