/*
 * A program that somebody else writes: it sees the installed headers and nothing more. It
 * runs one image in its own process, asks what is known about it, and runs one through a
 * store and a pool, whose worker program the library must find by itself.
 *
 *     consumer DIRECTORY     (an empty one, for its store)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/imgjob.h>

/* 1 × 1 px, red */
static const unsigned char red_gif[] = {
    'G',  'I',  'F',  '8',  '9',  'a',  0x01, 0x00, 0x01, 0x00, 0x80, 0x00,
    0x00, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x02, 0x44, 0x01, 0x00, 0x3b,
};
static const char spec_text[] =
    "{\"operation\":\"resize\",\"width\":8,\"height\":4,\"output_format\":\"png\"}";

/* 1 if `rc` is a failure, after saying which. */
static int failed(int rc, const char *doing, const struct imgjob_error *err)
{
    if (rc < 0)
        fprintf(stderr, "%s: %s: %s\n", doing, imgjob_code_name(rc), err->text);
    return rc < 0;
}

/* Width and height of a PNG stand at fixed places in its first chunk. */
static int is_png_of_8_by_4(const unsigned char *data, size_t len)
{
    static const unsigned char head[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    return len > 24 && memcmp(data, head, sizeof(head)) == 0 && data[19] == 8 &&
           data[23] == 4;
}

static int run_here(const struct imgjob_spec *spec)
{
    struct imgjob_error err = { 0 };
    struct imgjob_result *result = NULL;
    if (failed(imgjob_run(red_gif, sizeof(red_gif), spec, NULL, &result, &err), "run",
               &err))
        return 1;
    const struct imgjob_output *output = imgjob_result_output(result, 0);
    int right = imgjob_result_count(result) == 1 && output->width == 8 &&
                output->height == 4 && output->format == IMGJOB_FORMAT_PNG &&
                is_png_of_8_by_4((const unsigned char *)output->data, output->len);
    imgjob_result_free(result);
    if (!right)
        fprintf(stderr, "run: not the image that was asked for\n");
    return !right;
}

static int ask_here(void)
{
    struct imgjob_error err = { 0 };
    char *info = NULL;
    if (failed(imgjob_info_json(red_gif, sizeof(red_gif), NULL, &info, &err), "info",
               &err))
        return 1;
    int right = strstr(info, "\"format\":\"gif\",\"width\":1,\"height\":1,") != NULL;
    if (!right)
        fprintf(stderr, "info: %s\n", info);
    imgjob_text_free(info);
    return !right;
}

/* Submit, wait and fetch, with the worker processes of `pool`. */
static int run_job(struct imgjob_store *store, const struct imgjob_spec *spec)
{
    struct imgjob_error err = { 0 };
    struct imgjob_draft *draft = NULL;
    if (failed(imgjob_draft_open(store, &draft, &err), "draft", &err))
        return 1;
    char id[IMGJOB_ID_SIZE];
    snprintf(id, sizeof(id), "%s", imgjob_draft_id(draft));
    if (failed(imgjob_draft_write(draft, red_gif, sizeof(red_gif), &err), "write",
               &err) ||
        failed(imgjob_store_submit(store, draft, spec, NULL, NULL, &err), "submit",
               &err)) {
        imgjob_draft_discard(draft);
        return 1;
    }
    struct imgjob_job *job = NULL;
    if (failed(imgjob_store_wait(store, id, 60000, &job, &err), "wait", &err))
        return 1;
    uint32_t status = imgjob_job_status(job);
    if (status != IMGJOB_STATUS_COMPLETED)
        fprintf(stderr, "job: %s\n", imgjob_job_json(job));
    imgjob_job_free(job);
    if (status != IMGJOB_STATUS_COMPLETED)
        return 1;
    struct imgjob_download *download = NULL;
    if (failed(imgjob_store_open_output(store, id, NULL, &download, &err), "open", &err))
        return 1;
    unsigned char data[4096];
    size_t len = 0;
    int rc = imgjob_download_read(download, 0, data, sizeof(data), &len, &err);
    imgjob_download_close(download);
    if (failed(rc, "read", &err))
        return 1;
    if (!is_png_of_8_by_4(data, len))
        fprintf(stderr, "job: not the image that was asked for\n");
    return !is_png_of_8_by_4(data, len);
}

static int run_through_a_pool(const char *directory, const struct imgjob_spec *spec)
{
    char jobs[600], inputs[600], outputs[600];
    snprintf(jobs, sizeof(jobs), "sqlite:%s/jobs.db", directory);
    snprintf(inputs, sizeof(inputs), "file:%s/inputs", directory);
    snprintf(outputs, sizeof(outputs), "file:%s/outputs", directory);
    struct imgjob_store_options options;
    memset(&options, 0, sizeof(options));
    options.size = sizeof(options);
    options.jobs_url = jobs;
    options.inputs_url = inputs;
    options.outputs_url = outputs;
    struct imgjob_error err = { 0 };
    struct imgjob_store *store = NULL;
    if (failed(imgjob_store_open(&options, &store, &err), "open the store", &err))
        return 1;
    struct imgjob_pool *pool = NULL;
    int bad = failed(imgjob_pool_open(store, NULL, &pool, &err), "open the pool", &err) ||
              run_job(store, spec);
    imgjob_pool_close(pool);
    imgjob_store_close(store);
    return bad;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: consumer DIRECTORY\n");
        return 2;
    }
    struct imgjob_error err = { 0 };
    struct imgjob_spec *spec = NULL;
    if (failed(imgjob_spec_parse(spec_text, strlen(spec_text), &spec, &err), "spec",
               &err))
        return 1;
    int bad = run_here(spec) || ask_here() || run_through_a_pool(argv[1], spec);
    imgjob_spec_free(spec);
    if (!bad)
        printf("libimgjob %s: ran here and through a pool\n", imgjob_version());
    return bad;
}
