/* The pool below the public one: what it works on is handed in, no store is known here.
 */
#pragma once

#include <imgjob/pool.h>

#include "base/buf.h"
#include "base/wake.h"
#include "blobs/blobs.h"
#include "jobs/jobs.h"
#include "pool/executor.h"

struct ij_pool_config {
    struct ij_jobs *jobs; /* these four are borrowed for the pool's life */
    struct ij_blobs *inputs, *outputs;
    struct ij_wake *work; /* woken under ij_id_none when a job may be ready */
    struct ij_clock clock;
    struct ij_log log;
    struct ij_executor_config executor; /* its strings are copied */
    uint32_t isolation;                 /* enum imgjob_isolation */
    uint32_t workers;                   /* 1..IJ_POOL_WORKERS_MAX */
    uint32_t lease_ms;
    bool is_paused;

    /* Called once, when the pool begins to close: from then on nobody calls
     * ij_pool_cancel(). May be NULL. */
    void (*closing)(void *data);
    void *closing_data;
};

/* See imgjob_pool_open(). */
int ij_pool_open(const struct ij_pool_config *config, struct imgjob_pool **out,
                 struct imgjob_error *err);

/* A cancel of that running job was asked; ij_id_none: perhaps one was, by another
 * process. Its work is stopped at once where it is ours. Any thread; quick. */
void ij_pool_cancel(struct imgjob_pool *pool, const struct ij_id *id);

/* What was measured, in the text format of Prometheus. In metrics.c. */
void ij_pool_metrics_write(struct imgjob_pool *pool, struct ij_buf *out);
