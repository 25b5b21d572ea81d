/*
 * Owns what must be true of a database as a whole. Most checks are a query that gives a
 * sentence for each fault; what is counted is counted in one walk. So nothing is held in
 * memory however many rows there are. Some faults have a remedy, which loses no job.
 */
#include "jobs/sqlite_audit.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/sqlite_side.h"
#include "jobs/sqlite_step.h"
#include "jobs/sqlite_sums.h"

/* As people and URLs write it. */
#define PART(from, len) "substr(hex(job.id)," from "," len ")"
#define JOB_ID                                                       \
    "lower(" PART("1", "8") "||'-'||" PART("9", "4") "||'-'||" PART( \
        "13", "4") "||'-'||" PART("17", "4") "||'-'||" PART("21", "12") ")"

#define NO_JSON(column)                                          \
    "SELECT seq,'" column "' AS what FROM job_doc WHERE " column \
    " IS NOT NULL AND NOT json_valid(" column ")"
#define OR_NO_JSON(column) " UNION ALL " NO_JSON(column)
#define ARE_NO_JSON \
    NO_JSON("spec") \
    OR_NO_JSON("input") OR_NO_JSON("options") OR_NO_JSON("result") OR_NO_JSON("failure")

#define HAS_EXPIRED "state>=4 AND result_expires IS NULL"

static const struct check {
    const char *query;
    const char *remedy; /* NULL = a backup is to be restored, or an operator to decide */
} checks[] = {
    { "SELECT integrity_check FROM pragma_integrity_check(100)"
      " WHERE integrity_check<>'ok'",
      NULL },
    { "SELECT printf('row %d of table %s names a row of %s that is not there',"
      " rowid,\"table\",parent) FROM pragma_foreign_key_check"
      " WHERE \"table\" NOT IN ('job_doc','tag')", /* they have a remedy below */
      NULL },
    { "SELECT printf('job %s has no documents'," JOB_ID ") FROM job"
      " WHERE NOT EXISTS(SELECT 1 FROM job_doc WHERE job_doc.seq=job.seq)",
      NULL },
    { "SELECT printf('documents %d belong to no job',seq) FROM job_doc"
      " WHERE NOT EXISTS(SELECT 1 FROM job WHERE job.seq=job_doc.seq)",
      "DELETE FROM job_doc"
      " WHERE NOT EXISTS(SELECT 1 FROM job WHERE job.seq=job_doc.seq)" },
    { "SELECT printf('the tag ''%s'' in row %d belongs to no job',tag,seq) FROM tag"
      " WHERE NOT EXISTS(SELECT 1 FROM job WHERE job.seq=tag.seq)",
      "DELETE FROM tag WHERE NOT EXISTS(SELECT 1 FROM job WHERE job.seq=tag.seq)" },
    { "SELECT printf('an idempotency key belongs to tenant %d, which is not there',"
      " tenant) FROM idempotency"
      " WHERE NOT EXISTS(SELECT 1 FROM tenant WHERE number=idempotency.tenant)",
      "DELETE FROM idempotency"
      " WHERE NOT EXISTS(SELECT 1 FROM tenant WHERE number=idempotency.tenant)" },
    { "SELECT printf('job %s: its %s is no JSON'," JOB_ID ",what)"
      " FROM (" ARE_NO_JSON ") AS d JOIN job ON job.seq=d.seq",
      NULL },
    { "SELECT printf('job %s completed and has no result'," JOB_ID ") FROM job"
      " JOIN job_doc ON job_doc.seq=job.seq WHERE state=4 AND result IS NULL",
      NULL },
    { "SELECT printf('job %s runs, and nobody holds it'," JOB_ID ") FROM job"
      " WHERE state=3 AND (token=0 OR gen=0 OR started IS NULL)",
      NULL },
    /* 2^53 ms are 285,000 years */
    { "SELECT printf('job %s has a number that cannot be'," JOB_ID ") FROM job"
      " WHERE prio NOT BETWEEN 0 AND 9 OR attempt<0 OR max_attempts<1 OR timeout_ms<0"
      " OR crashes<0 OR losses<0 OR releases<0 OR gen NOT BETWEEN 0 AND 1<<53"
      " OR ver NOT BETWEEN 1 AND 1<<53 OR change NOT BETWEEN 1 AND 1<<53"
      " OR created NOT BETWEEN 0 AND 1<<53 OR updated NOT BETWEEN 0 AND 1<<53"
      " OR started NOT BETWEEN 0 AND 1<<53 OR finished NOT BETWEEN 0 AND 1<<53"
      " OR bytes<0 OR result_ttl<0 OR job_ttl<0",
      NULL },
    { "SELECT printf('job %s has had %d attempts, and was claimed %d times'," JOB_ID
      ",attempt,gen) FROM job WHERE attempt>gen",
      NULL },
    { "SELECT printf('job %s has a callback and no URL for it, or the "
      "reverse'," JOB_ID ") FROM job JOIN job_doc ON job_doc.seq=job.seq"
      " WHERE has_callback<>(callback IS NOT NULL)",
      NULL },
    { "SELECT printf('job %s: its images have expired, and it still names "
      "some'," JOB_ID ") FROM job JOIN job_doc ON job_doc.seq=job.seq"
      " WHERE " HAS_EXPIRED " AND (keys<>'' OR bytes<>0)",
      "INSERT OR IGNORE INTO gc(key) SELECT value FROM job JOIN job_doc"
      " ON "
      "job_doc.seq=job.seq,json_each('[\"'||replace(rtrim(keys,char(10)),char(10),"
      "'\",\"')||'\"]') WHERE " HAS_EXPIRED " AND keys<>'';"
      "UPDATE job_doc SET keys='' WHERE keys<>'' AND seq IN"
      " (SELECT seq FROM job WHERE " HAS_EXPIRED ");"
      "UPDATE job SET bytes=0 WHERE bytes<>0 AND " HAS_EXPIRED },
    { "SELECT printf('two jobs share the change number %d',change) FROM job"
      " GROUP BY tenant,change HAVING count(*)>1",
      NULL },
    { "SELECT printf('delivery %d waits without a time, or has one and does not "
      "wait',"
      " number) FROM delivery WHERE (state=0)<>(due<>0)",
      "UPDATE delivery SET due=iif(state=0,updated,0) WHERE (state=0)<>(due<>0)" },
    { "SELECT printf('a job has number %d, and the next one would get %d',r,c+1) FROM"
      " (SELECT coalesce((SELECT max(seq) FROM job),0) AS r,coalesce((SELECT max(seq)"
      " FROM sqlite_sequence WHERE name='job'),0) AS c) WHERE r>c",
      "INSERT INTO sqlite_sequence(name,seq) SELECT 'job',0"
      " WHERE NOT EXISTS(SELECT 1 FROM sqlite_sequence WHERE name='job');"
      "UPDATE sqlite_sequence SET seq=(SELECT max(seq) FROM job) WHERE name='job'" },
};

