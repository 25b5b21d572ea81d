/*
 * Owns the pool as its user sees it: opening, resizing, pausing, draining, closing,
 * looking.
 */
#include "pool/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/thread.h"
#include "pool/slot.h"

enum { CRASH_LOOP_STARTS = 3 /* failed starts in a row that make a slot's state news */ };

int imgjob_pool_resize(struct imgjob_pool *pool, uint32_t workers,
                       struct imgjob_error *err)
{
    if (workers < 1 || workers > IJ_POOL_WORKERS_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "workers: must be 1..%d, not %u",
                       IJ_POOL_WORKERS_MAX, workers);
    int rc = 0;
    (void)pthread_mutex_lock(&pool->resize_lock);
    for (uint32_t i = 0; rc == 0 && i < workers; i++)
        rc = ij_slot_start(pool, i, err);
    (void)pthread_mutex_lock(&pool->lock);
    if (rc == 0)
        pool->workers = workers;
    for (uint32_t i = pool->workers; i < IJ_POOL_WORKERS_MAX; i++)
        pool->slots[i].should_end = true;
    (void)pthread_cond_broadcast(&pool->cond);
    (void)pthread_mutex_unlock(&pool->lock);
    (void)pthread_mutex_unlock(&pool->resize_lock);
    ij_wake_all_of(pool->config.work, &ij_id_none); /* those that are to end, too */
    return rc;
}

/* Wait until the first worker is ready, or until none of the slots could start one. */
static int wait_for_first(struct imgjob_pool *pool, struct imgjob_error *err)
{
    int rc = 1;
    (void)pthread_mutex_lock(&pool->lock);
    while (rc == 1) {
        uint32_t failed = 0;
        for (uint32_t i = 0; i < pool->workers; i++) {
            if (pool->slots[i].is_ready)
                rc = 0;
            failed += pool->slots[i].failed_starts > 0;
        }
        if (rc == 1 && failed == pool->workers) {
            rc = pool->start_err.code;
            if (err)
                *err = pool->start_err;
        }
        if (rc == 1)
            (void)pthread_cond_wait(&pool->cond, &pool->lock);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return rc;
}

static int pool_start(struct imgjob_pool *pool, struct imgjob_error *err)
{
    const struct ij_pool_config *config = &pool->config;
    pool->claim = (struct ij_claim){ config->lease_ms };
    pool->bench = (struct ij_bench){
        .jobs = config->jobs,
        .inputs = config->inputs,
        .outputs = config->outputs,
        .leases = &pool->leases,
        .metrics = &pool->metrics,
        .ops = config->executor.ops,
        .clock = config->clock,
        .log = config->log,
    };
    pool->config.executor.metrics = &pool->metrics;
    pool->leases = (struct ij_leases){
        .jobs = config->jobs,
        .lease_ms = config->lease_ms,
        .metrics = &pool->metrics,
        .log = config->log,
    };
    int rc = ij_leases_start(&pool->leases, err);
    if (rc == 0)
        rc = imgjob_pool_resize(pool, config->workers, err);
    return rc < 0 ? rc : wait_for_first(pool, err);
}

int ij_pool_open(const struct ij_pool_config *config, struct imgjob_pool **out,
                 struct imgjob_error *err)
{
    struct imgjob_pool *pool = calloc(1, sizeof(*pool));
    char *path = pool ? strdup(config->executor.worker_path) : NULL;
    if (!path || ij_cond_init(&pool->cond, err) < 0) {
        free(path);
        free(pool);
        return ij_fail_nomem(err, "opening a pool");
    }
    pool->config = *config;
    pool->worker_path = path;
    pool->config.executor.worker_path = path;
    pool->is_paused = config->is_paused;
    (void)pthread_mutex_init(&pool->lock, NULL); /* cannot fail on Linux */
    (void)pthread_mutex_init(&pool->resize_lock, NULL);
    int rc = pool_start(pool, err);
    if (rc < 0) {
        pool->config.closing = NULL; /* it was never open */
        imgjob_pool_close(pool);
        return rc;
    }
    *out = pool;
    return 0;
}

static void set_paused(struct imgjob_pool *pool, bool is_paused)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->is_paused = is_paused;
    (void)pthread_cond_broadcast(&pool->cond);
    (void)pthread_mutex_unlock(&pool->lock);
    ij_wake_all_of(pool->config.work, &ij_id_none); /* those that sleep for work, too */
}

