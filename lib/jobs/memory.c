/*
 * Jobs in memory: the reference that other backends are compared with, and a store for
 * tests. Nothing is durable and nothing is indexed: every selection is a walk over all
 * rows, in the order of submission, so that what it selects is plain to see.
 */
#include "jobs/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/record.h"
#include "jobs/submit.h"

struct ij_memory_hold ij_memory_begin(struct ij_jobs *jobs)
{
    struct ij_memory *memory = (struct ij_memory *)jobs;
    (void)pthread_mutex_lock(&memory->lock);
    return (struct ij_memory_hold){ .memory = memory,
                                    .now = ij_wall_ms(&memory->config.clock) };
}

void ij_memory_end(struct ij_memory_hold *hold)
{
    (void)pthread_mutex_unlock(&hold->memory->lock);
    ij_changes_tell(&hold->changes, &hold->memory->config);
    ij_changes_done(&hold->changes);
}

/* ---- rows ---- */

void ij_memory_row_free(struct ij_memory_row *row)
{
    if (!row)
        return;
    ij_record_done(&row->record);
    free(row->keys);
    free(row);
}

/* For IJ_AUTO. */
static void row_discard(struct ij_memory_row **row)
{
    ij_memory_row_free(*row);
}

struct ij_memory_row *ij_memory_find(struct ij_memory *memory, const struct ij_id *id)
{
    for (size_t i = 0; i < memory->row_count; i++)
        if (ij_id_equal(&memory->rows[i]->record.job.id, id))
            return memory->rows[i];
    return NULL;
}

static struct ij_jobs_stats count_states(const struct ij_memory *memory)
{
    struct ij_jobs_stats stats = { 0 };
    for (size_t i = 0; i < memory->row_count; i++)
        stats.by_state[memory->rows[i]->record.job.state]++;
    return stats;
}

void *ij_memory_grow(void *array, size_t count, size_t *cap)
{
    if (count < *cap)
        return array;
    size_t more = *cap ? *cap * 2 : 64;
    void *grown = reallocarray(array, more, sizeof(void *));
    if (grown)
        *cap = more;
    return grown;
}

void ij_memory_changed(struct ij_memory_hold *hold, struct ij_memory_row *row,
                       char *failure)
{
    if (failure) {
        free(row->record.failure);
        row->record.failure = failure;
    }
    ij_changes_add(&hold->changes, &row->record.job);
}

int ij_memory_write_own(struct ij_memory_hold *hold, struct ij_memory_row *row,
                        const struct ij_job *job, struct imgjob_error *err)
{
    char *failure = NULL;
    int rc = ij_changes_reserve(&hold->changes, 1, err);
    if (rc == 0)
        rc = ij_record_failure(job, NULL, &failure, err);
    if (rc < 0)
        return rc;
    row->record.job = *job;
    ij_memory_changed(hold, row, failure);
    return 0;
}

/* ---- submit ---- */

static struct ij_memory_row *row_new(const struct ij_submit *submit, int64_t now)
{
    IJ_AUTO(row_discard) struct ij_memory_row *row = calloc(1, sizeof(*row));
    if (!row)
        return NULL;
    row->record.job = ij_state_new(submit, now);
    row->record.spec = strdup(submit->spec);
    row->record.input = strdup(submit->input);
    row->keys = strdup(submit->keys);
    if (!row->record.spec || !row->record.input || !row->keys)
        return NULL;
    return ij_steal(&row);
}

