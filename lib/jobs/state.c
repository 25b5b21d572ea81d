/*
 * Owns the transition table: which changes of a job are allowed and what each does.
 *
 * Every row that leaves here keeps these invariants: `lease_until` is set iff running,
 * `run_at` iff scheduled, `finished` iff ended; an ended row changes only by T14 and T15;
 * `gen` never falls. What is written where, and when it is durable, is the backends'.
 */
#include "jobs/state.h"

#include <assert.h>
#include <string.h>

static bool is_waiting(const struct ij_job *job)
{
    return job->state == IMGJOB_STATE_SCHEDULED || job->state == IMGJOB_STATE_READY;
}

static bool is_overdue(const struct ij_job *job, int64_t now)
{
    return job->deadline != 0 && job->deadline < now;
}

static bool is_held(const struct ij_job *job, const struct ij_lease *lease)
{
    return job->state == IMGJOB_STATE_RUNNING && job->gen == lease->gen &&
           job->token == lease->token && ij_id_equal(&job->id, &lease->id);
}

/* A lifetime is whatever an operator wrote: too long is for ever, not the past. */
int64_t ij_time_after(int64_t now, uint64_t ms)
{
    int64_t at;
    return __builtin_add_overflow(now, ms, &at) ? INT64_MAX : at;
}

/* The state's own times are cleared here and set by the caller of the state they are of,
 * so that none can outlive it. */
static void enter(struct ij_job *job, enum imgjob_state state, int64_t now)
{
    job->state = state;
    job->run_at = 0;
    job->lease_until = 0;
    job->updated = now;
    job->ver++;
}

static void enter_scheduled(struct ij_job *job, int64_t run_at, int64_t now)
{
    enter(job, IMGJOB_STATE_SCHEDULED, now);
    job->run_at = run_at;
}

static void expire(struct ij_job *job, const struct ij_retention *retention, int64_t now)
{
    uint64_t result_ttl = job->result_ttl_ms, job_ttl = job->job_ttl_ms;
    job->result_expires =
        ij_time_after(now, result_ttl ? result_ttl : retention->result_ttl_ms);
    job->expires = ij_time_after(now, job_ttl ? job_ttl : retention->job_ttl_ms);
    if (job->expires < job->result_expires) /* the row knows where the blobs are */
        job->expires = job->result_expires;
}

static void end(struct ij_job *job, enum imgjob_state state,
                const struct ij_retention *retention, int64_t now)
{
    enter(job, state, now);
    job->finished = now;
    expire(job, retention, now);
}

static void fail(struct ij_job *job, enum ij_reason reason,
                 const struct ij_retention *retention, int64_t now)
{
    end(job, IMGJOB_STATE_FAILED, retention, now);
    job->reason = reason;
}

static void refund_attempt(struct ij_job *job)
{
    if (job->attempt > 0)
        job->attempt--;
}

struct ij_job ij_state_new(const struct ij_submit *submit, int64_t now)
{
    int64_t run_at =
        submit->delay_ms ? ij_time_after(now, submit->delay_ms) : submit->run_at;
    bool is_later = run_at > now;
    struct ij_job job = {
        .id = submit->id,
        .state = is_later ? IMGJOB_STATE_SCHEDULED : IMGJOB_STATE_READY,
        .prio = submit->has_prio ? submit->prio : IJ_PRIO_DEFAULT,
        .run_at = is_later ? run_at : 0,
        .deadline = submit->deadline,
        .max_attempts = submit->max_attempts ? submit->max_attempts : IJ_ATTEMPTS_DEFAULT,
        .timeout_ms = submit->timeout_ms,
        .ver = 1,
        .created = now,
        .updated = now,
        .result_ttl_ms = submit->result_ttl_ms,
        .job_ttl_ms = submit->job_ttl_ms,
        .bytes = submit->bytes,
        .batch = submit->batch,
        .has_callback = submit->callback_url != NULL,
        .has_dedup = submit->has_dedup,
    };
    if (submit->has_dedup)
        memcpy(job.dedup, submit->dedup, sizeof(job.dedup));
    return job;
}

bool ij_state_promote(struct ij_job *job, int64_t now)
{
    if (job->state != IMGJOB_STATE_SCHEDULED || job->run_at > now)
        return false;
    enter(job, IMGJOB_STATE_READY, now);
    return true;
}

bool ij_state_claim(struct ij_job *job, const struct ij_claim *claim, uint64_t owner,
                    uint64_t token, int64_t now)
{
    if (job->state != IMGJOB_STATE_READY || is_overdue(job, now))
        return false;
    enter(job, IMGJOB_STATE_RUNNING, now);
    job->gen++;
    job->attempt++;
    job->token = token;
    job->owner = owner;
    job->lease_until = ij_time_after(now, claim->lease_ms);
    job->started = now;
    job->progress = (struct ij_progress){ 0 };
    return true;
}

