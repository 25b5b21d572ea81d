/*
 * Owns the renewal of leases, and how a cancel finds its work. A cancel may be told
 * between the commit of a claim and the moment its lease is held here, so those that
 * found nothing are counted: a slot that sees more of them than at its last claim has its
 * row looked at. The lock is held around stop(), which only raises a flag.
 */
#include "pool/lease.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/thread.h"

enum { NEWS_MS = 1000 /* the store is told of progress at most so often */ };

static enum ij_exit_cause exit_cause(enum ij_stop_cause cause)
{
    return cause == IJ_STOP_CANCELED ? IJ_EXIT_CANCELED
           : cause == IJ_STOP_LOST   ? IJ_EXIT_LOST
                                     : IJ_EXIT_CLOSED;
}

/* @return whether nothing had stopped it before */
static bool stop_held(struct ij_held_lease *held, enum ij_stop_cause cause)
{
    if (!held->is_held || held->is_settled || held->cause != IJ_STOP_NONE)
        return false;
    held->cause = cause;
    if (held->executor)
        held->executor->ops->stop(held->executor, exit_cause(cause));
    return true;
}

/* What is held, as it is sent to the store. */
struct round {
    struct ij_beat beats[IJ_POOL_WORKERS_MAX];
    uint32_t slots[IJ_POOL_WORKERS_MAX];
    size_t count;
};

/* What a round is for. */
enum purpose { LOOK, RENEW, TELL_NEWS };

static void collect(struct ij_leases *leases, enum purpose purpose, struct round *out)
{
    out->count = 0;
    (void)pthread_mutex_lock(&leases->lock);
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++) {
        struct ij_held_lease *held = &leases->held[i];
        if (!held->is_held || (purpose == TELL_NEWS && !held->is_news))
            continue;
        out->slots[out->count] = i;
        out->beats[out->count++] =
            (struct ij_beat){ .lease = held->lease, .progress = held->progress };
        held->is_news = held->is_news && purpose == LOOK; /* else they are told now */
    }
    (void)pthread_mutex_unlock(&leases->lock);
}

/* Act on what the store said, where the slot still has the same lease. */
static void apply(struct ij_leases *leases, const struct ij_beat *beat, uint32_t slot)
{
    if (!beat->lost && !beat->cancel_asked)
        return;
    (void)pthread_mutex_lock(&leases->lock);
    struct ij_held_lease *held = &leases->held[slot];
    bool is_stopped = held->lease.gen == beat->lease.gen &&
                      ij_id_equal(&held->lease.id, &beat->lease.id) &&
                      stop_held(held, beat->lost ? IJ_STOP_LOST : IJ_STOP_CANCELED);
    if (is_stopped && beat->lost)
        ij_count(&leases->metrics->leases_lost);
    (void)pthread_mutex_unlock(&leases->lock);
    if (is_stopped && beat->lost) {
        char id[IMGJOB_ID_SIZE];
        ij_id_format(&beat->lease.id, id);
        ij_log(&leases->log, IMGJOB_LOG_WARN, "pool", id,
               "lease lost: another process has the job, the work here is stopped");
    }
}

/* A failure to tell news is no news itself: the next renewal carries them. */
static void beat(struct ij_leases *leases, enum purpose purpose)
{
    struct round round;
    struct imgjob_error err;
    collect(leases, purpose, &round);
    if (round.count == 0)
        return;
    int rc = leases->jobs->ops->heartbeat(leases->jobs, round.beats, round.count,
                                          leases->lease_ms, &err);
    if (rc < 0 && purpose == RENEW)
        ij_log(&leases->log, IMGJOB_LOG_ERROR, "pool", NULL, "renew %zu leases: %s",
               round.count, err.text);
    for (size_t i = 0; rc == 0 && i < round.count; i++)
        apply(leases, &round.beats[i], round.slots[i]);
}

static bool is_ours(const struct ij_job *job, const struct ij_lease *lease)
{
    return job->state == IMGJOB_STATE_RUNNING && job->gen == lease->gen &&
           job->token == lease->token;
}

/* See what the rows say of what is held; nothing is written, or two processes of one
 * store would stir each other for ever. */
