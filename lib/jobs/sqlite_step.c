/*
 * Owns what a request does inside the writer's transaction: read a row, let state.c
 * decide, write the row back, keep the counters and the list of changes in step with it.
 */
#include "jobs/sqlite_step.h"

#include <inttypes.h>

#include "base/auto.h"
#include "jobs/record.h"
#include "jobs/sqlite_row.h"
#include "jobs/sqlite_side.h"
#include "jobs/submit.h"

/* A transition out of `from`, written; `failure` NULL leaves that document alone. */
static int write_back(struct ij_sqlite_batch *batch, enum imgjob_state from,
                      const struct ij_job *job, const char *failure,
                      struct imgjob_error *err)
{
    int rc = ij_changes_reserve(&batch->changes, 1, err);
    if (rc == 0)
        rc = ij_sqlite_update_job(&batch->db, job, err);
    if (rc == 0 && failure)
        rc = ij_sqlite_write_failure(&batch->db, job->seq, failure, err);
    if (rc < 0)
        return rc;
    batch->sums.stats.by_state[from]--;
    batch->sums.stats.by_state[job->state]++;
    ij_changes_add(&batch->changes, job);
    return 0;
}

/* The same for a transition that the store makes by itself, with its own words. */
static int write_back_own(struct ij_sqlite_batch *batch, enum imgjob_state from,
                          const struct ij_job *job, struct imgjob_error *err)
{
    IJ_AUTO(ij_free) char *failure = NULL;
    int rc = ij_record_failure(job, NULL, &failure, err);
    return rc < 0 ? rc : write_back(batch, from, job, failure, err);
}

/* ---- the kinds of waiting: each step takes the first row of a kind out of it ---- */

/* @return 0, 1 = the row is not of that kind, or a code */
typedef int take_fn(struct ij_sqlite_batch *batch, struct ij_job *job,
                    struct imgjob_error *err);

static int take_due(struct ij_sqlite_batch *batch, struct ij_job *job,
                    struct imgjob_error *err)
{
    if (!ij_state_promote(job, batch->now))
        return 1;
    return write_back(batch, IMGJOB_STATE_SCHEDULED, job, NULL, err);
}

static int take_lost(struct ij_sqlite_batch *batch, struct ij_job *job,
                     struct imgjob_error *err)
{
    if (!ij_state_lose(job, false, &batch->retention, batch->now))
        return 1;
    return write_back_own(batch, IMGJOB_STATE_RUNNING, job, err);
}

static int take_orphaned(struct ij_sqlite_batch *batch, struct ij_job *job,
                         struct imgjob_error *err)
{
    if (!ij_state_lose(job, true, &batch->retention, batch->now))
        return 1;
    return write_back_own(batch, IMGJOB_STATE_RUNNING, job, err);
}

static int take_overdue(struct ij_sqlite_batch *batch, struct ij_job *job,
                        struct imgjob_error *err)
{
    enum imgjob_state from = job->state;
    if (!ij_state_overdue(job, &batch->retention, batch->now))
        return 1;
    return write_back_own(batch, from, job, err);
}

static int take_purged(struct ij_sqlite_batch *batch, struct ij_job *job,
                       struct imgjob_error *err)
{
    enum imgjob_state state = job->state;
    if (!ij_state_purge(job, batch->now))
        return 1;
    int rc = ij_sqlite_release_keys(&batch->db, job->seq, err);
    return rc < 0 ? rc : write_back(batch, state, job, NULL, err);
}

static int take_forgotten(struct ij_sqlite_batch *batch, struct ij_job *job,
                          struct imgjob_error *err)
{
    if (!ij_state_is_forgotten(job, batch->now))
        return 1;
    int rc = ij_sqlite_delete_job(&batch->db, job->seq, err);
    if (rc == 0)
        batch->sums.stats.by_state[job->state]--;
    return rc;
}

/* What waits for the same thing: how its first row is found, and what then happens. */
struct kind {
    enum ij_sql first;
    take_fn *take;
};
static const struct kind due = { IJ_SQL_FIRST_DUE, take_due };
static const struct kind lost = { IJ_SQL_FIRST_LOST, take_lost };
static const struct kind orphaned = { IJ_SQL_FIRST_RUNNING, take_orphaned };
static const struct kind overdue = { IJ_SQL_FIRST_OVERDUE, take_overdue };
static const struct kind purged = { IJ_SQL_FIRST_PURGED, take_purged };
static const struct kind forgotten = { IJ_SQL_FIRST_FORGOTTEN, take_forgotten };

