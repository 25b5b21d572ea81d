/*
 * The rows of the memory backend, for its own files.
 *
 * Every slot runs under one lock, from ij_memory_begin() to ij_memory_end(); all
 * functions here are called in between. Each slot gets the memory it may need before its
 * first change; so a slot that fails has changed nothing, or has done some whole
 * transitions of a sweep.
 */
#pragma once

#include <pthread.h>

#include "jobs/change.h"
#include "jobs/jobs.h"
#include "jobs/state.h"

struct ij_memory_row {
    struct ij_record record;
    char *keys; /* of the blobs, each ended by '\n' */
};

struct ij_memory {
    struct ij_jobs jobs; /* first: the slots are handed its address */
    struct ij_jobs_config config;
    struct ij_retention retention;
    char store_id[IMGJOB_ID_SIZE];
    pthread_mutex_t lock;
    /* guarded by lock */
    struct ij_memory_row **rows; /* by seq */
    size_t row_count, row_cap;
    uint64_t last_seq;
    char **gc; /* in order, none twice */
    size_t gc_count, gc_cap;
};

/* One slot's hold on the store: what it changed is told once the lock is given back. */
struct ij_memory_hold {
    struct ij_memory *memory;
    int64_t now;
    struct ij_changes changes;
};

struct ij_memory_hold ij_memory_begin(struct ij_jobs *jobs);
void ij_memory_end(struct ij_memory_hold *hold); /* for IJ_AUTO */

struct ij_memory_row *ij_memory_find(struct ij_memory *memory, const struct ij_id *id);
void ij_memory_row_free(struct ij_memory_row *row); /* NULL is fine */

/* The array of pointers with room for one more element. @return NULL without memory; the
 * old array is untouched then */
void *ij_memory_grow(void *array, size_t count, size_t *cap);

/* A transition happened; `failure` is taken when it is not NULL. Room for it was made by
 * ij_changes_reserve(). */
void ij_memory_changed(struct ij_memory_hold *hold, struct ij_memory_row *row,
                       char *failure);

/* Replace the row's job by one that state.c has changed, with the store's own words. */
int ij_memory_write_own(struct ij_memory_hold *hold, struct ij_memory_row *row,
                        const struct ij_job *job, struct imgjob_error *err);

/* T3 for up to `max` rows. */
int ij_memory_promote(struct ij_memory_hold *hold, uint32_t max, uint32_t *out_count,
                      struct imgjob_error *err);

/* @return 0 added, 1 it stood there, or NOMEM */
int ij_memory_gc_add(struct ij_memory *memory, const char *key, size_t len,
                     struct imgjob_error *err);
bool ij_memory_gc_holds_id(const struct ij_memory *memory, const struct ij_id *id);

/* Slots in memory_sweep.c and memory_gc.c. */
int ij_memory_reclaim_all(struct ij_jobs *jobs, uint64_t *out_count,
                          struct imgjob_error *err);
int ij_memory_sweep(struct ij_jobs *jobs, const struct ij_sweep *sweep,
                    struct ij_swept *out, struct imgjob_error *err);
int ij_memory_condemn(struct ij_jobs *jobs, struct ij_suspect *suspects, size_t count,
                      struct imgjob_error *err);
int ij_memory_gc_list(struct ij_jobs *jobs, const char *after, char **out_keys,
                      size_t max, size_t *out_count, struct imgjob_error *err);
int ij_memory_gc_drop(struct ij_jobs *jobs, const char *const *keys, size_t count,
                      struct imgjob_error *err);
