/* Owns what happens to rows by themselves, and to blobs that no row names. */
#include "base/auto.h"
#include "jobs/sqlite_owner.h"
#include "jobs/sqlite_row.h"
#include "jobs/sqlite_side.h"
#include "jobs/sqlite_step.h"

enum { STEP_ROWS = 16 }; /* of one step: a millisecond, since callers wait for it */

/* ---- the kinds of waiting: each step takes the first row of a kind out of it ---- */

/* @return 0, 1 = the row is not of that kind, or a code */
typedef int take_fn(struct ij_sqlite_batch *batch, struct ij_job *job,
                    struct imgjob_error *err);

static int lose(struct ij_sqlite_batch *batch, struct ij_job *job, bool is_owner_dead,
                struct imgjob_error *err)
{
    struct ij_job before = *job;
    if (!ij_state_lose(job, is_owner_dead, &batch->retention, batch->now))
        return 1;
    return ij_batch_write_own(batch, &before, job, err);
}

static int take_lost(struct ij_sqlite_batch *batch, struct ij_job *job,
                     struct imgjob_error *err)
{
    return lose(batch, job, false, err);
}

static int take_orphaned(struct ij_sqlite_batch *batch, struct ij_job *job,
                         struct imgjob_error *err)
{
    return lose(batch, job, true, err);
}

static int take_overdue(struct ij_sqlite_batch *batch, struct ij_job *job,
                        struct imgjob_error *err)
{
    struct ij_job before = *job;
    if (!ij_state_overdue(job, &batch->retention, batch->now))
        return 1;
    return ij_batch_write_own(batch, &before, job, err);
}

static int take_purged(struct ij_sqlite_batch *batch, struct ij_job *job,
                       struct imgjob_error *err)
{
    return ij_batch_purge(batch, job, batch->now, err);
}

/* The store holds more than it may. */
static int take_excess(struct ij_sqlite_batch *batch, struct ij_job *job,
                       struct imgjob_error *err)
{
    if (batch->sums.bytes <= batch->config->max_bytes)
        return 1;
    return ij_batch_purge(batch, job, INT64_MAX, err);
}

static int take_forgotten(struct ij_sqlite_batch *batch, struct ij_job *job,
                          struct imgjob_error *err)
{
    return ij_state_is_forgotten(job, batch->now) ? ij_batch_forget(batch, job, err) : 1;
}

/* What waits for the same thing: how its first row is found, and what then happens. */
struct kind {
    enum ij_sql first;
    take_fn *take;
};
static const struct kind lost = { IJ_SQL_FIRST_LOST, take_lost };
static const struct kind running = { IJ_SQL_FIRST_RUNNING, take_orphaned };
static const struct kind owned = { IJ_SQL_FIRST_OWNED, take_orphaned };
static const struct kind overdue = { IJ_SQL_FIRST_OVERDUE, take_overdue };
static const struct kind purged = { IJ_SQL_FIRST_PURGED, take_purged };
static const struct kind excess = { IJ_SQL_FIRST_PURGEABLE, take_excess };
static const struct kind forgotten = { IJ_SQL_FIRST_FORGOTTEN, take_forgotten };

/* What a step may still do. */
struct room {
    uint32_t budget; /* rows of each kind, of all steps of the sweep */
    uint32_t left;   /* rows of any kind, of this step */
};

/* Rows of a kind, as many as there is room for. Each leaves the index it was found by, so
 * that the next probe finds the next row. `parameter` is that of the probe. */
