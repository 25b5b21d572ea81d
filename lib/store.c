/*
 * Owns the store as one thing made of three: job rows, inputs, outputs. A job counts once
 * its row is committed, and an image once its row names it; everything else on the disk
 * is waste that the collector removes.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/io.h"

#define WAIT_MAX_MS 600000

static bool is_ended(const struct ij_job *job)
{
    return job->state >= IMGJOB_STATE_SUCCEEDED;
}

/* A transition is durable: wake whom it concerns. */
static void on_changed(void *data, const struct ij_job *job)
{
    struct imgjob_store *store = data;
    if (job->state == IMGJOB_STATE_READY)
        ij_wake_one_of(&store->work, &ij_id_none);
    else if (job->state ==
             IMGJOB_STATE_SCHEDULED) /* a sleeper's time may now be earlier */
        ij_wake_all_of(&store->work, &ij_id_none);
    else if (is_ended(job))
        ij_wake_all_of(&store->waiters, &job->id);
}

/* Nothing will change any more: whoever waits for a change shall look, and be told. */
static void on_failed(void *data)
{
    struct imgjob_store *store = data;
    ij_wake_end(&store->waiters);
}

static int open_jobs(struct imgjob_store *store, struct imgjob_error *err)
{
    const struct ij_store_config *config = &store->config;
    struct ij_jobs_config jobs = {
        .path = config->jobs_path,
        .is_durability_normal = config->is_durability_normal,
        .max_queued = config->max_queued_jobs,
        .result_ttl_ms = config->result_ttl_ms,
        .job_ttl_ms = config->job_ttl_ms,
        .clock = store->clock,
        .log = config->log,
        .changed = on_changed,
        .failed = on_failed,
        .changed_data = store,
    };
    return config->jobs_path ? ij_sqlite_open(&jobs, &store->jobs, err)
                             : ij_memory_open(&jobs, &store->jobs, err);
}

/* A process that died with this store left jobs running and files half made. */
static int recover(struct imgjob_store *store, struct imgjob_error *err)
{
    uint64_t count = 0;
    int rc = store->jobs->ops->reclaim_all(store->jobs, &count, err);
    if (rc < 0)
        return rc;
    if (count > 0)
        ij_log(&store->config.log, IMGJOB_LOG_WARN, "store", NULL,
               "took back %llu jobs that a process left running when it died",
               (unsigned long long)count);
    struct imgjob_error why;
    if (ij_store_collect(store, 0, &why) <
        0) /* waste on the disk is no reason not to work */
        ij_log(&store->config.log, IMGJOB_LOG_WARN, "store", NULL, "collect: %s",
               why.text);
    return 0;
}

/* Open the parts in the order in which they depend on each other. */
static int open_parts(struct imgjob_store *store, struct imgjob_error *err)
{
    if (strcmp(store->config.inputs_dir, store->config.outputs_dir) == 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "inputs_url, outputs_url: both are '%s'; they must differ",
                       store->config.inputs_dir);
    int rc = ij_wake_init(&store->waiters, err);
    if (rc < 0)
        return rc;
    store->has_waiters = true;
    rc = ij_wake_init(&store->work, err);
    if (rc < 0)
        return rc;
    store->has_work = true;
    rc = open_jobs(store, err);
    if (rc < 0)
        return rc;
    const char *id = store->jobs->ops->store_id(store->jobs);
    rc = ij_local_open(store->config.inputs_dir, id, &store->inputs, err);
    if (rc < 0)
        return rc;
    rc = ij_local_open(store->config.outputs_dir, id, &store->outputs, err);
    if (rc < 0)
        return rc;
    rc = recover(store, err);
    if (rc < 0)
        return rc;
    return ij_sweeper_start(store, err);
}

int imgjob_store_open(const struct imgjob_store_options *options,
                      struct imgjob_store **out, struct imgjob_error *err)
{
    struct ij_store_config config;
    int rc = ij_store_config_read(options, &config, err);
    if (rc < 0)
        return rc;
    struct imgjob_store *store = calloc(1, sizeof(*store));
    if (!store) {
        ij_store_config_done(&config);
        return ij_fail_nomem(err, "opening a store");
    }
    store->config = config;
    store->clock = ij_clock_system;
    store->lease_max_ms = IJ_LEASE_DEFAULT_MS;
    (void)pthread_mutex_init(&store->drafts_lock, NULL); /* cannot fail on Linux */
    (void)pthread_mutex_init(&store->sweeper_lock, NULL);
    rc = open_parts(store, err);
    if (rc < 0) {
        imgjob_store_close(store);
        return rc;
    }
    *out = store;
    return 0;
}

