/*
 * The rows of the memory backend, for its own files.
 *
 * Every slot runs under one lock, from ij_memory_begin() to ij_memory_end(); all
 * functions here are called in between. Each slot gets the memory it may need before its
 * first change, or takes back what it did; so a slot that fails has changed nothing, or
 * has done some whole transitions of a sweep.
 */
#pragma once

#include <pthread.h>

#include "jobs/change.h"
#include "jobs/jobs.h"
#include "jobs/outbox.h"
#include "jobs/share.h"
#include "jobs/state.h"

struct ij_memory_row {
    struct ij_record record;
    char *callback_url;
    char *tags; /* each between two '\n' */
};

struct ij_memory_queue { /* its number is its index + 1 */
    char name[IJ_NAME_SIZE];
    bool is_paused;
    uint32_t limit;
    struct ij_turn turn; /* may_run is set by each claim */
};

/* The virtual time of a tenant's last job in a priority of a queue; tenant 0 = the clock
 * of that priority. */
struct ij_memory_share {
    uint32_t queue, prio, tenant;
    uint64_t last;
};

struct ij_memory_key { /* of idempotency */
    uint32_t tenant;
    char *text;
    unsigned char fingerprint[IJ_DIGEST_SIZE];
    struct ij_id job;
    int64_t expires;
};

