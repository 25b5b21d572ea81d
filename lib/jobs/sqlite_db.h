/* One connection to the database, its settings, and its errors in words. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/id.h"
#include "jobs/sqlite_sql.h"

struct sqlite3;
struct sqlite3_stmt;

/* Owned, one thread at a time; end with ij_sqlite_db_close(). Zeroed = none. */
struct ij_sqlite_db {
    const char *path; /* borrowed; for words */
    struct sqlite3 *handle;
    struct sqlite3_stmt *statements[IJ_SQL_COUNT];
};

/* For the writer: opens the file, refuses what is not ours, makes the tables in an empty
 * one and brings those of an older version up to this one. `path` is absolute.
 * @return 0, or IMGJOB_E_INVALID, _STORE, _FULL, _BUSY, _NOMEM */
int ij_sqlite_db_open_writer(struct ij_sqlite_db *db, const char *path,
                             bool is_durability_normal, struct imgjob_error *err);

/* For reading; the tables are there. `path` is absolute. */
int ij_sqlite_db_open_reader(struct ij_sqlite_db *db, const char *path,
                             struct imgjob_error *err);

/* Whether there is a database of this version, which may then be opened for reading.
 * @return 0, or IMGJOB_E_INVALID, _STORE, _BUSY, _NOMEM */
int ij_sqlite_db_check(const char *path, struct imgjob_error *err);

void ij_sqlite_db_close(struct ij_sqlite_db *db);

/* Run statements that are not prepared, and want no answer. */
int ij_sqlite_db_execute(struct ij_sqlite_db *db, const char *sql, const char *doing,
                         struct imgjob_error *err);

/*
 * Put SQLite's result `rc` into words. @return IMGJOB_E_FULL, _BUSY, _NOMEM, _INTERNAL (a
 * constraint: our own mistake), or _STORE for everything after which the database must
 * not be trusted until it is reopened
 */
int ij_sqlite_db_fail(struct ij_sqlite_db *db, int rc, const char *doing,
                      struct imgjob_error *err);
