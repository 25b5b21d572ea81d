/*
 * Owns the schema and every SQL text.
 *
 * The narrow table `job` is what transitions read and write; `job_doc` holds what is read
 * only when a job is run or shown. Each kind of waiting has its own partial index, so
 * that finding the first of a kind is one probe at any size and an update touches only
 * the indexes that the row leaves or enters. State predicates are literals: with a
 * parameter the planner could not prove that a partial index applies, and would scan.
 *
 * Lists go by job_list, and what happens is followed by job_change: both hold all that a
 * filter by tenant or state needs, so that rows passed over are not read.
 */
#include "jobs/sqlite_sql.h"

const char ij_sqlite_schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE queue("
    " number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, paused INT NOT NULL,"
    " max_running INT NOT NULL, weight INT NOT NULL) STRICT;"
    "CREATE TABLE tenant("
    " number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    /* the virtual time of a tenant's last job; tenant 0 = the clock of the priority */
    "CREATE TABLE share("
    " queue INT, prio INT, tenant INT, last INT NOT NULL,"
    " PRIMARY KEY(queue,prio,tenant)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE job("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id BLOB NOT NULL UNIQUE CHECK(length(id)=16),"
    " tenant INT NOT NULL REFERENCES tenant, queue INT NOT NULL REFERENCES queue,"
    " state INT NOT NULL CHECK(state BETWEEN 1 AND 6), reason INT NOT NULL,"
    " prio INT NOT NULL, fair INT NOT NULL,"
    " run_at INT, deadline INT,"
    " attempt INT NOT NULL, max_attempts INT NOT NULL, timeout_ms INT NOT NULL,"
    " crashes INT NOT NULL, losses INT NOT NULL, releases INT NOT NULL,"
    " gen INT NOT NULL, token INT NOT NULL, lease_until INT, owner INT NOT NULL,"
    " cancel_req INT NOT NULL, progress INT NOT NULL, ver INT NOT NULL,"
    " change INT NOT NULL,"
    " created INT NOT NULL, updated INT NOT NULL, started INT, finished INT,"
    " result_expires INT, expires INT, result_ttl INT NOT NULL, job_ttl INT NOT NULL,"
    " bytes INT NOT NULL, batch BLOB CHECK(length(batch)=16),"
    " has_callback INT NOT NULL, dedup BLOB CHECK(length(dedup)=32),"
    " CHECK((state=1)=(run_at IS NOT NULL)),"
    " CHECK((state=3)=(lease_until IS NOT NULL)),"
    " CHECK((state>=4)=(finished IS NOT NULL)),"
    " CHECK((state>=4)=(expires IS NOT NULL))) STRICT;"
    "CREATE INDEX job_ready ON job(queue,prio,fair) WHERE state=2;"
    "CREATE INDEX job_oldest ON job(queue,updated) WHERE state=2;"
    "CREATE INDEX job_scheduled ON job(run_at) WHERE state=1;"
    "CREATE INDEX job_lease ON job(lease_until) WHERE state=3;"
    "CREATE INDEX job_deadline ON job(deadline)"
    " WHERE state<=2 AND deadline IS NOT NULL;"
    "CREATE INDEX job_purge ON job(result_expires)"
    " WHERE state>=4 AND result_expires IS NOT NULL;"
    "CREATE INDEX job_expires ON job(expires)"
    " WHERE state>=4 AND result_expires IS NULL;"
    "CREATE INDEX job_list ON job(tenant,state,seq,queue);"
    "CREATE INDEX job_change ON job(tenant,change);"
    "CREATE INDEX job_batch ON job(batch,seq) WHERE batch IS NOT NULL;"
    "CREATE INDEX job_dedup ON job(dedup,seq) WHERE state<=4 AND dedup IS NOT NULL;"
    "CREATE TABLE job_doc("
    " seq INTEGER PRIMARY KEY REFERENCES job(seq) ON DELETE CASCADE,"
    " spec TEXT NOT NULL, input TEXT NOT NULL, options TEXT NOT NULL, callback TEXT,"
    " result TEXT, failure TEXT, keys TEXT NOT NULL) STRICT;"
    "CREATE TABLE tag("
    " seq INT REFERENCES job(seq) ON DELETE CASCADE, tag TEXT,"
    " PRIMARY KEY(seq,tag)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX tag_list ON tag(tag,seq);"
    "CREATE TABLE idempotency("
    " tenant INT, key TEXT, fingerprint BLOB NOT NULL CHECK(length(fingerprint)=32),"
    " job BLOB NOT NULL CHECK(length(job)=16), expires INT NOT NULL,"
    " PRIMARY KEY(tenant,key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX idempotency_expires ON idempotency(expires);"
    "CREATE TABLE delivery("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id BLOB NOT NULL UNIQUE CHECK(length(id)=16),"
    " job BLOB NOT NULL CHECK(length(job)=16), tenant INT NOT NULL REFERENCES tenant,"
    " type TEXT NOT NULL, url TEXT NOT NULL, body TEXT NOT NULL,"
    " state INT NOT NULL CHECK(state BETWEEN 0 AND 2),"
    " attempt INT NOT NULL, replayed INT NOT NULL, token INT NOT NULL,"
    " created INT NOT NULL, updated INT NOT NULL, due INT NOT NULL,"
    " log TEXT NOT NULL) STRICT;"
    "CREATE INDEX delivery_due ON delivery(due) WHERE state=0;"
    "CREATE INDEX delivery_url ON delivery(tenant,url) WHERE state=0;"
    "CREATE INDEX delivery_over ON delivery(updated) WHERE state>=1;"
    "CREATE INDEX delivery_job ON delivery(job,number);"
    /* queue 0 = sums of the store, by enum ij_sqlite_sum */
    "CREATE TABLE counter(queue INT, state INT, n INT NOT NULL,"
    " PRIMARY KEY(queue,state)) STRICT, WITHOUT ROWID;"
    /* who holds which place of the lock file of a shared store */
    "CREATE TABLE owner(slot INTEGER PRIMARY KEY, owner INT NOT NULL) STRICT;"
    "CREATE TABLE gc(key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;";

/* In the order of job_read() in sqlite_row.c. */
#define JOB_COLUMNS                                                      \
    "job.seq,job.id,job.tenant,job.queue,state,reason,prio,fair,run_at," \
    "deadline,attempt,max_attempts,timeout_ms,crashes,losses,releases,"  \
    "gen,token,lease_until,owner,cancel_req,progress,ver,change,"        \
    "created,updated,started,finished,result_expires,expires,"           \
    "result_ttl,job_ttl,bytes,batch,has_callback,dedup"

#define FIRST_JOB(where_order) \
    "SELECT " JOB_COLUMNS " FROM job WHERE " where_order " LIMIT 1"

#define RECORD(where)                                                           \
    "SELECT " JOB_COLUMNS ",spec,input,result,failure,options,keys,"            \
    "queue.name,tenant.name FROM job"                                           \
    " JOIN job_doc ON job_doc.seq=job.seq JOIN queue ON queue.number=job.queue" \
    " JOIN tenant ON tenant.number=job.tenant WHERE " where

/* In the order of candidates() in sqlite_list.c. */
#define CANDIDATE "job.seq,job.tenant,job.queue,job.state"

/* Those of one state in their own order, to be merged; ?4 has a bit for each state that
 * is wanted. */
#define OF_STATE(state)                                              \
    "SELECT " CANDIDATE " FROM job WHERE tenant=?1 AND state=" state \
    " AND seq<?2 AND ?4>>" state "&1"
#define OR_STATE(state) " UNION ALL " OF_STATE(state)
#define OF_STATES \
    OF_STATE("1") OR_STATE("2") OR_STATE("3") OR_STATE("4") OR_STATE("5") OR_STATE("6")

/* In the order of delivery_read() in sqlite_outbox.c. */
#define DELIVERY                                                             \
    "SELECT delivery.number,id,job,tenant.name,type,url,body,state,attempt," \
    "replayed,token,created,updated,due,log FROM delivery"                   \
    " JOIN tenant ON tenant.number=delivery.tenant WHERE "

const char *const ij_sqlite_sql[IJ_SQL_COUNT] = {
    [IJ_SQL_BEGIN_READ] = "BEGIN",
    [IJ_SQL_END_READ] = "COMMIT",
    [IJ_SQL_READ_RECORD] = RECORD("job.id=?1"),
    [IJ_SQL_READ_ROW] = RECORD("job.seq=?1"),
    [IJ_SQL_READ_STORE_ID] = "SELECT value FROM meta WHERE key='store_id'",
    [IJ_SQL_LIST_GC] = "SELECT key FROM gc WHERE key>?1 ORDER BY key LIMIT ?2",
    [IJ_SQL_FIND_QUEUE] = "SELECT number FROM queue WHERE name=?1",
    [IJ_SQL_FIND_TENANT] = "SELECT number FROM tenant WHERE name=?1",
    [IJ_SQL_LIST_ALL] = "SELECT " CANDIDATE " FROM job WHERE seq<?1"
                        " ORDER BY seq DESC LIMIT ?2",
    [IJ_SQL_LIST_TENANT] = OF_STATES " ORDER BY 1 DESC LIMIT ?3",
    [IJ_SQL_LIST_BATCH] = "SELECT " CANDIDATE " FROM job WHERE batch=?1 AND seq<?2"
                          " ORDER BY seq DESC LIMIT ?3",
    [IJ_SQL_LIST_TAG] = "SELECT " CANDIDATE " FROM tag JOIN job ON job.seq=tag.seq"
                        " WHERE tag=?1 AND tag.seq<?2 ORDER BY tag.seq DESC LIMIT ?3",
    [IJ_SQL_HAS_TAG] = "SELECT 1 FROM tag WHERE seq=?1 AND tag=?2",
    [IJ_SQL_LIST_CHANGES] = "SELECT change,seq FROM job WHERE tenant=?1 AND change>?2"
                            " ORDER BY change LIMIT ?3",
    [IJ_SQL_LIST_TENANTS] = "SELECT number FROM tenant ORDER BY number",
    [IJ_SQL_COUNT_BATCH] = "SELECT state FROM job WHERE batch=?1",
    [IJ_SQL_READ_COUNTERS] = "SELECT queue,state,n FROM counter ORDER BY queue",
    [IJ_SQL_READ_QUEUES] = "SELECT number,name,paused,max_running,weight FROM queue"
                           " ORDER BY number",
    [IJ_SQL_FIRST_UPDATED] = "SELECT updated FROM job WHERE state=2 AND queue=?1"
                             " ORDER BY updated LIMIT 1",
    [IJ_SQL_LIST_DELIVERIES] =
        DELIVERY "delivery.number<?1 ORDER BY delivery.number DESC",
    [IJ_SQL_LIST_DELIVERIES_OF_JOB] =
        DELIVERY "job=?1 AND delivery.number<?2 ORDER BY delivery.number DESC",

    [IJ_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [IJ_SQL_COMMIT] = "COMMIT",
    [IJ_SQL_ROLLBACK] = "ROLLBACK",
    [IJ_SQL_READ_DATA_VERSION] = "PRAGMA data_version",
    [IJ_SQL_WRITE_COUNTER] = "INSERT INTO counter(queue,state,n) VALUES(?1,?2,?3)"
                             " ON CONFLICT(queue,state) DO UPDATE SET n=excluded.n",
    [IJ_SQL_READ_LAST_SEQ] = "SELECT coalesce(max(seq),0) FROM sqlite_sequence"
                             " WHERE name='job'",
    [IJ_SQL_INSERT_QUEUE] = "INSERT INTO queue(name,paused,max_running,weight)"
                            " VALUES(?1,0,0,1) RETURNING number",
    [IJ_SQL_UPDATE_QUEUE] = "UPDATE queue SET paused=?1,max_running=?2,weight=?3"
                            " WHERE number=?4",
    [IJ_SQL_RENAME_QUEUE] = "UPDATE queue SET name=?1 WHERE number=?2",
    [IJ_SQL_DROP_SHARES] = "DELETE FROM share WHERE queue=?1",
    [IJ_SQL_INSERT_TENANT] = "INSERT INTO tenant(name) VALUES(?1) RETURNING number",
    [IJ_SQL_READ_SHARE] = "SELECT last FROM share WHERE queue=?1 AND prio=?2"
                          " AND tenant=?3",
    [IJ_SQL_WRITE_SHARE] =
        "INSERT INTO share(queue,prio,tenant,last) VALUES(?1,?2,?3,?4)"
        " ON CONFLICT(queue,prio,tenant) DO UPDATE SET last=excluded.last",
    [IJ_SQL_READ_KEY] = "SELECT fingerprint,job,expires FROM idempotency"
                        " WHERE tenant=?1 AND key=?2",
    [IJ_SQL_WRITE_KEY] = "INSERT OR REPLACE INTO "
                         "idempotency(tenant,key,fingerprint,job,expires)"
                         " VALUES(?1,?2,?3,?4,?5)",
    [IJ_SQL_DROP_KEYS] =
        "DELETE FROM idempotency WHERE (tenant,key) IN (SELECT tenant,key"
        " FROM idempotency WHERE expires<=?1 ORDER BY expires LIMIT ?2)",
    [IJ_SQL_INSERT_TAG] = "INSERT INTO tag(seq,tag) VALUES(?1,?2)",
    [IJ_SQL_INSERT_JOB] =
        "INSERT INTO "
        "job(seq,id,tenant,queue,prio,fair,max_attempts,timeout_ms,created,"
        "result_ttl,job_ttl,batch,has_callback,dedup,"
        "state,reason,run_at,deadline,attempt,crashes,losses,releases,gen,"
        "token,"
        "lease_until,owner,cancel_req,progress,ver,change,updated,started,"
        "finished,"
        "result_expires,expires,bytes)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?"
        "18,?19,?20,"
        "?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,?34,?35,?36)",
    [IJ_SQL_INSERT_DOC] = "INSERT INTO job_doc(seq,spec,input,options,callback,keys)"
                          " VALUES(?1,?2,?3,?4,?5,?6)",
    [IJ_SQL_UPDATE_JOB] =
        "UPDATE job SET "
        "state=?1,reason=?2,run_at=?3,deadline=?4,attempt=?5,crashes=?6,"
        "losses=?7,releases=?8,gen=?9,token=?10,lease_until=?11,owner=?12,"
        "cancel_req=?13,"
        "progress=?14,ver=?15,change=?16,updated=?17,started=?18,finished=?"
        "19,"
        "result_expires=?20,expires=?21,bytes=?22 WHERE seq=?23",
    [IJ_SQL_BEAT_JOB] = "UPDATE job SET lease_until=?1,progress=?2 WHERE seq=?3",
    [IJ_SQL_DELETE_JOB] = "DELETE FROM job WHERE seq=?1",
    [IJ_SQL_WRITE_RESULT] = "UPDATE job_doc SET result=?1,keys=keys||?2 WHERE seq=?3",
    [IJ_SQL_WRITE_FAILURE] = "UPDATE job_doc SET failure=?1 WHERE seq=?2",
    [IJ_SQL_READ_KEYS] = "SELECT keys FROM job_doc WHERE seq=?1",
    [IJ_SQL_CLEAR_KEYS] = "UPDATE job_doc SET keys='' WHERE seq=?1",
    [IJ_SQL_READ_CALLBACK] = "SELECT callback FROM job_doc WHERE seq=?1",
    [IJ_SQL_FIND_JOB] = "SELECT " JOB_COLUMNS " FROM job WHERE id=?1",
    [IJ_SQL_FIND_TWINS] = "SELECT " JOB_COLUMNS " FROM job WHERE state<=4 AND dedup=?1"
                          " ORDER BY seq DESC",

    [IJ_SQL_FIRST_READY] = FIRST_JOB("state=2 AND queue=?1 ORDER BY prio,fair,seq"),
    [IJ_SQL_FIRST_SCHEDULED] = FIRST_JOB("state=1 ORDER BY run_at,seq"),
    [IJ_SQL_FIRST_RUNNING] = FIRST_JOB("state=3 ORDER BY lease_until,seq"),
    [IJ_SQL_FIRST_PURGEABLE] = FIRST_JOB("state>=4 AND result_expires IS NOT NULL"
                                         " ORDER BY result_expires,seq"),
    [IJ_SQL_FIRST_OWNED] = FIRST_JOB("state=3 AND owner=?1 ORDER BY lease_until,seq"),
    [IJ_SQL_FIRST_DUE] = FIRST_JOB("state=1 AND run_at<=?1 ORDER BY run_at,seq"),
    [IJ_SQL_FIRST_LOST] =
        FIRST_JOB("state=3 AND lease_until<?1 ORDER BY lease_until,seq"),
    [IJ_SQL_FIRST_OVERDUE] = FIRST_JOB("state<=2 AND deadline<?1 ORDER BY deadline,seq"),
    [IJ_SQL_FIRST_PURGED] =
        FIRST_JOB("state>=4 AND result_expires<=?1 ORDER BY result_expires,seq"),
    [IJ_SQL_FIRST_FORGOTTEN] = FIRST_JOB("state>=4 AND result_expires IS NULL"
                                         " AND expires<=?1 ORDER BY expires,seq"),
    [IJ_SQL_LIST_OWNERS] = "SELECT DISTINCT owner FROM job WHERE state=3",
    [IJ_SQL_READ_OWNER] = "SELECT owner FROM owner WHERE slot=?1",
    [IJ_SQL_WRITE_OWNER] = "INSERT OR REPLACE INTO owner(slot,owner) VALUES(?1,?2)",

    [IJ_SQL_INSERT_DELIVERY] =
        "INSERT INTO "
        "delivery(id,job,tenant,type,url,body,state,attempt,replayed,token,"
        "created,updated,due,log) "
        "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
    [IJ_SQL_UPDATE_DELIVERY] =
        "UPDATE delivery SET "
        "state=?1,attempt=?2,replayed=?3,token=?4,updated=?5,due=?6,"
        "log=?7 WHERE number=?8",
    [IJ_SQL_FIND_DELIVERY] = DELIVERY "id=?1",
    [IJ_SQL_DEFER_DELIVERY] = "UPDATE delivery SET due=?1 WHERE number=?2",
    [IJ_SQL_WALK_DELIVERIES] = DELIVERY "state=0 ORDER BY due,delivery.number",
    [IJ_SQL_FIRST_DELIVERY_TO] =
        DELIVERY "state=0 AND delivery.tenant=(SELECT number FROM tenant WHERE name=?1)"
                 " AND url=?2 ORDER BY delivery.number LIMIT 1",
    [IJ_SQL_FIRST_DELIVERY_OVER] = DELIVERY "state>=1 ORDER BY updated LIMIT 1",
    [IJ_SQL_DELETE_DELIVERY] = "DELETE FROM delivery WHERE number=?1",

    [IJ_SQL_INSERT_GC] = "INSERT OR IGNORE INTO gc(key) VALUES(?1)",
    [IJ_SQL_DELETE_GC] = "DELETE FROM gc WHERE key=?1",
    [IJ_SQL_FIND_GC] = "SELECT 1 FROM gc WHERE key>=?1 AND key<?2 LIMIT 1",
    [IJ_SQL_READ_FREE_PAGES] = "PRAGMA freelist_count",
    [IJ_SQL_SHRINK] = "PRAGMA incremental_vacuum(16)",
};
