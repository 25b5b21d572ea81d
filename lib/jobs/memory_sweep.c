/* Owns what the memory backend's sweeper does: T3, T12, T13, T15a, T15b, and
 * what else has had its time, each bounded. */
#include "jobs/memory.h"

#include <stdlib.h>
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

int ij_memory_give_blobs(struct ij_memory_hold *hold, struct ij_memory_row *row,
                         const struct ij_job *job, struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_edit_done)
    struct ij_memory_edit edit = { .job = *job, .keys = strdup("") };
    int rc = edit.keys ? 0 : ij_fail_nomem(err, "collecting a job's blobs");
    char *end, *at = row->record.keys;
    for (; rc >= 0 && (end = strchr(at, '\n')) != NULL; at = end + 1)
        rc = end > at ? ij_memory_gc_add(hold->memory, at, (size_t)(end - at), err) : 0;
    if (rc < 0)
        return rc; /* what stands in gc by now was due to go anyway */
    return ij_memory_write(hold, row, &edit, err);
}

/* T15a: what has expired, and then, as long as there are too many bytes, what would
 * expire next. */
static int purge(struct ij_memory_hold *hold, uint32_t max, uint32_t *out_count,
                 struct imgjob_error *err)
{
    struct ij_memory *memory = hold->memory;
    uint64_t max_bytes = memory->config.max_bytes;
    for (; *out_count < max; (*out_count)++) {
        struct ij_memory_row *row = first_row(memory, purged_when);
        struct ij_job job = row ? row->record.job : (struct ij_job){ 0 };
        bool is_full = max_bytes != 0 && ij_memory_bytes(memory) > max_bytes;
        if (!ij_state_purge(&job, is_full ? INT64_MAX : hold->now))
            return 0;
        int rc = ij_memory_give_blobs(hold, row, &job, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void forget(struct ij_memory_hold *hold, uint32_t max, uint32_t *out_count)
{
    for (; *out_count < max; (*out_count)++) {
        struct ij_memory_row *row = first_row(hold->memory, forgotten_when);
        if (!row || !ij_state_is_forgotten(&row->record.job, hold->now))
            return;
        ij_memory_row_remove(hold->memory, row);
    }
}

static bool key_is_before(const struct ij_memory_key *a, const struct ij_memory_key *b)
{
    if (a->expires != b->expires)
        return a->expires < b->expires;
    return a->tenant != b->tenant ? a->tenant < b->tenant : strcmp(a->text, b->text) < 0;
}

static uint32_t drop_keys(struct ij_memory_hold *hold, uint32_t max)
{
    struct ij_memory *memory = hold->memory;
    uint32_t dropped = 0;
    for (; dropped < max && memory->key_count > 0; dropped++) {
        size_t first = 0;
        for (size_t i = 1; i < memory->key_count; i++)
            if (key_is_before(&memory->keys[i], &memory->keys[first]))
                first = i;
        if (memory->keys[first].expires > hold->now)
            break;
        free(memory->keys[first].text);
        memory->key_count--;
        memmove(&memory->keys[first], &memory->keys[first + 1],
                (memory->key_count - first) * sizeof(*memory->keys));
    }
    return dropped;
}

/* The one that came to its end first; its index, or their count. */
static size_t first_over(const struct ij_memory *memory, int64_t now)
{
    size_t first = memory->delivery_count;
    for (size_t i = 0; i < memory->delivery_count; i++) {
        const struct ij_delivery *delivery = &memory->deliveries[i]->delivery;
        if (ij_delivery_is_over(delivery, &memory->retention, now) &&
            (first == memory->delivery_count ||
             delivery->updated < memory->deliveries[first]->delivery.updated))
            first = i;
    }
    return first;
}

static uint32_t drop_deliveries(struct ij_memory_hold *hold, uint32_t max)
{
    struct ij_memory *memory = hold->memory;
    uint32_t dropped = 0;
    for (; dropped < max; dropped++) {
        size_t at = first_over(memory, hold->now);
        if (at == memory->delivery_count)
            break;
        ij_memory_delivery_free(memory->deliveries[at]);
        memory->delivery_count--;
        memmove(&memory->deliveries[at], &memory->deliveries[at + 1],
                (memory->delivery_count - at) * sizeof(*memory->deliveries));
    }
    return dropped;
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
    swept.dropped = drop_keys(&hold, sweep->budget);
    swept.dropped += drop_deliveries(&hold, sweep->budget);
    *out = swept;
    return 0;
}
