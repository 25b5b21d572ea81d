/*
 * Jobs in a SQLite database: the backend's slots.
 *
 * One process has the database at a time (sqlite_lock.c). All writes go through one
 * thread (sqlite_writer.c), which does the steps of sqlite_step.c; reads go to
 * connections of their own (sqlite_reader.c). A slot copies what it answers out only on
 * success.
 */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/auto.h"
#include "jobs/jobs.h"
#include "jobs/record.h"
#include "jobs/sqlite_lock.h"
#include "jobs/sqlite_reader.h"
#include "jobs/sqlite_row.h"
#include "jobs/sqlite_side.h"
#include "jobs/sqlite_writer.h"
#include "jobs/submit.h"

struct sqlite_jobs {
    struct ij_jobs jobs; /* first: the slots are handed its address */
    struct ij_jobs_config config;
    char *path; /* of config: the file's own, absolute */
    int lock_fd;
    char store_id[IMGJOB_ID_SIZE];
    struct ij_sqlite_writer writer;
    struct ij_sqlite_readers readers;
};

static struct sqlite_jobs *sqlite_of(struct ij_jobs *jobs)
{
    return (struct sqlite_jobs *)jobs;
}

static int do_step(struct ij_jobs *jobs, ij_step_fn *step, void *call,
                   struct imgjob_error *err)
{
    return ij_sqlite_writer_do(&sqlite_of(jobs)->writer, step, call, err);
}

/* ---- what writes ---- */

