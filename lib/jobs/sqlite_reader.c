/* Owns the reading connections: each is used by one thread at a time, and each statement
 * begins on the newest commit, so that what was answered is seen. */
#include "jobs/sqlite_reader.h"

int ij_sqlite_readers_open(struct ij_sqlite_readers *readers, const char *path,
                           struct imgjob_error *err)
{
    readers->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    readers->given_back = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    while (readers->idle_count < IJ_SQLITE_READERS) {
        struct ij_sqlite_db *db = &readers->dbs[readers->idle_count];
        int rc = ij_sqlite_db_open_reader(db, path, err);
        if (rc < 0)
            return rc;
        readers->idle[readers->idle_count++] = db;
    }
    return 0;
}

void ij_sqlite_readers_close(struct ij_sqlite_readers *readers)
{
    for (int i = 0; i < IJ_SQLITE_READERS; i++)
        ij_sqlite_db_close(&readers->dbs[i]);
    readers->idle_count = 0;
}

struct ij_sqlite_db *ij_sqlite_readers_take(struct ij_sqlite_readers *readers)
{
    (void)pthread_mutex_lock(&readers->lock);
    while (readers->idle_count == 0)
        (void)pthread_cond_wait(&readers->given_back, &readers->lock);
    struct ij_sqlite_db *db = readers->idle[--readers->idle_count];
    (void)pthread_mutex_unlock(&readers->lock);
    return db;
}

void ij_sqlite_readers_give(struct ij_sqlite_readers *readers, struct ij_sqlite_db *db)
{
    (void)pthread_mutex_lock(&readers->lock);
    readers->idle[readers->idle_count++] = db;
    (void)pthread_cond_signal(&readers->given_back);
    (void)pthread_mutex_unlock(&readers->lock);
}