static int take_each(struct ij_sqlite_batch *batch, const struct kind *kind,
                     int64_t parameter, struct room *room, uint32_t *out_count,
                     struct imgjob_error *err)
{
    while (*out_count < room->budget && room->left > 0) {
        struct ij_job job;
        int rc = ij_sqlite_first_job(&batch->db, kind->first, parameter, &job, err);
        if (rc == 0)
            rc = kind->take(batch, &job, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        (*out_count)++;
        room->left--;
    }
    return 0;
}

/* ---- owners ---- */

/* The jobs of those who are proven dead. */
static int take_from_dead(struct ij_sqlite_batch *batch, struct room *room,
                          uint32_t *out_count, struct imgjob_error *err)
{
    uint64_t dead[IJ_SQLITE_OWNERS_MAX];
    size_t count = 0;
    int rc = ij_sqlite_owners_find_dead(batch->owners, &batch->db, dead, &count, err);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = take_each(batch, &owned, (int64_t)dead[i], room, out_count, err);
    return rc;
}

int ij_step_reclaim(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_reclaim_call *call = data;
    struct room all = { UINT32_MAX, UINT32_MAX };
    call->count = 0;
    if (batch->config->is_shared)
        return take_from_dead(batch, &all, &call->count, err);
    return take_each(batch, &running, 0, &all, &call->count, err);
}

/* ---- the sweeper ---- */

/* How many of `done` and of a kind there is room for. */
static uint32_t room_for(const struct room *room, uint32_t done)
{
    uint32_t more = done < room->budget ? room->budget - done : 0;
    return more < room->left ? more : room->left;
}

static int sweep_scheduled(struct ij_sqlite_batch *batch, struct room *room,
                           uint32_t *out_count, struct imgjob_error *err)
{
    uint32_t count = 0;
    int rc = ij_batch_promote(batch, room_for(room, *out_count), &count, err);
    *out_count += count;
    room->left -= count;
    return rc;
}

static int sweep_leases(struct ij_sqlite_batch *batch, bool is_clock_trusted,
                        struct room *room, uint32_t *out_count, struct imgjob_error *err)
{
    int rc = 0;
    if (batch->config->is_shared)
        rc = take_from_dead(batch, room, out_count, err);
    if (rc == 0 && is_clock_trusted)
        rc = take_each(batch, &lost, batch->now, room, out_count, err);
    return rc;
}

static int sweep_blobs(struct ij_sqlite_batch *batch, struct room *room,
                       uint32_t *out_count, struct imgjob_error *err)
{
    int rc = take_each(batch, &purged, batch->now, room, out_count, err);
    if (rc == 0 && batch->config->max_bytes > 0)
        rc = take_each(batch, &excess, 0, room, out_count, err);
    return rc;
}

static int sweep_side(struct ij_sqlite_batch *batch, struct ij_sweep_call *call,
                      struct room *room, struct imgjob_error *err)
{
    uint32_t keys = 0, deliveries = 0, *dropped = &call->swept.dropped;
    call->keys = call->keys_before;
    int rc = ij_sqlite_drop_keys(&batch->db, batch->now, room_for(room, call->keys),
                                 &keys, err);
    call->keys += keys;
    *dropped += keys;
    room->left -= keys;
    if (rc == 0)
        rc = ij_batch_drop_deliveries(batch, room_for(room, *dropped - call->keys),
                                      &deliveries, err);
    *dropped += deliveries;
    room->left -= deliveries;
    return rc;
}

int ij_step_sweep(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_sweep_call *call = data;
    struct ij_swept *swept = &call->swept;
    struct room room = { call->sweep->budget, STEP_ROWS };
    *swept = call->before;
    int rc = sweep_scheduled(batch, &room, &swept->promoted, err);
    if (rc == 0)
        rc = sweep_leases(batch, call->sweep->is_clock_trusted, &room, &swept->losses,
                          err);
    if (rc == 0)
        rc = take_each(batch, &overdue, batch->now, &room, &swept->overdue, err);
    if (rc == 0)
        rc = sweep_blobs(batch, &room, &swept->purged, err);
    if (rc == 0)
        rc = take_each(batch, &forgotten, batch->now, &room, &swept->forgotten, err);
    if (rc == 0)
        rc = sweep_side(batch, call, &room, err);
    call->is_more = room.left == 0;
    batch->is_sweep = batch->is_sweep || call->is_more;
    if (rc == 0 && !call->is_more)
        rc = ij_sqlite_shrink(&batch->db, &swept->can_shrink, err);
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