static int memory_submit(struct ij_jobs *jobs, const struct ij_submit *submit,
                         struct imgjob_error *err)
{
    int rc = ij_submit_check(submit, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_memory *memory = hold.memory;
    const struct ij_memory_row *there = ij_memory_find(memory, &submit->id);
    if (there)
        return ij_submit_again(&there->record, submit, err);
    if (ij_memory_gc_holds_id(memory, &submit->id))
        return ij_submit_condemned(&submit->id, err);
    struct ij_jobs_stats stats = count_states(memory);
    rc = ij_submit_capacity(&stats, memory->config.max_queued, err);
    if (rc == 0)
        rc = ij_changes_reserve(&hold.changes, 1, err);
    if (rc < 0)
        return rc;
    void *rows = ij_memory_grow(memory->rows, memory->row_count, &memory->row_cap);
    if (!rows)
        return ij_fail_nomem(err, "storing a job in memory");
    memory->rows = rows;
    struct ij_memory_row *row = row_new(submit, hold.now);
    if (!row)
        return ij_fail_nomem(err, "storing a job in memory");
    row->record.job.seq = row->record.job.fair = ++memory->last_seq;
    memory->rows[memory->row_count++] = row;
    ij_memory_changed(&hold, row, NULL);
    return 0;
}

/* ---- claim ---- */

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

static struct ij_memory_row *first_ready(struct ij_memory *memory)
{
    struct ij_memory_row *first = NULL;
    for (size_t i = 0; i < memory->row_count; i++) {
        struct ij_memory_row *row = memory->rows[i];
        const struct ij_job *job = &row->record.job;
        if (job->state == IMGJOB_STATE_READY &&
            (!first || job->prio < first->record.job.prio ||
             (job->prio == first->record.job.prio && job->fair < first->record.job.fair)))
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
    for (uint32_t count = 0; count < max; count++) {
        struct ij_memory_row *row = first_scheduled(hold->memory);
        int rc = ij_changes_reserve(&hold->changes, 1, err);
        if (rc < 0)
            return rc;
        if (!row || !ij_state_promote(&row->record.job, hold->now))
            return 0;
        ij_memory_changed(hold, row, NULL);
        (*out_count)++;
    }
    return 0;
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

static int claim_held(struct ij_memory_hold *hold, const struct ij_claim *claim,
                      struct ij_record *out, int64_t *out_due, struct imgjob_error *err)
{
    uint32_t promoted = 0;
    struct ij_memory_row *row = NULL;
    int rc = ij_memory_promote(hold, IJ_CLAIM_SIDE_MAX, &promoted, err);
    if (rc == 0)
        rc = find_ready(hold, &row, out_due, err);
    uint64_t token = 0;
    if (rc == 0)
        rc = ij_token_new(&token, err);
    if (rc == 0)
        rc = ij_changes_reserve(&hold->changes, 1, err);
    if (rc == 0)
        rc = ij_record_copy(&row->record, out, err);
    if (rc != 0)
        return rc;
    (void)ij_state_claim(&row->record.job, claim, token, hold->now); /* it may run */
    out->job = row->record.job;
    ij_memory_changed(hold, row, NULL);
    return 0;
}

static int memory_claim(struct ij_jobs *jobs, const struct ij_claim *claim,
                        struct ij_record *out, int64_t *out_due, struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    return claim_held(&hold, claim, out, out_due, err);
}

/* ---- lease holders ---- */

static int memory_heartbeat(struct ij_jobs *jobs, struct ij_beat *beats, size_t count,
                            uint32_t lease_ms, struct imgjob_error *err)
{
    (void)err;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    for (size_t i = 0; i < count; i++) {
        struct ij_memory_row *row = ij_memory_find(hold.memory, &beats[i].lease.id);
        beats[i].lost =
            !row || !ij_state_beat(&row->record.job, &beats[i].lease, lease_ms, hold.now);
        beats[i].cancel_asked = !beats[i].lost && row->record.job.cancel_asked;
    }
    return 0;
}

/* Put a finish and its documents into the row, which is held by its lease. */
static int apply_finish(struct ij_memory_hold *hold, struct ij_memory_row *row,
                        const struct ij_job *job, const struct ij_finish *finish,
                        struct imgjob_error *err)
{
    IJ_AUTO(ij_free) char *failure = NULL, *result = NULL, *keys = NULL;
    int rc = ij_changes_reserve(&hold->changes, 1, err);
    if (rc == 0)
        rc = ij_record_failure(job, finish, &failure, err);
    if (rc < 0)
        return rc;
    if (job->state == IMGJOB_STATE_SUCCEEDED) {
        result = finish->result ? strdup(finish->result) : NULL;
        int len = asprintf(&keys, "%s%s", row->keys, finish->keys ? finish->keys : "");
        if (len < 0)
            keys = NULL; /* not defined when it fails */
        if (!keys || (finish->result && !result))
            return ij_fail_nomem(err, "storing a result in memory");
        free(row->keys);
        row->keys = ij_steal(&keys);
        row->record.result = ij_steal(&result);
    }
    row->record.job = *job;
    ij_memory_changed(hold, row, ij_steal(&failure));
    return 0;
}

static int memory_finish(struct ij_jobs *jobs, const struct ij_finish *finish,
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
    if (outcome < 0 || !next)
        return outcome;
    struct ij_record record = { 0 };
    int64_t due;
    (void)claim_held(&hold, next, &record, &due, NULL); /* none: the finish stands */
    *out_next = record;
    return outcome;
}

/* ---- reading ---- */

static int memory_get(struct ij_jobs *jobs, const struct ij_id *id, struct ij_record *out,
                      struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    const struct ij_memory_row *row = ij_memory_find(hold.memory, id);
    return row ? ij_record_copy(&row->record, out, err) : ij_fail_unknown(id, err);
}

static int memory_stats(struct ij_jobs *jobs, struct ij_jobs_stats *out,
                        struct imgjob_error *err)
{
    (void)err;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    *out = count_states(hold.memory);
    return 0;
}

static int memory_ping(struct ij_jobs *jobs, struct imgjob_error *err)
{
    (void)jobs;
    (void)err;
    return 0;
}

static int memory_space(struct ij_jobs *jobs, uint64_t *out_free, uint64_t *out_total,
                        struct imgjob_error *err)
{
    (void)jobs;
    (void)err;
    *out_free = *out_total = UINT64_MAX;
    return 0;
}

static const char *memory_store_id(struct ij_jobs *jobs)
{
    return ((struct ij_memory *)jobs)->store_id;
}

/* ---- life ---- */

static void memory_close(struct ij_jobs *jobs)
{
    struct ij_memory *memory = (struct ij_memory *)jobs;
    for (size_t i = 0; i < memory->row_count; i++)
        ij_memory_row_free(memory->rows[i]);
    for (size_t i = 0; i < memory->gc_count; i++)
        free(memory->gc[i]);
    (void)pthread_mutex_destroy(&memory->lock);
    free(memory->rows);
    free(memory->gc);
    free(memory);
}

static const struct ij_jobs_ops memory_ops = {
    .name = "memory",
    .close = memory_close,
    .ping = memory_ping,
    .store_id = memory_store_id,
    .submit = memory_submit,
    .claim = memory_claim,
    .heartbeat = memory_heartbeat,
    .finish = memory_finish,
    .reclaim_all = ij_memory_reclaim_all,
    .sweep = ij_memory_sweep,
    .get = memory_get,
    .stats = memory_stats,
    .condemn = ij_memory_condemn,
    .gc_list = ij_memory_gc_list,
    .gc_drop = ij_memory_gc_drop,
    .space = memory_space,
};

int ij_memory_open(const struct ij_jobs_config *config, struct ij_jobs **out,
                   struct imgjob_error *err)
{
    struct ij_id id;
    int rc = ij_id_new(ij_wall_ms(&config->clock), &id, err);
    if (rc < 0)
        return rc;
    struct ij_memory *memory = calloc(1, sizeof(*memory));
    if (!memory)
        return ij_fail_nomem(err, "opening a store in memory");
    memory->jobs.ops = &memory_ops;
    memory->config = *config;
    memory->config.path = NULL; /* borrowed during the call only */
    memory->retention =
        (struct ij_retention){ config->result_ttl_ms, config->job_ttl_ms };
    ij_id_format(&id, memory->store_id);
    memory->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    *out = &memory->jobs;
    return 0;
}
