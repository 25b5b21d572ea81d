/* One attempt at one job, from its claim to its finish. */
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "blobs/blobs.h"
#include "jobs/jobs.h"
#include "pool/executor.h"
#include "pool/lease.h"

/* What attempts work on; borrowed, shared by the slots of a pool. */
struct ij_bench {
    struct ij_jobs *jobs;
    struct ij_blobs *inputs, *outputs;
    struct ij_leases *leases;
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
};

/*
 * Run the claimed job of `record` and finish it.
 *
 * @param record   the claimed job; replaced by the next one, or emptied
 * @param may_next asked at the end: whether a next job may be claimed in the same commit
 * @param data     handed to may_next
 */
void ij_attempt_run(struct ij_place *place, struct ij_record *record,
                    const struct ij_claim *claim, bool (*may_next)(void *data),
                    void *data);

/* Give a claimed job back without having tried it: T9. Empties the record. */
void ij_attempt_release(struct ij_place *place, struct ij_record *record);
