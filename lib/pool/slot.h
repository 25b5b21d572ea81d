/*
 * A slot: a thread that keeps one worker ready and takes one job at a time. It claims
 * only while its worker is ready, so a job never waits for a process to start, and a node
 * whose workers do not start takes no jobs. The inside of a pool, for slot.c and pool.c.
 */
#pragma once

#include "pool/attempt.h"
#include "pool/lease.h"
#include "pool/metrics.h"
#include "pool/pool.h"

enum ij_slot_phase {
    IJ_SLOT_EMPTY = 0, /* no thread */
    IJ_SLOT_ALIVE,
    IJ_SLOT_ENDING, /* its thread has decided to end */
    IJ_SLOT_ENDED   /* and waits to be joined */
};

struct ij_slot {
    struct imgjob_pool *pool;
    struct ij_place place; /* its executor: guarded by pool->lock against close */
    pthread_t thread;
    bool is_called; /* by a wake-up that this slot has not acted upon yet */
    bool is_store_refusing;
    /* guarded by pool->lock */
    enum ij_slot_phase phase;
    bool should_end;
    bool is_ready, is_busy;
    uint32_t failed_starts; /* since an attempt was made */
    uint32_t node_faults;   /* in a row: times this node could not run or store a job */
    uint64_t starts;
};

struct imgjob_pool {
    struct ij_pool_config config;
    char *worker_path;
    struct ij_bench bench;
    struct ij_leases leases;
    struct ij_pool_metrics metrics;
    struct ij_claim claim;
    pthread_mutex_t resize_lock; /* taken before `lock`: one resize at a time */
    pthread_mutex_t lock;
    pthread_cond_t cond; /* something that is guarded by lock changed */
    /* guarded by lock */
    uint32_t workers; /* as asked for */
    bool is_paused;
    bool is_closing;
    uint64_t finished;
    struct imgjob_error start_err; /* of the last worker that did not start */
    struct ij_slot slots[IJ_POOL_WORKERS_MAX];
};

/* Start the slot's thread, or let one that was to end go on. Holds pool->resize_lock.
 * @return 0, or IMGJOB_E_NOMEM */
int ij_slot_start(struct imgjob_pool *pool, uint32_t index, struct imgjob_error *err);

/* Wait for the thread of a slot that has been told to end; fine on one without. */
void ij_slot_join(struct ij_slot *slot);
