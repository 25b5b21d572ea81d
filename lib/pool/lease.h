/*
 * The leases that a pool holds: one place per slot. A thread of its own renews them all
 * in one step, and stops the work of those that are lost or that a client cancelled.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "jobs/jobs.h"
#include "pool/executor.h"

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
    struct ij_lease lease;
    struct ij_executor *executor; /* borrowed while held */
    enum ij_stop_cause cause;
};

/* Shared. */
struct ij_leases {
    struct ij_jobs *jobs;
    uint32_t lease_ms;
    struct ij_log log;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    /* guarded by lock */
    bool is_ending;
    bool is_releasing; /* whatever is held, or will be, is stopped */
    struct ij_held_lease held[IJ_POOL_WORKERS_MAX];
};

int ij_leases_start(struct ij_leases *leases, struct ij_jobs *jobs, uint32_t lease_ms,
                    const struct ij_log *log, struct imgjob_error *err); /* 0 or _NOMEM */
void ij_leases_end(struct ij_leases *leases);

/* From the slot thread, before its executor runs: takes back any older stop(). */
void ij_leases_hold(struct ij_leases *leases, uint32_t slot, const struct ij_lease *lease,
                    struct ij_executor *executor);

/* From the slot thread, afterwards. @return why the work was stopped, if it was */
enum ij_stop_cause ij_leases_drop(struct ij_leases *leases, uint32_t slot);

/* Stop all work, now and later: the pool ends. */
void ij_leases_release_all(struct ij_leases *leases);