static int sqlite_submit(struct ij_jobs *jobs, const struct ij_submit *submit,
                         struct imgjob_error *err)
{
    struct ij_submit_call call = { submit };
    int rc = ij_submit_check(submit, err);
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
    int rc = do_step(jobs, ij_step_sweep, &call, err);
    if (rc == 0)
        *out = call.swept;
    return rc;
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

/* ---- what reads ---- */

/* A read that fails for the database's sake is as sticky as a write. */
static int read_done(struct sqlite_jobs *sqlite, struct ij_sqlite_db *db, int rc,
                     const struct imgjob_error *err)
{
    ij_sqlite_readers_give(&sqlite->readers, db);
    return ij_sqlite_writer_note(&sqlite->writer, rc, err);
}

static int sqlite_get(struct ij_jobs *jobs, const struct ij_id *id, struct ij_record *out,
                      struct imgjob_error *err)
{
    struct sqlite_jobs *sqlite = sqlite_of(jobs);
    int rc = ij_sqlite_writer_check(&sqlite->writer, err);
    if (rc < 0)
        return rc;
    struct imgjob_error found = { 0 };
    struct ij_sqlite_db *db = ij_sqlite_readers_take(&sqlite->readers);
    rc = ij_sqlite_read_record(db, id, out, &found);
    rc = read_done(sqlite, db, rc, &found);
    if (rc == 1)
        return ij_fail_unknown(id, err);
    return rc < 0 ? ij_fail(err, rc, "%s", found.text) : 0;
}

static int sqlite_gc_list(struct ij_jobs *jobs, const char *after, char **out_keys,
                          size_t max, size_t *out_count, struct imgjob_error *err)
{
    struct sqlite_jobs *sqlite = sqlite_of(jobs);
    int rc = ij_sqlite_writer_check(&sqlite->writer, err);
    if (rc < 0)
        return rc;
    struct imgjob_error found = { 0 };
    struct ij_sqlite_db *db = ij_sqlite_readers_take(&sqlite->readers);
    rc = ij_sqlite_gc_list(db, after, out_keys, max, out_count, &found);
    rc = read_done(sqlite, db, rc, &found);
    return rc < 0 ? ij_fail(err, rc, "%s", found.text) : 0;
}

static int sqlite_ping(struct ij_jobs *jobs, struct imgjob_error *err)
{
    struct sqlite_jobs *sqlite = sqlite_of(jobs);
    int rc = ij_sqlite_writer_check(&sqlite->writer, err);
    if (rc < 0)
        return rc;
    char store_id[IMGJOB_ID_SIZE];
    struct imgjob_error found = { 0 };
    struct ij_sqlite_db *db = ij_sqlite_readers_take(&sqlite->readers);
    rc = ij_sqlite_read_store_id(db, store_id, &found);
    rc = read_done(sqlite, db, rc, &found);
    return rc < 0 ? ij_fail(err, rc, "%s", found.text) : 0;
}

static int sqlite_stats(struct ij_jobs *jobs, struct ij_jobs_stats *out,
                        struct imgjob_error *err)
{
    struct ij_sqlite_writer *writer = &sqlite_of(jobs)->writer;
    int rc = ij_sqlite_writer_check(writer, err);
    if (rc == 0)
        ij_sqlite_writer_stats(writer, out);
    return rc;
}

/* Asked of the lock file, which lies beside the database and is open all the time. */
static int sqlite_space(struct ij_jobs *jobs, uint64_t *out_free, uint64_t *out_total,
                        struct imgjob_error *err)
{
    struct sqlite_jobs *sqlite = sqlite_of(jobs);
    struct statvfs vfs;
    if (fstatvfs(sqlite->lock_fd, &vfs) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "read the free space at '%.150s'",
                             sqlite->path);
    *out_free = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    *out_total = (uint64_t)vfs.f_blocks * vfs.f_frsize;
    return 0;
}

static const char *sqlite_store_id(struct ij_jobs *jobs)
{
    return sqlite_of(jobs)->store_id;
}

/* ---- life ---- */

static void sqlite_close(struct ij_jobs *jobs)
{
    struct sqlite_jobs *sqlite = sqlite_of(jobs);
    ij_sqlite_readers_close(&sqlite->readers);
    ij_sqlite_writer_stop(&sqlite->writer); /* the last to close empties the log */
    ij_close(&sqlite->lock_fd);
    free(sqlite->path);
    free(sqlite);
}

static const struct ij_jobs_ops sqlite_ops = {
    .name = "sqlite",
    .close = sqlite_close,
    .ping = sqlite_ping,
    .store_id = sqlite_store_id,
    .submit = sqlite_submit,
    .claim = sqlite_claim,
    .heartbeat = sqlite_heartbeat,
    .finish = sqlite_finish,
    .reclaim_all = sqlite_reclaim_all,
    .sweep = sqlite_sweep,
    .get = sqlite_get,
    .stats = sqlite_stats,
    .condemn = sqlite_condemn,
    .gc_list = sqlite_gc_list,
    .gc_drop = sqlite_gc_drop,
    .space = sqlite_space,
};

static void sqlite_discard(struct sqlite_jobs **sqlite)
{
    if (*sqlite)
        sqlite_close(&(*sqlite)->jobs);
}

int ij_sqlite_open(const struct ij_jobs_config *config, struct ij_jobs **out,
                   struct imgjob_error *err)
{
    IJ_AUTO(sqlite_discard) struct sqlite_jobs *sqlite = calloc(1, sizeof(*sqlite));
    if (!sqlite)
        return ij_fail_nomem(err, "opening a database");
    sqlite->jobs.ops = &sqlite_ops;
    sqlite->lock_fd = -1;
    sqlite->config = *config;

    int rc = ij_sqlite_lock(config->path, &sqlite->path, &sqlite->lock_fd, err);
    sqlite->config.path = sqlite->path;
    if (rc == 0)
        rc = ij_sqlite_writer_start(&sqlite->writer, &sqlite->config, err);
    if (rc == 0)
        rc = ij_sqlite_sync_directory(sqlite->path, err);
    if (rc == 0)
        rc = ij_sqlite_readers_open(&sqlite->readers, sqlite->path, err);
    if (rc < 0)
        return rc;
    struct ij_sqlite_db *db = ij_sqlite_readers_take(&sqlite->readers);
    rc = ij_sqlite_read_store_id(db, sqlite->store_id, err);
    ij_sqlite_readers_give(&sqlite->readers, db);
    if (rc < 0)
        return rc;
    *out = &sqlite->jobs;
    sqlite = NULL;
    return 0;
}
