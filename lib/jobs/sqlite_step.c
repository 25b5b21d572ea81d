/*
 * Owns what a request does inside the writer's transaction: read a row, let state.c
 * decide, write the row back, keep the counters, the outbox and the list of changes in
 * step with it. The steps of those who run jobs are here.
 */
#include "jobs/sqlite_step.h"

#include <inttypes.h>

#include "base/auto.h"
#include "jobs/outbox.h"
#include "jobs/record.h"
#include "jobs/sqlite_owner.h"
#include "jobs/sqlite_row.h"
#include "jobs/sqlite_side.h"

/* ---- writing ---- */

static int lost_queue(const struct ij_sqlite_batch *batch, const struct ij_job *job,
                      struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_STORE,
                   "database '%.100s' is damaged: row %" PRIu64
                   " stands in no queue: restore a backup",
                   batch->db.path, job->seq);
}

int ij_batch_write(struct ij_sqlite_batch *batch, const struct ij_job *before,
                   struct ij_job *job, const char *failure, struct imgjob_error *err)
{
    struct ij_sqlite_queue *queue = ij_sqlite_queue_of(&batch->sums, job->queue);
    if (!queue)
        return lost_queue(batch, job, err);
    job->change = batch->sums.change + 1;
    int rc = ij_changes_reserve(&batch->changes, 1, err);
    if (rc == 0)
        rc = ij_sqlite_update_job(&batch->db, job, err);
    if (rc == 0 && failure)
        rc = ij_sqlite_write_failure(&batch->db, job->seq, failure, err);
    if (rc == 0 && ij_delivery_is_owed(job, before->state))
        rc = ij_batch_owe(batch, job, err);
    if (rc < 0)
        return rc;
    batch->sums.change++;
    batch->sums.bytes += job->bytes - before->bytes;
    queue->by_state[before->state]--;
    queue->by_state[job->state]++;
    ij_changes_add(&batch->changes, before, job, queue->name);
    return 0;
}

int ij_batch_write_own(struct ij_sqlite_batch *batch, const struct ij_job *before,
                       struct ij_job *job, struct imgjob_error *err)
{
    IJ_AUTO(ij_free) char *failure = NULL;
    int rc = ij_record_failure(job, NULL, &failure, err);
    return rc < 0 ? rc : ij_batch_write(batch, before, job, failure, err);
}

int ij_batch_purge(struct ij_sqlite_batch *batch, struct ij_job *job, int64_t now,
                   struct imgjob_error *err)
{
    struct ij_job before = *job;
    if (!ij_state_purge(job, now))
        return 1;
    int rc = ij_sqlite_release_keys(&batch->db, job->seq, err);
    return rc < 0 ? rc : ij_batch_write(batch, &before, job, NULL, err);
}

int ij_batch_forget(struct ij_sqlite_batch *batch, const struct ij_job *job,
                    struct imgjob_error *err)
{
    struct ij_sqlite_queue *queue = ij_sqlite_queue_of(&batch->sums, job->queue);
    if (!queue)
        return lost_queue(batch, job, err);
    int rc = ij_sqlite_delete_job(&batch->db, job->seq, err);
    if (rc == 0)
        queue->by_state[job->state]--;
    return rc;
}

uint64_t ij_batch_count(const struct ij_sqlite_batch *batch, enum imgjob_state state)
{
    uint64_t count = 0;
    for (size_t i = 0; i < batch->sums.queue_count; i++)
        count += batch->sums.queues[i].by_state[state];
    return count;
}

