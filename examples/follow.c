/*
 * Many jobs and what becomes of them: hand in an image several times as one batch, follow
 * the jobs as they change, cancel the rest once two have completed, and count.
 *
 *     follow DIRECTORY INPUT
 */
#include <stdio.h>
#include <string.h>

#include <imgjob/imgjob.h>

enum { JOBS = 8, ENOUGH = 2 };

static const char spec_text[] =
    "{\"outputs\": [{\"name\": \"full\", \"format\": \"avif\"},"
    " {\"name\": \"small\", \"format\": \"webp\","
    " \"steps\": [{\"op\": \"resize\", \"width\": 64, \"height\": 64}]}]}";

/* A draft with the image: of the file, or, once there is a job, of that one again. */
static int open_draft(struct imgjob_store *store, const char *path, const char *source,
                      struct imgjob_draft **out, struct imgjob_error *err)
{
    if (source)
        return imgjob_draft_open_from(store, source, out, err);
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    int rc = imgjob_draft_open(store, out, err);
    char buffer[65536];
    size_t len;
    while (rc == 0 && (len = fread(buffer, 1, sizeof(buffer), file)) > 0)
        rc = imgjob_draft_write(*out, buffer, len, err);
    fclose(file);
    return rc;
}

/* Submit the image JOBS times. `ids` gets the jobs. */
static int submit(struct imgjob_store *store, const char *path, const char *batch,
                  char ids[JOBS][IMGJOB_ID_SIZE], struct imgjob_error *err)
{
    struct imgjob_submit_options options = { .size = sizeof(options), .batch = batch };
    struct imgjob_spec *spec = NULL;
    int rc = imgjob_spec_parse(spec_text, strlen(spec_text), &spec, err);
    for (int i = 0; i < JOBS && rc == 0; i++) {
        struct imgjob_submitted submitted = { .size = sizeof(submitted) };
        struct imgjob_draft *draft = NULL;
        rc = open_draft(store, path, i > 0 ? ids[0] : NULL, &draft, err);
        if (rc == 0)
            rc = imgjob_store_submit(store, draft, spec, &options, &submitted, err);
        if (rc == 0)
            memcpy(ids[i], submitted.id, IMGJOB_ID_SIZE);
        else
            imgjob_draft_discard(draft);
    }
    imgjob_spec_free(spec);
    return rc;
}

/* Print what happens until all have ended; cancel what is left once ENOUGH are done. */
static int follow(struct imgjob_store *store, struct imgjob_feed *feed,
                  char ids[JOBS][IMGJOB_ID_SIZE], struct imgjob_error *err)
{
    int ended = 0, completed = 0;
    while (ended < JOBS) {
        struct imgjob_job *job = NULL;
        int rc = imgjob_feed_next(feed, 60000, &job, err);
        if (rc != 0)
            return rc;
        printf("%s %s\n", imgjob_job_id(job), imgjob_job_status_name(job));
        ended += imgjob_job_is_ended(job);
        completed += imgjob_job_status(job) == IMGJOB_STATUS_COMPLETED;
        bool is_enough =
            completed == ENOUGH && imgjob_job_status(job) == IMGJOB_STATUS_COMPLETED;
        imgjob_job_free(job);
        for (int i = 0; i < JOBS && is_enough; i++) {
            rc = imgjob_store_cancel(store, ids[i], NULL, err);
            if (rc < 0 && rc != IMGJOB_E_CONFLICT) /* that one has ended */
                return rc;
        }
    }
    return 0;
}

static int run(struct imgjob_store *store, const char *path, struct imgjob_error *err)
{
    char batch[IMGJOB_ID_SIZE], ids[JOBS][IMGJOB_ID_SIZE];
    struct imgjob_feed *feed = NULL;
    struct imgjob_batch_stats stats = { .size = sizeof(stats) };
    int rc = imgjob_id_new(batch, err);
    if (rc == 0) /* before the first job, so that nothing is missed */
        rc = imgjob_feed_open(store, NULL, NULL, &feed, err);
    if (rc == 0)
        rc = submit(store, path, batch, ids, err);
    if (rc == 0)
        rc = follow(store, feed, ids, err);
    if (rc == 0)
        rc = imgjob_batch_read_stats(store, batch, &stats, err);
    if (rc == 0)
        printf("%d completed, %d failed, %d cancelled\n", (int)stats.completed,
               (int)stats.failed, (int)stats.cancelled);
    imgjob_feed_close(feed);
    return rc == 0 && stats.failed > 0 ? 1 : rc;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: follow DIRECTORY INPUT\n");
        return 2;
    }
    char jobs[512], inputs[512], outputs[512];
    snprintf(jobs, sizeof(jobs), "sqlite:%s/jobs.db", argv[1]);
    snprintf(inputs, sizeof(inputs), "file:%s/inputs", argv[1]);
    snprintf(outputs, sizeof(outputs), "file:%s/outputs", argv[1]);
    struct imgjob_store_options options = {
        .size = sizeof(options),
        .jobs_url = jobs,
        .inputs_url = inputs,
        .outputs_url = outputs,
    };
    struct imgjob_error err = { 0 };
    struct imgjob_store *store = NULL;
    struct imgjob_pool *pool = NULL;
    int rc = imgjob_store_open(&options, &store, &err);
    if (rc == 0)
        rc = imgjob_pool_open(store, NULL, &pool, &err);
    if (rc == 0)
        rc = run(store, argv[2], &err);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", imgjob_code_name(rc), err.text);
    imgjob_pool_close(pool);
    imgjob_store_close(store);
    return rc == 0 ? 0 : 1;
}
