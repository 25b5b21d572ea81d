/*
 * Owns the mapping between rows and structs: which parameter and which column is which
 * member. A member whose 0 means "none" is NULL in the database. What is read is checked:
 * a row that cannot be is a damaged database.
 */
#include "jobs/sqlite_row.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/sqlite_call.h"
#include "jobs/sqlite_side.h"

/* ---- reading jobs ---- */

static int damaged(struct ij_call *call, struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_STORE,
                   "database '%.100s' is damaged: the job in row %" PRId64
                   " cannot be (state %d): restore a backup",
                   call->db->path, (int64_t)sqlite3_column_int64(call->statement, 0),
                   sqlite3_column_int(call->statement, 4));
}

/* In the order of JOB_COLUMNS in sqlite_sql.c. */
static int job_read(struct ij_call *call, struct ij_job *out, struct imgjob_error *err)
{
    sqlite3_stmt *statement = call->statement;
    int at = 0;
    struct ij_job job = { .seq = (uint64_t)sqlite3_column_int64(statement, at++) };
    const void *id = sqlite3_column_blob(statement, at);
    if (!id || sqlite3_column_bytes(statement, at++) != sizeof(job.id.bytes))
        return damaged(call, err);
    memcpy(job.id.bytes, id, sizeof(job.id.bytes));
    job.tenant = (uint32_t)sqlite3_column_int64(statement, at++);
    job.queue = (uint32_t)sqlite3_column_int64(statement, at++);
    int64_t state = sqlite3_column_int64(statement, at++);
    int64_t reason = sqlite3_column_int64(statement, at++);
    if (state < IMGJOB_STATE_SCHEDULED || state > IMGJOB_STATE_CANCELED || reason < 0 ||
        reason >= IJ_REASON_COUNT)
        return damaged(call, err);
    job.state = (enum imgjob_state)state;
    job.reason = (enum ij_reason)reason;
    job.prio = (uint32_t)sqlite3_column_int64(statement, at++);
    job.fair = (uint64_t)sqlite3_column_int64(statement, at++);
    job.run_at = sqlite3_column_int64(statement, at++);
    job.deadline = sqlite3_column_int64(statement, at++);
    job.attempt = (uint32_t)sqlite3_column_int64(statement, at++);
    job.max_attempts = (uint32_t)sqlite3_column_int64(statement, at++);
    job.crashes = (uint32_t)sqlite3_column_int64(statement, at++);
    job.losses = (uint32_t)sqlite3_column_int64(statement, at++);
    job.releases = (uint32_t)sqlite3_column_int64(statement, at++);
    job.gen = (uint64_t)sqlite3_column_int64(statement, at++);
    job.token = (uint64_t)sqlite3_column_int64(statement, at++);
    job.lease_until = sqlite3_column_int64(statement, at++);
    job.owner = (uint64_t)sqlite3_column_int64(statement, at++);
    job.cancel_asked = sqlite3_column_int64(statement, at++) != 0;
    job.progress = (uint32_t)sqlite3_column_int64(statement, at++);
    job.ver = (uint64_t)sqlite3_column_int64(statement, at++);
    job.created = sqlite3_column_int64(statement, at++);
    job.updated = sqlite3_column_int64(statement, at++);
    job.started = sqlite3_column_int64(statement, at++);
    job.finished = sqlite3_column_int64(statement, at++);
    job.result_expires = sqlite3_column_int64(statement, at++);
    job.expires = sqlite3_column_int64(statement, at++);
    *out = job;
    return 0;
}

int ij_sqlite_find_job(struct ij_sqlite_db *db, const struct ij_id *id,
                       struct ij_job *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_FIND_JOB, "finding a job");
    ij_bind_id(&call, id);
    int rc = ij_call_step(&call, err);
    return rc == 0 ? job_read(&call, out, err) : rc;
}

int ij_sqlite_first_job(struct ij_sqlite_db *db, enum ij_sql which, int64_t now,
                        struct ij_job *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end) struct ij_call call = ij_call_of(db, which, "selecting a job");
    if (which >= IJ_SQL_FIRST_DUE)
        ij_bind_int(&call, now);
    int rc = ij_call_step(&call, err);
    return rc == 0 ? job_read(&call, out, err) : rc;
}

int ij_sqlite_read_record(struct ij_sqlite_db *db, const struct ij_id *id,
                          struct ij_record *out, struct imgjob_error *err)
{
    enum { SPEC = 28, INPUT, RESULT, FAILURE }; /* columns, behind those of the job */
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_RECORD, "reading a job");
    ij_bind_id(&call, id);
    int rc = ij_call_step(&call, err);
    if (rc != 0)
        return rc;
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    rc = job_read(&call, &record.job, err);
    if (rc < 0)
        return rc;
    rc = ij_call_text(&call, SPEC, &record.spec, err);
    if (rc == 0)
        rc = ij_call_text(&call, INPUT, &record.input, err);
    if (rc == 0)
        rc = ij_call_text(&call, RESULT, &record.result, err);
    if (rc == 0)
        rc = ij_call_text(&call, FAILURE, &record.failure, err);
    if (rc < 0)
        return rc;
    *out = record;
    record = (struct ij_record){ 0 };
    return 0;
}

