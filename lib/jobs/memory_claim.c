/* Owns what the memory backend gives to a worker and takes from it: T3 to T10, T16. */
#include "jobs/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/record.h"

static struct ij_memory_row *first_scheduled(struct ij_memory *memory)
{
    struct ij_memory_row *first = NULL;
    for (size_t i = 0; i < memory->row_count; i++) {
        struct ij_memory_row *row = memory->rows[i];
        if (row->record.job.state == IMGJOB_STATE_SCHEDULED &&
            (!first || row->record.job.run_at < first->record.job.run_at))
            first = row;
    }
    return first;
}

static int64_t next_due(struct ij_memory *memory)
{
    const struct ij_memory_row *row = first_scheduled(memory);
    return row ? row->record.job.run_at : 0;
}

int ij_memory_promote(struct ij_memory_hold *hold, uint32_t max, uint32_t *out_count,
                      struct imgjob_error *err)
{
    for (; *out_count < max; (*out_count)++) {
        struct ij_memory_row *row = first_scheduled(hold->memory);
        struct ij_job job = row ? row->record.job : (struct ij_job){ 0 };
        if (!ij_state_promote(&job, hold->now))
            return 0;
        int rc = ij_memory_write_own(hold, row, &job, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- claim ---- */

/* The queue whose turn it is; NULL = none has a job that may run. */
static struct ij_memory_queue *next_queue(struct ij_memory *memory)
{
    struct ij_turn turns[IJ_QUEUES_MAX];
    uint64_t ready[IJ_QUEUES_MAX] = { 0 }, running[IJ_QUEUES_MAX] = { 0 };
    for (size_t i = 0; i < memory->row_count; i++) {
        const struct ij_job *job = &memory->rows[i]->record.job;
        ready[job->queue - 1] += job->state == IMGJOB_STATE_READY;
        running[job->queue - 1] += job->state == IMGJOB_STATE_RUNNING;
    }
    for (size_t i = 0; i < memory->queue_count; i++) {
        const struct ij_memory_queue *queue = &memory->queues[i];
        turns[i] = queue->turn;
        turns[i].may_run = ready[i] > 0 && !queue->is_paused &&
                           (queue->limit == 0 || running[i] < queue->limit);
    }
    size_t at = ij_turn_next(turns, memory->queue_count, &memory->turn_clock);
    return at < memory->queue_count ? &memory->queues[at] : NULL;
}

static struct ij_memory_row *first_ready(struct ij_memory *memory)
{
    const struct ij_memory_queue *queue = next_queue(memory);
    struct ij_memory_row *first = NULL;
    for (size_t i = 0; i < memory->row_count && queue; i++) {
        struct ij_memory_row *row = memory->rows[i];
        const struct ij_job *job = &row->record.job;
        if (job->state == IMGJOB_STATE_READY &&
            queue == &memory->queues[job->queue - 1] &&
            (!first || ij_fair_before(job, &first->record.job)))
            first = row;
    }
    return first;
}

/* @return 0 `out` may run, 1 none may, or a code */
static int find_ready(struct ij_memory_hold *hold, struct ij_memory_row **out,
                      int64_t *out_due, struct imgjob_error *err)
{
    for (int i = 0; (*out = first_ready(hold->memory)) != NULL; i++) {
        struct ij_job job = (*out)->record.job;
        if (!ij_state_overdue(&job, &hold->memory->retention, hold->now))
            return 0;
        if (i == IJ_CLAIM_SIDE_MAX) {
            *out_due = hold->now; /* there is more: ask again at once */
            return 1;
        }
        int rc = ij_memory_write_own(hold, *out, &job, err);
        if (rc < 0)
            return rc;
    }
    *out_due = next_due(hold->memory);
    return 1;
}

static int take(struct ij_memory_hold *hold, const struct ij_claim *claim,
                struct ij_memory_row *row, struct ij_record *out,
                struct imgjob_error *err)
{
    struct ij_memory *memory = hold->memory;
    struct ij_memory_edit edit = { .job = row->record.job };
    uint64_t token = 0;
    int rc = ij_token_new(&token, err);
    struct ij_memory_share *clock =
        ij_memory_share(memory, edit.job.queue, edit.job.prio, 0);
    if (rc == 0 && !clock)
        rc = ij_fail_nomem(err, "claiming a job");
    IJ_AUTO(ij_record_done) struct ij_record copy = { 0 };
    if (rc == 0)
        rc = ij_record_copy(&row->record, &copy, err);
    if (rc < 0)
        return rc;
    (void)ij_state_claim(&edit.job, claim, memory->jobs.ops->owner(&memory->jobs), token,
                         hold->now); /* it may run */
    rc = ij_memory_write(hold, row, &edit, err);
    if (rc < 0)
        return rc;
    clock->last = ij_fair_claimed(clock->last, &row->record.job);
    ij_turn_take(&memory->queues[edit.job.queue - 1].turn, &memory->turn_clock);
    *out = copy;
    out->job = row->record.job;
    copy = (struct ij_record){ 0 };
    return 0;
}

static int claim_held(struct ij_memory_hold *hold, const struct ij_claim *claim,
                      struct ij_record *out, int64_t *out_due, struct imgjob_error *err)
{
    uint32_t promoted = 0;
    struct ij_memory_row *row = NULL;
    int rc = ij_memory_promote(hold, IJ_CLAIM_SIDE_MAX, &promoted, err);
    if (rc == 0)
        rc = find_ready(hold, &row, out_due, err);
    return rc == 0 ? take(hold, claim, row, out, err) : rc;
}

int ij_memory_claim(struct ij_jobs *jobs, const struct ij_claim *claim,
                    struct ij_record *out, int64_t *out_due, struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    return claim_held(&hold, claim, out, out_due, err);
}

/* ---- lease holders ---- */

static void count_stale(const struct ij_memory *memory)
{
    if (memory->config.metrics)
        ij_count(&memory->config.metrics->stale_writes);
}

static bool is_same_progress(const struct ij_progress *a, const struct ij_progress *b)
{
    return a->percent == b->percent && a->stage == b->stage && a->output == b->output;
}

int ij_memory_heartbeat(struct ij_jobs *jobs, struct ij_beat *beats, size_t count,
                        uint32_t lease_ms, struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    int rc = ij_changes_reserve(&hold.changes, count, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct ij_beat *beat = &beats[i];
        struct ij_memory_row *row = ij_memory_find(hold.memory, &beat->lease.id);
        struct ij_job before = row ? row->record.job : (struct ij_job){ 0 };
        beat->lost = !row || !ij_state_beat(&row->record.job, beat, lease_ms, hold.now);
        beat->cancel_asked = !beat->lost && before.cancel_asked;
        if (beat->lost)
            count_stale(hold.memory);
        else if (!is_same_progress(&before.progress, &row->record.job.progress))
            ij_changes_add(&hold.changes, &before, &row->record.job, row->record.queue);
    }
    return 0;
}

/* Put a finish and its documents into the row, which is held by its lease. */
static int apply_finish(struct ij_memory_hold *hold, struct ij_memory_row *row,
                        const struct ij_job *job, const struct ij_finish *finish,
                        struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_edit_done) struct ij_memory_edit edit = { .job = *job };
    int rc = ij_record_failure(job, finish, &edit.failure, err);
    if (rc < 0)
        return rc;
    if (job->state == IMGJOB_STATE_SUCCEEDED) {
        edit.result = finish->result ? strdup(finish->result) : NULL;
        if (asprintf(&edit.keys, "%s%s", row->record.keys,
                     finish->keys ? finish->keys : "") < 0)
            edit.keys = NULL; /* not defined when it fails */
        if (!edit.keys || (finish->result && !edit.result))
            return ij_fail_nomem(err, "storing a result in memory");
    }
    return ij_memory_write(hold, row, &edit, err);
}

int ij_memory_finish(struct ij_jobs *jobs, const struct ij_finish *finish,
                     const struct ij_claim *next, struct ij_record *out_next,
                     struct imgjob_error *err)
{
    int outcome = ij_finish_check(finish, err);
    if (outcome < 0)
        return outcome;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_memory_row *row = ij_memory_find(hold.memory, &finish->lease.id);
    struct ij_job job = row ? row->record.job : (struct ij_job){ 0 };
    if (row && ij_state_finish(&job, finish, &hold.memory->retention, hold.now))
        outcome = apply_finish(&hold, row, &job, finish, err);
    else
        outcome = row && ij_state_is_repeat(&job, finish) ? 0 : 1;
    if (outcome == 1)
        count_stale(hold.memory);
    if (outcome < 0 || !next)
        return outcome;
    struct ij_record record = { 0 };
    int64_t due;
    (void)claim_held(&hold, next, &record, &due, NULL); /* none: the finish stands */
    *out_next = record;
    return outcome;
}
