/* Owns the mapping of everything in the database that is not a job. */
#include "jobs/sqlite_side.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/sqlite_call.h"

enum { SPARE_PAGES = 256 }; /* 1 MiB: less is soon used again */

int ij_sqlite_begin(struct ij_sqlite_db *db, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_BEGIN, "beginning a transaction");
    return ij_call_run(&call, err);
}

int ij_sqlite_commit(struct ij_sqlite_db *db, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_COMMIT, "committing");
    return ij_call_run(&call, err);
}

void ij_sqlite_rollback(struct ij_sqlite_db *db)
{
    if (sqlite3_get_autocommit(db->handle))
        return; /* some errors roll back by themselves */
    struct ij_call call = ij_call_of(db, IJ_SQL_ROLLBACK, "rolling back");
    (void)ij_call_run(&call, NULL); /* nothing was promised; closing rolls back too */
}

int64_t ij_sqlite_writes(struct ij_sqlite_db *db)
{
    return sqlite3_total_changes64(db->handle);
}

int ij_sqlite_gc_insert(struct ij_sqlite_db *db, const char *key,
                        struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_INSERT_GC, "condemning a blob");
    ij_bind_text(&call, key);
    return ij_call_run(&call, err);
}

int ij_sqlite_gc_delete(struct ij_sqlite_db *db, const char *key,
                        struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_DELETE_GC, "forgetting a blob");
    ij_bind_text(&call, key);
    return ij_call_run(&call, err);
}

int ij_sqlite_gc_find(struct ij_sqlite_db *db, const struct ij_id *id,
                      struct imgjob_error *err)
{
    /* every key of a job begins with its id and a dot; a slash comes behind the dot */
    char low[IMGJOB_ID_SIZE + 1], high[IMGJOB_ID_SIZE + 1];
    ij_id_format(id, low);
    memcpy(high, low, IMGJOB_ID_SIZE);
    memcpy(low + IMGJOB_ID_SIZE - 1, ".", 2);
    memcpy(high + IMGJOB_ID_SIZE - 1, "/", 2);
    _Static_assert('/' == '.' + 1, "the range holds what begins with the dot");
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_FIND_GC, "looking for condemned blobs");
    ij_bind_text(&call, low);
    ij_bind_text(&call, high);
    return ij_call_step(&call, err);
}

int ij_sqlite_gc_list(struct ij_sqlite_db *db, const char *after, char **out_keys,
                      size_t max, size_t *out_count, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_LIST_GC, "listing condemned blobs");
    ij_bind_text(&call, after ? after : "");
    ij_bind_int(&call, max < INT32_MAX ? (int64_t)max : INT32_MAX);
    size_t count = 0;
    int rc;
    while ((rc = ij_call_step(&call, err)) == 0) {
        rc = ij_call_text(&call, 0, &out_keys[count], err);
        if (rc < 0)
            break;
        count++;
    }
    if (rc == 1) {
        *out_count = count;
        return 0;
    }
    while (count > 0)
        ij_free(&out_keys[--count]);
    return rc;
}

/* One row with one number. @return 0, 1 = no row, or a code */
static int read_number(struct ij_call *call, int64_t *out, struct imgjob_error *err)
{
    int rc = ij_call_step(call, err);
    if (rc == 0)
        *out = sqlite3_column_int64(call->statement, 0);
    ij_call_end(call);
    return rc;
}

int ij_sqlite_find_tenant(struct ij_sqlite_db *db, const char *name, uint32_t *out,
                          struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_FIND_TENANT, "finding a tenant");
    ij_bind_text(&call, name);
    int64_t number = 0;
    int rc = read_number(&call, &number, err);
    if (rc == 0)
        *out = (uint32_t)number;
    return rc;
}

int ij_sqlite_make_tenant(struct ij_sqlite_db *db, const char *name, uint32_t *out,
                          struct imgjob_error *err)
{
    int rc = ij_sqlite_find_tenant(db, name, out, err);
    if (rc <= 0)
        return rc;
    struct ij_call call = ij_call_of(db, IJ_SQL_INSERT_TENANT, "making a tenant");
    ij_bind_text(&call, name);
    int64_t number = 0;
    rc = read_number(&call, &number, err);
    *out = (uint32_t)number;
    return rc < 0 ? rc : 0;
}

static void bind_share(struct ij_call *call, const struct ij_job *job, uint32_t tenant)
{
    ij_bind_int(call, job->queue);
    ij_bind_int(call, job->prio);
    ij_bind_int(call, tenant);
}

int ij_sqlite_read_share(struct ij_sqlite_db *db, const struct ij_job *job,
                         uint32_t tenant, uint64_t *out, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_SHARE, "reading a tenant's share");
    bind_share(&call, job, tenant);
    int64_t last = 0;
    int rc = read_number(&call, &last, err);
    *out = (uint64_t)last;
    return rc < 0 ? rc : 0;
}

int ij_sqlite_write_share(struct ij_sqlite_db *db, const struct ij_job *job,
                          uint32_t tenant, uint64_t last, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_WRITE_SHARE, "writing a tenant's share");
    bind_share(&call, job, tenant);
    ij_bind_int(&call, (int64_t)last);
    return ij_call_run(&call, err);
}