void imgjob_pool_pause(struct imgjob_pool *pool)
{
    set_paused(pool, true);
}

void imgjob_pool_resume(struct imgjob_pool *pool)
{
    set_paused(pool, false);
}

static uint32_t busy_slots(const struct imgjob_pool *pool)
{
    uint32_t busy = 0;
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++)
        busy += pool->slots[i].is_busy;
    return busy;
}

int imgjob_pool_drain(struct imgjob_pool *pool, uint32_t timeout_ms)
{
    int64_t until = ij_mono_ms(&ij_clock_system) + timeout_ms;
    bool in_time = true;
    imgjob_pool_pause(pool);
    (void)pthread_mutex_lock(&pool->lock);
    while (busy_slots(pool) > 0 && in_time)
        in_time = ij_cond_wait_until(&pool->cond, &pool->lock, until);
    bool is_idle = busy_slots(pool) == 0;
    (void)pthread_mutex_unlock(&pool->lock);
    return is_idle ? 0 : 1;
}

/* Nothing is claimed or started any more, and whatever runs is stopped. */
static void begin_close(struct imgjob_pool *pool)
{
    if (pool->leases.has_thread)
        ij_leases_release_all(&pool->leases);
    (void)pthread_mutex_lock(&pool->lock);
    pool->is_closing = true;
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++) {
        struct ij_executor *executor = pool->slots[i].place.executor;
        if (executor) /* it may be starting a worker that does not come up */
            executor->ops->stop(executor, IJ_EXIT_CLOSED);
    }
    (void)pthread_cond_broadcast(&pool->cond);
    (void)pthread_mutex_unlock(&pool->lock);
    ij_wake_all_of(pool->config.work, &ij_id_none);
}

void imgjob_pool_close(struct imgjob_pool *pool)
{
    if (!pool)
        return;
    if (pool->config.closing)
        pool->config.closing(pool->config.closing_data);
    begin_close(pool);
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++)
        ij_slot_join(&pool->slots[i]);
    ij_leases_end(&pool->leases);
    (void)pthread_cond_destroy(&pool->cond);
    (void)pthread_mutex_destroy(&pool->lock);
    (void)pthread_mutex_destroy(&pool->resize_lock);
    ij_pool_metrics_free(&pool->metrics);
    free(pool->worker_path);
    free(pool);
}

void ij_pool_cancel(struct imgjob_pool *pool, const struct ij_id *id)
{
    ij_leases_cancel(&pool->leases, id);
}

int imgjob_pool_read_stats(struct imgjob_pool *pool, struct imgjob_pool_stats *out,
                           struct imgjob_error *err)
{
    struct imgjob_pool_stats stats = { .isolation = pool->config.isolation };
    uint32_t looping = 0, starts_beyond = 0;
    (void)pthread_mutex_lock(&pool->lock);
    stats.workers = pool->workers;
    stats.paused = pool->is_paused;
    stats.finished = pool->finished;
    stats.busy = busy_slots(pool);
    for (uint32_t i = 0; i < pool->workers; i++) {
        const struct ij_slot *slot = &pool->slots[i];
        stats.ready += slot->is_ready;
        looping += !slot->is_ready && slot->failed_starts >= CRASH_LOOP_STARTS;
        stats.stalled += slot->node_faults > 1;
        starts_beyond += slot->starts > 1 ? (uint32_t)slot->starts - 1 : 0;
    }
    stats.crash_looping = looping > 0 && looping == pool->workers;
    stats.restarts = starts_beyond;
    stats.canceled = ij_counter_read(&pool->metrics.canceled);
    (void)pthread_mutex_unlock(&pool->lock);
    return ij_result_write(out, &stats, sizeof(stats), "imgjob_pool_stats", err);
}