static void tell(struct ij_audit *audit, const char *sentence)
{
    audit->faults++;
    if (audit->report)
        audit->report(audit->data, sentence);
}

static int prepare(struct ij_sqlite_db *db, const char *query, sqlite3_stmt **out,
                   struct imgjob_error *err)
{
    int rc = sqlite3_prepare_v2(db->handle, query, -1, out, NULL);
    return rc == SQLITE_OK ? 0 : ij_sqlite_db_fail(db, rc, "auditing", err);
}

/* @return 0 a row, 1 no more, or a code */
static int step(struct ij_sqlite_db *db, sqlite3_stmt *statement,
                struct imgjob_error *err)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 0;
    return rc == SQLITE_DONE ? 1 : ij_sqlite_db_fail(db, rc, "auditing", err);
}

static void statement_done(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement); /* repeats the error that step() gave */
}

/* ---- what a query finds ---- */

static int run_check(struct ij_sqlite_db *db, const struct check *check,
                     struct ij_audit *audit, struct imgjob_error *err)
{
    uint64_t before = audit->faults;
    sqlite3_stmt *statement = NULL;
    int rc = prepare(db, check->query, &statement, err);
    while (rc == 0 && (rc = step(db, statement, err)) == 0) {
        const unsigned char *sentence = sqlite3_column_text(statement, 0);
        tell(audit, sentence ? (const char *)sentence : "");
    }
    statement_done(&statement);
    if (rc < 0 || audit->faults == before || !audit->is_repair || !check->remedy)
        return rc < 0 ? rc : 0;
    rc = ij_sqlite_db_execute(db, check->remedy, "repairing", err);
    audit->repaired += rc == 0 ? audit->faults - before : 0;
    return rc;
}

/* ---- what is counted ---- */

/* As the rows are. Queues are numbered from 1; one that goes leaves its number to
 * the next. */
struct counts {
    uint64_t by_state[IJ_QUEUES_MAX + 1][IJ_STATE_COUNT];
    uint64_t change, bytes, deliveries;
};

