/* What tests of job backends share: a store of either kind on a clock that stands still
 * until it is told, and short words for what tests do with jobs. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "jobs/jobs.h"
#include "test.h"

enum {
    LEASE_MS = 30000,
    RESULT_TTL_MS = 60000,
    JOB_TTL_MS = 90000,
    KEY_TTL_MS = 45000, /* of idempotency keys */
    INPUTS_MAX = 9,
    INPUT_BYTES = 3, /* of a job that does not say otherwise */
    OUTPUT_BYTES = 5
};

struct backend {
    const char *name;
    int (*open)(const struct ij_jobs_config *config, struct ij_jobs **out,
                struct imgjob_error *err);
    bool is_durable;
};
extern const struct backend memory_backend, sqlite_backend;

struct store {
    const struct backend *backend;
    struct ij_jobs *jobs;
    struct ij_jobs_config config;
    struct ij_jobs_metrics metrics;
    char *dir, *path;
    _Atomic int64_t now;
    pthread_mutex_t lock;
    /* guarded by lock: transitions may be told by many threads */
    uint64_t told;         /* how many, by config.changed */
    uint64_t told_sum;     /* a digest of what was told, in order */
    struct ij_change last; /* told */
    uint32_t failures, errors_logged;
};

struct store *store_new(const struct backend *backend); /* open, durability normal */
void store_reopen(struct store *store);                 /* closed in between */
void store_free(struct store *store);

/* For cmocka: the initial state is a backend, then a store. */
int store_setup(void **state);
int store_teardown(void **state);
#define ON_STORE(test)                                 \
    {                                                  \
#test, test, store_setup, store_teardown, NULL \
    }
/* The database behind the backend's back. */
struct sqlite3 *raw_open(const char *path);
void raw_run(struct sqlite3 *handle, const char *sql);
int64_t raw_number(struct sqlite3 *handle, const char *sql);

/* Each test, of ON_STORE(), on a new store of that backend. @return how many failed */
int run_on(const struct backend *backend, struct CMUnitTest *tests, size_t count);

/* An id that differs by `number` only. */
struct ij_id test_id(uint32_t number);
/* Each file of tests has its own test_err. */
int submit_into(struct store *store, uint32_t number, const char *spec,
                struct imgjob_error *err);
static inline int submit(struct store *store, uint32_t number)
{
    return submit_into(store, number, "{\"width\":1}", &test_err);
}
/* One with options: what `with` leaves zeroed of id, spec, input, keys, bytes is filled
 * in for the call. */
int submit_filled(struct store *store, uint32_t number, struct ij_submit *with,
                  struct imgjob_error *err);
static inline int submit_with(struct store *store, uint32_t number,
                              struct ij_submit *with)
{
    return submit_filled(store, number, with, &test_err);
}
/* A job of several inputs, at most INPUTS_MAX. */
int submit_inputs(struct store *store, uint32_t number, uint32_t input_count,
                  struct imgjob_error *err);
/* Claim what must be there. The caller's, to end with ij_record_done(). */
struct ij_record claim(struct store *store);
/* Claim where nothing may be claimed. @return when the next job is due */
int64_t claim_nothing(struct store *store);
struct ij_lease claim_lease(struct store *store);

/* A finish that has all that its kind needs. */
struct ij_finish finish_with(struct ij_lease lease, enum ij_finish_kind kind);
static inline int finish(struct store *store, struct ij_lease lease,
                         enum ij_finish_kind kind)
{
    struct ij_finish with = finish_with(lease, kind);
    return store->jobs->ops->finish(store->jobs, &with, NULL, NULL, &test_err);
}

/* Claim what must be there, which must be that job. */
struct ij_lease claim_number(struct store *store, uint32_t number);
uint32_t number_of(const struct ij_id *id);

/* The row as it stands; its documents are freed. */
struct ij_job job_of(struct store *store, uint32_t number);
struct ij_record record_of(struct store *store, uint32_t number);
struct ij_swept sweep(struct store *store, uint32_t budget);
struct ij_jobs_stats stats_of(struct store *store);
/* How many faults audit() finds; each is printed. */
uint64_t fault_count(struct store *store);
/* How many keys stand in gc; `out_first` (may be NULL) gets the first, to be freed. */
size_t gc_count(struct store *store, char **out_first);
