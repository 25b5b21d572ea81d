/* Owns the slots that read: each takes one of the readers' connections for one question.
 */
#include "jobs/record.h"
#include "jobs/sqlite.h"
#include "jobs/sqlite_audit.h"
#include "jobs/sqlite_list.h"
#include "jobs/sqlite_row.h"
#include "jobs/sqlite_side.h"

/* What a reader's connection is asked for. @return as the slot does, or 1 */
typedef int read_fn(struct ij_sqlite_db *db, void *call, struct imgjob_error *err);

/* A read that fails for the database's sake is as sticky as a write. */
static int do_read(struct ij_jobs *jobs, read_fn *read, void *call,
                   struct imgjob_error *err)
{
    struct ij_sqlite *sqlite = ij_sqlite_of(jobs);
    int rc = ij_sqlite_writer_check(&sqlite->writer, err);
    if (rc < 0)
        return rc;
    struct imgjob_error found = { 0 };
    struct ij_sqlite_db *db = ij_sqlite_readers_take(&sqlite->readers);
    rc = read(db, call, &found);
    ij_sqlite_readers_give(&sqlite->readers, db);
    rc = ij_sqlite_writer_note(&sqlite->writer, rc, &found);
    return rc < 0 ? ij_fail(err, rc, "%s", found.text) : rc;
}

struct get_call {
    const struct ij_id *id;
    struct ij_record *out;
};

static int read_get(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    struct get_call *call = data;
    return ij_sqlite_read_record(db, call->id, call->out, err);
}

int ij_sqlite_do_get(struct ij_jobs *jobs, const struct ij_id *id, struct ij_record *out,
                     struct imgjob_error *err)
{
    struct get_call call = { id, out };
    int rc = do_read(jobs, read_get, &call, err);
    return rc == 1 ? ij_fail_unknown(id, err) : rc;
}

struct list_call {
    const struct ij_list *list;
    struct ij_page *out;
};

static int read_list(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    struct list_call *call = data;
    return ij_sqlite_list(db, call->list, call->out, err);
}

int ij_sqlite_do_list(struct ij_jobs *jobs, const struct ij_list *list,
                      struct ij_page *out, struct imgjob_error *err)
{
    struct list_call call = { list, out };
    int rc = ij_page_limit_check(list->limit, err);
    return rc < 0 ? rc : do_read(jobs, read_list, &call, err);
}

struct changes_call {
    const char *tenant;
    uint64_t after;
    uint32_t limit;
    struct ij_page *out;
};

static int read_changes(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    struct changes_call *call = data;
    return ij_sqlite_changes(db, call->tenant, call->after, call->limit, call->out, err);
}

int ij_sqlite_do_changes(struct ij_jobs *jobs, const char *tenant, uint64_t after,
                         uint32_t limit, struct ij_page *out, struct imgjob_error *err)
{
    struct changes_call call = { tenant, after, limit, out };
    int rc = ij_page_limit_check(limit, err);
    return rc < 0 ? rc : do_read(jobs, read_changes, &call, err);
}

struct batch_call {
    const struct ij_id *batch;
    uint64_t *out;
};

static int read_batch(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    struct batch_call *call = data;
    return ij_sqlite_batch(db, call->batch, call->out, err);
}

int ij_sqlite_do_batch(struct ij_jobs *jobs, const struct ij_id *batch,
                       uint64_t *out_by_state, struct imgjob_error *err)
{
    struct batch_call call = { batch, out_by_state };
    return do_read(jobs, read_batch, &call, err);
}

struct queues_call {
    struct ij_queue_stats *out;
    size_t *out_count;
};

static int read_queues(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    struct queues_call *call = data;
    return ij_sqlite_queues(db, call->out, call->out_count, err);
}

int ij_sqlite_do_queues(struct ij_jobs *jobs, struct ij_queue_stats *out,
                        size_t *out_count, struct imgjob_error *err)
{
    struct queues_call call = { out, out_count };
    return do_read(jobs, read_queues, &call, err);
}

static int read_stats(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    return ij_sqlite_stats(db, data, err);
}

/* Ours alone, the writer has them; otherwise they are what all have committed. */
int ij_sqlite_do_stats(struct ij_jobs *jobs, struct ij_jobs_stats *out,
                       struct imgjob_error *err)
{
    struct ij_sqlite *sqlite = ij_sqlite_of(jobs);
    if (sqlite->config.is_shared || sqlite->config.is_read_only)
        return do_read(jobs, read_stats, out, err);
    int rc = ij_sqlite_writer_check(&sqlite->writer, err);
    if (rc == 0)
        ij_sqlite_writer_stats(&sqlite->writer, out);
    return rc;
}

struct deliveries_call {
    const struct ij_delivery_list *list;
    struct ij_delivery *out;
    size_t *out_count;
    uint64_t *out_next;
};

static int read_deliveries(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    struct deliveries_call *call = data;
    return ij_sqlite_deliveries(db, call->list, call->out, call->out_count,
                                call->out_next, err);
}

int ij_sqlite_do_delivery_list(struct ij_jobs *jobs, const struct ij_delivery_list *list,
                               struct ij_delivery *out, size_t *out_count,
                               uint64_t *out_next, struct imgjob_error *err)
{
    struct deliveries_call call = { list, out, out_count, out_next };
    int rc = ij_page_limit_check(list->limit, err);
    return rc < 0 ? rc : do_read(jobs, read_deliveries, &call, err);
}

struct gc_call {
    const char *after;
    char **out_keys;
    size_t max;
    size_t *out_count;
};

static int read_gc(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    struct gc_call *call = data;
    return ij_sqlite_gc_list(db, call->after, call->out_keys, call->max, call->out_count,
                             err);
}

int ij_sqlite_do_gc_list(struct ij_jobs *jobs, const char *after, char **out_keys,
                         size_t max, size_t *out_count, struct imgjob_error *err)
{
    struct gc_call call = { after, out_keys, max, out_count };
    return do_read(jobs, read_gc, &call, err);
}

static int read_id(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    return ij_sqlite_read_store_id(db, data, err);
}

int ij_sqlite_do_ping(struct ij_jobs *jobs, struct imgjob_error *err)
{
    char store_id[IMGJOB_ID_SIZE];
    return do_read(jobs, read_id, store_id, err);
}

static int read_audit(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    return ij_sqlite_audit(db, data, err);
}

int ij_sqlite_do_audit(struct ij_jobs *jobs, struct ij_audit *audit,
                       struct imgjob_error *err)
{
    return do_read(jobs, read_audit, audit, err);
}

static int read_backup(struct ij_sqlite_db *db, void *data, struct imgjob_error *err)
{
    return ij_sqlite_backup(db, data, err);
}

int ij_sqlite_do_backup(struct ij_jobs *jobs, const char *path, struct imgjob_error *err)
{
    return do_read(jobs, read_backup, (char *)path, err);
}
