/* Seeing what other processes do to a shared store. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "jobs/jobs.h"
#include "jobs/sqlite_db.h"

/* Shared; zeroed before start. */
struct ij_sqlite_watch {
    const struct ij_jobs_config *config;
    struct ij_sqlite_db db; /* its thread's own */
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool is_stopping; /* guarded by lock */
};

/* Call config->stirred within 100 ms of any commit. @return 0 or a code; stop() is fine
 * and needed then */
int ij_sqlite_watch_start(struct ij_sqlite_watch *watch,
                          const struct ij_jobs_config *config, struct imgjob_error *err);
void ij_sqlite_watch_stop(struct ij_sqlite_watch *watch);
