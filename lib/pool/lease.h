/*
 * The leases that a pool holds: one place per slot, held from the claim until the finish
 * has been answered. A thread of its own renews them all in one step, tells the store how
 * far they are, and stops the work of those that are lost or that a client cancelled.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "jobs/jobs.h"
#include "pool/executor.h"
#include "pool/metrics.h"

enum { IJ_POOL_WORKERS_MAX = 256 };

/* Why work was stopped from outside. */
enum ij_stop_cause {
    IJ_STOP_NONE = 0,
    IJ_STOP_RELEASED, /* the pool ends */
    IJ_STOP_CANCELED, /* a client asked */
    IJ_STOP_LOST      /* the lease is somebody else's */
};

struct ij_held_lease {
    bool is_held;
    bool is_settled; /* the work is over: what a renewal says changes nothing any more */
    struct ij_lease lease;
    struct ij_executor *executor; /* borrowed; NULL while nothing runs */
    enum ij_stop_cause cause;
    struct ij_progress progress;
    bool is_news; /* the store was not told of it yet */
};

/* Shared. */
struct ij_leases {
    /* set before ij_leases_start() */
    struct ij_jobs *jobs;
    uint32_t lease_ms;
    struct ij_pool_metrics *metrics;
    struct ij_log log;

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    /* guarded by lock */
    bool is_ending;
    bool must_look;    /* at the rows: somebody else may have changed them */
    bool has_news;     /* some progress is news */
    bool is_releasing; /* whatever works, or will, is stopped */
    uint64_t missed;   /* cancels of jobs that were not held */
    struct ij_held_lease held[IJ_POOL_WORKERS_MAX];
    uint64_t missed_before[IJ_POOL_WORKERS_MAX]; /* `missed` as the slot last saw it */
};

int ij_leases_start(struct ij_leases *leases, struct imgjob_error *err); /* 0 or _NOMEM */
void ij_leases_end(struct ij_leases *leases);

/* What follows is for the slot's own thread, unless it says otherwise. */

/* From now on the lease is renewed; it takes the place of the one before. */
void ij_leases_hold(struct ij_leases *leases, uint32_t slot,
                    const struct ij_lease *lease);

/* The executor is about to run: takes back any older stop(), and stops it at once if
 * there is a cause already. */
void ij_leases_begin_work(struct ij_leases *leases, uint32_t slot,
                          struct ij_executor *executor);

/* @return why the work was stopped, if it was */
enum ij_stop_cause ij_leases_end_work(struct ij_leases *leases, uint32_t slot);

/* How far the work is; the store is told within a second or so. Any thread. */
void ij_leases_progress(struct ij_leases *leases, uint32_t slot,
                        const struct ij_progress *progress);

void ij_leases_drop(struct ij_leases *leases, uint32_t slot);

/* From any thread: a cancel of that job was asked: its work is stopped if it is held, or
 * as soon as it is. ij_id_none = of any; the thread of the leases looks at them soon. */
void ij_leases_cancel(struct ij_leases *leases, const struct ij_id *id);

/* From any thread: stop all work, now and later; the pool ends. */
void ij_leases_release_all(struct ij_leases *leases);
