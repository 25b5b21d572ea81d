/*
 * Owns what a slot's thread does. A wake-up that a slot cannot follow is passed on, so
 * that no job waits beside an idle worker; a fault of the node itself makes the slot wait
 * and costs no job an attempt.
 */
#include "pool/slot.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/thread.h"

enum {
    IDLE_MS = 10000,      /* an idle slot looks for work at least so often */
    NODE_RETRY_MS = 1000, /* after store or storage refused; doubles ... */
    NODE_RETRY_MAX_MS = 30000,
    START_RETRY_MS = 100, /* after a worker did not start; doubles ... */
    START_RETRY_MAX_MS = 10000
};

/* Whether the slot may take another job. Holds the lock. */
static bool may_claim(const struct ij_slot *slot)
{
    return !slot->should_end && !slot->pool->is_closing && !slot->pool->is_paused;
}

/* Decide, once per round, whether to go on: in one step with what resize looks at. */
static bool slot_goes_on(struct ij_slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    bool goes_on = !slot->should_end && !slot->pool->is_closing;
    if (!goes_on)
        slot->phase = IJ_SLOT_ENDING;
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return goes_on;
}

static bool slot_is_ready(struct ij_slot *slot)
{
    return slot->place.executor->ops->is_ready(slot->place.executor);
}

/* Asked by an attempt that is about to finish; the slot is busy. */
static bool slot_may_go_on(void *data)
{
    struct ij_slot *slot = data;
    (void)pthread_mutex_lock(&slot->pool->lock);
    bool may = may_claim(slot);
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return may && slot_is_ready(slot);
}

/* Become busy if a job may be claimed: in one step, so that a drain that finds nobody
 * busy knows that nobody is about to claim. */
static bool slot_begin_claim(struct ij_slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->is_busy = may_claim(slot);
    bool may = slot->is_busy;
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return may;
}

static void slot_set_idle(struct ij_slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->is_busy = false;
    (void)pthread_cond_broadcast(&slot->pool->cond);
    (void)pthread_mutex_unlock(&slot->pool->lock);
}

static void slot_set_node_faults(struct ij_slot *slot, uint32_t count)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->node_faults = count;
    (void)pthread_mutex_unlock(&slot->pool->lock);
}

static void slot_count_finished(struct ij_slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->pool->finished++;
    slot->failed_starts = 0;
    (void)pthread_mutex_unlock(&slot->pool->lock);
}

/* A wake-up came to this slot, which cannot follow it: let another one. */
static void slot_pass_call_on(struct ij_slot *slot)
{
    if (slot->is_called)
        ij_wake_one_of(slot->pool->config.work, &ij_id_none);
    slot->is_called = false;
}