/* Up to `max` rows of a kind. Each leaves the index it was found by, so that the next
 * probe finds the next row. */
static int take_each(struct ij_sqlite_batch *batch, const struct kind *kind, uint32_t max,
                     uint32_t *out_count, struct imgjob_error *err)
{
    for (uint32_t count = 0; count < max; count++) {
        struct ij_job job;
        int rc = ij_sqlite_first_job(&batch->db, kind->first, batch->now, &job, err);
        if (rc == 0)
            rc = kind->take(batch, &job, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        (*out_count)++;
    }
    return 0;
}

static int promote(struct ij_sqlite_batch *batch, uint32_t max, uint32_t *out_count,
                   struct imgjob_error *err)
{
    if (batch->sums.stats.by_state[IMGJOB_STATE_SCHEDULED] == 0)
        return 0;
    return take_each(batch, &due, max, out_count, err);
}

static int find_next_due(struct ij_sqlite_batch *batch, int64_t *out,
                         struct imgjob_error *err)
{
    *out = 0;
    if (batch->sums.stats.by_state[IMGJOB_STATE_SCHEDULED] == 0)
        return 0;
    struct ij_job job;
    int rc = ij_sqlite_first_job(&batch->db, IJ_SQL_FIRST_SCHEDULED, 0, &job, err);
    if (rc == 0)
        *out = job.run_at;
    return rc < 0 ? rc : 0;
}

/* ---- submit ---- */

int ij_step_submit(struct ij_sqlite_batch *batch, void *call, struct imgjob_error *err)
{
    const struct ij_submit *submit = ((struct ij_submit_call *)call)->submit;
    IJ_AUTO(ij_record_done) struct ij_record there = { 0 };
    int rc = ij_sqlite_read_record(&batch->db, &submit->id, &there, err);
    if (rc <= 0)
        return rc < 0 ? rc : ij_submit_again(&there, submit, err);
    rc = ij_sqlite_gc_find(&batch->db, &submit->id, err);
    if (rc <= 0)
        return rc < 0 ? rc : ij_submit_condemned(&submit->id, err);
    rc = ij_submit_capacity(&batch->sums.stats, batch->config->max_queued, err);
    if (rc == 0)
        rc = ij_changes_reserve(&batch->changes, 1, err);
    if (rc < 0)
        return rc;

    struct ij_job job = ij_state_new(submit, batch->now);
    job.seq = job.fair = batch->sums.last_seq + 1;
    rc = ij_sqlite_insert_job(&batch->db, &job, err);
    if (rc == 0)
        rc = ij_sqlite_insert_doc(&batch->db, job.seq, submit, err);
    if (rc < 0)
        return rc;
    batch->sums.last_seq = job.seq;
    batch->sums.stats.by_state[job.state]++;
    ij_changes_add(&batch->changes, &job);
    return 0;
}

/* ---- claim ---- */

/* Fail the overdue at the head of the queue. @return 0 `out` may run, 1 none may */
static int find_ready(struct ij_sqlite_batch *batch, struct ij_job *out,
                      int64_t *next_due, struct imgjob_error *err)
{
    for (int i = 0; batch->sums.stats.by_state[IMGJOB_STATE_READY] > 0; i++) {
        int rc = ij_sqlite_first_job(&batch->db, IJ_SQL_FIRST_READY, 0, out, err);
        if (rc != 0)
            return rc;
        struct ij_job job = *out;
        if (!ij_state_overdue(&job, &batch->retention, batch->now))
            return 0;
        if (i == IJ_CLAIM_SIDE_MAX) {
            *next_due = batch->now; /* there is more: ask again at once */
            return 1;
        }
        rc = write_back_own(batch, IMGJOB_STATE_READY, &job, err);
        if (rc < 0)
            return rc;
    }
    int rc = find_next_due(batch, next_due, err);
    return rc < 0 ? rc : 1;
}

int ij_step_claim(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_claim_call *call = data;
    ij_record_done(&call->record); /* of a batch that was undone */
    uint32_t promoted = 0;
    struct ij_job job;
    int rc = promote(batch, IJ_CLAIM_SIDE_MAX, &promoted, err);
    if (rc == 0)
        rc = find_ready(batch, &job, &call->next_due, err);
    if (rc != 0)
        return rc;

    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    uint64_t token = 0;
    rc = ij_sqlite_read_record(&batch->db, &job.id, &record, err);
    if (rc == 0)
        rc = ij_token_new(&token, err);
    if (rc < 0)
        return rc;
    if (rc == 1 || !ij_state_claim(&record.job, call->claim, token, batch->now))
        return ij_fail(err, IMGJOB_E_STORE,
                       "database '%.80s' is damaged: row %" PRIu64 " stands among the "
                       "ready jobs and has no documents: restore a backup",
                       batch->db.path, job.seq);
    rc = write_back(batch, IMGJOB_STATE_READY, &record.job, NULL, err);
    if (rc < 0)
        return rc;
    call->record = record;
    record = (struct ij_record){ 0 };
    return 0;
}

/* ---- lease holders ---- */

int ij_step_heartbeat(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_heartbeat_call *call = data;
    for (size_t i = 0; i < call->count; i++) {
        struct ij_beat *beat = &call->beats[i];
        struct ij_job job;
        int rc = ij_sqlite_find_job(&batch->db, &beat->lease.id, &job, err);
        if (rc < 0)
            return rc;
        beat->lost =
            rc == 1 || !ij_state_beat(&job, &beat->lease, call->lease_ms, batch->now);
        beat->cancel_asked = !beat->lost && job.cancel_asked;
        rc = beat->lost ? 0 : ij_sqlite_update_job(&batch->db, &job, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int write_finish(struct ij_sqlite_batch *batch, const struct ij_job *job,
                        const struct ij_finish *finish, struct imgjob_error *err)
{
    IJ_AUTO(ij_free) char *failure = NULL;
    int rc = ij_record_failure(job, finish, &failure, err);
    if (rc == 0)
        rc = write_back(batch, IMGJOB_STATE_RUNNING, job, failure, err);
    if (rc == 0 && job->state == IMGJOB_STATE_SUCCEEDED)
        rc = ij_sqlite_write_result(&batch->db, job->seq, finish->result, finish->keys,
                                    err);
    return rc;
}

int ij_step_finish(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_finish_call *call = data;
    const struct ij_finish *finish = call->finish;
    struct ij_job job;
    int outcome = ij_sqlite_find_job(&batch->db, &finish->lease.id, &job, err);
    if (outcome == 0) {
        if (ij_state_finish(&job, finish, &batch->retention, batch->now))
            outcome = write_finish(batch, &job, finish, err);
        else
            outcome = ij_state_is_repeat(&job, finish) ? 0 : 1;
    }
    if (outcome < 0 || !call->next.claim)
        return outcome;
    int rc = ij_step_claim(batch, &call->next, err);
    return rc < 0 ? rc : outcome;
}

/* ---- the sweeper ---- */

int ij_step_reclaim(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_reclaim_call *call = data;
    call->count = 0;
    return take_each(batch, &orphaned, UINT32_MAX, &call->count, err);
}

int ij_step_sweep(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_sweep_call *call = data;
    struct ij_swept *swept = &call->swept;
    *swept = (struct ij_swept){ 0 };
    uint32_t budget = call->sweep->budget;
    int rc = promote(batch, budget, &swept->promoted, err);
    if (rc == 0 && call->sweep->is_clock_trusted)
        rc = take_each(batch, &lost, budget, &swept->losses, err);
    if (rc == 0)
        rc = take_each(batch, &overdue, budget, &swept->overdue, err);
    if (rc == 0)
        rc = take_each(batch, &purged, budget, &swept->purged, err);
    if (rc == 0)
        rc = take_each(batch, &forgotten, budget, &swept->forgotten, err);
    if (rc == 0 && swept->forgotten == 0) /* while rows go, their pages may be of use */
        rc = ij_sqlite_shrink(&batch->db, err);
    return rc;
}

/* ---- blobs to be collected ---- */

/* @return 1 = a job owns it, 0 = none does, or a code */
static int find_owner(struct ij_sqlite_batch *batch, const struct ij_suspect *suspect,
                      struct imgjob_error *err)
{
    struct ij_job job;
    int rc = ij_sqlite_find_job(&batch->db, &suspect->id, &job, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return ij_state_owns(&job, suspect) ? 1 : 0;
}

int ij_step_condemn(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_condemn_call *call = data;
    for (size_t i = 0; i < call->count; i++) {
        struct ij_suspect *suspect = &call->suspects[i];
        int rc = find_owner(batch, suspect, err);
        suspect->is_condemned = rc == 0;
        if (rc == 0)
            rc = ij_sqlite_gc_insert(&batch->db, suspect->key, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int ij_step_drop(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_drop_call *call = data;
    for (size_t i = 0; i < call->count; i++) {
        int rc = ij_sqlite_gc_delete(&batch->db, call->keys[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