bool ij_state_beat(struct ij_job *job, const struct ij_beat *beat, uint32_t lease_ms,
                   int64_t now)
{
    if (!is_held(job, &beat->lease))
        return false;
    if (beat->progress.percent >= job->progress.percent)
        job->progress = beat->progress;
    int64_t until = ij_time_after(now, lease_ms);
    if (job->lease_until < until)
        job->lease_until = until;
    return true;
}

/* T8, or T7 when no attempt is left. */
static void finish_retry(struct ij_job *job, const struct ij_finish *finish,
                         const struct ij_retention *retention, int64_t now)
{
    if (job->attempt >= job->max_attempts)
        fail(job, finish->failure->reason, retention, now);
    else
        enter_scheduled(job, now + ij_retry_delay_ms(job->attempt, finish->random), now);
}

/* T9. One whose node could not run it waits, so that other jobs pass it: it might be the
 * only one that the node cannot run. Past the cap it is tried like any that fails. */
static void finish_released(struct ij_job *job, const struct ij_finish *finish,
                            const struct ij_retention *retention, int64_t now)
{
    job->releases++;
    if (job->releases > IJ_RELEASES_MAX && finish->failure) {
        finish_retry(job, finish, retention, now);
        return;
    }
    refund_attempt(job);
    bool is_at_once = !finish->failure && job->releases <= IJ_RELEASES_MAX;
    if (is_at_once)
        enter(job, IMGJOB_STATE_READY, now);
    else
        enter_scheduled(job, now + ij_retry_delay_ms(job->releases, finish->random), now);
}

/* T16. The first crash may have been the worker's age, the second may not. */
static void finish_crashed(struct ij_job *job, const struct ij_finish *finish,
                           const struct ij_retention *retention, int64_t now)
{
    refund_attempt(job);
    job->crashes++;
    if (job->crashes >= IJ_CRASHES_MAX)
        fail(job, IJ_REASON_POISON, retention, now);
    else if (job->crashes == 1)
        enter(job, IMGJOB_STATE_READY, now);
    else
        enter_scheduled(job, now + ij_retry_delay_ms(job->crashes, finish->random), now);
}

bool ij_finish_blames(const struct ij_finish *finish)
{
    return finish->kind == IJ_FINISH_FAILED || finish->kind == IJ_FINISH_RETRY ||
           finish->kind == IJ_FINISH_CRASHED ||
           (finish->kind == IJ_FINISH_RELEASED && finish->failure);
}

bool ij_state_finish(struct ij_job *job, const struct ij_finish *finish,
                     const struct ij_retention *retention, int64_t now)
{
    if (!is_held(job, &finish->lease))
        return false;
    if (ij_finish_blames(finish))
        job->reason = finish->failure->reason;
    bool is_back = finish->kind == IJ_FINISH_RETRY ||
                   finish->kind == IJ_FINISH_RELEASED ||
                   finish->kind == IJ_FINISH_CRASHED;
    if (is_back && job->cancel_asked) { /* T10: nobody wants it tried again */
        end(job, IMGJOB_STATE_CANCELED, retention, now);
        return true;
    }
    switch (finish->kind) {
    case IJ_FINISH_SUCCEEDED:
        end(job, IMGJOB_STATE_SUCCEEDED, retention, now);
        job->progress = (struct ij_progress){ .percent = 100 };
        job->bytes += finish->bytes;
        return true;
    case IJ_FINISH_FAILED:
        fail(job, finish->failure->reason, retention, now);
        return true;
    case IJ_FINISH_RETRY:
        finish_retry(job, finish, retention, now);
        return true;
    case IJ_FINISH_RELEASED:
        finish_released(job, finish, retention, now);
        return true;
    case IJ_FINISH_CANCELED:
        end(job, IMGJOB_STATE_CANCELED, retention, now);
        return true;
    case IJ_FINISH_CRASHED:
        finish_crashed(job, finish, retention, now);
        return true;
    }
    assert(!"a kind of finish that does not exist");
    return false;
}

