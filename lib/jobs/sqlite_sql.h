/* Every SQL text there is. */
#pragma once

#include <stdint.h>

enum {
    IJ_SQLITE_APPLICATION_ID = 0x496a6f62, /* "Ijob" */
    IJ_SQLITE_SCHEMA_VERSION = 2
};

/* Makes the tables of a new database; many statements. */
extern const char ij_sqlite_schema[];

/* The statements, each prepared once per connection that uses it. Parameters stand in the
 * order in which the binding functions bind them. */
enum ij_sql {
    /* of every connection */
    IJ_SQL_BEGIN_READ, /* what follows sees one moment */
    IJ_SQL_END_READ,
    IJ_SQL_READ_RECORD, /* id → a row and its documents */
    IJ_SQL_READ_ROW,    /* seq → the same */
    IJ_SQL_READ_STORE_ID,
    IJ_SQL_READ_DATA_VERSION,
    IJ_SQL_LIST_GC, /* key, limit → the keys behind it */
    IJ_SQL_FIND_QUEUE,
    IJ_SQL_FIND_TENANT, /* name → number */
    /* each → seq, tenant, queue, state of candidates, newest first */
    IJ_SQL_LIST_ALL,     /* before, limit */
    IJ_SQL_LIST_TENANT,  /* tenant, before, limit, states */
    IJ_SQL_LIST_BATCH,   /* batch, before, limit */
    IJ_SQL_LIST_TAG,     /* tag, before, limit */
    IJ_SQL_HAS_TAG,      /* seq, tag */
    IJ_SQL_LIST_CHANGES, /* tenant, after, limit → change, seq */
    IJ_SQL_LIST_TENANTS, /* all numbers */
    IJ_SQL_COUNT_BATCH,  /* batch → the state of each */
    IJ_SQL_READ_COUNTERS,
    IJ_SQL_READ_QUEUES,
    IJ_SQL_FIRST_UPDATED,   /* queue → since when the longest waiting one is ready */
    IJ_SQL_LIST_DELIVERIES, /* before → all */
    IJ_SQL_LIST_DELIVERIES_OF_JOB, /* job, before */

    /* of the writer only */
    IJ_SQL_WRITER_FIRST,
    IJ_SQL_BEGIN = IJ_SQL_WRITER_FIRST,
    IJ_SQL_COMMIT,
    IJ_SQL_ROLLBACK,
    IJ_SQL_WRITE_COUNTER,
    IJ_SQL_READ_LAST_SEQ,
    IJ_SQL_INSERT_QUEUE,
    IJ_SQL_UPDATE_QUEUE,
    IJ_SQL_RENAME_QUEUE,
    IJ_SQL_DROP_SHARES,
    IJ_SQL_INSERT_TENANT,
    IJ_SQL_READ_SHARE,
    IJ_SQL_WRITE_SHARE,
    IJ_SQL_READ_KEY,
    IJ_SQL_WRITE_KEY,
    IJ_SQL_DROP_KEYS,
    IJ_SQL_INSERT_TAG,
    IJ_SQL_INSERT_JOB,
    IJ_SQL_INSERT_DOC,
    IJ_SQL_UPDATE_JOB,
    IJ_SQL_BEAT_JOB,
    IJ_SQL_DELETE_JOB,
    IJ_SQL_WRITE_RESULT,
    IJ_SQL_WRITE_FAILURE,
    IJ_SQL_READ_KEYS,
    IJ_SQL_CLEAR_KEYS,
    IJ_SQL_READ_CALLBACK,
    IJ_SQL_FIND_JOB,   /* id → a row */
    IJ_SQL_FIND_TWINS, /* digest → rows that may stand in, newest first */
    /* each → one row: the first of its kind, by the partial index of that kind */
    IJ_SQL_FIRST_READY, /* of a queue */
    IJ_SQL_FIRST_SCHEDULED,
    IJ_SQL_FIRST_RUNNING,
    IJ_SQL_FIRST_PURGEABLE, /* whatever its time */
    IJ_SQL_FIRST_OWNED,     /* running, of an owner */
    /* now → one row */
    IJ_SQL_FIRST_DUE,
    IJ_SQL_FIRST_LOST,
    IJ_SQL_FIRST_OVERDUE,
    IJ_SQL_FIRST_PURGED,
    IJ_SQL_FIRST_FORGOTTEN,
    IJ_SQL_LIST_OWNERS, /* of running jobs */
    IJ_SQL_READ_OWNER,  /* slot → owner */
    IJ_SQL_WRITE_OWNER,
    IJ_SQL_INSERT_DELIVERY,
    IJ_SQL_UPDATE_DELIVERY,
    IJ_SQL_FIND_DELIVERY,
    IJ_SQL_DEFER_DELIVERY,    /* due, number */
    IJ_SQL_WALK_DELIVERIES,   /* that wait, by when they are due */
    IJ_SQL_FIRST_DELIVERY_TO, /* tenant, url → one that waits */
    IJ_SQL_FIRST_DELIVERY_OVER,
    IJ_SQL_DELETE_DELIVERY,
    IJ_SQL_INSERT_GC,
    IJ_SQL_DELETE_GC,
    IJ_SQL_FIND_GC, /* low and high key → whether there is one between */
    IJ_SQL_READ_FREE_PAGES,
    IJ_SQL_SHRINK,
    IJ_SQL_COUNT
};

extern const char *const ij_sqlite_sql[IJ_SQL_COUNT];