void imgjob_store_close(struct imgjob_store *store)
{
    if (!store)
        return;
    ij_sweeper_stop(store);
    ij_blobs_close(store->outputs);
    ij_blobs_close(store->inputs);
    ij_jobs_close(store->jobs); /* last: its lock keeps other processes out */
    if (store->has_work)
        ij_wake_done(&store->work);
    if (store->has_waiters)
        ij_wake_done(&store->waiters);
    (void)pthread_mutex_destroy(&store->drafts_lock);
    (void)pthread_mutex_destroy(&store->sweeper_lock);
    ij_store_config_done(&store->config);
    free(store);
}

/* Read a job by the text of its id. */
static int get_record(struct imgjob_store *store, const char *id, struct ij_record *out,
                      struct imgjob_error *err)
{
    struct ij_id key;
    if (!id || strnlen(id, IMGJOB_ID_SIZE) != IMGJOB_ID_SIZE - 1 ||
        !ij_id_parse(id, IMGJOB_ID_SIZE - 1, &key))
        return ij_fail(err, IMGJOB_E_NOTFOUND, "no job has the id '%.40s'", id ? id : "");
    return store->jobs->ops->get(store->jobs, &key, out, err);
}

int imgjob_store_get(struct imgjob_store *store, const char *id, struct imgjob_job **out,
                     struct imgjob_error *err)
{
    return imgjob_store_wait(store, id, 0, out, err);
}

/* Look, and sleep while the job goes on, until the time is over; the record is as it was
 * at the last look. */
static int wait_for_end(struct imgjob_store *store, const char *id, int64_t until_mono_ms,
                        struct ij_record *record, struct imgjob_error *err)
{
    struct ij_waiter waiter;
    int rc = ij_wake_add(&store->waiters, &waiter, &record->job.id, err);
    if (rc < 0)
        return rc;
    bool in_time = true;
    do { /* the last look comes after the last sleep */
        ij_record_done(record);
        rc = get_record(store, id, record, err);
    } while (rc == 0 && !is_ended(&record->job) && in_time &&
             (in_time = ij_wake_sleep(&store->waiters, &waiter, until_mono_ms), true));
    (void)ij_wake_remove(&store->waiters, &waiter); /* nobody else waits in its place */
    return rc;
}

int imgjob_store_wait(struct imgjob_store *store, const char *id, uint32_t timeout_ms,
                      struct imgjob_job **out, struct imgjob_error *err)
{
    if (timeout_ms > WAIT_MAX_MS)
        return ij_fail(err, IMGJOB_E_INVALID, "timeout_ms: must be 0..%d, not %u",
                       WAIT_MAX_MS, timeout_ms);
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    int rc = get_record(store, id, &record, err);
    if (rc == 0 && timeout_ms > 0 && !is_ended(&record.job))
        rc =
            wait_for_end(store, id, ij_mono_ms(&store->clock) + timeout_ms, &record, err);
    if (rc < 0)
        return rc;
    return ij_view_make(store, &record, out, err);
}

void imgjob_store_wake_waiters(struct imgjob_store *store)
{
    ij_wake_end(&store->waiters);
}

struct imgjob_download {
    int fd;
    uint64_t len;
    uint32_t format;
};

/* What a job's row says of an output that may be fetched. */
static int find_output(struct imgjob_store *store, const char *id, const char *name,
                       struct ij_result_output *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    int rc = get_record(store, id, &record, err);
    if (rc < 0)
        return rc;
    if (record.job.state != IMGJOB_STATE_SUCCEEDED)
        return ij_fail(err, IMGJOB_E_CONFLICT, "job %s has not completed", id);
    if (record.job.result_expires == 0)
        return ij_fail(err, IMGJOB_E_CONFLICT, "the images of job %s have expired", id);
    return ij_view_find_output(record.result, name, out, err);
}

static int open_blob(struct imgjob_store *store, const char *id, const char *name,
                     const struct ij_result_output *output,
                     struct imgjob_download *download, struct imgjob_error *err)
{
    int rc = store->outputs->ops->open(store->outputs, output->key, &download->fd,
                                       &download->len, err);
    if (rc == 0 && download->len != output->len) {
        ij_close(&download->fd);
        return ij_fail(err, IMGJOB_E_BLOB,
                       "job %s: its output '%s' has %llu bytes on the disk, not %llu", id,
                       output->key, (unsigned long long)download->len,
                       (unsigned long long)output->len);
    }
    if (rc != IMGJOB_E_NOTFOUND)
        return rc;
    /* it may have expired since the row was read; else the disk lost it */
    struct ij_result_output again;
    rc = find_output(store, id, name, &again, err);
    return rc < 0 ? rc
                  : ij_fail(err, IMGJOB_E_BLOB,
                            "job %s: its output '%s' is gone from the "
                            "disk",
                            id, output->key);
}