bool ij_state_is_repeat(const struct ij_job *job, const struct ij_finish *finish)
{
    if (job->gen != finish->lease.gen || job->token != finish->lease.token ||
        job->state == IMGJOB_STATE_RUNNING || !ij_id_equal(&job->id, &finish->lease.id))
        return false;
    switch (finish->kind) {
    case IJ_FINISH_SUCCEEDED:
        return job->state == IMGJOB_STATE_SUCCEEDED;
    case IJ_FINISH_FAILED:
        return job->state == IMGJOB_STATE_FAILED;
    case IJ_FINISH_CANCELED:
        return job->state == IMGJOB_STATE_CANCELED;
    case IJ_FINISH_RETRY:
    case IJ_FINISH_RELEASED:
    case IJ_FINISH_CRASHED: /* given back, and since then perhaps promoted or ended */
        return job->state != IMGJOB_STATE_SUCCEEDED;
    }
    return false;
}

bool ij_state_cancel(struct ij_job *job, const struct ij_retention *retention,
                     int64_t now)
{
    if (ij_job_is_ended(job) || job->state == IMGJOB_STATE_BLOCKED)
        return false;
    if (is_waiting(job))
        end(job, IMGJOB_STATE_CANCELED, retention, now);
    else if (!job->cancel_asked)
        job->ver++;
    job->cancel_asked = true;
    return true;
}

bool ij_state_lose(struct ij_job *job, bool is_owner_dead,
                   const struct ij_retention *retention, int64_t now)
{
    if (job->state != IMGJOB_STATE_RUNNING || (!is_owner_dead && job->lease_until >= now))
        return false;
    job->token = 0; /* so that a late finish by the old holder is no repeat */
    refund_attempt(job);
    job->losses++;
    if (job->cancel_asked)
        end(job, IMGJOB_STATE_CANCELED, retention, now);
    else if (job->losses > IJ_LOSSES_MAX)
        fail(job, IJ_REASON_LOST, retention, now);
    else
        enter(job, IMGJOB_STATE_READY, now);
    return true;
}

bool ij_state_overdue(struct ij_job *job, const struct ij_retention *retention,
                      int64_t now)
{
    if (!is_waiting(job) || !is_overdue(job, now))
        return false;
    fail(job, IJ_REASON_DEADLINE, retention, now);
    return true;
}

bool ij_state_retry(struct ij_job *job, int64_t now)
{
    if ((job->state != IMGJOB_STATE_FAILED && job->state != IMGJOB_STATE_CANCELED) ||
        job->result_expires == 0)
        return false;
    enter(job, IMGJOB_STATE_READY, now);
    job->reason = IJ_REASON_NONE;
    job->attempt = job->crashes = job->losses = job->releases = 0;
    job->cancel_asked = false;
    job->deadline = 0; /* who asks by hand wants it all the same */
    job->progress = (struct ij_progress){ 0 };
    job->finished = job->result_expires = job->expires = 0;
    return true;
}

bool ij_state_extend(struct ij_job *job, const struct ij_retention *retention,
                     int64_t now)
{
    if (job->state != IMGJOB_STATE_SUCCEEDED || job->result_expires == 0)
        return false;
    int64_t result_expires = job->result_expires, expires = job->expires;
    expire(job, retention, now);
    if (job->result_expires < result_expires)
        job->result_expires = result_expires;
    if (job->expires < expires)
        job->expires = expires;
    job->ver++;
    return true;
}

bool ij_state_is_twin(const struct ij_job *job, int64_t now)
{
    if (job->state == IMGJOB_STATE_SUCCEEDED)
        return job->result_expires > now;
    return !ij_job_is_ended(job) && !job->cancel_asked;
}

bool ij_state_purge(struct ij_job *job, int64_t now)
{
    if (!ij_job_is_ended(job) || job->result_expires == 0 || job->result_expires > now)
        return false;
    job->result_expires = 0;
    job->bytes = 0;
    job->ver++;
    return true;
}

bool ij_state_is_forgotten(const struct ij_job *job, int64_t now)
{
    return ij_job_is_ended(job) && job->result_expires == 0 && job->expires <= now;
}

bool ij_state_owns(const struct ij_job *job, const struct ij_suspect *suspect)
{
    if (!ij_id_equal(&job->id, &suspect->id) ||
        (ij_job_is_ended(job) && job->result_expires == 0))
        return false;
    if (suspect->is_input)
        return true;
    return (job->state == IMGJOB_STATE_RUNNING || job->state == IMGJOB_STATE_SUCCEEDED) &&
           job->gen == suspect->gen && job->token == suspect->token;
}

_Static_assert(IJ_CRASHES_MAX == 3 && IJ_LOSSES_MAX == 20, "the sentences say so");

const char *ij_state_reason_text(enum ij_reason reason)
{
    switch (reason) {
    case IJ_REASON_DEADLINE:
        return "the deadline passed before the job could run";
    case IJ_REASON_POISON:
        return "the job ended its worker process 3 times";
    case IJ_REASON_LOST:
        return "the process that ran the job died under it more than 20 times";
    default:
        return "";
    }
}
