/*
 * Owns the slots: threads that each keep one worker ready and take one job at a time. A
 * slot claims only while its worker is ready, so a job never waits for a process to
 * start, and a node whose workers do not start takes no jobs.
 */
#include "pool/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/thread.h"
#include "pool/attempt.h"
#include "pool/lease.h"

enum {
    IDLE_MS = 60000,       /* an idle slot looks for work at least so often */
    STORE_RETRY_MS = 1000, /* after the store refused a claim */
    START_RETRY_MS = 100,  /* after a worker did not start; doubles … */
    START_RETRY_MAX_MS = 10000,
    CRASH_LOOP_STARTS = 3 /* failed starts in a row that make a slot's state news */
};

enum slot_phase {
    SLOT_EMPTY = 0, /* no thread */
    SLOT_ALIVE,
    SLOT_ENDED /* its thread has ended and waits to be joined */
};

struct slot {
    struct imgjob_pool *pool;
    struct ij_place place;
    pthread_t thread;
    /* guarded by pool->lock */
    enum slot_phase phase;
    bool should_end;
    bool is_ready, is_busy;
    uint32_t failed_starts; /* in a row */
    uint64_t starts;
};

struct imgjob_pool {
    struct ij_pool_config config;
    char *worker_path;
    struct ij_bench bench;
    struct ij_leases leases;
    struct ij_claim claim;
    pthread_mutex_t resize_lock; /* taken before `lock`: one resize at a time */
    pthread_mutex_t lock;
    pthread_cond_t cond; /* a slot changed */
    /* guarded by lock */
    uint32_t workers; /* as asked for */
    bool is_paused;
    bool is_closing;
    uint64_t finished;
    struct imgjob_error start_err; /* of the last worker that did not start */
    struct slot slots[IJ_POOL_WORKERS_MAX];
};

static void record_done(struct ij_record *record)
{
    ij_record_done(record);
}

static bool slot_goes_on(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    bool goes_on = !slot->should_end && !slot->pool->is_closing;
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return goes_on;
}

/* Whether the slot may take another job. Holds the lock. */
static bool may_claim(const struct slot *slot)
{
    return !slot->should_end && !slot->pool->is_closing && !slot->pool->is_paused;
}

/* The same, asked by an attempt that is about to finish; the slot is busy. */
static bool slot_may_go_on(void *data)
{
    struct slot *slot = data;
    (void)pthread_mutex_lock(&slot->pool->lock);
    bool may = may_claim(slot);
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return may && slot->place.executor->ops->is_ready(slot->place.executor);
}

/* Become busy if a job may be claimed: in one step, so that a drain that finds nobody
 * busy knows that nobody is about to claim. */
static bool slot_begin_claim(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->is_busy = may_claim(slot);
    bool may = slot->is_busy;
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return may;
}

static void slot_set_idle(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->is_busy = false;
    (void)pthread_cond_broadcast(&slot->pool->cond);
    (void)pthread_mutex_unlock(&slot->pool->lock);
}

static void slot_count_finished(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->pool->finished++;
    (void)pthread_mutex_unlock(&slot->pool->lock);
}

/* Sleep until the pool closes or the slot is to end, at the most for `ms`. */
static void slot_pause(struct slot *slot, uint32_t ms)
{
    struct imgjob_pool *pool = slot->pool;
    int64_t until = ij_mono_ms(&ij_clock_system) + ms;
    (void)pthread_mutex_lock(&pool->lock);
    while (!slot->should_end && !pool->is_closing &&
           ij_cond_wait_until(&pool->cond, &pool->lock, until))
        continue;
    (void)pthread_mutex_unlock(&pool->lock);
}