static int count_jobs(struct ij_sqlite_db *db, struct counts *counts,
                      struct ij_audit *audit, struct imgjob_error *err)
{
    IJ_AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int rc = prepare(db, "SELECT queue,state,bytes,change FROM job", &statement, err);
    while (rc == 0 && (rc = step(db, statement, err)) == 0) {
        int64_t queue = sqlite3_column_int64(statement, 0);
        int64_t state = sqlite3_column_int64(statement, 1);
        uint64_t change = (uint64_t)sqlite3_column_int64(statement, 3);
        if (queue > 0 && queue <= IJ_QUEUES_MAX && state >= 0 && state < IJ_STATE_COUNT)
            counts->by_state[queue][state]++; /* others have been told as damage */
        counts->bytes += (uint64_t)sqlite3_column_int64(statement, 2);
        counts->change = change > counts->change ? change : counts->change;
        audit->rows++;
    }
    return rc < 0 ? rc : 0;
}

static int count_deliveries(struct ij_sqlite_db *db, struct counts *counts,
                            struct imgjob_error *err)
{
    IJ_AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int rc = prepare(db, "SELECT count(*) FROM delivery WHERE state=0", &statement, err);
    if (rc == 0)
        rc = step(db, statement, err);
    if (rc == 0)
        counts->deliveries = (uint64_t)sqlite3_column_int64(statement, 0);
    return rc;
}

static void compare(struct ij_audit *audit, const char *what, uint64_t count,
                    uint64_t *counter)
{
    char sentence[256];
    if (count == *counter)
        return;
    (void)snprintf(sentence, sizeof(sentence),
                   "%s: there are %" PRIu64 ", and the counter says %" PRIu64, what,
                   count, *counter);
    tell(audit, sentence);
    *counter = count;
    audit->repaired += audit->is_repair;
}

/* Make the sums what was counted. */
static void compare_all(const struct counts *counts, struct ij_sqlite_sums *sums,
                        struct ij_audit *audit)
{
    char what[128];
    for (size_t i = 0; i < sums->queue_count; i++) {
        struct ij_sqlite_queue *queue = &sums->queues[i];
        if (queue->number < 1 || queue->number > IJ_QUEUES_MAX)
            continue;
        for (int state = 0; state < IJ_STATE_COUNT; state++) {
            (void)snprintf(what, sizeof(what), "jobs in state %d of queue '%s'", state,
                           queue->name);
            compare(audit, what, counts->by_state[queue->number][state],
                    &queue->by_state[state]);
        }
    }
    compare(audit, "bytes of images", counts->bytes, &sums->bytes);
    compare(audit, "deliveries that wait", counts->deliveries, &sums->deliveries);
    if (counts->change > sums->change) /* that of a job that has gone may be higher */
        compare(audit, "transitions", counts->change, &sums->change);
}

static int look_at_all(struct ij_sqlite_db *db, struct ij_sqlite_sums *sums,
                       struct ij_audit *audit, struct imgjob_error *err)
{
    struct counts counts = { 0 };
    audit->rows = audit->faults = audit->repaired = 0;
    int rc = 0;
    for (size_t i = 0; i < IJ_ARRAY_LEN(checks) && rc == 0; i++)
        rc = run_check(db, &checks[i], audit, err);
    if (rc == 0)
        rc = count_jobs(db, &counts, audit, err);
    if (rc == 0)
        rc = count_deliveries(db, &counts, err);
    if (rc == 0)
        compare_all(&counts, sums, audit);
    return rc;
}

int ij_sqlite_audit(struct ij_sqlite_db *db, struct ij_audit *audit,
                    struct imgjob_error *err)
{
    IJ_AUTO(ij_free) struct ij_sqlite_sums *sums = calloc(1, sizeof(*sums));
    if (!sums)
        return ij_fail_nomem(err, "auditing");
    int rc = ij_sqlite_db_execute(db, "BEGIN", "auditing", err);
    if (rc < 0)
        return rc;
    rc = ij_sqlite_sums_read(db, sums, err);
    if (rc == 0)
        rc = look_at_all(db, sums, audit, err);
    int end = ij_sqlite_db_execute(db, "COMMIT", "auditing", rc < 0 ? NULL : err);
    return rc < 0 ? rc : end;
}

int ij_step_repair(struct ij_sqlite_batch *batch, void *data, struct imgjob_error *err)
{
    struct ij_audit *audit = data;
    int rc = look_at_all(&batch->db, &batch->sums, audit, err);
    return rc < 0 ? rc : ij_sqlite_read_last_seq(&batch->db, &batch->sums.last_seq, err);
}