static void look(struct ij_leases *leases)
{
    struct round round;
    collect(leases, LOOK, &round);
    for (size_t i = 0; i < round.count; i++) {
        struct ij_beat *held = &round.beats[i];
        IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
        if (leases->jobs->ops->get(leases->jobs, &held->lease.id, &record, NULL) != 0)
            continue; /* the next renewal tells */
        held->cancel_asked = record.job.cancel_asked;
        held->lost = !is_ours(&record.job, &held->lease);
        apply(leases, held, round.slots[i]);
    }
}

/* When the thread has something to do by the clock. Holds the lock. */
static int64_t next_due(const struct ij_leases *leases, int64_t renew_due,
                        int64_t news_due)
{
    return leases->has_news && news_due < renew_due ? news_due : renew_due;
}

static void *renew_run(void *data)
{
    struct ij_leases *leases = data;
    int64_t now = ij_mono_ms(&ij_clock_system), news_due = now;
    int64_t renew_due = now + leases->lease_ms / 3;
    (void)pthread_mutex_lock(&leases->lock);
    while (!leases->is_ending) {
        /* a renewal says all that a look does, and must not wait for one */
        bool is_renewal = ij_mono_ms(&ij_clock_system) >= renew_due;
        bool must_look = leases->must_look && !is_renewal;
        if (!must_look && ij_cond_wait_until(&leases->cond, &leases->lock,
                                             next_due(leases, renew_due, news_due)))
            continue;
        leases->must_look = false;
        leases->has_news = leases->has_news && must_look;
        (void)pthread_mutex_unlock(&leases->lock);
        is_renewal = ij_mono_ms(&ij_clock_system) >= renew_due;
        if (must_look)
            look(leases);
        else
            beat(leases, is_renewal ? RENEW : TELL_NEWS);
        now = ij_mono_ms(&ij_clock_system);
        news_due = must_look ? news_due : now + NEWS_MS;
        renew_due = !must_look && is_renewal ? now + leases->lease_ms / 3 : renew_due;
        (void)pthread_mutex_lock(&leases->lock);
    }
    (void)pthread_mutex_unlock(&leases->lock);
    return NULL;
}

int ij_leases_start(struct ij_leases *leases, struct imgjob_error *err)
{
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

/* Holds the lock. */
static void ask_to_look(struct ij_leases *leases)
{
    leases->must_look = true;
    (void)pthread_cond_signal(&leases->cond);
}

void ij_leases_hold(struct ij_leases *leases, uint32_t slot, const struct ij_lease *lease)
{
    (void)pthread_mutex_lock(&leases->lock);
    leases->held[slot] = (struct ij_held_lease){ .is_held = true, .lease = *lease };
    if (leases->missed_before[slot] != leases->missed)
        ask_to_look(leases); /* one of them may have been for this job */
    leases->missed_before[slot] = leases->missed;
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
        executor->ops->stop(executor, exit_cause(held->cause));
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

void ij_leases_progress(struct ij_leases *leases, uint32_t slot,
                        const struct ij_progress *progress)
{
    (void)pthread_mutex_lock(&leases->lock);
    struct ij_held_lease *held = &leases->held[slot];
    held->progress = *progress;
    held->is_news = true;
    if (!leases->has_news)
        (void)pthread_cond_signal(&leases->cond);
    leases->has_news = true;
    (void)pthread_mutex_unlock(&leases->lock);
}

void ij_leases_cancel(struct ij_leases *leases, const struct ij_id *id)
{
    bool is_held = false;
    (void)pthread_mutex_lock(&leases->lock);
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++) {
        struct ij_held_lease *held = &leases->held[i];
        if (!held->is_held || !ij_id_equal(&held->lease.id, id))
            continue;
        is_held = true;
        (void)stop_held(held, IJ_STOP_CANCELED); /* again is fine */
    }
    if (!is_held)
        leases->missed++;
    if (ij_id_equal(id, &ij_id_none))
        ask_to_look(leases);
    (void)pthread_mutex_unlock(&leases->lock);
}

void ij_leases_release_all(struct ij_leases *leases)
{
    (void)pthread_mutex_lock(&leases->lock);
    leases->is_releasing = true;
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++)
        (void)stop_held(&leases->held[i], IJ_STOP_RELEASED); /* as it will be */
    (void)pthread_mutex_unlock(&leases->lock);
}
