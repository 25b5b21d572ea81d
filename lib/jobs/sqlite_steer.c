/* Owns what clients and operators ask of jobs and queues that are there. */
#include "base/auto.h"
#include "jobs/record.h"
#include "jobs/sqlite_row.h"
#include "jobs/sqlite_step.h"
#include "jobs/submit.h"

static int find(struct ij_sqlite_batch *batch, const struct ij_id *id, struct ij_job *out,
                struct imgjob_error *err)
{
    int rc = ij_sqlite_find_job(&batch->db, id, out, err);
    return rc == 1 ? ij_fail_unknown(id, err) : rc;
}

int ij_step_cancel(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_steer_call *call = data;
    struct ij_job *job = &call->job;
    int rc = find(batch, call->id, job, err);
    if (rc < 0)
        return rc;
    struct ij_job before = *job;
    if (!ij_state_cancel(job, &batch->retention, batch->now))
        return ij_fail_ended(call->id, err);
    return job->ver == before.ver ? 0 : ij_batch_write(batch, &before, job, NULL, err);
}

int ij_step_retry(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    const struct ij_steer_call *call = data;
    struct ij_jobs_stats stats = ij_sqlite_sums_total(&batch->sums);
    struct ij_job job;
    int rc = find(batch, call->id, &job, err);
    if (rc == 0)
        rc = ij_retry_check(&job, err);
    if (rc == 0)
        rc = ij_submit_capacity(ij_queued(stats.by_state), 0, batch->config->max_queued,
                                err);
    if (rc < 0)
        return rc;
    struct ij_job before = job;
    (void)ij_state_retry(&job, batch->now); /* it was checked */
    rc = ij_sqlite_write_failure(&batch->db, job.seq, NULL, err);
    return rc < 0 ? rc : ij_batch_write(batch, &before, &job, NULL, err);
}

int ij_step_purge(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    const struct ij_steer_call *call = data;
    struct ij_job job;
    int rc = find(batch, call->id, &job, err);
    if (rc < 0)
        return rc;
    if (job.state < IMGJOB_STATE_SUCCEEDED)
        return ij_fail_not_ended(call->id, err);
    rc = ij_batch_purge(batch, &job, INT64_MAX, err); /* 1 = its blobs went before */
    return rc < 0 ? rc : ij_batch_forget(batch, &job, err);
}

int ij_step_queue(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    const struct ij_queue_set *set = ((const struct ij_queue_call *)data)->set;
    struct ij_sqlite_queue *queue;
    int rc = ij_sqlite_queue_make(&batch->db, &batch->sums, set->name, &queue, err);
    if (rc < 0)
        return rc;
    struct ij_sqlite_queue changed = *queue; /* until it is written */
    if (set->what & IJ_QUEUE_PAUSED)
        changed.is_paused = set->is_paused;
    if (set->what & IJ_QUEUE_LIMIT)
        changed.limit = set->limit;
    if (set->what & IJ_QUEUE_WEIGHT)
        changed.turn.weight = set->weight;
    rc = ij_sqlite_queue_write(&batch->db, &changed, err);
    if (rc == 0)
        *queue = changed;
    return rc;
}
