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
#include "jobs/state.h"

/* ---- reading jobs ---- */

static int damaged(struct ij_call *call, struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_STORE,
                   "database '%.100s' is damaged: the job in row %" PRId64
                   " cannot be (state %d): restore a backup",
                   call->db->path, (int64_t)sqlite3_column_int64(call->statement, 0),
                   sqlite3_column_int(call->statement, 4));
}

/* @return false when the column is NULL, or of another length */
static bool read_blob(const struct ij_call *call, int column, void *out, size_t len)
{
    const void *blob = sqlite3_column_blob(call->statement, column);
    if (!blob || sqlite3_column_bytes(call->statement, column) != (int)len)
        return false;
    memcpy(out, blob, len);
    return true;
}

static int64_t pack_progress(const struct ij_progress *progress)
{
    return (int64_t)progress->percent | (int64_t)progress->stage << 8 |
           (int64_t)progress->output << 16;
}

static struct ij_progress unpack_progress(int64_t packed)
{
    uint32_t stage = packed >> 8 & 0xff;
    return (struct ij_progress){
        .percent = packed & 0xff,
        .stage = stage < IJ_STAGE_COUNT ? (enum ij_stage)stage : IJ_STAGE_NONE,
        .output = packed >> 16 & 0xffff,
    };
}

/* 2^53 ms are 285,000 years: differences of such times do not overflow. */
static bool is_time(int64_t ms)
{
    return ms >= 0 && ms <= INT64_C(1) << 53;
}

/* In the order of JOB_COLUMNS in sqlite_sql.c. */
static int job_read(struct ij_call *call, struct ij_job *out, struct imgjob_error *err)
{
    sqlite3_stmt *statement = call->statement;
    int at = 0;
    struct ij_job job = { .seq = (uint64_t)sqlite3_column_int64(statement, at++) };
    if (!read_blob(call, at++, job.id.bytes, sizeof(job.id.bytes)))
        return damaged(call, err);
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
    job.timeout_ms = (uint32_t)sqlite3_column_int64(statement, at++);
    job.crashes = (uint32_t)sqlite3_column_int64(statement, at++);
    job.losses = (uint32_t)sqlite3_column_int64(statement, at++);
    job.releases = (uint32_t)sqlite3_column_int64(statement, at++);
    job.gen = (uint64_t)sqlite3_column_int64(statement, at++);
    job.token = (uint64_t)sqlite3_column_int64(statement, at++);
    job.lease_until = sqlite3_column_int64(statement, at++);
    job.owner = (uint64_t)sqlite3_column_int64(statement, at++);
    job.cancel_asked = sqlite3_column_int64(statement, at++) != 0;
    job.progress = unpack_progress(sqlite3_column_int64(statement, at++));
    job.ver = (uint64_t)sqlite3_column_int64(statement, at++);
    job.change = (uint64_t)sqlite3_column_int64(statement, at++);
    job.created = sqlite3_column_int64(statement, at++);
    job.updated = sqlite3_column_int64(statement, at++);
    job.started = sqlite3_column_int64(statement, at++);
    job.finished = sqlite3_column_int64(statement, at++);
    job.result_expires = sqlite3_column_int64(statement, at++);
    job.expires = sqlite3_column_int64(statement, at++);
    job.result_ttl_ms = (uint64_t)sqlite3_column_int64(statement, at++);
    job.job_ttl_ms = (uint64_t)sqlite3_column_int64(statement, at++);
    job.bytes = (uint64_t)sqlite3_column_int64(statement, at++);
    (void)read_blob(call, at++, job.batch.bytes, sizeof(job.batch.bytes));
    job.has_callback = sqlite3_column_int64(statement, at++) != 0;
    job.has_dedup = read_blob(call, at++, job.dedup, sizeof(job.dedup));
    if (!is_time(job.created) || !is_time(job.updated) || !is_time(job.started) ||
        !is_time(job.finished))
        return damaged(call, err);
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

int ij_sqlite_first_job(struct ij_sqlite_db *db, enum ij_sql which, int64_t parameter,
                        struct ij_job *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end) struct ij_call call = ij_call_of(db, which, "selecting a job");
    if (sqlite3_bind_parameter_count(call.statement) > 0)
        ij_bind_int(&call, parameter);
    int rc = ij_call_step(&call, err);
    return rc == 0 ? job_read(&call, out, err) : rc;
}

int ij_sqlite_find_twin(struct ij_sqlite_db *db,
                        const unsigned char dedup[IJ_DIGEST_SIZE], int64_t now,
                        struct ij_job *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_FIND_TWINS, "looking for a twin");
    ij_bind_blob(&call, dedup, IJ_DIGEST_SIZE);
    int rc;
    while ((rc = ij_call_step(&call, err)) == 0) {
        rc = job_read(&call, out, err);
        if (rc < 0 || ij_state_is_twin(out, now))
            return rc;
    }
    return rc;
}

static int copy_name(struct ij_call *call, int column, char out[IJ_NAME_SIZE])
{
    const unsigned char *text = sqlite3_column_text(call->statement, column);
    if (!text || strlen((const char *)text) >= IJ_NAME_SIZE)
        return 1;
    (void)stpcpy(out, (const char *)text);
    return 0;
}