int ij_sqlite_read_key(struct ij_sqlite_db *db, uint32_t tenant, const char *key,
                       struct ij_sqlite_key *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_KEY, "reading an idempotency key");
    ij_bind_int(&call, tenant);
    ij_bind_text(&call, key);
    int rc = ij_call_step(&call, err);
    if (rc != 0)
        return rc;
    const void *fingerprint = sqlite3_column_blob(call.statement, 0);
    const void *job = sqlite3_column_blob(call.statement, 1);
    if (!fingerprint || !job) /* their lengths are checked by the schema */
        return ij_fail_nomem(err, "reading an idempotency key");
    memcpy(out->fingerprint, fingerprint, sizeof(out->fingerprint));
    memcpy(out->job.bytes, job, sizeof(out->job.bytes));
    out->expires = sqlite3_column_int64(call.statement, 2);
    return 0;
}

int ij_sqlite_write_key(struct ij_sqlite_db *db, uint32_t tenant, const char *key,
                        const struct ij_sqlite_key *value, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_WRITE_KEY, "writing an idempotency key");
    ij_bind_int(&call, tenant);
    ij_bind_text(&call, key);
    ij_bind_blob(&call, value->fingerprint, sizeof(value->fingerprint));
    ij_bind_id(&call, &value->job);
    ij_bind_int(&call, value->expires);
    return ij_call_run(&call, err);
}

int ij_sqlite_drop_keys(struct ij_sqlite_db *db, int64_t now, uint32_t max,
                        uint32_t *out_count, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_DROP_KEYS, "dropping idempotency keys");
    ij_bind_int(&call, now);
    ij_bind_int(&call, max);
    int rc = ij_call_run(&call, err);
    if (rc == 0)
        *out_count = (uint32_t)sqlite3_changes(db->handle);
    return rc;
}

int ij_sqlite_read_owner(struct ij_sqlite_db *db, uint32_t slot, uint64_t *out,
                         struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_OWNER, "reading an owner");
    ij_bind_int(&call, slot);
    int64_t owner = 0;
    int rc = read_number(&call, &owner, err);
    if (rc == 0)
        *out = (uint64_t)owner;
    return rc;
}

int ij_sqlite_write_owner(struct ij_sqlite_db *db, uint32_t slot, uint64_t owner,
                          struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_WRITE_OWNER, "writing an owner");
    ij_bind_int(&call, slot);
    ij_bind_int(&call, (int64_t)owner);
    return ij_call_run(&call, err);
}

int ij_sqlite_list_owners(struct ij_sqlite_db *db, uint64_t *out, size_t max,
                          size_t *out_count, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_LIST_OWNERS, "listing owners");
    size_t count = 0;
    int rc = 0;
    while (count < max && (rc = ij_call_step(&call, err)) == 0)
        out[count++] = (uint64_t)sqlite3_column_int64(call.statement, 0);
    *out_count = count;
    return rc < 0 ? rc : 0;
}

int ij_sqlite_read_data_version(struct ij_sqlite_db *db, int64_t *out,
                                struct imgjob_error *err)
{
    struct ij_call call =
        ij_call_of(db, IJ_SQL_READ_DATA_VERSION, "looking for changes of others");
    int rc = read_number(&call, out, err);
    return rc < 0 ? rc : 0;
}

int ij_sqlite_read_last_seq(struct ij_sqlite_db *db, uint64_t *out,
                            struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_LAST_SEQ, "reading the sequence");
    int rc = ij_call_step(&call, err);
    if (rc == 0)
        *out = (uint64_t)sqlite3_column_int64(call.statement, 0);
    return rc;
}

int ij_sqlite_read_store_id(struct ij_sqlite_db *db, char out[IMGJOB_ID_SIZE],
                            struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_STORE_ID, "reading the store's id");
    int rc = ij_call_step(&call, err);
    if (rc < 0)
        return rc;
    const unsigned char *text = rc == 0 ? sqlite3_column_text(call.statement, 0) : NULL;
    struct ij_id id;
    if (!text || !ij_id_parse((const char *)text, strlen((const char *)text), &id))
        return ij_fail(
            err, IMGJOB_E_STORE,
            "database '%.100s' is damaged: it has no store id: restore a backup",
            db->path);
    ij_id_format(&id, out);
    return 0;
}

int ij_sqlite_shrink(struct ij_sqlite_db *db, bool *out_has_more,
                     struct imgjob_error *err)
{
    int64_t count = 0;
    struct ij_call pages = ij_call_of(db, IJ_SQL_READ_FREE_PAGES, "counting free pages");
    int rc = read_number(&pages, &count, err);
    *out_has_more = count >= 2 * SPARE_PAGES;
    if (rc < 0 || count < SPARE_PAGES)
        return rc < 0 ? rc : 0;
    struct ij_call call = ij_call_of(db, IJ_SQL_SHRINK, "shrinking the file");
    return ij_call_run(&call, err);
}
