/*
 * The same jobs through imgjob_store and imgjob_pool, without HTTP: what the library
 * costs a C program that links it. Durable, isolated, every default.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/imgjob.h>

enum { WAIT_MS = 60000 };

struct bench {
    const struct bench_options *options;
    struct imgjob_store *store;
    struct imgjob_pool *pool;
    struct imgjob_spec *spec;
};

static int complain(const char *what, const struct imgjob_error *err)
{
    fprintf(stderr, "%s: %s: %s\n", what, imgjob_code_name(err->code), err->text);
    return -1;
}

static int submit(struct bench *bench, char id[IMGJOB_ID_SIZE])
{
    const struct bench_image *image = &bench->options->images[0];
    struct imgjob_error err;
    struct imgjob_draft *draft = NULL;
    if (imgjob_draft_open(bench->store, &draft, &err) < 0)
        return complain("open a draft", &err);
    memcpy(id, imgjob_draft_id(draft), IMGJOB_ID_SIZE);
    if (imgjob_draft_write(draft, image->data, image->len, &err) < 0 ||
        imgjob_store_submit(bench->store, draft, bench->spec, NULL, NULL, &err) < 0) {
        imgjob_draft_discard(draft);
        return complain("submit", &err);
    }
    return 0;
}

static int wait_for(struct bench *bench, const char *id)
{
    struct imgjob_error err;
    struct imgjob_job *job = NULL;
    if (imgjob_store_wait(bench->store, id, WAIT_MS, &job, &err) < 0)
        return complain("wait", &err);
    int is_completed = imgjob_job_status(job) == IMGJOB_STATUS_COMPLETED;
    if (!is_completed)
        fprintf(stderr, "job %s is %s: %s\n", id, imgjob_job_status_name(job),
                imgjob_job_error(job));
    imgjob_job_free(job);
    return is_completed ? 0 : -1;
}

static int fetch(struct bench *bench, const char *id, struct bench_sample *out)
{
    struct imgjob_error err;
    struct imgjob_download *download = NULL;
    if (imgjob_store_open_output(bench->store, id, NULL, &download, &err) < 0)
        return complain("open the output", &err);
    size_t len = (size_t)imgjob_download_length(download), got = 0;
    void *output = malloc(len + 1);
    int failed = output ? imgjob_download_read(download, 0, output, len, &got, &err) : -1;
    imgjob_download_close(download);
    if (failed || got != len) {
        free(output);
        fprintf(stderr, "read %zu bytes of %s: got %zu\n", len, id, got);
        return -1;
    }
    out->output_len = len;
    (void)bench_picture_size(output, len, &out->width,
                             &out->height); /* else it stays 0 */
    free(output);
    return 0;
}

static int run(void *data, uint32_t client, uint32_t number, struct bench_sample *out)
{
    (void)client;
    (void)number;
    struct bench *bench = data;
    char id[IMGJOB_ID_SIZE];
    int64_t begun = bench_now_ns();
    if (submit(bench, id) < 0)
        return -1;
    out->submit_ns = bench_now_ns() - begun;
    if (wait_for(bench, id) < 0)
        return -1;
    out->done_ns = bench_now_ns() - begun;
    return fetch(bench, id, out);
}

static int open_store(struct bench *bench, struct imgjob_error *err)
{
    const char *dir = bench->options->dir ? bench->options->dir : ".";
    char jobs[512], inputs[512], outputs[512];
    snprintf(jobs, sizeof(jobs), "sqlite:%s/jobs.db", dir);
    snprintf(inputs, sizeof(inputs), "file:%s/uploads", dir);
    snprintf(outputs, sizeof(outputs), "file:%s/outputs", dir);
    struct imgjob_store_options options = { .size = sizeof(options),
                                            .jobs_url = jobs,
                                            .inputs_url = inputs,
                                            .outputs_url = outputs };
    return imgjob_store_open(&options, &bench->store, err);
}

static int parse_spec(struct bench *bench, struct imgjob_error *err)
{
    const struct bench_options *options = bench->options;
    char text[256];
    int len =
        snprintf(text, sizeof(text),
                 "{\"operation\": \"%s\", \"width\": %u, \"height\": %u, "
                 "\"output_format\": \"%s\"}",
                 options->operation, options->width, options->height, options->format);
    return imgjob_spec_parse(text, (size_t)len, &bench->spec, err);
}

static int open_all(struct bench *bench)
{
    struct imgjob_error err;
    if (parse_spec(bench, &err) < 0)
        return complain("read the spec", &err);
    if (open_store(bench, &err) < 0)
        return complain("open the store", &err);
    struct imgjob_pool_options options = { .size = sizeof(options),
                                           .workers = bench->options->workers,
                                           .worker_path = bench->options->worker };
    if (imgjob_pool_open(bench->store, &options, &bench->pool, &err) < 0)
        return complain("open the pool", &err);
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench_options options;
    bench_options_read(&options, argc, argv);
    struct bench bench = { .options = &options };
    int failed = open_all(&bench);
    if (!failed) {
        struct bench_load work = { .options = &options, .data = &bench, .run = run };
        failed = bench_load_run(&work);
    }
    imgjob_pool_close(bench.pool);
    imgjob_store_close(bench.store);
    imgjob_spec_free(bench.spec);
    bench_options_done(&options);
    return failed ? 1 : 0;
}
