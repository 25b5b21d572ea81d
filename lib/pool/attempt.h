/* One attempt at one job, from its claim to its finish. */
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "blobs/blobs.h"
#include "jobs/jobs.h"
#include "pool/executor.h"
#include "pool/lease.h"
#include "pool/metrics.h"

/* What attempts work on; borrowed, shared by the slots of a pool. */
struct ij_bench {
    struct ij_jobs *jobs;
    struct ij_blobs *inputs, *outputs;
    struct ij_leases *leases;
    struct ij_pool_metrics *metrics;
    const struct ij_ops *ops; /* that specs may name */
    struct ij_clock clock;
    struct ij_log log;
};

enum { IJ_COPY_SIZE = 64 * 1024 };

/* Where attempts of one slot run; owned by its thread. */
struct ij_place {
    const struct ij_bench *bench;
    uint32_t slot;
    struct ij_executor *executor;
    char *copy; /* IJ_COPY_SIZE bytes */

    /* Whether a next job may be claimed in the commit of a finish. */
    bool (*may_next)(void *data);
    /* Wait; false = the pool ends, do not try again. */
    bool (*pause)(void *data, uint32_t ms);
    void *data; /* handed to both */
};

/* Take care of a job that was just claimed: its lease is renewed from now on. */
void ij_attempt_accept(struct ij_place *place, const struct ij_record *record);

/*
 * Run the claimed job of `record` and finish it. The record is replaced by the next job,
 * which is then accepted, or emptied.
 *
 * @return whether the node itself was at fault (no disk, no memory): the job was given
 * back and nothing should be claimed for a while
 */
bool ij_attempt_run(struct ij_place *place, struct ij_record *record,
                    const struct ij_claim *claim);

/* Give a claimed job back without having tried it: T9. Empties the record. */
void ij_attempt_release(struct ij_place *place, struct ij_record *record);
