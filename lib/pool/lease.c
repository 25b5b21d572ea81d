/* Owns the renewal of leases. The lock is held around stop(), which only raises a flag.
 */
#include "pool/lease.h"

#include "base/clock.h"
#include "base/thread.h"

static void stop_held(struct ij_held_lease *held, enum ij_stop_cause cause)
{
    if (!held->is_held || held->is_settled || held->cause != IJ_STOP_NONE)
        return;
    held->cause = cause;
    if (held->executor)
        held->executor->ops->stop(held->executor);
}

/* Copy what is held. @return how many */
static size_t collect(struct ij_leases *leases, struct ij_beat *beats, uint32_t *slots)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&leases->lock);
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++)
        if (leases->held[i].is_held) {
            slots[count] = i;
            beats[count++] = (struct ij_beat){ .lease = leases->held[i].lease };
        }
    (void)pthread_mutex_unlock(&leases->lock);
    return count;
}

/* Act on what the store said, where the slot still has the same lease. */
static void apply(struct ij_leases *leases, const struct ij_beat *beat, uint32_t slot)
{
    if (!beat->lost && !beat->cancel_asked)
        return;
    bool is_same = false;
    (void)pthread_mutex_lock(&leases->lock);
    struct ij_held_lease *held = &leases->held[slot];
    is_same = held->is_held && !held->is_settled && held->lease.gen == beat->lease.gen &&
              ij_id_equal(&held->lease.id, &beat->lease.id);
    if (is_same)
        stop_held(held, beat->lost ? IJ_STOP_LOST : IJ_STOP_CANCELED);
    (void)pthread_mutex_unlock(&leases->lock);
    if (is_same && beat->lost) {
        char id[IMGJOB_ID_SIZE];
        ij_id_format(&beat->lease.id, id);
        ij_log(&leases->log, IMGJOB_LOG_WARN, "pool", id,
               "lease lost: another process has the job, the work here is stopped");
    }
}

static void renew_all(struct ij_leases *leases)
{
    struct ij_beat beats[IJ_POOL_WORKERS_MAX];
    uint32_t slots[IJ_POOL_WORKERS_MAX];
    size_t count = collect(leases, beats, slots);
    if (count == 0)
        return;
    struct imgjob_error err;
    if (leases->jobs->ops->heartbeat(leases->jobs, beats, count, leases->lease_ms, &err) <
        0) {
        ij_log(&leases->log, IMGJOB_LOG_ERROR, "pool", NULL, "renew %zu leases: %s",
               count, err.text);
        return;
    }
    for (size_t i = 0; i < count; i++)
        apply(leases, &beats[i], slots[i]);
}

static void *renew_run(void *data)
{
    struct ij_leases *leases = data;
    int64_t due = ij_mono_ms(&ij_clock_system) + leases->lease_ms / 3;
    (void)pthread_mutex_lock(&leases->lock);
    while (!leases->is_ending) {
        if (ij_cond_wait_until(&leases->cond, &leases->lock, due))
            continue;
        (void)pthread_mutex_unlock(&leases->lock);
        renew_all(leases);
        due = ij_mono_ms(&ij_clock_system) + leases->lease_ms / 3;
        (void)pthread_mutex_lock(&leases->lock);
    }
    (void)pthread_mutex_unlock(&leases->lock);
    return NULL;
}

int ij_leases_start(struct ij_leases *leases, struct ij_jobs *jobs, uint32_t lease_ms,
                    const struct ij_log *log, struct imgjob_error *err)
{
    *leases = (struct ij_leases){ .jobs = jobs, .lease_ms = lease_ms, .log = *log };
    (void)pthread_mutex_init(&leases->lock, NULL); /* cannot fail on Linux */
    int rc = ij_cond_init(&leases->cond, err);
    if (rc < 0)
        return rc;
    rc = ij_thread_start(&leases->thread, "ij-lease", renew_run, leases, err);
    if (rc < 0)
        return rc;
    leases->has_thread = true;
    return 0;
}

void ij_leases_end(struct ij_leases *leases)
{
    if (!leases->has_thread)
        return;
    (void)pthread_mutex_lock(&leases->lock);
    leases->is_ending = true;
    (void)pthread_cond_signal(&leases->cond);
    (void)pthread_mutex_unlock(&leases->lock);
    (void)pthread_join(leases->thread, NULL);
    leases->has_thread = false;
    (void)pthread_cond_destroy(&leases->cond);
    (void)pthread_mutex_destroy(&leases->lock);
}

void ij_leases_hold(struct ij_leases *leases, uint32_t slot, const struct ij_lease *lease)
{
    (void)pthread_mutex_lock(&leases->lock);
    leases->held[slot] = (struct ij_held_lease){ .is_held = true, .lease = *lease };
    (void)pthread_mutex_unlock(&leases->lock);
}

void ij_leases_begin_work(struct ij_leases *leases, uint32_t slot,
                          struct ij_executor *executor)
{
    (void)pthread_mutex_lock(&leases->lock);
    struct ij_held_lease *held = &leases->held[slot];
    executor->ops->unstop(executor);
    held->executor = executor;
    if (leases->is_releasing && held->cause == IJ_STOP_NONE)
        held->cause = IJ_STOP_RELEASED;
    if (held->cause != IJ_STOP_NONE) /* stopped before it began */
        executor->ops->stop(executor);
    (void)pthread_mutex_unlock(&leases->lock);
}

enum ij_stop_cause ij_leases_end_work(struct ij_leases *leases, uint32_t slot)
{
    (void)pthread_mutex_lock(&leases->lock);
    struct ij_held_lease *held = &leases->held[slot];
    if (held->executor && !leases->is_releasing)
        held->executor->ops->unstop(held->executor); /* a stop that came too late */
    held->executor = NULL;
    held->is_settled = true;
    enum ij_stop_cause cause = held->cause;
    (void)pthread_mutex_unlock(&leases->lock);
    return cause;
}

void ij_leases_drop(struct ij_leases *leases, uint32_t slot)
{
    (void)pthread_mutex_lock(&leases->lock);
    leases->held[slot] = (struct ij_held_lease){ 0 };
    (void)pthread_mutex_unlock(&leases->lock);
}

void ij_leases_release_all(struct ij_leases *leases)
{
    (void)pthread_mutex_lock(&leases->lock);
    leases->is_releasing = true;
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++)
        stop_held(&leases->held[i], IJ_STOP_RELEASED);
    (void)pthread_mutex_unlock(&leases->lock);
}