int imgjob_store_open_output(struct imgjob_store *store, const char *id, const char *name,
                             struct imgjob_download **out, struct imgjob_error *err)
{
    struct ij_result_output output;
    int rc = find_output(store, id, name, &output, err);
    if (rc < 0)
        return rc;
    struct imgjob_download *download = calloc(1, sizeof(*download));
    if (!download)
        return ij_fail_nomem(err, "opening an output");
    download->format = output.format;
    rc = open_blob(store, id, name, &output, download, err);
    if (rc < 0) {
        free(download);
        return rc;
    }
    *out = download;
    return 0;
}

uint32_t imgjob_download_format(const struct imgjob_download *download)
{
    return download->format;
}

uint64_t imgjob_download_length(const struct imgjob_download *download)
{
    return download->len;
}

int imgjob_download_read(struct imgjob_download *download, uint64_t offset, void *buffer,
                         size_t len, size_t *out_len, struct imgjob_error *err)
{
    uint64_t left = offset < download->len ? download->len - offset : 0;
    size_t want = left < len ? (size_t)left : len;
    if (ij_pread_all(download->fd, buffer, want, offset) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "read %zu bytes of an output", want);
    *out_len = want;
    return 0;
}

void imgjob_download_close(struct imgjob_download *download)
{
    if (!download)
        return;
    ij_close(&download->fd);
    free(download);
}

/* The floor on one file system: as set, else the smaller of 5 % and 1 GiB. */
static uint64_t floor_of(const struct ij_store_config *config, uint64_t total)
{
    const uint64_t gib = UINT64_C(1) << 30;
    if (config->min_free_bytes)
        return config->min_free_bytes;
    return total / 20 < gib ? total / 20 : gib;
}

/* Take the place whose room above its floor is the smallest. */
static void narrow(struct ij_store_space *space, const struct ij_store_config *config,
                   uint64_t free_bytes, uint64_t total)
{
    uint64_t floor_bytes = floor_of(config, total);
    int64_t room = (int64_t)free_bytes - (int64_t)floor_bytes;
    if (room < (int64_t)space->free_bytes - (int64_t)space->floor_bytes)
        *space = (struct ij_store_space){ free_bytes, floor_bytes };
}

int ij_store_space(struct imgjob_store *store, struct ij_store_space *out,
                   struct imgjob_error *err)
{
    uint64_t free_bytes, total;
    struct ij_store_space space = { .free_bytes = INT64_MAX };
    struct ij_blobs *places[] = { store->inputs, store->outputs };
    for (size_t i = 0; i < IJ_ARRAY_LEN(places); i++) {
        int rc = places[i]->ops->space(places[i], &free_bytes, &total, err);
        if (rc < 0)
            return rc;
        narrow(&space, &store->config, free_bytes, total);
    }
    int rc = store->jobs->ops->space(store->jobs, &free_bytes, &total, err);
    if (rc < 0)
        return rc;
    if (total != UINT64_MAX)
        narrow(&space, &store->config, free_bytes, total);
    *out = space;
    return 0;
}

/* Whether every part takes work. */
static int check_parts(struct imgjob_store *store, struct imgjob_error *err)
{
    int rc = store->jobs->ops->ping(store->jobs, err);
    if (rc == 0)
        rc = store->inputs->ops->check(store->inputs, err);
    return rc < 0 ? rc : store->outputs->ops->check(store->outputs, err);
}

int imgjob_store_read_stats(struct imgjob_store *store, struct imgjob_store_stats *out,
                            struct imgjob_error *err)
{
    struct ij_jobs_stats jobs;
    struct ij_store_space space;
    int rc = check_parts(store, err);
    if (rc == 0)
        rc = store->jobs->ops->stats(store->jobs, &jobs, err);
    if (rc == 0)
        rc = ij_store_space(store, &space, err);
    if (rc < 0)
        return rc;
    struct imgjob_store_stats stats = {
        .scheduled = jobs.by_state[IMGJOB_STATE_SCHEDULED],
        .ready = jobs.by_state[IMGJOB_STATE_READY],
        .running = jobs.by_state[IMGJOB_STATE_RUNNING],
        .succeeded = jobs.by_state[IMGJOB_STATE_SUCCEEDED],
        .failed = jobs.by_state[IMGJOB_STATE_FAILED],
        .canceled = jobs.by_state[IMGJOB_STATE_CANCELED],
        .max_queued_jobs = store->config.max_queued_jobs,
        .free_bytes = space.free_bytes,
        .min_free_bytes = space.floor_bytes,
    };
    return ij_result_write(out, &stats, sizeof(stats), "imgjob_store_stats", err);
}
