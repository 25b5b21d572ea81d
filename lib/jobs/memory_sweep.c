/* Owns what the memory backend's sweeper does: T3, T12, T13, T15a, T15b, each bounded. */
#include "jobs/memory.h"

#include <string.h>

#include "base/auto.h"

/* The first row by `when`, which says 0 for those that do not wait for that. */
static struct ij_memory_row *first_row(struct ij_memory *memory,
                                       int64_t (*when)(const struct ij_job *))
{
    struct ij_memory_row *first = NULL;
    for (size_t i = 0; i < memory->row_count; i++) {
        struct ij_memory_row *row = memory->rows[i];
        int64_t at = when(&row->record.job);
        if (at && (!first || at < when(&first->record.job)))
            first = row;
    }
    return first;
}

static int64_t lost_when(const struct ij_job *job)
{
    return job->lease_until;
}

static int64_t overdue_when(const struct ij_job *job)
{
    return job->state <= IMGJOB_STATE_READY ? job->deadline : 0;
}

static int64_t purged_when(const struct ij_job *job)
{
    return job->result_expires;
}

static int64_t forgotten_when(const struct ij_job *job)
{
    return job->result_expires == 0 ? job->expires : 0;
}

static int lose(struct ij_memory_hold *hold, bool is_owner_dead, uint32_t max,
                uint32_t *out_count, struct imgjob_error *err)
{
    for (; *out_count < max; (*out_count)++) {
        struct ij_memory_row *row = first_row(hold->memory, lost_when);
        struct ij_job job = row ? row->record.job : (struct ij_job){ 0 };
        if (!ij_state_lose(&job, is_owner_dead, &hold->memory->retention, hold->now))
            return 0;
        int rc = ij_memory_write_own(hold, row, &job, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int ij_memory_reclaim_all(struct ij_jobs *jobs, uint64_t *out_count,
                          struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    uint32_t count = 0;
    int rc = lose(&hold, true, UINT32_MAX, &count, err);
    if (rc == 0)
        *out_count = count;
    return rc;
}

static int fail_overdue(struct ij_memory_hold *hold, uint32_t max, uint32_t *out_count,
                        struct imgjob_error *err)
{
    for (; *out_count < max; (*out_count)++) {
        struct ij_memory_row *row = first_row(hold->memory, overdue_when);
        struct ij_job job = row ? row->record.job : (struct ij_job){ 0 };
        if (!ij_state_overdue(&job, &hold->memory->retention, hold->now))
            return 0;
        int rc = ij_memory_write_own(hold, row, &job, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int purge(struct ij_memory_hold *hold, uint32_t max, uint32_t *out_count,
                 struct imgjob_error *err)
{
    struct ij_memory *memory = hold->memory;
    for (; *out_count < max; (*out_count)++) {
        struct ij_memory_row *row = first_row(memory, purged_when);
        struct ij_job job = row ? row->record.job : (struct ij_job){ 0 };
        if (!ij_state_purge(&job, hold->now))
            return 0;
        int rc = ij_changes_reserve(&hold->changes, 1, err);
        char *end, *at = row->keys;
        for (; rc >= 0 && (end = strchr(at, '\n')) != NULL; at = end + 1)
            rc = end > at ? ij_memory_gc_add(memory, at, (size_t)(end - at), err) : 0;
        if (rc < 0)
            return rc; /* what stands in gc by now was due to go anyway */
        row->keys[0] = '\0';
        row->record.job = job;
        ij_memory_changed(hold, row, NULL);
    }
    return 0;
}

static void forget(struct ij_memory_hold *hold, uint32_t max, uint32_t *out_count)
{
    struct ij_memory *memory = hold->memory;
    for (; *out_count < max; (*out_count)++) {
        struct ij_memory_row *row = first_row(memory, forgotten_when);
        if (!row || !ij_state_is_forgotten(&row->record.job, hold->now))
            return;
        size_t at = 0;
        while (memory->rows[at] != row)
            at++;
        memory->row_count--;
        memmove(&memory->rows[at], &memory->rows[at + 1],
                (memory->row_count - at) * sizeof(struct ij_memory_row *));
        ij_memory_row_free(row);
    }
}

int ij_memory_sweep(struct ij_jobs *jobs, const struct ij_sweep *sweep,
                    struct ij_swept *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_swept swept = { 0 };
    int rc = ij_memory_promote(&hold, sweep->budget, &swept.promoted, err);
    if (rc == 0 && sweep->is_clock_trusted)
        rc = lose(&hold, false, sweep->budget, &swept.losses, err);
    if (rc == 0)
        rc = fail_overdue(&hold, sweep->budget, &swept.overdue, err);
    if (rc == 0)
        rc = purge(&hold, sweep->budget, &swept.purged, err);
    if (rc < 0)
        return rc;
    forget(&hold, sweep->budget, &swept.forgotten);
    *out = swept;
    return 0;
}