int ij_batch_promote(struct ij_sqlite_batch *batch, uint32_t max, uint32_t *out_count,
                     struct imgjob_error *err)
{
    if (ij_batch_count(batch, IMGJOB_STATE_SCHEDULED) == 0)
        return 0;
    for (; *out_count < max; (*out_count)++) {
        struct ij_job job;
        int rc = ij_sqlite_first_job(&batch->db, IJ_SQL_FIRST_DUE, batch->now, &job, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        struct ij_job before = job;
        if (!ij_state_promote(&job, batch->now))
            return 0;
        rc = ij_batch_write(batch, &before, &job, NULL, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- claim ---- */

static int find_next_due(struct ij_sqlite_batch *batch, int64_t *out,
                         struct imgjob_error *err)
{
    *out = 0;
    if (ij_batch_count(batch, IMGJOB_STATE_SCHEDULED) == 0)
        return 0;
    struct ij_job job;
    int rc = ij_sqlite_first_job(&batch->db, IJ_SQL_FIRST_SCHEDULED, 0, &job, err);
    if (rc == 0)
        *out = job.run_at;
    return rc < 0 ? rc : 0;
}

/* The queue whose turn it is, and its first job; the overdue at its head are failed.
 * @return 0 `out` may run, 1 none may */
static int find_ready(struct ij_sqlite_batch *batch, struct ij_sqlite_queue **out_queue,
                      struct ij_job *out, int64_t *next_due, struct imgjob_error *err)
{
    for (int i = 0; (*out_queue = ij_sqlite_queue_next(&batch->sums)) != NULL; i++) {
        int rc = ij_sqlite_first_job(&batch->db, IJ_SQL_FIRST_READY, (*out_queue)->number,
                                     out, err);
        if (rc == 1)
            return ij_fail(err, IMGJOB_E_STORE,
                           "database '%.80s' is damaged: its counters tell of ready jobs "
                           "in queue '%.64s' where none are: imgjobd --audit --repair",
                           batch->db.path, (*out_queue)->name);
        if (rc < 0)
            return rc;
        struct ij_job job = *out;
        if (!ij_state_overdue(&job, &batch->retention, batch->now))
            return 0;
        if (i == IJ_CLAIM_SIDE_MAX) {
            *next_due = batch->now; /* there is more: ask again at once */
            return 1;
        }
        rc = ij_batch_write_own(batch, out, &job, err);
        if (rc < 0)
            return rc;
    }
    int rc = find_next_due(batch, next_due, err);
    return rc < 0 ? rc : 1;
}

/* Give a job that may run to its owner. */
static int take(struct ij_sqlite_batch *batch, struct ij_sqlite_queue *queue,
                const struct ij_job *ready, struct ij_claim_call *call,
                struct imgjob_error *err)
{
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    uint64_t token = 0, clock = 0;
    int rc = ij_sqlite_read_row(&batch->db, ready->seq, &record, err);
    if (rc == 0)
        rc = ij_token_new(&token, err);
    if (rc < 0)
        return rc;
    if (rc == 1 || !ij_state_claim(&record.job, call->claim,
                                   ij_sqlite_owner(batch->owners), token, batch->now))
        return ij_fail(err, IMGJOB_E_STORE,
                       "database '%.80s' is damaged: row %" PRIu64 " stands among the "
                       "ready jobs and has no documents: restore a backup",
                       batch->db.path, ready->seq);
    rc = ij_batch_write(batch, ready, &record.job, NULL, err);
    if (rc == 0)
        rc = ij_sqlite_read_share(&batch->db, ready, 0, &clock, err);
    if (rc == 0)
        rc = ij_sqlite_write_share(&batch->db, ready, 0, ij_fair_claimed(clock, ready),
                                   err);
    if (rc < 0)
        return rc;
    ij_turn_take(&queue->turn, &batch->sums.clock);
    call->record = record;
    record = (struct ij_record){ 0 };
    return 0;
}

int ij_step_claim(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_claim_call *call = data;
    ij_record_done(&call->record); /* of a batch that was undone */
    uint32_t promoted = 0;
    struct ij_sqlite_queue *queue = NULL;
    struct ij_job ready;
    int rc = ij_batch_promote(batch, IJ_CLAIM_SIDE_MAX, &promoted, err);
    if (rc == 0)
        rc = find_ready(batch, &queue, &ready, &call->next_due, err);
    return rc == 0 ? take(batch, queue, &ready, call, err) : rc;
}

/* ---- lease holders ---- */

static void count_stale(const struct ij_sqlite_batch *batch)
{
    if (batch->config->metrics)
        ij_count(&batch->config->metrics->stale_writes);
}

static bool is_same_progress(const struct ij_progress *a, const struct ij_progress *b)
{
    return a->percent == b->percent && a->stage == b->stage && a->output == b->output;
}

/* One beat; progress is told, though it is no transition. */
static int beat_one(struct ij_sqlite_batch *batch, struct ij_beat *beat,
                    uint32_t lease_ms, struct imgjob_error *err)
{
    struct ij_job job;
    int rc = ij_sqlite_find_job(&batch->db, &beat->lease.id, &job, err);
    if (rc < 0)
        return rc;
    struct ij_job before = job;
    beat->lost = rc == 1 || !ij_state_beat(&job, beat, lease_ms, batch->now);
    beat->cancel_asked = !beat->lost && job.cancel_asked;
    if (beat->lost) {
        count_stale(batch);
        return 0;
    }
    rc = ij_sqlite_beat_job(&batch->db, &job, err);
    if (rc < 0 || is_same_progress(&before.progress, &job.progress))
        return rc;
    const struct ij_sqlite_queue *queue = ij_sqlite_queue_of(&batch->sums, job.queue);
    if (!queue)
        return lost_queue(batch, &job, err);
    rc = ij_changes_reserve(&batch->changes, 1, err);
    if (rc == 0)
        ij_changes_add(&batch->changes, &before, &job, queue->name);
    return rc;
}

int ij_step_heartbeat(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_heartbeat_call *call = data;
    int rc = 0;
    for (size_t i = 0; i < call->count && rc == 0; i++)
        rc = beat_one(batch, &call->beats[i], call->lease_ms, err);
    return rc;
}

static int write_finish(struct ij_sqlite_batch *batch, const struct ij_job *before,
                        struct ij_job *job, const struct ij_finish *finish,
                        struct imgjob_error *err)
{
    IJ_AUTO(ij_free) char *failure = NULL;
    int rc = ij_record_failure(job, finish, &failure, err);
    if (rc == 0 && job->state == IMGJOB_STATE_SUCCEEDED)
        rc = ij_sqlite_write_result(&batch->db, job->seq, finish->result, finish->keys,
                                    err);
    return rc < 0 ? rc : ij_batch_write(batch, before, job, failure, err);
}

int ij_step_finish(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_finish_call *call = data;
    const struct ij_finish *finish = call->finish;
    struct ij_job job;
    int outcome = ij_sqlite_find_job(&batch->db, &finish->lease.id, &job, err);
    if (outcome == 0) {
        struct ij_job before = job;
        if (ij_state_finish(&job, finish, &batch->retention, batch->now))
            outcome = write_finish(batch, &before, &job, finish, err);
        else
            outcome = ij_state_is_repeat(&job, finish) ? 0 : 1;
    }
    if (outcome == 1)
        count_stale(batch);
    if (outcome < 0 || !call->next.claim)
        return outcome;
    int rc = ij_step_claim(batch, &call->next, err);
    return rc < 0 ? rc : outcome;
}
