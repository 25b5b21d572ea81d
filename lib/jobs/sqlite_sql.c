/*
 * Owns the schema and every SQL text.
 *
 * The narrow table `job` is what transitions read and write; `job_doc` holds what is read
 * only when a job is run or shown. Each kind of waiting has its own partial index, so
 * that finding the first of a kind is one probe at any size and an update touches only
 * the indexes that the row leaves or enters. State predicates are literals: with a
 * parameter the planner could not prove that a partial index applies, and would scan.
 */
#include "jobs/sqlite_sql.h"

const char ij_sqlite_schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE job("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id BLOB NOT NULL UNIQUE CHECK(length(id)=16),"
    " tenant INT NOT NULL, queue INT NOT NULL,"
    " state INT NOT NULL CHECK(state BETWEEN 0 AND 6), reason INT NOT NULL,"
    " prio INT NOT NULL, fair INT NOT NULL,"
    " run_at INT, deadline INT,"
    " attempt INT NOT NULL, max_attempts INT NOT NULL,"
    " crashes INT NOT NULL, losses INT NOT NULL, releases INT NOT NULL,"
    " gen INT NOT NULL, token INT NOT NULL, lease_until INT, owner INT NOT NULL,"
    " cancel_req INT NOT NULL, progress INT NOT NULL, ver INT NOT NULL,"
    " created INT NOT NULL, updated INT NOT NULL, started INT, finished INT,"
    " result_expires INT, expires INT, dedup BLOB, batch INT,"
    " CHECK((state=1)=(run_at IS NOT NULL)),"
    " CHECK((state=3)=(lease_until IS NOT NULL)),"
    " CHECK((state>=4)=(finished IS NOT NULL)),"
    " CHECK((state>=4)=(expires IS NOT NULL))) STRICT;"
    "CREATE INDEX job_ready ON job(queue,prio,fair) WHERE state=2;"
    "CREATE INDEX job_scheduled ON job(run_at) WHERE state=1;"
    "CREATE INDEX job_lease ON job(lease_until) WHERE state=3;"
    "CREATE INDEX job_deadline ON job(deadline)"
    " WHERE state<=2 AND deadline IS NOT NULL;"
    "CREATE INDEX job_purge ON job(result_expires)"
    " WHERE state>=4 AND result_expires IS NOT NULL;"
    "CREATE INDEX job_expires ON job(expires)"
    " WHERE state>=4 AND result_expires IS NULL;"
    "CREATE TABLE job_doc("
    " seq INTEGER PRIMARY KEY REFERENCES job(seq) ON DELETE CASCADE,"
    " spec TEXT NOT NULL, input TEXT NOT NULL, result TEXT, failure TEXT,"
    " keys TEXT NOT NULL) STRICT;"
    "CREATE TABLE counter(queue INT, state INT, n INT NOT NULL,"
    " PRIMARY KEY(queue,state)) STRICT, WITHOUT ROWID;"
    "INSERT INTO counter VALUES(1,0,0),(1,1,0),(1,2,0),(1,3,0),(1,4,0),(1,5,0),(1,6,0);"
    "CREATE TABLE gc(key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;";

/* In the order of job_read() in sqlite_row.c. */
#define JOB_COLUMNS                                                      \
    "job.seq,id,tenant,queue,state,reason,prio,fair,run_at,deadline,"    \
    "attempt,max_attempts,crashes,losses,releases,gen,token,"            \
    "lease_until,owner,cancel_req,progress,ver,created,updated,started," \
    "finished,result_expires,expires"

#define FIRST_JOB(where_order) \
    "SELECT " JOB_COLUMNS " FROM job WHERE " where_order " LIMIT 1"

const char *const ij_sqlite_sql[IJ_SQL_COUNT] = {
    [IJ_SQL_READ_RECORD] = "SELECT " JOB_COLUMNS ",spec,input,result,failure"
                           " FROM job JOIN job_doc ON job_doc.seq=job.seq WHERE id=?1",
    [IJ_SQL_READ_STORE_ID] = "SELECT value FROM meta WHERE key='store_id'",
    [IJ_SQL_LIST_GC] = "SELECT key FROM gc WHERE key>?1 ORDER BY key LIMIT ?2",

    [IJ_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [IJ_SQL_COMMIT] = "COMMIT",
    [IJ_SQL_ROLLBACK] = "ROLLBACK",
    [IJ_SQL_READ_COUNTERS] = "SELECT state,n FROM counter WHERE queue=1",
    [IJ_SQL_WRITE_COUNTER] = "UPDATE counter SET n=?1 WHERE queue=1 AND state=?2",
    [IJ_SQL_READ_LAST_SEQ] = "SELECT coalesce(max(seq),0) FROM sqlite_sequence"
                             " WHERE name='job'",
    [IJ_SQL_INSERT_JOB] =
        "INSERT INTO job(seq,id,tenant,queue,prio,fair,deadline,max_attempts,created,"
        "state,reason,run_at,attempt,crashes,losses,releases,gen,token,lease_until,owner,"
        "cancel_req,progress,ver,updated,started,finished,result_expires,expires)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,"
        "?21,?22,?23,?24,?25,?26,?27,?28)",
    [IJ_SQL_INSERT_DOC] = "INSERT INTO job_doc(seq,spec,input,keys) VALUES(?1,?2,?3,?4)",
    [IJ_SQL_UPDATE_JOB] =
        "UPDATE job SET state=?1,reason=?2,run_at=?3,attempt=?4,crashes=?5,losses=?6,"
        "releases=?7,gen=?8,token=?9,lease_until=?10,owner=?11,cancel_req=?12,"
        "progress=?13,ver=?14,updated=?15,started=?16,finished=?17,result_expires=?18,"
        "expires=?19 WHERE seq=?20",
    [IJ_SQL_DELETE_JOB] = "DELETE FROM job WHERE seq=?1",
    [IJ_SQL_WRITE_RESULT] = "UPDATE job_doc SET result=?1,keys=keys||?2 WHERE seq=?3",
    [IJ_SQL_WRITE_FAILURE] = "UPDATE job_doc SET failure=?1 WHERE seq=?2",
    [IJ_SQL_READ_KEYS] = "SELECT keys FROM job_doc WHERE seq=?1",
    [IJ_SQL_CLEAR_KEYS] = "UPDATE job_doc SET keys='' WHERE seq=?1",
    [IJ_SQL_FIND_JOB] = "SELECT " JOB_COLUMNS " FROM job WHERE id=?1",

    [IJ_SQL_FIRST_READY] = FIRST_JOB("state=2 AND queue=1 ORDER BY prio,fair"),
    [IJ_SQL_FIRST_SCHEDULED] = FIRST_JOB("state=1 ORDER BY run_at,seq"),
    [IJ_SQL_FIRST_RUNNING] = FIRST_JOB("state=3 ORDER BY lease_until,seq"),
    [IJ_SQL_FIRST_DUE] = FIRST_JOB("state=1 AND run_at<=?1 ORDER BY run_at,seq"),
    [IJ_SQL_FIRST_LOST] =
        FIRST_JOB("state=3 AND lease_until<?1 ORDER BY lease_until,seq"),
    [IJ_SQL_FIRST_OVERDUE] = FIRST_JOB("state<=2 AND deadline<?1 ORDER BY deadline,seq"),
    [IJ_SQL_FIRST_PURGED] =
        FIRST_JOB("state>=4 AND result_expires<=?1 ORDER BY result_expires,seq"),
    [IJ_SQL_FIRST_FORGOTTEN] = FIRST_JOB("state>=4 AND result_expires IS NULL"
                                         " AND expires<=?1 ORDER BY expires,seq"),

    [IJ_SQL_INSERT_GC] = "INSERT OR IGNORE INTO gc(key) VALUES(?1)",
    [IJ_SQL_DELETE_GC] = "DELETE FROM gc WHERE key=?1",
    [IJ_SQL_FIND_GC] = "SELECT 1 FROM gc WHERE key>=?1 AND key<?2 LIMIT 1",
    [IJ_SQL_READ_FREE_PAGES] = "PRAGMA freelist_count",
    [IJ_SQL_SHRINK] = "PRAGMA incremental_vacuum(256)",
};
