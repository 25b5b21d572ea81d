/* Owns T1: in which order a submit is looked at stands in submit.h. */
#include "jobs/submit.h"

#include <string.h>

#include "base/auto.h"
#include "jobs/share.h"
#include "jobs/sqlite_row.h"
#include "jobs/sqlite_side.h"
#include "jobs/sqlite_step.h"

/* @return 0 = it is answered, 1 = no row of that id, or a code */
static int answer_again(struct ij_sqlite_batch *batch, struct ij_submit *submit,
                        struct imgjob_error *err)
{
    IJ_AUTO(ij_record_done) struct ij_record there = { 0 };
    int rc = ij_sqlite_read_record(&batch->db, &submit->id, &there, err);
    if (rc != 0)
        return rc;
    submit->job = submit->id;
    return ij_submit_again(&submit->id, there.spec, submit, err);
}

/* The same for its idempotency key. */
static int answer_replay(struct ij_sqlite_batch *batch, struct ij_submit *submit,
                         struct imgjob_error *err)
{
    struct ij_sqlite_key key;
    struct ij_job job;
    uint32_t tenant;
    if (!submit->idempotency_key)
        return 1;
    int rc = ij_sqlite_find_tenant(&batch->db, ij_submit_tenant(submit), &tenant, err);
    if (rc == 0)
        rc = ij_sqlite_read_key(&batch->db, tenant, submit->idempotency_key, &key, err);
    if (rc == 0 && key.expires <= batch->now)
        rc = 1;
    if (rc == 0)
        rc = ij_sqlite_find_job(&batch->db, &key.job, &job, err);
    if (rc != 0)
        return rc;
    submit->outcome = IJ_SUBMIT_REPLAYED;
    submit->job = key.job;
    return ij_submit_replay(key.fingerprint, submit, err);
}

static int note_key(struct ij_sqlite_batch *batch, const struct ij_submit *submit,
                    const struct ij_job *job, struct imgjob_error *err)
{
    if (!submit->idempotency_key)
        return 0;
    struct ij_sqlite_key key = {
        .job = job->id,
        .expires = ij_time_after(batch->now, batch->config->idempotency_ttl_ms),
    };
    memcpy(key.fingerprint, submit->fingerprint, sizeof(key.fingerprint));
    return ij_sqlite_write_key(&batch->db, job->tenant, submit->idempotency_key, &key,
                               err);
}

/* The same for a job like it. */
static int answer_twin(struct ij_sqlite_batch *batch, struct ij_submit *submit,
                       struct imgjob_error *err)
{
    struct ij_job job;
    if (!submit->has_dedup)
        return 1;
    int rc = ij_sqlite_find_twin(&batch->db, submit->dedup, batch->now, &job, err);
    if (rc != 0)
        return rc;
    struct ij_job before = job;
    submit->outcome = IJ_SUBMIT_DEDUPLICATED;
    submit->job = job.id;
    if (ij_state_extend(&job, &batch->retention, batch->now))
        rc = ij_batch_write(batch, &before, &job, NULL, err);
    return rc < 0 ? rc : note_key(batch, submit, &job, err);
}

/* Its place among the jobs of its queue and priority. */
static int take_share(struct ij_sqlite_batch *batch, struct ij_job *job,
                      struct imgjob_error *err)
{
    uint64_t clock = 0, last = 0;
    int rc = ij_sqlite_read_share(&batch->db, job, 0, &clock, err);
    if (rc == 0)
        rc = ij_sqlite_read_share(&batch->db, job, job->tenant, &last, err);
    if (rc < 0)
        return rc;
    job->fair = ij_fair_new(clock, last);
    return ij_sqlite_write_share(&batch->db, job, job->tenant, job->fair, err);
}

static int insert(struct ij_sqlite_batch *batch, const struct ij_submit *submit,
                  const struct ij_job *job, struct imgjob_error *err)
{
    int rc = ij_sqlite_insert_job(&batch->db, job, err);
    if (rc == 0)
        rc = ij_sqlite_insert_doc(&batch->db, job->seq, submit, err);
    return rc == 0 ? ij_sqlite_insert_tags(&batch->db, job->seq, submit, err) : rc;
}

static int add_job(struct ij_sqlite_batch *batch, struct ij_submit *submit,
                   struct imgjob_error *err)
{
    struct ij_job job = ij_state_new(submit, batch->now);
    struct ij_sqlite_queue *queue;
    int rc = ij_sqlite_queue_make(&batch->db, &batch->sums, ij_submit_queue(submit),
                                  &queue, err);
    if (rc == 0)
        rc =
            ij_sqlite_make_tenant(&batch->db, ij_submit_tenant(submit), &job.tenant, err);
    if (rc < 0)
        return rc;
    job.queue = queue->number;
    job.seq = batch->sums.last_seq + 1;
    job.change = batch->sums.change + 1;
    rc = ij_changes_reserve(&batch->changes, 1, err);
    if (rc == 0)
        rc = take_share(batch, &job, err);
    if (rc == 0)
        rc = insert(batch, submit, &job, err);
    if (rc < 0)
        return rc;
    submit->job = job.id;
    batch->sums.last_seq++;
    batch->sums.change++;
    batch->sums.bytes += job.bytes;
    queue->by_state[job.state]++;
    ij_changes_add(&batch->changes, NULL, &job, queue->name);
    return note_key(batch, submit, &job, err);
}

static int submit_one(struct ij_sqlite_batch *batch, struct ij_submit *submit,
                      uint64_t queued, uint64_t *added, struct imgjob_error *err)
{
    submit->outcome = IJ_SUBMIT_NEW;
    int rc = answer_again(batch, submit, err);
    if (rc == 1)
        rc = answer_replay(batch, submit, err);
    if (rc == 1)
        rc = answer_twin(batch, submit, err);
    if (rc != 1)
        return rc;
    rc = ij_sqlite_gc_find(&batch->db, &submit->id, err);
    if (rc <= 0)
        return rc < 0 ? rc : ij_submit_condemned(&submit->id, err);
    rc = ij_submit_capacity(queued, (*added)++, batch->config->max_queued, err);
    return rc < 0 ? rc : add_job(batch, submit, err);
}

int ij_step_submit(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_submit_call *call = data;
    struct ij_jobs_stats stats = ij_sqlite_sums_total(&batch->sums);
    uint64_t queued = ij_queued(stats.by_state), added = 0;
    int rc = 0;
    for (size_t i = 0; i < call->count && rc == 0; i++)
        rc = submit_one(batch, &call->submits[i], queued, &added, err);
    return rc < 0 ? rc : ij_submit_list_check(call->submits, call->count, err);
}