static int record_read(struct ij_call *call, struct ij_record *out,
                       struct imgjob_error *err)
{
    enum { SPEC = 36, NAMES = SPEC + 6 }; /* columns, behind those of the job */
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    char **const documents[] = { &record.spec,    &record.input,   &record.result,
                                 &record.failure, &record.options, &record.keys };
    int rc = job_read(call, &record.job, err);
    for (size_t i = 0; i < IJ_ARRAY_LEN(documents) && rc == 0; i++)
        rc = ij_call_text(call, SPEC + (int)i, documents[i], err);
    if (rc == 0 && (copy_name(call, NAMES, record.queue) != 0 ||
                    copy_name(call, NAMES + 1, record.tenant) != 0))
        rc = damaged(call, err);
    if (rc < 0)
        return rc;
    *out = record;
    record = (struct ij_record){ 0 };
    return 0;
}

int ij_sqlite_read_record(struct ij_sqlite_db *db, const struct ij_id *id,
                          struct ij_record *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_RECORD, "reading a job");
    ij_bind_id(&call, id);
    int rc = ij_call_step(&call, err);
    return rc == 0 ? record_read(&call, out, err) : rc;
}

int ij_sqlite_read_row(struct ij_sqlite_db *db, uint64_t seq, struct ij_record *out,
                       struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_ROW, "reading a job");
    ij_bind_int(&call, (int64_t)seq);
    int rc = ij_call_step(&call, err);
    return rc == 0 ? record_read(&call, out, err) : rc;
}

/* ---- writing jobs ---- */

/* What transitions change, in the order of both statements. */
static void bind_mutable(struct ij_call *call, const struct ij_job *job)
{
    ij_bind_int(call, job->state);
    ij_bind_int(call, job->reason);
    ij_bind_some(call, job->run_at);
    ij_bind_some(call, job->deadline);
    ij_bind_int(call, job->attempt);
    ij_bind_int(call, job->crashes);
    ij_bind_int(call, job->losses);
    ij_bind_int(call, job->releases);
    ij_bind_int(call, (int64_t)job->gen);
    ij_bind_int(call, (int64_t)job->token);
    ij_bind_some(call, job->lease_until);
    ij_bind_int(call, (int64_t)job->owner);
    ij_bind_int(call, job->cancel_asked);
    ij_bind_int(call, pack_progress(&job->progress));
    ij_bind_int(call, (int64_t)job->ver);
    ij_bind_int(call, (int64_t)job->change);
    ij_bind_int(call, job->updated);
    ij_bind_some(call, job->started);
    ij_bind_some(call, job->finished);
    ij_bind_some(call, job->result_expires);
    ij_bind_some(call, job->expires);
    ij_bind_int(call, (int64_t)job->bytes);
}

static void bind_batch(struct ij_call *call, const struct ij_job *job)
{
    if (ij_id_equal(&job->batch, &ij_id_none))
        ij_bind_blob(call, NULL, 0);
    else
        ij_bind_id(call, &job->batch);
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
    ij_bind_int(&call, job->max_attempts);
    ij_bind_int(&call, job->timeout_ms);
    ij_bind_int(&call, job->created);
    ij_bind_int(&call, (int64_t)job->result_ttl_ms);
    ij_bind_int(&call, (int64_t)job->job_ttl_ms);
    bind_batch(&call, job);
    ij_bind_int(&call, job->has_callback);
    ij_bind_blob(&call, job->has_dedup ? job->dedup : NULL, sizeof(job->dedup));
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

int ij_sqlite_beat_job(struct ij_sqlite_db *db, const struct ij_job *job,
                       struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_BEAT_JOB, "renewing a lease");
    ij_bind_int(&call, job->lease_until);
    ij_bind_int(&call, pack_progress(&job->progress));
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
    ij_bind_text(&call, submit->input ? submit->input : "{}");
    ij_bind_text(&call, submit->options ? submit->options : "{}");
    ij_bind_text(&call, submit->callback_url);
    ij_bind_text(&call, submit->keys ? submit->keys : "");
    return ij_call_run(&call, err);
}

int ij_sqlite_insert_tags(struct ij_sqlite_db *db, uint64_t seq,
                          const struct ij_submit *submit, struct imgjob_error *err)
{
    for (size_t i = 0; i < submit->tag_count; i++) {
        struct ij_call call = ij_call_of(db, IJ_SQL_INSERT_TAG, "inserting a job's tags");
        ij_bind_int(&call, (int64_t)seq);
        ij_bind_text(&call, submit->tags[i]);
        int rc = ij_call_run(&call, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int ij_sqlite_read_callback(struct ij_sqlite_db *db, uint64_t seq, char **out,
                            struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call =
        ij_call_of(db, IJ_SQL_READ_CALLBACK, "reading a job's callback");
    ij_bind_int(&call, (int64_t)seq);
    int rc = ij_call_step(&call, err);
    return rc == 0 ? ij_call_text(&call, 0, out, err) : rc;
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