struct ij_memory_delivery {
    uint64_t number;
    struct ij_delivery delivery;
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
    uint64_t last_seq, last_change, last_delivery;
    struct ij_memory_queue queues[IJ_QUEUES_MAX];
    size_t queue_count;
    struct ij_turn_clock turn_clock;
    char **tenants; /* the number of each is its index + 1 */
    size_t tenant_count, tenant_cap;
    struct ij_memory_share *shares;
    size_t share_count, share_cap;
    struct ij_memory_key *keys; /* of a key that stands there twice the later one holds */
    size_t key_count, key_cap;
    struct ij_memory_delivery **deliveries; /* by number */
    size_t delivery_count, delivery_cap;
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
void ij_memory_row_remove(struct ij_memory *memory, struct ij_memory_row *row);
void ij_memory_delivery_free(struct ij_memory_delivery *delivery); /* NULL is fine */
void ij_memory_count(const struct ij_memory *memory, uint64_t out[IJ_STATE_COUNT]);
uint64_t ij_memory_bytes(const struct ij_memory *memory); /* that rows name */

/* Numbers by name; 0 = there is none. */
uint32_t ij_memory_queue_number(const struct ij_memory *memory, const char *name);
uint32_t ij_memory_tenant_number(const struct ij_memory *memory, const char *name);

/* Made where absent. @return 0, INVALID (too many queues), or NOMEM */
int ij_memory_queue_make(struct ij_memory *memory, const char *name, uint32_t *out,
                         struct imgjob_error *err);

/* The share of a tenant (0 = the clock), made where absent. @return NULL without memory
 */
struct ij_memory_share *ij_memory_share(struct ij_memory *memory, uint32_t queue,
                                        uint32_t prio, uint32_t tenant);

/* The array with room for one more element. @return NULL without memory; the old array is
 * untouched then */
void *ij_memory_grow(void *array, size_t count, size_t *cap, size_t element_size);

/* A row as a transition of state.c leaves it. */
struct ij_memory_edit {
    struct ij_job job;
    char *failure, *result, *keys; /* owned; NULL = stays as it is */
    bool is_failure_gone;
};
void ij_memory_edit_done(struct ij_memory_edit *edit);

/* Write it: the row, the number of the change, the delivery it owes, and whom to tell.
 * The documents are taken. @return 0, NOMEM, or INTERNAL without random bytes */
int ij_memory_write(struct ij_memory_hold *hold, struct ij_memory_row *row,
                    struct ij_memory_edit *edit, struct imgjob_error *err);

/* The same for a transition that brings no documents but the store's own words. */
int ij_memory_write_own(struct ij_memory_hold *hold, struct ij_memory_row *row,
                        const struct ij_job *job, struct imgjob_error *err);

/* T3 for up to `max` rows. */
int ij_memory_promote(struct ij_memory_hold *hold, uint32_t max, uint32_t *out_count,
                      struct imgjob_error *err);

/* T15a of a row that state.c has purged: its keys go to gc. */
int ij_memory_give_blobs(struct ij_memory_hold *hold, struct ij_memory_row *row,
                         const struct ij_job *job, struct imgjob_error *err);

/* @return 0 added, 1 it stood there, or NOMEM */
int ij_memory_gc_add(struct ij_memory *memory, const char *key, size_t len,
                     struct imgjob_error *err);
bool ij_memory_gc_holds_id(const struct ij_memory *memory, const struct ij_id *id);

/* Slots, by file. memory_submit.c: */
int ij_memory_submit(struct ij_jobs *jobs, struct ij_submit *submits, size_t count,
                     struct imgjob_error *err);

/* memory_claim.c: */
int ij_memory_claim(struct ij_jobs *jobs, const struct ij_claim *claim,
                    struct ij_record *out, int64_t *out_due, struct imgjob_error *err);
int ij_memory_heartbeat(struct ij_jobs *jobs, struct ij_beat *beats, size_t count,
                        uint32_t lease_ms, struct imgjob_error *err);
int ij_memory_finish(struct ij_jobs *jobs, const struct ij_finish *finish,
                     const struct ij_claim *next, struct ij_record *out_next,
                     struct imgjob_error *err);

/* memory_steer.c: */
int ij_memory_cancel(struct ij_jobs *jobs, const struct ij_id *id, struct ij_job *out,
                     struct imgjob_error *err);
int ij_memory_retry(struct ij_jobs *jobs, const struct ij_id *id,
                    struct imgjob_error *err);
int ij_memory_purge(struct ij_jobs *jobs, const struct ij_id *id,
                    struct imgjob_error *err);
int ij_memory_queues(struct ij_jobs *jobs, struct ij_queue_stats *out, size_t *out_count,
                     struct imgjob_error *err);
int ij_memory_queue_set(struct ij_jobs *jobs, const struct ij_queue_set *set,
                        struct imgjob_error *err);

/* memory_list.c: */
int ij_memory_get(struct ij_jobs *jobs, const struct ij_id *id, struct ij_record *out,
                  struct imgjob_error *err);
int ij_memory_list(struct ij_jobs *jobs, const struct ij_list *list, struct ij_page *out,
                   struct imgjob_error *err);
int ij_memory_changes(struct ij_jobs *jobs, const char *tenant, uint64_t after,
                      uint32_t limit, struct ij_page *out, struct imgjob_error *err);
int ij_memory_batch(struct ij_jobs *jobs, const struct ij_id *batch,
                    uint64_t *out_by_state, struct imgjob_error *err);
int ij_memory_stats(struct ij_jobs *jobs, struct ij_jobs_stats *out,
                    struct imgjob_error *err);

/* memory_outbox.c: */
int ij_memory_delivery_claim(struct ij_jobs *jobs, const struct ij_delivery_claim *claim,
                             struct ij_delivery *out, size_t *out_count,
                             int64_t *next_due, struct imgjob_error *err);
int ij_memory_delivery_finish(struct ij_jobs *jobs,
                              const struct ij_delivery_finish *finish,
                              struct imgjob_error *err);
int ij_memory_delivery_list(struct ij_jobs *jobs, const struct ij_delivery_list *list,
                            struct ij_delivery *out, size_t *out_count,
                            uint64_t *out_next, struct imgjob_error *err);
int ij_memory_delivery_replay(struct ij_jobs *jobs, const struct ij_id *id,
                              struct imgjob_error *err);

/* memory_sweep.c: */
int ij_memory_reclaim_all(struct ij_jobs *jobs, uint64_t *out_count,
                          struct imgjob_error *err);
int ij_memory_sweep(struct ij_jobs *jobs, const struct ij_sweep *sweep,
                    struct ij_swept *out, struct imgjob_error *err);

/* memory_audit.c: */
int ij_memory_audit(struct ij_jobs *jobs, struct ij_audit *audit,
                    struct imgjob_error *err);

/* memory_gc.c: */
int ij_memory_condemn(struct ij_jobs *jobs, struct ij_suspect *suspects, size_t count,
                      struct imgjob_error *err);
int ij_memory_gc_list(struct ij_jobs *jobs, const char *after, char **out_keys,
                      size_t max, size_t *out_count, struct imgjob_error *err);
int ij_memory_gc_drop(struct ij_jobs *jobs, const char *const *keys, size_t count,
                      struct imgjob_error *err);
