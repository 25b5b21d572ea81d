/*
 * Jobs in a SQLite database: the backend's slots.
 *
 * One process has the database, or several share it (sqlite_owner.c). All writes of a
 * process go through one thread (sqlite_writer.c), which does the steps of sqlite_step.h;
 * reads go to connections of their own (sqlite_read.c). A slot copies what it answers out
 * only on success.
 */
#include "jobs/sqlite.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "jobs/outbox.h"
#include "jobs/record.h"
#include "jobs/sqlite_side.h"
#include "jobs/submit.h"

enum { SWEEP_PAUSE_US = 2000 }; /* between two steps of the same sweep */

static int do_step(struct ij_jobs *jobs, ij_step_fn *step, void *call,
                   struct imgjob_error *err)
{
    struct ij_sqlite *sqlite = ij_sqlite_of(jobs);
    if (sqlite->config.is_read_only)
        return ij_fail(err, IMGJOB_E_INVALID, "database '%.150s' was opened read only",
                       sqlite->path);
    return ij_sqlite_writer_do(&sqlite->writer, step, call, err);
}

/* ---- what writes ---- */

static int sqlite_submit(struct ij_jobs *jobs, struct ij_submit *submits, size_t count,
                         struct imgjob_error *err)
{
    struct ij_submit_call call = { submits, count };
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = ij_submit_check(&submits[i], err);
    return rc < 0 ? rc : do_step(jobs, ij_step_submit, &call, err);
}

static int sqlite_claim(struct ij_jobs *jobs, const struct ij_claim *claim,
                        struct ij_record *out, int64_t *next_due,
                        struct imgjob_error *err)
{
    struct ij_claim_call call = { .claim = claim };
    int rc = do_step(jobs, ij_step_claim, &call, err);
    if (rc == 0)
        *out = call.record;
    else
        ij_record_done(&call.record); /* claimed, but not committed */
    if (rc == 1)
        *next_due = call.next_due;
    return rc;
}

static int sqlite_heartbeat(struct ij_jobs *jobs, struct ij_beat *beats, size_t count,
                            uint32_t lease_ms, struct imgjob_error *err)
{
    struct ij_heartbeat_call call = { beats, count, lease_ms };
    return do_step(jobs, ij_step_heartbeat, &call, err);
}

static int sqlite_finish(struct ij_jobs *jobs, const struct ij_finish *finish,
                         const struct ij_claim *next, struct ij_record *out_next,
                         struct imgjob_error *err)
{
    struct ij_finish_call call = { .finish = finish, .next.claim = next };
    int rc = ij_finish_check(finish, err);
    if (rc < 0)
        return rc;
    rc = do_step(jobs, ij_step_finish, &call, err);
    if (next && ij_sqlite_is_for_one(rc)) { /* perhaps the claim's: once more without */
        ij_record_done(&call.next.record);
        call.next.claim = NULL;
        rc = do_step(jobs, ij_step_finish, &call, err);
    }
    if (rc >= 0 && next)
        *out_next = call.next.record;
    else
        ij_record_done(&call.next.record); /* claimed, but not committed */
    return rc;
}

static int sqlite_reclaim_all(struct ij_jobs *jobs, uint64_t *out_count,
                              struct imgjob_error *err)
{
    struct ij_reclaim_call call = { 0 };
    int rc = do_step(jobs, ij_step_reclaim, &call, err);
    if (rc == 0)
        *out_count = call.count;
    return rc;
}

static int sqlite_sweep(struct ij_jobs *jobs, const struct ij_sweep *sweep,
                        struct ij_swept *out, struct imgjob_error *err)
{
    struct ij_sweep_call call = { .sweep = sweep };
    int rc;
    do {
        call.before = call.swept;
        call.keys_before = call.keys;
        rc = do_step(jobs, ij_step_sweep, &call, err);
        if (rc == 0 &&
            call.is_more) /* nobody waits for this, but others for the writer */
            (void)usleep(SWEEP_PAUSE_US);
    } while (rc == 0 && call.is_more);
    if (rc == 0)
        *out = call.swept;
    return rc;
}

static int sqlite_cancel(struct ij_jobs *jobs, const struct ij_id *id, struct ij_job *out,
                         struct imgjob_error *err)
{
    struct ij_steer_call call = { .id = id };
    int rc = do_step(jobs, ij_step_cancel, &call, err);
    if (rc == 0)
        *out = call.job;
    return rc;
}

