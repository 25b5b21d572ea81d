/* The inside of a store, for the files of this folder. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <imgjob/store.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/wake.h"
#include "blobs/blobs.h"
#include "jobs/jobs.h"
#include "metrics.h"
#include "view_cache.h"
#include "spec/spec.h"

enum {
    IJ_WAIT_MAX_MS = 600000, /* that one call may wait */
    IJ_LEASE_DEFAULT_MS = 30000,
    IJ_TTL_MAX_DAYS = 36500,
    IJ_PUBLIC_URL_SIZE = 513,
    IJ_HEAD_SIZE = 64 /* first bytes of an input, kept to tell its format */
};

#define IJ_DAY_MS (24 * 60 * 60 * UINT64_C(1000))

/* Options with every default filled in; strings are the store's. */
struct ij_store_config {
    char *jobs_path; /* of the SQLite file; NULL = memory */
    char *inputs_dir, *outputs_dir;
    char public_url[IJ_PUBLIC_URL_SIZE];                       /* "" = paths alone */
    uint64_t max_upload_size, max_queued_jobs, min_free_bytes; /* last: 0 = by size */
    uint64_t result_ttl_ms, job_ttl_ms, idempotency_ttl_ms;
    uint64_t max_stored_bytes; /* 0 = no bound */
    uint32_t extra_formats;    /* that are taken beside the usual */
    bool is_durability_normal, is_shared;
    struct ij_log log;
};
int ij_store_config_read(const struct imgjob_store_options *options,
                         struct ij_store_config *out, struct imgjob_error *err);
void ij_store_config_done(struct ij_store_config *config);

/* imgjob_store_open() by a config, which is taken: zeroed, also after a failure. */
int ij_store_open_with(struct ij_store_config *config, struct imgjob_store **out,
                       struct imgjob_error *err);

/* One input of a draft; zeroed = not begun. */
struct ij_draft_input {
    struct ij_blob_draft blob;
    struct ij_sha256 sha;
    char sha256[IJ_SHA256_HEX_SIZE]; /* once it is submitted */
    uint64_t len;                    /* bytes so far */
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
    struct ij_wake feeds;   /* for any change of any job, all under ij_id_none */
    struct ij_wake outbox;  /* for webhooks to send, all under ij_id_none */
    bool has_waiters, has_work, has_feeds, has_outbox;
    struct ij_store_metrics metrics;
    struct ij_view_cache views; /* that feeds tell */
    atomic_bool has_limits; /* some queue may have one: the end of a job lets another of
                               its queue begin */

    pthread_mutex_t listeners_lock;
    struct ij_listener *listeners; /* guarded by listeners_lock */

    pthread_mutex_t drafts_lock;
    struct imgjob_draft *drafts; /* guarded by drafts_lock: inputs no row names yet */

    pthread_t sweeper;
    bool has_sweeper;
    pthread_mutex_t sweeper_lock;
    pthread_cond_t sweeper_cond;
    bool is_closing;       /* guarded by sweeper_lock */
    uint32_t lease_max_ms; /* guarded by sweeper_lock: the longest that a pool gives */
};

/* Read a job by the text of its id. @return 0, NOTFOUND also for what is no id, … */
int ij_store_get_record(struct imgjob_store *store, const char *id, struct ij_record *out,
                        struct imgjob_error *err);

/* The same into the view that a caller may want: nothing when `out` is NULL. */
int ij_store_get_view(struct imgjob_store *store, const char *id, struct imgjob_job **out,
                      struct imgjob_error *err);

/* Look whether any queue has a limit. */
int ij_store_note_limits(struct imgjob_store *store, struct imgjob_error *err);

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

/* Who runs jobs is told at once when a cancel of a running one was asked. In the storage
 * of the one who listens; zeroed = does not listen. */
struct ij_listener {
    /* `id` = ij_id_none: another process may have asked; look at all. Any thread; quick.
     */
    void (*asked)(void *data, const struct ij_id *id);
    void *data;
    struct ij_listener *next, **link; /* guarded by listeners_lock */
};
void ij_store_listen(struct imgjob_store *store, struct ij_listener *listener);
/* Once it is back, asked() is not called any more: no lock that asked() takes may be
 * held.
 */
void ij_store_unlisten(struct imgjob_store *store, struct ij_listener *listener);

/* The body of a webhook about a job that has ended: to be freed; "" = a document of the
 * job is broken; NULL = no memory. In webhook_body.c. */
char *ij_webhook_body(struct imgjob_store *store, const struct ij_record *record);

/* Fill a view from a record, which stays the caller's. */
int ij_view_make(struct imgjob_store *store, const struct ij_record *record,
                 struct imgjob_job **out, struct imgjob_error *err);

/* See imgjob_job_version(). */
enum { IJ_VERSION_SIZE = 48 };
void ij_view_version(const struct ij_job *row, char out[IJ_VERSION_SIZE]);

/* Hold a view once more: each holder frees it. @return it */
struct imgjob_job *ij_view_hold(struct imgjob_job *job);

/* Whether a view is that of this row as it stands. */
bool ij_view_is_of(const struct imgjob_job *job, const struct ij_job *row);

/* One output as the result of a job names it. */
struct ij_job_output {
    char key[IJ_BLOB_KEY_SIZE];
    uint32_t format;
    uint64_t len; /* bytes */
    char sha256[IJ_SHA256_HEX_SIZE];
};

/* The output at `index` of a job's result. @return 0, 1 when there are fewer, or STORE,
 * NOMEM */
int ij_job_output_at(const char *result, size_t index, struct ij_job_output *out,
                     struct imgjob_error *err);

/* Find an output in a job's result. @param name NULL = the first. @return 0 or NOTFOUND
 */
int ij_job_output_find(const char *result, const char *name, struct ij_job_output *out,
                       struct imgjob_error *err);

/* A document of a row, parsed; NULL where there is none. @return 0, or STORE, NOMEM */
int ij_document_parse(const char *text, struct ij_json **out, struct imgjob_error *err);

/* Remove what nobody owns: blobs without a row, drafts of a dead process; then everything
 * in gc. @param age_ms only what was not touched for so long. */
int ij_store_collect(struct imgjob_store *store, uint64_t age_ms,
                     struct imgjob_error *err);

/* Remove the blobs of a job that has gone, those that are left to the next sweep aside.
 * @param keys each ended by '\n' */
void ij_store_remove(struct imgjob_store *store, const char *keys);

/* The thread that takes back leases and removes what has expired. */
int ij_sweeper_start(struct imgjob_store *store, struct imgjob_error *err);
void ij_sweeper_stop(struct imgjob_store *store);
