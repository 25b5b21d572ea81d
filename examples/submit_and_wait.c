/*
 * A durable job in an isolated worker, all in one program: open a store and a pool, hand
 * in an image, wait for the end, write the result. Kill the program at any moment after
 * "accepted": the next run with the same directory finishes the job.
 *
 *     submit_and_wait DIRECTORY INPUT OUTPUT [SPEC]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/imgjob.h>

static const char default_spec[] =
    "{\"operation\": \"thumbnail\", \"width\": 320, \"height\": 320}";

/* Warnings of the library: what no call is there to return. */
static void on_log(void *data, const struct imgjob_log_event *event)
{
    (void)data;
    if (event->level <= IMGJOB_LOG_WARN)
        fprintf(stderr, "%s: %s\n", event->room, event->text);
}

/* Stream a file into a draft. */
static int fill_draft(struct imgjob_draft *draft, FILE *file, struct imgjob_error *err)
{
    char buffer[65536];
    size_t len;
    while ((len = fread(buffer, 1, sizeof(buffer), file)) > 0) {
        int rc = imgjob_draft_write(draft, buffer, len, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Hand in the image. `id` gets the job's id. */
static int submit(struct imgjob_store *store, FILE *file, const char *spec_text, char *id,
                  struct imgjob_error *err)
{
    struct imgjob_spec *spec = NULL;
    struct imgjob_draft *draft = NULL;
    int rc = imgjob_spec_parse(spec_text, strlen(spec_text), &spec, err);
    if (rc == 0)
        rc = imgjob_draft_open(store, &draft, err);
    if (rc == 0)
        rc = fill_draft(draft, file, err);
    if (rc == 0) {
        memcpy(id, imgjob_draft_id(draft), IMGJOB_ID_SIZE);
        rc = imgjob_store_submit(store, draft, spec, NULL, NULL, err);
    }
    if (rc == 0)
        printf("accepted: job %s\n", id);
    else
        imgjob_draft_discard(draft); /* submit takes it only when it succeeds */
    imgjob_spec_free(spec);
    return rc;
}

/* Copy the first output of a completed job. */
static int fetch(struct imgjob_store *store, const char *id, FILE *to,
                 struct imgjob_error *err)
{
    struct imgjob_download *download = NULL;
    int rc = imgjob_store_open_output(store, id, NULL, &download, err);
    uint64_t offset = 0;
    while (rc == 0 && offset < imgjob_download_length(download)) {
        char buffer[65536];
        size_t len = 0;
        rc = imgjob_download_read(download, offset, buffer, sizeof(buffer), &len, err);
        if (rc == 0 && fwrite(buffer, 1, len, to) != len)
            rc = -1;
        offset += len;
    }
    imgjob_download_close(download);
    return rc;
}

static int run(struct imgjob_store *store, char **argv, int argc,
               struct imgjob_error *err)
{
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    FILE *in = fopen(argv[2], "rb");
    if (!in) {
        perror(argv[2]);
        return 1;
    }
    int rc = submit(store, in, argc == 5 ? argv[4] : default_spec, id, err);
    fclose(in);
    if (rc == 0)
        rc = imgjob_store_wait(store, id, 60000, &job, err);
    if (rc == 0)
        printf("%s\n", imgjob_job_json(job));
    if (rc == 0 && imgjob_job_status(job) == IMGJOB_STATUS_COMPLETED) {
        FILE *out = fopen(argv[3], "wb");
        if (!out) {
            perror(argv[3]);
            rc = 1;
        } else {
            rc = fetch(store, id, out, err);
            if (fclose(out) != 0)
                perror(argv[3]);
        }
    } else if (rc == 0) {
        fprintf(stderr, "%s: %s\n", imgjob_job_status_name(job), imgjob_job_error(job));
        rc = 1;
    }
    imgjob_job_free(job);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: submit_and_wait DIRECTORY INPUT OUTPUT [SPEC]\n");
        return 2;
    }
    char jobs[512], inputs[512], outputs[512];
    snprintf(jobs, sizeof(jobs), "sqlite:%s/jobs.db", argv[1]);
    snprintf(inputs, sizeof(inputs), "file:%s/inputs", argv[1]);
    snprintf(outputs, sizeof(outputs), "file:%s/outputs", argv[1]);
    struct imgjob_store_options store_options = {
        .size = sizeof(store_options),
        .jobs_url = jobs,
        .inputs_url = inputs,
        .outputs_url = outputs,
        .log = on_log,
    };
    struct imgjob_pool_options pool_options = { .size = sizeof(pool_options),
                                                .log = on_log };

    struct imgjob_error err = { 0 };
    struct imgjob_store *store = NULL;
    struct imgjob_pool *pool = NULL;
    int rc = imgjob_store_open(&store_options, &store, &err);
    if (rc == 0)
        rc = imgjob_pool_open(store, &pool_options, &pool, &err);
    if (rc == 0)
        rc = run(store, argv, argc, &err);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", imgjob_code_name(rc), err.text);
    imgjob_pool_close(pool);
    imgjob_store_close(store);
    return rc == 0 ? 0 : 1;
}
