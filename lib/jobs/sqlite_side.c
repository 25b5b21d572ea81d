/* Owns the mapping of everything in the database that is not a job. */
#include "jobs/sqlite_side.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/sqlite_call.h"

enum { SHRINK_PAGES = 256 }; /* 1 MiB: less is soon used again */

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

int ij_sqlite_read_counters(struct ij_sqlite_db *db, struct ij_jobs_stats *out,
                            struct imgjob_error *err)
{
    struct ij_jobs_stats stats = { 0 };
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_COUNTERS, "reading the counters");
    int rc;
    while ((rc = ij_call_step(&call, err)) == 0) {
        int64_t state = sqlite3_column_int64(call.statement, 0);
        int64_t count = sqlite3_column_int64(call.statement, 1);
        if (state < 0 || state >= IJ_STATE_COUNT || count < 0)
            return ij_fail(err, IMGJOB_E_STORE,
                           "database '%.100s' is damaged: a counter cannot be: restore a "
                           "backup",
                           db->path);
        stats.by_state[state] = (uint64_t)count;
    }
    if (rc < 0)
        return rc;
    *out = stats;
    return 0;
}

int ij_sqlite_write_counter(struct ij_sqlite_db *db, int state, uint64_t count,
                            struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_WRITE_COUNTER, "writing a counter");
    ij_bind_int(&call, (int64_t)count);
    ij_bind_int(&call, state);
    return ij_call_run(&call, err);
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

int ij_sqlite_shrink(struct ij_sqlite_db *db, struct imgjob_error *err)
{
    struct ij_call pages = ij_call_of(db, IJ_SQL_READ_FREE_PAGES, "counting free pages");
    int rc = ij_call_step(&pages, err);
    int64_t count = rc == 0 ? sqlite3_column_int64(pages.statement, 0) : 0;
    ij_call_end(&pages);
    if (rc < 0 || count < SHRINK_PAGES)
        return rc < 0 ? rc : 0;
    struct ij_call call = ij_call_of(db, IJ_SQL_SHRINK, "shrinking the file");
    return ij_call_run(&call, err);
}
