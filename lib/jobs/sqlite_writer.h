/* The one thread that writes, and its queue. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "jobs/sqlite_step.h"

/* A caller that waits for its answer; on the caller's own stack, so the queue is as long
 * as the program has threads. */
struct ij_sqlite_request {
    ij_step_fn *step;
    void *call;
    int rc;
    struct imgjob_error err;
    struct ij_sqlite_request *next;

    /* guarded by the writer's lock */
    bool is_done;
    pthread_cond_t done;
};

/* Shared, but for `batch`, which is the writer thread's while it runs. */
struct ij_sqlite_writer {
    struct ij_sqlite_batch batch;
    struct ij_sqlite_sums before; /* what a batch began with */
    int64_t data_version;         /* of a shared store: as of which the sums are right */
    int checkpoint_pages;         /* of the log, at the last commit */
    pthread_t thread;
    bool is_started;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* guarded by lock */
    bool is_stopping;
    struct ij_sqlite_request *first, *last;
    struct imgjob_error failure; /* code 0 = none; otherwise every request gets it */
    struct ij_jobs_stats stats;  /* as committed */
};

/* `writer` is zeroed; its address must not change from now on. The others are borrowed
 * until stop. @return 0 or a code; after a failure stop() is fine and needed */
int ij_sqlite_writer_start(struct ij_sqlite_writer *writer,
                           const struct ij_jobs_config *config,
                           struct ij_sqlite_owners *owners, struct imgjob_error *err);

/* Of a store that is only read: so that failures can be noted. */
void ij_sqlite_writer_init(struct ij_sqlite_writer *writer,
                           const struct ij_jobs_config *config);

/* No request may be under way. */
void ij_sqlite_writer_stop(struct ij_sqlite_writer *writer);

/* Have a step done; returns once what it wrote is durable. */
int ij_sqlite_writer_do(struct ij_sqlite_writer *writer, ij_step_fn *step, void *call,
                        struct imgjob_error *err);

/* Whether a failure may be for one request's sake (its memory, its size, a mistake of
 * ours) and leaves the database well: without that request the rest may succeed. */
static inline bool ij_sqlite_is_for_one(int rc)
{
    return rc == IMGJOB_E_NOMEM || rc == IMGJOB_E_FULL || rc == IMGJOB_E_INTERNAL;
}

/* 0, or the failure after which all work is refused. */
int ij_sqlite_writer_check(struct ij_sqlite_writer *writer, struct imgjob_error *err);

/* Refuse all work from now on, if this failure is one of the database. @return `rc` */
int ij_sqlite_writer_note(struct ij_sqlite_writer *writer, int rc,
                          const struct imgjob_error *err);

/* The committed counters. */
void ij_sqlite_writer_stats(struct ij_sqlite_writer *writer, struct ij_jobs_stats *out);
