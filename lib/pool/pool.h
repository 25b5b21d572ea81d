/* The pool below the public one: what it works on is handed in, no store is known here.
 */
#pragma once

#include <imgjob/pool.h>

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
};

/* See imgjob_pool_open(). */
int ij_pool_open(const struct ij_pool_config *config, struct imgjob_pool **out,
                 struct imgjob_error *err);
