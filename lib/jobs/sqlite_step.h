/*
 * What callers may ask of the writer.
 *
 * A step may be done more than once, each time in a transaction from which the time
 * before was undone; so it sets its out members anew. One that fails may have written a
 * part: it is the writer that undoes it.
 */
#pragma once

#include "jobs/change.h"
#include "jobs/jobs.h"
#include "jobs/sqlite_db.h"
#include "jobs/state.h"

/* What the database will hold once the batch is committed; taken back if it is not. */
struct ij_sqlite_sums {
    struct ij_jobs_stats stats;
    uint64_t last_seq;
};

/* The transaction of one batch; the writer thread's own. */
struct ij_sqlite_batch {
    struct ij_sqlite_db db;
    const struct ij_jobs_config *config;
    struct ij_retention retention;
    int64_t now; /* the store's clock, read once for the batch */
    struct ij_sqlite_sums sums;
    struct ij_changes changes; /* told after the commit */
};

struct ij_submit_call {
    const struct ij_submit *submit;
};
struct ij_claim_call {
    const struct ij_claim *claim;
    struct ij_record record; /* out; when 0 */
    int64_t next_due;        /* out; when 1 */
};
struct ij_heartbeat_call {
    struct ij_beat *beats;
    size_t count;
    uint32_t lease_ms;
};
struct ij_finish_call {
    const struct ij_finish *finish;
    struct ij_claim_call next; /* when next.claim is not NULL */
};
struct ij_reclaim_call {
    uint32_t count; /* out */
};
struct ij_sweep_call {
    const struct ij_sweep *sweep;
    struct ij_swept swept; /* out */
};
struct ij_condemn_call {
    struct ij_suspect *suspects;
    size_t count;
};
struct ij_drop_call {
    const char *const *keys;
    size_t count;
};

/* `call` is the struct of that name. @return what the slot of ij_jobs_ops answers */
int ij_step_submit(struct ij_sqlite_batch *batch, void *call, struct imgjob_error *err);
int ij_step_claim(struct ij_sqlite_batch *batch, void *call, struct imgjob_error *err);
int ij_step_heartbeat(struct ij_sqlite_batch *batch, void *call,
                      struct imgjob_error *err);
int ij_step_finish(struct ij_sqlite_batch *batch, void *call, struct imgjob_error *err);
int ij_step_reclaim(struct ij_sqlite_batch *batch, void *call, struct imgjob_error *err);
int ij_step_sweep(struct ij_sqlite_batch *batch, void *call, struct imgjob_error *err);
int ij_step_condemn(struct ij_sqlite_batch *batch, void *call, struct imgjob_error *err);
int ij_step_drop(struct ij_sqlite_batch *batch, void *call, struct imgjob_error *err);
