/* Owns what operators and clients do to jobs and queues of the memory backend: T11, T14,
 * purge, and the settings of queues. */
#include "jobs/memory.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/record.h"
#include "jobs/submit.h"

int ij_memory_cancel(struct ij_jobs *jobs, const struct ij_id *id, struct ij_job *out,
                     struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_memory_row *row = ij_memory_find(hold.memory, id);
    if (!row)
        return ij_fail_unknown(id, err);
    struct ij_job job = row->record.job;
    if (!ij_state_cancel(&job, &hold.memory->retention, hold.now))
        return ij_fail_ended(id, err);
    bool is_asked_already = job.ver == row->record.job.ver;
    int rc = is_asked_already ? 0 : ij_memory_write_own(&hold, row, &job, err);
    if (rc == 0)
        *out = row->record.job;
    return rc;
}

int ij_memory_retry(struct ij_jobs *jobs, const struct ij_id *id,
                    struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_memory_row *row = ij_memory_find(hold.memory, id);
    if (!row)
        return ij_fail_unknown(id, err);
    int rc = ij_retry_check(&row->record.job, err);
    uint64_t by_state[IJ_STATE_COUNT];
    ij_memory_count(hold.memory, by_state);
    if (rc == 0)
        rc = ij_submit_capacity(ij_queued(by_state), 0, hold.memory->config.max_queued,
                                err);
    if (rc < 0)
        return rc;
    struct ij_memory_edit edit = { .job = row->record.job, .is_failure_gone = true };
    (void)ij_state_retry(&edit.job, hold.now); /* it may be, as was checked */
    return ij_memory_write(&hold, row, &edit, err);
}

int ij_memory_purge(struct ij_jobs *jobs, const struct ij_id *id,
                    struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_memory_row *row = ij_memory_find(hold.memory, id);
    if (!row)
        return ij_fail_unknown(id, err);
    struct ij_job job = row->record.job;
    if (job.state < IMGJOB_STATE_SUCCEEDED)
        return ij_fail_not_ended(id, err);
    int rc =
        ij_state_purge(&job, INT64_MAX) ? ij_memory_give_blobs(&hold, row, &job, err) : 0;
    if (rc == 0)
        ij_memory_row_remove(hold.memory, row);
    return rc;
}

/* ---- queues ---- */

static struct ij_queue_stats stats_of(const struct ij_memory *memory, size_t at)
{
    const struct ij_memory_queue *queue = &memory->queues[at];
    struct ij_queue_stats stats = {
        .is_paused = queue->is_paused,
        .limit = queue->limit,
        .weight = queue->turn.weight,
    };
    (void)snprintf(stats.name, sizeof(stats.name), "%s", queue->name);
    for (size_t i = 0; i < memory->row_count; i++) {
        const struct ij_job *job = &memory->rows[i]->record.job;
        if (job->queue != at + 1)
            continue;
        stats.by_state[job->state]++;
        if (job->state == IMGJOB_STATE_READY &&
            (!stats.oldest_ready || job->updated < stats.oldest_ready))
            stats.oldest_ready = job->updated;
    }
    return stats;
}

int ij_memory_queues(struct ij_jobs *jobs, struct ij_queue_stats *out, size_t *out_count,
                     struct imgjob_error *err)
{
    (void)err;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    const struct ij_memory *memory = hold.memory;
    for (size_t i = 0; i < memory->queue_count; i++) {
        size_t at = i;
        for (; at > 0 && strcmp(memory->queues[i].name, out[at - 1].name) < 0; at--)
            out[at] = out[at - 1];
        out[at] = stats_of(memory, i);
    }
    *out_count = memory->queue_count;
    return 0;
}

int ij_memory_queue_set(struct ij_jobs *jobs, const struct ij_queue_set *set,
                        struct imgjob_error *err)
{
    uint32_t number = 0;
    int rc = ij_queue_set_check(set, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    rc = ij_memory_queue_make(hold.memory, set->name, &number, err);
    if (rc < 0)
        return rc;
    struct ij_memory_queue *queue = &hold.memory->queues[number - 1];
    if (set->what & IJ_QUEUE_PAUSED)
        queue->is_paused = set->is_paused;
    if (set->what & IJ_QUEUE_LIMIT)
        queue->limit = set->limit;
    if (set->what & IJ_QUEUE_WEIGHT)
        queue->turn.weight = set->weight;
    return 0;
}
