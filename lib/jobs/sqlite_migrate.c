/*
 * Owns the steps from each schema version to the next. A step makes the new tables by the
 * schema's own text and copies into them, so that a migrated database differs in nothing
 * from a new one. It is written for the schema of its own version: when a version 3
 * comes, the step to 2 gets a copy of the version 2 text.
 */
#include "jobs/sqlite_migrate.h"

#include <sqlite3.h>
#include <stdio.h>

_Static_assert(IJ_SQLITE_SCHEMA_VERSION == 2, "step 1 to 2 makes tables of version 2");

static const char begin_2[] = "BEGIN IMMEDIATE;"
                              "DROP INDEX job_ready; DROP INDEX job_scheduled;"
                              "DROP INDEX job_lease; DROP INDEX job_deadline;"
                              "DROP INDEX job_purge; DROP INDEX job_expires;"
                              "ALTER TABLE meta RENAME TO old_meta;"
                              "ALTER TABLE job RENAME TO old_job;"
                              "ALTER TABLE job_doc RENAME TO old_doc;"
                              "ALTER TABLE counter RENAME TO old_counter;"
                              "ALTER TABLE gc RENAME TO old_gc;";

/* The jobs of version 1 are all of one queue and one tenant; their order is kept. What
 * their images take is told by the documents. */
static const char copy_2[] =
    "INSERT INTO meta SELECT key,value FROM old_meta;"
    "INSERT INTO gc SELECT key FROM old_gc;"
    "INSERT INTO queue VALUES(1,'default',0,0,1);"
    "INSERT INTO tenant VALUES(1,'default');"
    "INSERT INTO job(seq,id,tenant,queue,state,reason,prio,fair,run_at,deadline,attempt,"
    "max_attempts,timeout_ms,crashes,losses,releases,gen,token,lease_until,owner,"
    "cancel_req,progress,ver,change,created,updated,started,finished,result_expires,"
    "expires,result_ttl,job_ttl,bytes,has_callback)"
    " SELECT j.seq,id,1,1,state,reason,prio,fair,run_at,deadline,attempt,max_attempts,0,"
    "crashes,losses,releases,gen,token,lease_until,owner,cancel_req,progress,ver,"
    "row_number() OVER (ORDER BY updated,j.seq),created,updated,started,finished,"
    "result_expires,expires,0,0,"
    "iif(state>=4 AND result_expires IS NULL,0,"
    "coalesce(json_extract(input,'$.bytes'),0)"
    "+coalesce((SELECT sum(json_extract(value,'$.bytes'))"
    " FROM json_each(input,'$.further')),0)"
    "+iif(state=4,coalesce((SELECT sum(json_extract(value,'$.bytes'))"
    " FROM json_each(result,'$.outputs')),0),0)),0"
    " FROM old_job AS j JOIN old_doc AS d ON d.seq=j.seq ORDER BY j.seq;"
    "INSERT INTO job_doc(seq,spec,input,options,callback,result,failure,keys)"
    " SELECT seq,spec,input,'{}',NULL,result,failure,keys FROM old_doc ORDER BY seq;"
    "INSERT INTO share SELECT queue,prio,tenant,max(fair) FROM job"
    " GROUP BY queue,prio,tenant;"
    "INSERT INTO counter SELECT queue,state,count(*) FROM job GROUP BY queue,state;"
    "INSERT INTO counter VALUES(0,0,(SELECT count(*) FROM job)),"
    "(0,1,(SELECT coalesce(sum(bytes),0) FROM job));"
    /* a number that was given out is never given out again */
    "INSERT INTO sqlite_sequence(name,seq) SELECT 'job',0"
    " WHERE NOT EXISTS(SELECT 1 FROM sqlite_sequence WHERE name='job');"
    "UPDATE sqlite_sequence SET seq=max(seq,coalesce((SELECT max(seq)"
    " FROM sqlite_sequence WHERE name='old_job'),0)) WHERE name='job';"
    "DROP TABLE old_doc; DROP TABLE old_job; DROP TABLE old_counter;"
    "DROP TABLE old_gc; DROP TABLE old_meta;";

static const struct step {
    const char *begin, *schema, *copy;
} steps[] = {
    { begin_2, ij_sqlite_schema, copy_2 }, /* 1 → 2 */
};

static int run_step(struct ij_sqlite_db *db, const struct step *step, int to,
                    struct imgjob_error *err)
{
    char end[64];
    static const char doing[] = "bringing the schema up to date";
    (void)snprintf(end, sizeof(end), "PRAGMA user_version=%d; COMMIT", to);
    int rc = ij_sqlite_db_execute(db, step->begin, doing, err);
    if (rc == 0)
        rc = ij_sqlite_db_execute(db, step->schema, doing, err);
    if (rc == 0)
        rc = ij_sqlite_db_execute(db, step->copy, doing, err);
    if (rc == 0)
        rc = ij_sqlite_db_execute(db, end, doing, err);
    if (rc < 0 && !sqlite3_get_autocommit(db->handle))
        (void)ij_sqlite_db_execute(db, "ROLLBACK", doing, NULL); /* closing does it too */
    return rc;
}

int ij_sqlite_migrate(struct ij_sqlite_db *db, int version, struct imgjob_error *err)
{
    /* while tables stand under other names, references lead nowhere */
    int rc = ij_sqlite_db_execute(db, "PRAGMA foreign_keys=OFF",
                                  "bringing the schema up to date", err);
    for (; rc == 0 && version < IJ_SQLITE_SCHEMA_VERSION; version++)
        rc = run_step(db, &steps[version - 1], version + 1, err);
    return rc < 0 ? rc
                  : ij_sqlite_db_execute(db, "PRAGMA foreign_keys=ON",
                                         "bringing the schema up to date", err);
}
