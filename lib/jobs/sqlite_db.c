/*
 * Owns how a database is opened: never written before it is known to be ours, created in
 * one transaction, and durable by the settings that every connection gets.
 */
#include "jobs/sqlite_db.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "jobs/jobs.h"
#include "jobs/sqlite_migrate.h"

enum {
    BUSY_TIMEOUT_MS =
        5000, /* only a foreign process can hold a lock: a shell, a backup */
    VALUE_MAX = 8 * IJ_DOCUMENT_MAX /* bytes of a row: six documents, and the failure */
};

static int code_of(struct ij_sqlite_db *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return IMGJOB_E_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* others were in the way for 10 s: nothing was read or written
                           */
        return IMGJOB_E_BUSY;
    case SQLITE_NOMEM:
        return IMGJOB_E_NOMEM;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
        return IMGJOB_E_INTERNAL;
    default:
        break;
    }
    if (rc == SQLITE_IOERR_NOMEM)
        return IMGJOB_E_NOMEM;
    /* SQLite knows ENOSPC as SQLITE_FULL, but not a quota */
    if (rc == SQLITE_IOERR_WRITE && db->handle &&
        sqlite3_system_errno(db->handle) == EDQUOT)
        return IMGJOB_E_FULL;
    return IMGJOB_E_STORE;
}

int ij_sqlite_db_fail(struct ij_sqlite_db *db, int rc, const char *doing,
                      struct imgjob_error *err)
{
    int code = code_of(db, rc);
    if ((rc & 0xff) == SQLITE_CORRUPT)
        return ij_fail(
            err, code,
            "database '%.80s' is damaged (found while %s): restore a "
            "backup, or save what is readable with the sqlite3 shell's .recover",
            db->path, doing);
    const char *words = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
    return ij_fail(err, code, "%s in database '%.80s' failed: %.90s (sqlite code %d)",
                   doing, db->path, words, rc);
}

int ij_sqlite_db_execute(struct ij_sqlite_db *db, const char *sql, const char *doing,
                         struct imgjob_error *err)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : ij_sqlite_db_fail(db, rc, doing, err);
}

/* The one value of a query: an integer, or a text cut at the size of `text`. */
struct value {
    int64_t number;
    char text[16];
};

static int query(struct ij_sqlite_db *db, const char *sql, struct value *out,
                 struct imgjob_error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    int result = 0;
    if (rc == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);
        (void)snprintf(out->text, sizeof(out->text), "%s",
                       text ? (const char *)text : "");
        out->number = sqlite3_column_int64(statement, 0);
    } else {
        result = ij_sqlite_db_fail(db, rc, "reading the header", err);
    }
    (void)sqlite3_finalize(statement); /* repeats the error that step() gave */
    return result;
}

static int prepare(struct ij_sqlite_db *db, int from, int to, struct imgjob_error *err)
{
    for (int i = from; i < to; i++) {
        int rc = sqlite3_prepare_v3(db->handle, ij_sqlite_sql[i], -1,
                                    SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL);
        if (rc != SQLITE_OK)
            return ij_sqlite_db_fail(db, rc, "preparing a statement", err);
    }
    return 0;
}

/* Open without writing a byte. */
static int connect_to(struct ij_sqlite_db *db, const char *path, struct imgjob_error *err)
{
    assert(path[0] == '/'); /* or ":memory:" and "file:…" would not name a file */
    db->path = path;
    int rc = sqlite3_open_v2(path, &db->handle,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                             NULL);
    if (rc != SQLITE_OK)
        return ij_sqlite_db_fail(db, rc, "opening", err);
    (void)sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS); /* cannot fail when open */
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return ij_sqlite_db_execute(db,
                                "PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON;"
                                "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON",
                                "configuring a connection", err);
}

/* @param out_version of the schema; 0 = empty. @return 0, or a code */
static int recognize(struct ij_sqlite_db *db, int *out_version, struct imgjob_error *err)
{
    struct imgjob_error found = { 0 };
    struct value application, version, tables;
    int rc = query(db, "PRAGMA application_id", &application, &found);
    if (rc == 0)
        rc = query(db, "PRAGMA user_version", &version, &found);
    if (rc == 0)
        rc = query(db, "SELECT count(*) FROM sqlite_schema", &tables, &found);
    if (rc < 0 && sqlite3_errcode(db->handle) == SQLITE_NOTADB)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "'%.100s' is not a database: give another path, or move it away",
                       db->path);
    if (rc < 0)
        return ij_fail(err, rc, "%s", found.text);
    *out_version = 0;
    if (application.number == 0 && version.number == 0 && tables.number == 0)
        return 0;
    if (application.number != IJ_SQLITE_APPLICATION_ID)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "database '%.100s' belongs to another program (application id "
                       "%" PRId64 ", ours is %d): give another path",
                       db->path, application.number, IJ_SQLITE_APPLICATION_ID);
    *out_version = (int)version.number;
    if (version.number < 1 || version.number > IJ_SQLITE_SCHEMA_VERSION)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "database '%.100s' has schema version %" PRId64
                       ", this version of imgjob knows %d: run the version that made it",
                       db->path, version.number, IJ_SQLITE_SCHEMA_VERSION);
    return 0;
}