/* ---- writing jobs ---- */

/* What transitions change, in the order of both statements. */
static void bind_mutable(struct ij_call *call, const struct ij_job *job)
{
    ij_bind_int(call, job->state);
    ij_bind_int(call, job->reason);
    ij_bind_some(call, job->run_at);
    ij_bind_int(call, job->attempt);
    ij_bind_int(call, job->crashes);
    ij_bind_int(call, job->losses);
    ij_bind_int(call, job->releases);
    ij_bind_int(call, (int64_t)job->gen);
    ij_bind_int(call, (int64_t)job->token);
    ij_bind_some(call, job->lease_until);
    ij_bind_int(call, (int64_t)job->owner);
    ij_bind_int(call, job->cancel_asked);
    ij_bind_int(call, job->progress);
    ij_bind_int(call, (int64_t)job->ver);
    ij_bind_int(call, job->updated);
    ij_bind_some(call, job->started);
    ij_bind_some(call, job->finished);
    ij_bind_some(call, job->result_expires);
    ij_bind_some(call, job->expires);
}

int ij_sqlite_insert_job(struct ij_sqlite_db *db, const struct ij_job *job,
                         struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_INSERT_JOB, "inserting a job");
    ij_bind_int(&call, (int64_t)job->seq);
    ij_bind_id(&call, &job->id);
    ij_bind_int(&call, job->tenant);
    ij_bind_int(&call, job->queue);
    ij_bind_int(&call, job->prio);
    ij_bind_int(&call, (int64_t)job->fair);
    ij_bind_some(&call, job->deadline);
    ij_bind_int(&call, job->max_attempts);
    ij_bind_int(&call, job->created);
    bind_mutable(&call, job);
    return ij_call_run(&call, err);
}

int ij_sqlite_update_job(struct ij_sqlite_db *db, const struct ij_job *job,
                         struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_UPDATE_JOB, "updating a job");
    bind_mutable(&call, job);
    ij_bind_int(&call, (int64_t)job->seq);
    return ij_call_run(&call, err);
}

int ij_sqlite_delete_job(struct ij_sqlite_db *db, uint64_t seq, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_DELETE_JOB, "removing a job");
    ij_bind_int(&call, (int64_t)seq);
    return ij_call_run(&call, err);
}

/* ---- documents ---- */

int ij_sqlite_insert_doc(struct ij_sqlite_db *db, uint64_t seq,
                         const struct ij_submit *submit, struct imgjob_error *err)
{
    struct ij_call call =
        ij_call_of(db, IJ_SQL_INSERT_DOC, "inserting a job's documents");
    ij_bind_int(&call, (int64_t)seq);
    ij_bind_text(&call, submit->spec);
    ij_bind_text(&call, submit->input);
    ij_bind_text(&call, submit->keys);
    return ij_call_run(&call, err);
}

int ij_sqlite_write_result(struct ij_sqlite_db *db, uint64_t seq, const char *result,
                           const char *keys, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_WRITE_RESULT, "writing a job's result");
    ij_bind_text(&call, result);
    ij_bind_text(&call, keys ? keys : "");
    ij_bind_int(&call, (int64_t)seq);
    return ij_call_run(&call, err);
}

int ij_sqlite_write_failure(struct ij_sqlite_db *db, uint64_t seq, const char *failure,
                            struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_WRITE_FAILURE, "writing a job's failure");
    ij_bind_text(&call, failure);
    ij_bind_int(&call, (int64_t)seq);
    return ij_call_run(&call, err);
}

/* Keys stand one a line, each line ended; what is not ended is no key. */
static int condemn_lines(struct ij_sqlite_db *db, char *lines, struct imgjob_error *err)
{
    char *end;
    for (char *at = lines; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        *end = '\0';
        int rc = *at ? ij_sqlite_gc_insert(db, at, err) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int ij_sqlite_release_keys(struct ij_sqlite_db *db, uint64_t seq,
                           struct imgjob_error *err)
{
    IJ_AUTO(ij_free) char *lines = NULL;
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_KEYS, "reading a job's blob keys");
    ij_bind_int(&call, (int64_t)seq);
    int rc = ij_call_step(&call, err);
    if (rc == 0)
        rc = ij_call_text(&call, 0, &lines, err);
    ij_call_end(&call);
    if (rc == 0 && lines)
        rc = condemn_lines(db, lines, err);
    if (rc < 0)
        return rc;
    struct ij_call clear =
        ij_call_of(db, IJ_SQL_CLEAR_KEYS, "clearing a job's blob keys");
    ij_bind_int(&clear, (int64_t)seq);
    return ij_call_run(&clear, err);
}
