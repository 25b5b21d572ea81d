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
#include "jobs/sqlite_sums.h"
#include "jobs/state.h"

struct ij_sqlite_owners;

/* The transaction of one batch; the writer thread's own. */
struct ij_sqlite_batch {
    struct ij_sqlite_db db;
    const struct ij_jobs_config *config;
    struct ij_retention retention;
    struct ij_sqlite_owners *owners;
    int64_t now;                /* the store's clock, read once for the batch */
    struct ij_sqlite_sums sums; /* as the database will hold them once it is committed;
                                   taken back if it is not */
    struct ij_changes changes;  /* told after the commit */
    bool is_sweep;              /* many rows went since the last checkpoint */
};

struct ij_submit_call {
    struct ij_submit *submits;
    size_t count;
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
/* A sweep is several steps, each so short that whoever asks meanwhile need not wait. */
struct ij_sweep_call {
    const struct ij_sweep *sweep;
    struct ij_swept before; /* by the steps that are committed */
    uint32_t keys_before;
    struct ij_swept swept; /* out: with this one's */
    uint32_t keys;         /* out: of swept.dropped */
    bool is_more;          /* out: it is to be gone on with */
};
struct ij_steer_call {
    const struct ij_id *id;
    struct ij_job job; /* out, of a cancel */
};
struct ij_queue_call {
    const struct ij_queue_set *set;
};
struct ij_delivery_claim_call {
    const struct ij_delivery_claim *claim;
    struct ij_delivery *out;
    size_t count;     /* out */
    int64_t next_due; /* out */
};
struct ij_delivery_finish_call {
    const struct ij_delivery_finish *finish;
    bool is_more; /* out: others wait for the URL that is gone: give_up is to follow */
};
struct ij_condemn_call {
    struct ij_suspect *suspects;
    size_t count;
};
struct ij_drop_call {
    const char *const *keys;
    size_t count;
};

typedef int ij_step_fn(struct ij_sqlite_batch *batch, void *call,
                       struct imgjob_error *err);

/* `call` is the struct of that name; each answers what its slot of ij_jobs_ops does. */
ij_step_fn ij_step_submit;                                   /* sqlite_submit.c */
ij_step_fn ij_step_claim, ij_step_heartbeat, ij_step_finish; /* sqlite_step.c */
ij_step_fn ij_step_cancel, ij_step_retry, ij_step_purge,
    ij_step_queue; /* sqlite_steer.c */
ij_step_fn ij_step_reclaim, ij_step_sweep, ij_step_condemn,
    ij_step_drop; /* sqlite_sweep.c
                   */
ij_step_fn ij_step_delivery_claim, ij_step_delivery_finish, ij_step_delivery_give_up,
    ij_step_delivery_replay;
/* The last ones are in sqlite_outbox.c; this one in sqlite_audit.c: struct ij_audit. */
ij_step_fn ij_step_repair;

/* ---- for the files of the steps ---- */

/* Write a transition from `before` to `job`, with its number, its counters, and the
 * delivery it owes; it is told after the commit. `failure` NULL leaves that document
 * alone; a result was written before. */
int ij_batch_write(struct ij_sqlite_batch *batch, const struct ij_job *before,
                   struct ij_job *job, const char *failure, struct imgjob_error *err);

/* The same for a transition that the store makes by itself, with its own words. */
int ij_batch_write_own(struct ij_sqlite_batch *batch, const struct ij_job *before,
                       struct ij_job *job, struct imgjob_error *err);

/* T15a: the same, and its blobs go to gc. */
int ij_batch_purge(struct ij_sqlite_batch *batch, struct ij_job *job, int64_t now,
                   struct imgjob_error *err);

/* T15b. */
int ij_batch_forget(struct ij_sqlite_batch *batch, const struct ij_job *job,
                    struct imgjob_error *err);

/* T3 for up to `max` rows. */
int ij_batch_promote(struct ij_sqlite_batch *batch, uint32_t max, uint32_t *out_count,
                     struct imgjob_error *err);

/* A delivery of a job that has just ended. */
int ij_batch_owe(struct ij_sqlite_batch *batch, const struct ij_job *job,
                 struct imgjob_error *err);

/* Up to `max` deliveries that are over are dropped. */
int ij_batch_drop_deliveries(struct ij_sqlite_batch *batch, uint32_t max,
                             uint32_t *out_count, struct imgjob_error *err);

uint64_t ij_batch_count(const struct ij_sqlite_batch *batch, enum imgjob_state state);