static void slot_set_ready(struct slot *slot, bool is_ready,
                           const struct imgjob_error *err)
{
    struct imgjob_pool *pool = slot->pool;
    struct ij_executor *executor = slot->place.executor;
    uint64_t starts = executor ? executor->ops->starts(executor) : 0;
    (void)pthread_mutex_lock(&pool->lock);
    slot->starts = starts;
    slot->is_ready = is_ready;
    slot->failed_starts = is_ready ? 0 : slot->failed_starts + 1;
    if (!is_ready)
        pool->start_err = *err;
    (void)pthread_cond_broadcast(&pool->cond);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* Have a worker that can run. Waits a growing time after each failure. */
static bool slot_prepare(struct slot *slot)
{
    struct imgjob_error err;
    int rc = slot->place.executor->ops->prepare(slot->place.executor, &err);
    slot_set_ready(slot, rc == 0, &err);
    if (rc == 0)
        return true;
    uint32_t doublings = slot->failed_starts < 8 ? slot->failed_starts - 1 : 7;
    uint32_t delay = START_RETRY_MS << doublings;
    ij_log(&slot->pool->config.log, IMGJOB_LOG_ERROR, "pool", NULL,
           "worker %u does not start: %s", slot->place.slot, err.text);
    slot_pause(slot, delay < START_RETRY_MAX_MS ? delay : START_RETRY_MAX_MS);
    return false;
}

/* Sleep until there may be work: a wake-up, the next due job, or long enough. */
static void slot_sleep(struct slot *slot, struct ij_waiter *waiter, int64_t next_due)
{
    struct imgjob_pool *pool = slot->pool;
    int64_t ms = IDLE_MS;
    if (next_due) {
        int64_t left = next_due - ij_wall_ms(&pool->config.clock);
        ms = left < 1 ? 1 : left < IDLE_MS ? left : IDLE_MS;
    }
    (void)ij_wake_sleep(pool->config.work, waiter, ij_mono_ms(&ij_clock_system) + ms);
}

/* Claim a job, or sleep until there may be one and return without. */
static void slot_claim(struct slot *slot, struct ij_record *record)
{
    struct imgjob_pool *pool = slot->pool;
    struct ij_jobs *jobs = pool->config.jobs;
    struct ij_waiter waiter;
    struct imgjob_error err;
    int64_t next_due = 0;
    if (ij_wake_add(pool->config.work, &waiter, &ij_id_none, &err) < 0) {
        slot_pause(slot, STORE_RETRY_MS);
        return;
    }
    int rc = 1;
    if (slot_begin_claim(slot)) {
        rc = jobs->ops->claim(jobs, &pool->claim, record, &next_due, &err);
        if (rc != 0)
            slot_set_idle(slot);
    }
    /* the worker may have died since prepare(): then do not sleep, replace it */
    if (rc == 1 && slot_goes_on(slot) &&
        slot->place.executor->ops->is_ready(slot->place.executor))
        slot_sleep(slot, &waiter, next_due);
    ij_wake_remove(pool->config.work, &waiter);
    if (rc < 0) {
        ij_log(&pool->config.log, IMGJOB_LOG_ERROR, "pool", NULL, "claim: %s", err.text);
        slot_pause(slot, STORE_RETRY_MS);
    }
}

static int slot_open_executor(struct slot *slot, struct imgjob_error *err)
{
    const struct ij_pool_config *config = &slot->pool->config;
    slot->place.copy = malloc(IJ_COPY_SIZE);
    if (!slot->place.copy)
        return ij_fail_nomem(err, "starting a slot");
    return config->isolation == IMGJOB_ISOLATION_INLINE
               ? ij_inline_open(&config->executor, &slot->place.executor, err)
               : ij_child_open(&config->executor, &slot->place.executor, err);
}

/* Take jobs until told to end. With a job in `record` the slot is busy. */
static void slot_work(struct slot *slot)
{
    IJ_AUTO(record_done) struct ij_record record = { 0 };
    while (slot_goes_on(slot)) {
        bool is_ready = slot_prepare(slot);
        if (is_ready && !record.spec)
            slot_claim(slot, &record);
        if (!record.spec)
            continue;
        if (is_ready) {
            ij_attempt_run(&slot->place, &record, &slot->pool->claim, slot_may_go_on,
                           slot);
            slot_count_finished(slot);
        } else
            ij_attempt_release(&slot->place, &record);
        if (!record.spec)
            slot_set_idle(slot);
    }
    if (record.spec)
        ij_attempt_release(&slot->place, &record);
    slot_set_idle(slot);
}

static void *slot_run(void *data)
{
    struct slot *slot = data;
    struct imgjob_error err;
    if (slot_open_executor(slot, &err) == 0)
        slot_work(slot);
    else
        slot_set_ready(slot, false, &err);
    ij_executor_close(slot->place.executor);
    slot->place.executor = NULL;
    ij_free(&slot->place.copy);
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->phase = SLOT_ENDED;
    slot->is_ready = false;
    (void)pthread_cond_broadcast(&slot->pool->cond);
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return NULL;
}

static enum slot_phase slot_phase(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    enum slot_phase phase = slot->phase;
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return phase;
}

static void slot_join(struct slot *slot)
{
    if (slot->pool && slot_phase(slot) != SLOT_EMPTY)
        (void)pthread_join(slot->thread, NULL);
}

/* Start the slot's thread, or let one that was about to end go on. Holds resize_lock. */
static int slot_start(struct imgjob_pool *pool, uint32_t index, struct imgjob_error *err)
{
    struct slot *slot = &pool->slots[index];
    (void)pthread_mutex_lock(&pool->lock);
    slot->should_end = false;
    bool is_alive = slot->phase == SLOT_ALIVE;
    (void)pthread_mutex_unlock(&pool->lock);
    if (is_alive)
        return 0;
    slot_join(slot);
    (void)pthread_mutex_lock(&pool->lock);
    *slot = (struct slot){
        .pool = pool,
        .place = { .bench = &pool->bench, .slot = index },
        .phase = SLOT_ALIVE,
    };
    (void)pthread_mutex_unlock(&pool->lock);
    int rc = ij_thread_start(&slot->thread, "ij-slot", slot_run, slot, err);
    if (rc < 0) {
        (void)pthread_mutex_lock(&pool->lock);
        slot->phase = SLOT_EMPTY;
        (void)pthread_mutex_unlock(&pool->lock);
    }
    return rc;
}

int imgjob_pool_resize(struct imgjob_pool *pool, uint32_t workers,
                       struct imgjob_error *err)
{
    if (workers < 1 || workers > IJ_POOL_WORKERS_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "workers: must be 1..%d, not %u",
                       IJ_POOL_WORKERS_MAX, workers);
    int rc = 0;
    (void)pthread_mutex_lock(&pool->resize_lock);
    for (uint32_t i = 0; rc == 0 && i < workers; i++)
        rc = slot_start(pool, i, err);
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
    uint64_t owner;
    int rc = ij_random(&owner, sizeof(owner), err);
    if (rc < 0)
        return rc;
    pool->claim = (struct ij_claim){ owner >> 1, config->lease_ms }; /* fits an int64 */
    pool->bench = (struct ij_bench){
        .jobs = config->jobs,
        .inputs = config->inputs,
        .outputs = config->outputs,
        .leases = &pool->leases,
        .clock = config->clock,
        .log = config->log,
    };
    rc =
        ij_leases_start(&pool->leases, config->jobs, config->lease_ms, &config->log, err);
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
    (void)pthread_mutex_unlock(&pool->lock);
    ij_wake_all_of(pool->config.work, &ij_id_none);
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

void imgjob_pool_close(struct imgjob_pool *pool)
{
    if (!pool)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->is_closing = true;
    (void)pthread_cond_broadcast(&pool->cond);
    (void)pthread_mutex_unlock(&pool->lock);
    if (pool->leases.has_thread)
        ij_leases_release_all(&pool->leases);
    ij_wake_all_of(pool->config.work, &ij_id_none);
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++)
        slot_join(&pool->slots[i]);
    ij_leases_end(&pool->leases);
    (void)pthread_cond_destroy(&pool->cond);
    (void)pthread_mutex_destroy(&pool->lock);
    (void)pthread_mutex_destroy(&pool->resize_lock);
    free(pool->worker_path);
    free(pool);
}

int imgjob_pool_stats(struct imgjob_pool *pool, struct imgjob_pool_stats *out,
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
        const struct slot *slot = &pool->slots[i];
        stats.ready += slot->is_ready;
        looping += slot->failed_starts >= CRASH_LOOP_STARTS;
        starts_beyond += slot->starts > 1 ? (uint32_t)slot->starts - 1 : 0;
    }
    stats.crash_looping = looping > 0 && looping == pool->workers;
    stats.restarts = starts_beyond;
    (void)pthread_mutex_unlock(&pool->lock);
    return ij_result_write(out, &stats, sizeof(stats), "imgjob_pool_stats", err);
}