/* Sleep for `ms`, or until the slot is to end. */
static void slot_pause(struct ij_slot *slot, uint32_t ms)
{
    struct imgjob_pool *pool = slot->pool;
    int64_t until = ij_mono_ms(&ij_clock_system) + ms;
    bool in_time = true;
    slot_pass_call_on(slot);
    (void)pthread_mutex_lock(&pool->lock);
    while (!slot->should_end && !pool->is_closing && in_time)
        in_time = ij_cond_wait_until(&pool->cond, &pool->lock, until);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* The same for an attempt, whose job keeps the slot alive. @return false = the pool ends
 */
static bool slot_pause_attempt(void *data, uint32_t ms)
{
    struct ij_slot *slot = data;
    struct imgjob_pool *pool = slot->pool;
    int64_t until = ij_mono_ms(&ij_clock_system) + ms;
    bool in_time = true;
    (void)pthread_mutex_lock(&pool->lock);
    while (!pool->is_closing && in_time)
        in_time = ij_cond_wait_until(&pool->cond, &pool->lock, until);
    bool goes_on = !pool->is_closing;
    (void)pthread_mutex_unlock(&pool->lock);
    return goes_on;
}

/* Sleep while the pool is paused. @return whether it was */
static bool slot_wait_while_paused(struct ij_slot *slot)
{
    struct imgjob_pool *pool = slot->pool;
    (void)pthread_mutex_lock(&pool->lock);
    bool was_paused = pool->is_paused;
    (void)pthread_mutex_unlock(&pool->lock);
    if (!was_paused)
        return false;
    slot_pass_call_on(slot);
    (void)pthread_mutex_lock(&pool->lock);
    while (pool->is_paused && !slot->should_end && !pool->is_closing)
        (void)pthread_cond_wait(&pool->cond, &pool->lock);
    (void)pthread_mutex_unlock(&pool->lock);
    return true;
}

static int slot_open_executor(struct ij_slot *slot, struct imgjob_error *err)
{
    const struct ij_pool_config *config = &slot->pool->config;
    struct ij_executor *executor;
    if (!slot->place.copy)
        slot->place.copy = malloc(IJ_COPY_SIZE);
    if (!slot->place.copy)
        return ij_fail_nomem(err, "starting a slot");
    int rc = config->isolation == IMGJOB_ISOLATION_INLINE
                 ? ij_inline_open(&config->executor, &executor, err)
                 : ij_child_open(&config->executor, &executor, err);
    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->place.executor = executor;
    if (slot->pool->is_closing) /* it went by all executors before this one was there */
        executor->ops->stop(executor, IJ_EXIT_CLOSED);
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return 0;
}

static void slot_close_executor(struct ij_slot *slot)
{
    (void)pthread_mutex_lock(&slot->pool->lock);
    struct ij_executor *executor = slot->place.executor;
    slot->place.executor = NULL;
    enum ij_exit_cause why = slot->pool->is_closing ? IJ_EXIT_CLOSED : IJ_EXIT_RESIZED;
    (void)pthread_mutex_unlock(&slot->pool->lock);
    ij_executor_close(executor, why);
    ij_free(&slot->place.copy);
}

static void slot_set_ready(struct ij_slot *slot, bool is_ready,
                           const struct imgjob_error *err)
{
    struct imgjob_pool *pool = slot->pool;
    struct ij_executor *executor = slot->place.executor;
    uint64_t starts = executor ? executor->ops->starts(executor) : 0;
    (void)pthread_mutex_lock(&pool->lock);
    slot->starts = starts;
    slot->is_ready = is_ready;
    if (!is_ready) {
        slot->failed_starts++; /* until an attempt proves the opposite */
        pool->start_err = *err;
    }
    (void)pthread_cond_broadcast(&pool->cond);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* `base` doubled `times`, at most `max`. */
static uint32_t growing_delay(uint32_t base, uint32_t times, uint32_t max)
{
    uint32_t delay = base << (times < 10 ? times : 10);
    return delay < max ? delay : max;
}

/* Have a worker that can run. Waits a growing time after each failure. */
static bool slot_prepare(struct ij_slot *slot)
{
    struct imgjob_error err;
    int rc = slot->place.executor ? 0 : slot_open_executor(slot, &err);
    if (rc == 0)
        rc = slot->place.executor->ops->prepare(slot->place.executor, &err);
    if (rc == IMGJOB_E_BUSY) /* stopped: the pool ends */
        return false;
    slot_set_ready(slot, rc == 0, &err);
    if (rc == 0)
        return true;
    ij_log(&slot->pool->config.log, IMGJOB_LOG_ERROR, "pool", NULL,
           "worker %u does not start: %s", slot->place.slot, err.text);
    slot_pause(
        slot, growing_delay(START_RETRY_MS, slot->failed_starts - 1, START_RETRY_MAX_MS));
    return false;
}

/* Whether the storage takes what a job would make. */
static bool slot_check_storage(struct ij_slot *slot)
{
    const struct ij_pool_config *config = &slot->pool->config;
    struct imgjob_error err;
    if (config->outputs->ops->check(config->outputs, &err) == 0)
        return true;
    if (slot->node_faults == 0)
        ij_log(&config->log, IMGJOB_LOG_ERROR, "pool", NULL,
               "no job is taken any more: %s", err.text);
    return false;
}

/* Sleep until there may be work: a wake-up, the next due job, or long enough. */
static void slot_sleep(struct ij_slot *slot, struct ij_waiter *waiter, int64_t next_due)
{
    struct imgjob_pool *pool = slot->pool;
    int64_t ms = IDLE_MS;
    if (next_due) {
        int64_t left = next_due - ij_wall_ms(&pool->config.clock);
        ms = left < 1 ? 1 : left < IDLE_MS ? left : IDLE_MS;
    }
    slot->is_called =
        ij_wake_sleep(pool->config.work, waiter, ij_mono_ms(&ij_clock_system) + ms);
}

/* Look for a job. @return what the store's claim returns, or 2 = it may not look now */
static int slot_look(struct ij_slot *slot, struct ij_record *record, int64_t *next_due)
{
    struct imgjob_pool *pool = slot->pool;
    struct ij_jobs *jobs = pool->config.jobs;
    struct imgjob_error err;
    if (!slot_begin_claim(slot))
        return 2;
    int rc = jobs->ops->claim(jobs, &pool->claim, record, next_due, &err);
    slot->is_called &= rc < 0; /* this was the look that was asked for */
    if (rc == 0)
        ij_attempt_accept(&slot->place, record);
    else
        slot_set_idle(slot);
    if (rc < 0 && !slot->is_store_refusing) /* once, not every second */
        ij_log(&pool->config.log, IMGJOB_LOG_ERROR, "pool", NULL, "claim: %s", err.text);
    slot->is_store_refusing = rc < 0;
    return rc;
}

/* Claim a job, or sleep until there may be one and return without. */
static void slot_claim(struct ij_slot *slot, struct ij_record *record)
{
    struct imgjob_pool *pool = slot->pool;
    struct ij_waiter waiter;
    struct imgjob_error err;
    int64_t next_due = 0;
    if (slot_wait_while_paused(slot))
        return; /* the worker may have died meanwhile */
    if (!slot_check_storage(slot) ||
        ij_wake_add(pool->config.work, &waiter, &ij_id_none, &err) < 0) {
        slot_set_node_faults(slot, slot->node_faults + 1);
        slot_pause(slot, NODE_RETRY_MS);
        return;
    }
    int rc = slot_look(slot, record, &next_due);
    /* only after a look from behind the registration, or a wake-up could have been
     * missed; the worker may have died since prepare(): then do not sleep, replace it */
    bool is_ready = slot_is_ready(slot);
    if (rc == 1 && is_ready)
        slot_sleep(slot, &waiter, next_due);
    /* woken while it looked: for another job than the one it found */
    slot->is_called |= ij_wake_remove(pool->config.work, &waiter);
    if (rc == 0)
        slot_pass_call_on(slot);
    else if (rc < 0)
        slot_pause(slot, NODE_RETRY_MS);
    else if (!is_ready) /* it came up and died without a job */
        slot_pause(slot, START_RETRY_MS);
}

/* Run the job of `record`, and wait a growing time when this node cannot run one job
 * after the other: a single one it cannot run waits alone, in the store. */
static void slot_attempt(struct ij_slot *slot, struct ij_record *record)
{
    bool is_node_fault = ij_attempt_run(&slot->place, record, &slot->pool->claim);
    slot_count_finished(slot);
    slot_set_node_faults(slot, is_node_fault ? slot->node_faults + 1 : 0);
    if (!record->spec)
        slot_set_idle(slot);
    if (slot->node_faults > 1)
        slot_pause(
            slot, growing_delay(NODE_RETRY_MS, slot->node_faults - 2, NODE_RETRY_MAX_MS));
}

/* Take jobs until told to end. With a job in `record` the slot is busy. */
static void slot_work(struct ij_slot *slot)
{
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    while (slot_goes_on(slot)) {
        bool is_ready = slot_prepare(slot);
        if (is_ready && !record.spec)
            slot_claim(slot, &record);
        else if (is_ready)
            slot_attempt(slot, &record);
        else if (record.spec) {
            ij_attempt_release(&slot->place, &record);
            slot_set_idle(slot);
        }
    }
    if (record.spec)
        ij_attempt_release(&slot->place, &record);
    slot_set_idle(slot);
    slot_pass_call_on(slot);
}

static void *slot_run(void *data)
{
    struct ij_slot *slot = data;
    slot_work(slot);
    slot_close_executor(slot);
    (void)pthread_mutex_lock(&slot->pool->lock);
    slot->phase = IJ_SLOT_ENDED;
    slot->is_ready = false;
    (void)pthread_cond_broadcast(&slot->pool->cond);
    (void)pthread_mutex_unlock(&slot->pool->lock);
    return NULL;
}

/* Wait for a thread that has decided to end. */
void ij_slot_join(struct ij_slot *slot)
{
    struct imgjob_pool *pool = slot->pool;
    if (!pool)
        return; /* never started */
    (void)pthread_mutex_lock(&pool->lock);
    bool has_thread = slot->phase != IJ_SLOT_EMPTY;
    (void)pthread_mutex_unlock(&pool->lock);
    if (has_thread)
        (void)pthread_join(slot->thread, NULL);
}

/* Start the slot's thread, or let one that was to end go on. Holds resize_lock. */
int ij_slot_start(struct imgjob_pool *pool, uint32_t index, struct imgjob_error *err)
{
    struct ij_slot *slot = &pool->slots[index];
    (void)pthread_mutex_lock(&pool->lock);
    slot->should_end = false;
    bool is_alive = slot->phase == IJ_SLOT_ALIVE;
    (void)pthread_mutex_unlock(&pool->lock);
    if (is_alive)
        return 0;
    ij_slot_join(slot);
    (void)pthread_mutex_lock(&pool->lock);
    *slot = (struct ij_slot){
        .pool = pool,
        .place = {
            .bench = &pool->bench,
            .slot = index,
            .may_next = slot_may_go_on,
            .pause = slot_pause_attempt,
            .data = slot,
        },
        .phase = IJ_SLOT_ALIVE,
    };
    (void)pthread_mutex_unlock(&pool->lock);
    int rc = ij_thread_start(&slot->thread, "ij-slot", slot_run, slot, err);
    if (rc < 0) {
        (void)pthread_mutex_lock(&pool->lock);
        slot->phase = IJ_SLOT_EMPTY;
        (void)pthread_mutex_unlock(&pool->lock);
    }
    return rc;
}