static int sqlite_retry(struct ij_jobs *jobs, const struct ij_id *id,
                        struct imgjob_error *err)
{
    struct ij_steer_call call = { .id = id };
    return do_step(jobs, ij_step_retry, &call, err);
}

static int sqlite_purge(struct ij_jobs *jobs, const struct ij_id *id,
                        struct imgjob_error *err)
{
    struct ij_steer_call call = { .id = id };
    return do_step(jobs, ij_step_purge, &call, err);
}

static int sqlite_queue_set(struct ij_jobs *jobs, const struct ij_queue_set *set,
                            struct imgjob_error *err)
{
    struct ij_queue_call call = { set };
    int rc = ij_queue_set_check(set, err);
    return rc < 0 ? rc : do_step(jobs, ij_step_queue, &call, err);
}

static int sqlite_delivery_claim(struct ij_jobs *jobs,
                                 const struct ij_delivery_claim *claim,
                                 struct ij_delivery *out, size_t *out_count,
                                 int64_t *next_due, struct imgjob_error *err)
{
    struct ij_delivery_claim_call call = { .claim = claim, .out = out };
    int rc = do_step(jobs, ij_step_delivery_claim, &call, err);
    if (rc < 0) {
        while (call.count > 0) /* claimed, but not committed */
            ij_delivery_done(&out[--call.count]);
        return rc;
    }
    *out_count = call.count;
    *next_due = call.next_due;
    return 0;
}

static int sqlite_delivery_finish(struct ij_jobs *jobs,
                                  const struct ij_delivery_finish *finish,
                                  struct imgjob_error *err)
{
    struct ij_delivery_finish_call call = { .finish = finish };
    int rc = ij_delivery_finish_check(finish, err);
    if (rc == 0)
        rc = do_step(jobs, ij_step_delivery_finish, &call, err);
    while (rc == 0 && call.is_more) /* a crash in between leaves them to be tried */
        rc = do_step(jobs, ij_step_delivery_give_up, &call, err);
    return rc;
}

static int sqlite_delivery_replay(struct ij_jobs *jobs, const struct ij_id *id,
                                  struct imgjob_error *err)
{
    struct ij_steer_call call = { .id = id };
    return do_step(jobs, ij_step_delivery_replay, &call, err);
}

static int sqlite_condemn(struct ij_jobs *jobs, struct ij_suspect *suspects, size_t count,
                          struct imgjob_error *err)
{
    struct ij_condemn_call call = { suspects, count };
    return do_step(jobs, ij_step_condemn, &call, err);
}

static int sqlite_gc_drop(struct ij_jobs *jobs, const char *const *keys, size_t count,
                          struct imgjob_error *err)
{
    struct ij_drop_call call = { keys, count };
    return do_step(jobs, ij_step_drop, &call, err);
}

static int sqlite_audit(struct ij_jobs *jobs, struct ij_audit *audit,
                        struct imgjob_error *err)
{
    if (audit->is_repair)
        return do_step(jobs, ij_step_repair, audit, err);
    return ij_sqlite_do_audit(jobs, audit, err);
}

/* ---- the rest ---- */

static int sqlite_space(struct ij_jobs *jobs, uint64_t *out_free, uint64_t *out_total,
                        struct imgjob_error *err)
{
    struct ij_sqlite *sqlite = ij_sqlite_of(jobs);
    struct statvfs vfs;
    if (statvfs(sqlite->path, &vfs) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "read the free space at '%.150s'",
                             sqlite->path);
    *out_free = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    *out_total = (uint64_t)vfs.f_blocks * vfs.f_frsize;
    return 0;
}

static uint64_t sqlite_owner(struct ij_jobs *jobs)
{
    return ij_sqlite_owner(&ij_sqlite_of(jobs)->owners);
}

static const char *sqlite_store_id(struct ij_jobs *jobs)
{
    return ij_sqlite_of(jobs)->store_id;
}

/* ---- life ---- */

static void sqlite_close(struct ij_jobs *jobs)
{
    struct ij_sqlite *sqlite = ij_sqlite_of(jobs);
    ij_sqlite_watch_stop(&sqlite->watch);
    ij_sqlite_readers_close(&sqlite->readers);
    ij_sqlite_writer_stop(&sqlite->writer); /* the last to close empties the log */
    ij_sqlite_owners_done(&sqlite->owners);
    free(sqlite->path);
    free(sqlite);
}

