/*
 * Owns the store as one thing made of three: job rows, inputs, outputs. A job counts once
 * its row is committed, and an image once its row names it; everything else on the disk
 * is waste that the collector removes.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "tell.h"

enum { SHARED_AGE_MS = 3600000 }; /* what other processes may still be working on */

static char *describe(void *data, const struct ij_record *record)
{
    return ij_webhook_body(data, record);
}

static int open_jobs(struct imgjob_store *store, struct imgjob_error *err)
{
    const struct ij_store_config *config = &store->config;
    struct ij_jobs_config jobs = {
        .path = config->jobs_path,
        .is_durability_normal = config->is_durability_normal,
        .is_shared = config->is_shared,
        .max_queued = config->max_queued_jobs,
        .max_bytes = config->max_stored_bytes,
        .result_ttl_ms = config->result_ttl_ms,
        .job_ttl_ms = config->job_ttl_ms,
        .idempotency_ttl_ms = config->idempotency_ttl_ms,
        .metrics = &store->metrics.jobs,
        .clock = store->clock,
        .log = config->log,
        .changed = ij_tell_changed,
        .stirred = ij_tell_stirred,
        .describe = describe,
        .failed = ij_tell_failed,
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
    uint64_t age_ms = store->config.is_shared ? SHARED_AGE_MS : 0;
    if (ij_store_collect(store, age_ms, &why) <
        0) /* waste on the disk is no reason not to work */
        ij_log(&store->config.log, IMGJOB_LOG_WARN, "store", NULL, "collect: %s",
               why.text);
    return 0;
}

/* Whom a change may wake. */
static int open_wakes(struct imgjob_store *store, struct imgjob_error *err)
{
    int rc = ij_wake_init(&store->waiters, err);
    store->has_waiters = rc == 0;
    if (rc == 0)
        rc = ij_wake_init(&store->work, err);
    store->has_work = rc == 0;
    if (rc == 0)
        rc = ij_wake_init(&store->feeds, err);
    store->has_feeds = rc == 0;
    if (rc == 0)
        rc = ij_wake_init(&store->outbox, err);
    store->has_outbox = rc == 0;
    return rc;
}

static int open_blobs(struct imgjob_store *store, struct imgjob_error *err)
{
    const struct ij_store_config *config = &store->config;
    const char *id = store->jobs->ops->store_id(store->jobs);
    enum ij_local_use use = config->is_shared ? IJ_LOCAL_SHARED : IJ_LOCAL_ALONE;
    int rc = ij_local_open(config->inputs_dir, id, use, &store->inputs, err);
    return rc < 0 ? rc
                  : ij_local_open(config->outputs_dir, id, use, &store->outputs, err);
}

/* Open the parts in the order in which they depend on each other. */
static int open_parts(struct imgjob_store *store, struct imgjob_error *err)
{
    int rc = open_wakes(store, err);
    if (rc == 0)
        rc = open_jobs(store, err);
    if (rc == 0)
        rc = open_blobs(store, err);
    if (rc == 0)
        rc = ij_store_note_limits(store, err);
    if (rc == 0)
        rc = recover(store, err);
    return rc < 0 ? rc : ij_sweeper_start(store, err);
}

int ij_store_open_with(struct ij_store_config *config, struct imgjob_store **out,
                       struct imgjob_error *err)
{
    struct imgjob_store *store = calloc(1, sizeof(*store));
    if (!store)
        return ij_fail_nomem(err, "opening a store");
    store->config = *config;
    *config = (struct ij_store_config){ 0 };
    store->clock = ij_clock_system;
    store->lease_max_ms = IJ_LEASE_DEFAULT_MS;
    (void)pthread_mutex_init(&store->drafts_lock, NULL); /* cannot fail on Linux */
    (void)pthread_mutex_init(&store->sweeper_lock, NULL);
    (void)pthread_mutex_init(&store->listeners_lock, NULL);
    ij_store_metrics_init(&store->metrics);
    ij_view_cache_init(&store->views);
    int rc = open_parts(store, err);
    if (rc < 0) {
        imgjob_store_close(store);
        return rc;
    }
    *out = store;
    return 0;
}

int imgjob_store_open(const struct imgjob_store_options *options,
                      struct imgjob_store **out, struct imgjob_error *err)
{
    struct ij_store_config config;
    int rc = ij_store_config_read(options, &config, err);
    if (rc < 0)
        return rc;
    rc = ij_store_open_with(&config, out, err);
    ij_store_config_done(&config);
    return rc;
}

void imgjob_store_close(struct imgjob_store *store)
{
    if (!store)
        return;
    ij_sweeper_stop(store);
    ij_blobs_close(store->outputs);
    ij_blobs_close(store->inputs);
    ij_jobs_close(store->jobs); /* last: its lock keeps other processes out */
    if (store->has_outbox)
        ij_wake_done(&store->outbox);
    if (store->has_feeds)
        ij_wake_done(&store->feeds);
    if (store->has_work)
        ij_wake_done(&store->work);
    if (store->has_waiters)
        ij_wake_done(&store->waiters);
    ij_store_metrics_done(&store->metrics);
    ij_view_cache_done(&store->views);
    (void)pthread_mutex_destroy(&store->drafts_lock);
    (void)pthread_mutex_destroy(&store->sweeper_lock);
    (void)pthread_mutex_destroy(&store->listeners_lock);
    ij_store_config_done(&store->config);
    free(store);
}
