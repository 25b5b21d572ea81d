/* Every SQL text there is. */
#pragma once

#include <stdint.h>

enum {
    IJ_SQLITE_APPLICATION_ID = 0x496a6f62, /* "Ijob" */
    IJ_SQLITE_SCHEMA_VERSION = 1
};

/* Makes the tables of a new database; many statements. */
extern const char ij_sqlite_schema[];

/* The statements, each prepared once per connection that uses it. Parameters stand in the
 * order in which sqlite_row.c binds them. */
enum ij_sql {
    /* of every connection */
    IJ_SQL_READ_RECORD, /* id → a row and its documents */
    IJ_SQL_READ_STORE_ID,
    IJ_SQL_LIST_GC, /* key, limit → the keys behind it */

    /* of the writer only */
    IJ_SQL_WRITER_FIRST,
    IJ_SQL_BEGIN = IJ_SQL_WRITER_FIRST,
    IJ_SQL_COMMIT,
    IJ_SQL_ROLLBACK,
    IJ_SQL_READ_COUNTERS,
    IJ_SQL_WRITE_COUNTER,
    IJ_SQL_READ_LAST_SEQ,
    IJ_SQL_INSERT_JOB,
    IJ_SQL_INSERT_DOC,
    IJ_SQL_UPDATE_JOB,
    IJ_SQL_DELETE_JOB,
    IJ_SQL_WRITE_RESULT,
    IJ_SQL_WRITE_FAILURE,
    IJ_SQL_READ_KEYS,
    IJ_SQL_CLEAR_KEYS,
    IJ_SQL_FIND_JOB, /* id → a row */
    /* each → one row: the first of its kind, by the partial index of that kind */
    IJ_SQL_FIRST_READY,
    IJ_SQL_FIRST_SCHEDULED,
    IJ_SQL_FIRST_RUNNING,
    /* now → one row */
    IJ_SQL_FIRST_DUE,
    IJ_SQL_FIRST_LOST,
    IJ_SQL_FIRST_OVERDUE,
    IJ_SQL_FIRST_PURGED,
    IJ_SQL_FIRST_FORGOTTEN,
    IJ_SQL_INSERT_GC,
    IJ_SQL_DELETE_GC,
    IJ_SQL_FIND_GC, /* low and high key → whether there is one between */
    IJ_SQL_READ_FREE_PAGES,
    IJ_SQL_SHRINK,
    IJ_SQL_COUNT
};

extern const char *const ij_sqlite_sql[IJ_SQL_COUNT];
