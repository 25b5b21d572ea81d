/* A few connections that only read. */
#pragma once

#include <pthread.h>

#include "jobs/sqlite_db.h"

enum { IJ_SQLITE_READERS = 4 };

/* Shared. `readers` is zeroed before open(); close() is fine at any time. */
struct ij_sqlite_readers {
    struct ij_sqlite_db dbs[IJ_SQLITE_READERS];
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    /* guarded by lock */
    struct ij_sqlite_db *idle[IJ_SQLITE_READERS];
    int idle_count;
};

/* The database exists. `path` is borrowed until close. */
int ij_sqlite_readers_open(struct ij_sqlite_readers *readers, const char *path,
                           struct imgjob_error *err);
void ij_sqlite_readers_close(struct ij_sqlite_readers *readers);

/* A connection for this thread alone; waits for one. To be given back soon: a statement
 * that is under way keeps the log from being emptied. */
struct ij_sqlite_db *ij_sqlite_readers_take(struct ij_sqlite_readers *readers);
void ij_sqlite_readers_give(struct ij_sqlite_readers *readers, struct ij_sqlite_db *db);
