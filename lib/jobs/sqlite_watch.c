/*
 * Owns the look at the database's version. SQLite tells of no commit by itself, and
 * asking costs a read of shared memory. Our own commits are seen as well: a look too many
 * is cheaper than telling them apart.
 */
#include "jobs/sqlite_watch.h"

#include "base/thread.h"
#include "jobs/sqlite_side.h"

enum { LOOK_MS = 100 };

static void look(struct ij_sqlite_watch *watch, int64_t *version)
{
    int64_t now = *version;
    if (ij_sqlite_read_data_version(&watch->db, &now, NULL) < 0 || now == *version)
        return; /* what fails here fails where it can be told as well */
    *version = now;
    if (watch->config->stirred)
        watch->config->stirred(watch->config->changed_data);
}

static void *watch_run(void *data)
{
    struct ij_sqlite_watch *watch = data;
    int64_t version = 0;
    (void)pthread_mutex_lock(&watch->lock);
    while (!watch->is_stopping) {
        int64_t due = ij_mono_ms(&ij_clock_system) + LOOK_MS;
        while (!watch->is_stopping && ij_cond_wait_until(&watch->cond, &watch->lock, due))
            continue;
        (void)pthread_mutex_unlock(&watch->lock);
        look(watch, &version);
        (void)pthread_mutex_lock(&watch->lock);
    }
    (void)pthread_mutex_unlock(&watch->lock);
    return NULL;
}

int ij_sqlite_watch_start(struct ij_sqlite_watch *watch,
                          const struct ij_jobs_config *config, struct imgjob_error *err)
{
    watch->config = config;
    int rc = ij_sqlite_db_open_reader(&watch->db, config->path, err);
    if (rc < 0)
        return rc;
    (void)pthread_mutex_init(&watch->lock, NULL); /* cannot fail on Linux */
    rc = ij_cond_init(&watch->cond, err);
    if (rc == 0)
        rc = ij_thread_start(&watch->thread, "imgjob-watch", watch_run, watch, err);
    watch->is_started = rc == 0;
    return rc;
}

void ij_sqlite_watch_stop(struct ij_sqlite_watch *watch)
{
    if (watch->is_started) {
        (void)pthread_mutex_lock(&watch->lock);
        watch->is_stopping = true;
        (void)pthread_cond_signal(&watch->cond);
        (void)pthread_mutex_unlock(&watch->lock);
        (void)pthread_join(watch->thread, NULL);
        (void)pthread_cond_destroy(&watch->cond);
        (void)pthread_mutex_destroy(&watch->lock);
    }
    watch->is_started = false;
    ij_sqlite_db_close(&watch->db);
}
