/* The inside of a store, for the files of this folder. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <imgjob/store.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/wake.h"
#include "blobs/blobs.h"
#include "jobs/jobs.h"
#include "spec/spec.h"

enum {
    IJ_LEASE_DEFAULT_MS = 30000,
    IJ_HEAD_SIZE = 64 /* first bytes of an input, kept to tell its format */
};

/* Options with every default filled in; strings are the store's. */
struct ij_store_config {
    char *jobs_path; /* of the SQLite file; NULL = memory */
    char *inputs_dir, *outputs_dir;
    uint64_t max_upload_size, max_queued_jobs, min_free_bytes; /* last: 0 = by size */
    uint64_t result_ttl_ms, job_ttl_ms;
    uint32_t extra_formats; /* that are taken beside the usual */
    bool is_durability_normal;
    struct ij_log log;
};
int ij_store_config_read(const struct imgjob_store_options *options,
                         struct ij_store_config *out, struct imgjob_error *err);
void ij_store_config_done(struct ij_store_config *config);

/* One input of a draft; zeroed = not begun. */
struct ij_draft_input {
    struct ij_blob_draft blob;
    struct ij_sha256 sha;
    uint64_t len; /* bytes so far */
    unsigned char head[IJ_HEAD_SIZE];
    uint32_t format; /* enum imgjob_format; told from the head at submit */
};

/* See imgjob_draft_open(). */
struct imgjob_draft {
    struct imgjob_store *store;
    struct ij_id id;
    char id_text[IMGJOB_ID_SIZE];
    struct ij_draft_input inputs[IJ_SPEC_INPUTS_MAX];
    uint32_t begun;    /* bit k: input k was selected */
    uint32_t selected; /* the input that is written to */
    uint64_t len;      /* bytes so far, over all inputs */
    bool is_spent;     /* a select, write or submit failed: only discard may follow */
    struct imgjob_draft *next, **link; /* guarded by store->drafts_lock */
};

struct imgjob_store {
    struct ij_store_config config;
    struct ij_clock clock;
    struct ij_jobs *jobs;
    struct ij_blobs *inputs, *outputs;
    struct ij_wake waiters; /* for a job's end, by its id */
    struct ij_wake work;    /* pools, for jobs to run, all under ij_id_none */
    bool has_waiters, has_work;

    pthread_mutex_t drafts_lock;
    struct imgjob_draft *drafts; /* guarded by drafts_lock: inputs no row names yet */

    pthread_t sweeper;
    bool has_sweeper;
    pthread_mutex_t sweeper_lock;
    pthread_cond_t sweeper_cond;
    bool is_closing;       /* guarded by sweeper_lock */
    uint32_t lease_max_ms; /* guarded by sweeper_lock: the longest that a pool gives */
};

/* Whether an input of that id is being received: its blob is no orphan. */
bool ij_store_has_draft(struct imgjob_store *store, const struct ij_id *id);

/* The place nearest to its floor, of those that the store writes to. */
struct ij_store_space {
    uint64_t free_bytes, floor_bytes;
};
int ij_store_space(struct imgjob_store *store, struct ij_store_space *out,
                   struct imgjob_error *err);

/* A pool gives leases of that length: a jump of the clock is waited out for so long. */
void ij_store_expect_lease(struct imgjob_store *store, uint32_t lease_ms);

/* Whether the store is about to close: long work in its background ends early. */
bool ij_store_is_closing(struct imgjob_store *store);

/* Fill a view from a record, which stays the caller's. */
int ij_view_make(struct imgjob_store *store, const struct ij_record *record,
                 struct imgjob_job **out, struct imgjob_error *err);

/* One output as the result of a job names it. */
struct ij_result_output {
    char key[IJ_BLOB_KEY_SIZE];
    uint32_t format;
    uint64_t len; /* bytes */
};

/* Find an output in a job's result. @param name NULL = the first. @return 0 or NOTFOUND
 */
int ij_view_find_output(const char *result, const char *name,
                        struct ij_result_output *out, struct imgjob_error *err);

/* Remove what nobody owns: blobs without a row, drafts of a dead process; then everything
 * in gc. @param age_ms only what was not touched for so long. */
int ij_store_collect(struct imgjob_store *store, uint64_t age_ms,
                     struct imgjob_error *err);

/* The thread that takes back leases and removes what has expired. */
int ij_sweeper_start(struct imgjob_store *store, struct imgjob_error *err);
void ij_sweeper_stop(struct imgjob_store *store);