static const struct ij_jobs_ops sqlite_ops = {
    .name = "sqlite",
    .close = sqlite_close,
    .ping = ij_sqlite_do_ping,
    .store_id = sqlite_store_id,
    .owner = sqlite_owner,
    .submit = sqlite_submit,
    .claim = sqlite_claim,
    .heartbeat = sqlite_heartbeat,
    .finish = sqlite_finish,
    .reclaim_all = sqlite_reclaim_all,
    .sweep = sqlite_sweep,
    .get = ij_sqlite_do_get,
    .cancel = sqlite_cancel,
    .retry = sqlite_retry,
    .purge = sqlite_purge,
    .list = ij_sqlite_do_list,
    .changes = ij_sqlite_do_changes,
    .batch = ij_sqlite_do_batch,
    .stats = ij_sqlite_do_stats,
    .queues = ij_sqlite_do_queues,
    .queue_set = sqlite_queue_set,
    .delivery_claim = sqlite_delivery_claim,
    .delivery_finish = sqlite_delivery_finish,
    .delivery_list = ij_sqlite_do_delivery_list,
    .delivery_replay = sqlite_delivery_replay,
    .audit = sqlite_audit,
    .backup = ij_sqlite_do_backup,
    .condemn = sqlite_condemn,
    .gc_list = ij_sqlite_do_gc_list,
    .gc_drop = sqlite_gc_drop,
    .space = sqlite_space,
};

static void sqlite_discard(struct ij_sqlite **sqlite)
{
    if (*sqlite)
        sqlite_close(&(*sqlite)->jobs);
}

/* For reading and writing. */
static int open_writer(struct ij_sqlite *sqlite, struct imgjob_error *err)
{
    struct ij_jobs_config *config = &sqlite->config;
    int rc = ij_sqlite_owners_begin(&sqlite->owners, config->path, config->is_shared,
                                    &sqlite->path, err);
    config->path = sqlite->path;
    if (rc == 0)
        rc = ij_sqlite_writer_start(&sqlite->writer, config, &sqlite->owners, err);
    if (rc == 0)
        rc = ij_sqlite_sync_directory(sqlite->path, err);
    if (rc == 0 && config->is_shared)
        rc = ij_sqlite_watch_start(&sqlite->watch, config, err);
    return rc;
}

/* Only to look: nothing is made or locked, and whoever has it may go on. */
static int open_viewer(struct ij_sqlite *sqlite, struct imgjob_error *err)
{
    sqlite->path = realpath(sqlite->config.path, NULL);
    if (!sqlite->path)
        return ij_fail_errno(err, IMGJOB_E_INVALID, "open database '%.150s'",
                             sqlite->config.path);
    sqlite->config.path = sqlite->path;
    ij_sqlite_writer_init(&sqlite->writer, &sqlite->config);
    return ij_sqlite_db_check(sqlite->path, err);
}

static int open_parts(struct ij_sqlite *sqlite, struct imgjob_error *err)
{
    int rc =
        sqlite->config.is_read_only ? open_viewer(sqlite, err) : open_writer(sqlite, err);
    if (rc == 0)
        rc = ij_sqlite_readers_open(&sqlite->readers, sqlite->path, err);
    if (rc < 0)
        return rc;
    struct ij_sqlite_db *db = ij_sqlite_readers_take(&sqlite->readers);
    rc = ij_sqlite_read_store_id(db, sqlite->store_id, err);
    ij_sqlite_readers_give(&sqlite->readers, db);
    return rc;
}

int ij_sqlite_open(const struct ij_jobs_config *config, struct ij_jobs **out,
                   struct imgjob_error *err)
{
    IJ_AUTO(sqlite_discard) struct ij_sqlite *sqlite = calloc(1, sizeof(*sqlite));
    if (!sqlite)
        return ij_fail_nomem(err, "opening a database");
    sqlite->jobs.ops = &sqlite_ops;
    sqlite->owners.fd = -1;
    sqlite->config = *config;
    int rc = open_parts(sqlite, err);
    if (rc < 0)
        return rc;
    *out = &sqlite->jobs;
    sqlite = NULL;
    return 0;
}