static int use_wal(struct ij_sqlite_db *db, bool is_durability_normal,
                   struct imgjob_error *err)
{
    struct value mode;
    int rc = query(db, "PRAGMA journal_mode=WAL", &mode, err);
    if (rc < 0)
        return rc;
    if (strcmp(mode.text, "wal") != 0)
        return ij_fail(err, IMGJOB_E_STORE,
                       "database '%.100s' cannot use a write-ahead log (journal mode is "
                       "'%s'): it must be on a local file system",
                       db->path, mode.text);
    /* checkpoints are the writer's business: their errors must not get lost */
    (void)sqlite3_wal_autocheckpoint(db->handle, 0);
    rc = ij_sqlite_db_execute(db,
                              is_durability_normal ? "PRAGMA synchronous=NORMAL"
                                                   : "PRAGMA synchronous=FULL",
                              "setting the durability", err);
    return rc < 0 ? rc
                  : ij_sqlite_db_execute(
                        db, "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-1024",
                        "configuring the writer", err);
}

/* Tables, version and identity in one transaction: a crash leaves all or nothing. */
static int create_schema(struct ij_sqlite_db *db, struct imgjob_error *err)
{
    struct ij_id id;
    int rc = ij_id_new(ij_wall_ms(&ij_clock_system), &id, err);
    if (rc < 0)
        return rc;
    char store_id[IMGJOB_ID_SIZE], identity[320];
    ij_id_format(&id, store_id);
    (void)snprintf(identity, sizeof(identity),
                   "INSERT INTO meta VALUES('store_id','%s');"
                   "INSERT INTO queue VALUES(1,'" IJ_NAME_DEFAULT "',0,0,1);"
                   "INSERT INTO tenant VALUES(1,'" IJ_NAME_DEFAULT "');"
                   "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
                   store_id, IJ_SQLITE_APPLICATION_ID, IJ_SQLITE_SCHEMA_VERSION);
    rc = ij_sqlite_db_execute(db, "BEGIN IMMEDIATE", "beginning the schema", err);
    if (rc == 0)
        rc = ij_sqlite_db_execute(db, ij_sqlite_schema, "creating the schema", err);
    return rc < 0 ? rc : ij_sqlite_db_execute(db, identity, "creating the schema", err);
}

static int make_tables(struct ij_sqlite_db *db, int version, struct imgjob_error *err)
{
    if (version == 0)
        return create_schema(db, err);
    return version < IJ_SQLITE_SCHEMA_VERSION ? ij_sqlite_migrate(db, version, err) : 0;
}

int ij_sqlite_db_open_writer(struct ij_sqlite_db *db, const char *path,
                             bool is_durability_normal, struct imgjob_error *err)
{
    IJ_AUTO(ij_sqlite_db_close) struct ij_sqlite_db opened = { 0 };
    int version = 0;
    int rc = connect_to(&opened, path, err);
    if (rc == 0)
        rc = recognize(&opened, &version, err);
    if (rc == 0 && version == 0) /* has to stand before the first page is written */
        rc = ij_sqlite_db_execute(&opened, "PRAGMA auto_vacuum=INCREMENTAL",
                                  "beginning the file", err);
    if (rc == 0)
        rc = use_wal(&opened, is_durability_normal, err);
    if (rc == 0)
        rc = make_tables(&opened, version, err);
    if (rc == 0)
        rc = prepare(&opened, 0, IJ_SQL_COUNT, err);
    if (rc < 0)
        return rc;
    *db = opened;
    opened = (struct ij_sqlite_db){ 0 };
    return 0;
}

/* The last connection to close moves the log into the database: that is for those who
 * write. */
static void leave_the_log(struct ij_sqlite_db *db)
{
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

int ij_sqlite_db_check(const char *path, struct imgjob_error *err)
{
    IJ_AUTO(ij_sqlite_db_close) struct ij_sqlite_db opened = { 0 };
    int version = 0;
    int rc = connect_to(&opened, path, err);
    if (rc < 0)
        return rc;
    leave_the_log(&opened);
    rc = recognize(&opened, &version, err);
    if (rc < 0)
        return rc;
    if (version != IJ_SQLITE_SCHEMA_VERSION)
        return ij_fail(err, IMGJOB_E_INVALID,
                       version == 0 ? "database '%.100s' is empty (schema version %d of "
                                      "%d): it was never opened as a store"
                                    : "database '%.100s' has schema version %d, not %d: "
                                      "opening it as a store brings it up to date",
                       path, version, IJ_SQLITE_SCHEMA_VERSION);
    return 0;
}

int ij_sqlite_db_open_reader(struct ij_sqlite_db *db, const char *path,
                             struct imgjob_error *err)
{
    IJ_AUTO(ij_sqlite_db_close) struct ij_sqlite_db opened = { 0 };
    int rc = connect_to(&opened, path, err);
    if (rc == 0)
        rc = ij_sqlite_db_execute(&opened, "PRAGMA query_only=ON; PRAGMA cache_size=-256",
                                  "configuring a reader", err);
    if (rc == 0)
        rc = prepare(&opened, 0, IJ_SQL_WRITER_FIRST, err);
    if (rc < 0)
        return rc;
    leave_the_log(&opened);
    *db = opened;
    opened = (struct ij_sqlite_db){ 0 };
    return 0;
}

void ij_sqlite_db_close(struct ij_sqlite_db *db)
{
    for (int i = 0; i < IJ_SQL_COUNT; i++)
        (void)sqlite3_finalize(db->statements[i]); /* repeats an error told before */
    (void)sqlite3_close(db->handle); /* all statements are gone: it cannot be busy */
    *db = (struct ij_sqlite_db){ 0 };
}
