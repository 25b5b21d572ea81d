/** Where jobs and their images live. What is acknowledged here survives a power cut. */
#ifndef IMGJOB_STORE_H
#define IMGJOB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>
#include <imgjob/job.h>
#include <imgjob/log.h>
#include <imgjob/spec.h>

IMGJOB_BEGIN_DECLS

/** An open store. Shared: any thread may use it. @since 0.1 */
struct imgjob_store;

/** How much a commit promises. @since 0.1 */
enum imgjob_durability {
    IMGJOB_DURABILITY_FULL = 0, /**< acknowledged = survives kill -9 and power loss */
    /** Survives kill -9; a power cut may lose the last commits. */
    IMGJOB_DURABILITY_NORMAL = 1
};

/** Zero or NULL means "default" in every field. @since 0.1 */
struct imgjob_store_options {
    size_t size; /**< sizeof(struct imgjob_store_options) */

    /** "sqlite:PATH", its directory created if absent; NULL = "sqlite:data/jobs.db".
     * "memory:" forgets all jobs at close, needs empty directories, and is for tests. */
    const char *jobs_url;
    /** "file:DIR", created if absent; NULL = "file:uploads". */
    const char *inputs_url;
    /** "file:DIR", created if absent, not the inputs' directory; NULL = "file:outputs".
     */
    const char *outputs_url;

    /** Bytes of all inputs of a job, at most 2^40; 0 = 10,485,760. */
    uint64_t max_upload_size;
    uint64_t max_queued_jobs; /**< jobs not yet ended; more are refused; 0 = 10,000 */

    /** Submits are refused below this free disk space, in bytes; 0 = the smaller of 5 %
     * of the file system and 1 GiB, 1 = no floor. */
    uint64_t min_free_bytes;

    /** Images of an ended job live this long, at most 36,500 days; 0 = 7 days. */
    uint64_t result_ttl_ms;
    uint64_t job_ttl_ms; /**< and its row this long, at most as much; 0 = 30 days */
    uint32_t durability; /**< enum imgjob_durability */
    /** Formats that are taken beside the usual, as in struct imgjob_limits: give it and
     * the pool the same. */
    uint32_t extra_formats;
    imgjob_log_fn log; /**< NULL = silent */
    void *log_data;    /**< handed to `log` */

    /** Bytes of all images of all jobs; beyond them the ended jobs whose results expire
     * next lose them early. 0 = no bound. */
    uint64_t max_stored_bytes;
    /** An idempotency key is remembered this long, at most 36,500 days; 0 = 24 hours. */
    uint64_t idempotency_ttl_ms;
    /** 1 = other processes on this machine may open the same store at the same time, all
     * of them with this set. What one does is seen by the others within 100 ms, and the
     * jobs of one that died are taken back by the others. */
    uint32_t multi_process;
    uint32_t reserved; /**< 0 */
    /** Where clients reach the front end, such as "https://images.example.org", 512 bytes
     * at most: stands before the path of every URL in a job's view and in webhooks. NULL
     * = the paths alone. */
    const char *public_url;
};

/**
 * Open a store, creating what is absent, and take back the jobs that a process which died
 * with this store left running: they are ready again, and no attempt is counted.
 *
 * One process at a time, unless multi_process is set: while another one has the database
 * or one of the directories open, IMGJOB_E_BUSY. A directory that is not empty and was
 * not made by this store is refused as IMGJOB_E_INVALID, so that no foreign file is ever
 * swept away.
 *
 * A thread in the background takes back expired leases and removes what has expired.
 *
 * @param options read during the call; NULL = all defaults
 * @param out     the caller's, to end with imgjob_store_close(); untouched on failure
 * @return 0, or IMGJOB_E_INVALID, _ABI, _BUSY, _STORE, _BLOB, _FULL, _NOMEM, _INTERNAL
 * @since 0.1
 */
IMGJOB_API int imgjob_store_open(const struct imgjob_store_options *options,
                                 struct imgjob_store **out, struct imgjob_error *err);

/**
 * Close a store; NULL is fine. Its pools must be closed and its drafts submitted or
 * discarded before. Threads in imgjob_store_wait() must have come back.
 *
 * @since 0.1
 */
IMGJOB_API void imgjob_store_close(struct imgjob_store *store);

/**
 * The inputs of a job as they arrive, spooled to disk beside their later places, counted
 * and hashed. It already holds the job's id. Owned by one thread at a time.
 *
 * @since 0.1
 */
struct imgjob_draft;

/**
 * Begin the input of a job, or its inputs.
 *
 * @param out the caller's, to end with imgjob_store_submit() or imgjob_draft_discard()
 * @return 0, or IMGJOB_E_FULL (disk floor), _BUSY (queue full), _BLOB, _STORE, _NOMEM,
 *         _INTERNAL
 * @since 0.1
 */
IMGJOB_API int imgjob_draft_open(struct imgjob_store *store, struct imgjob_draft **out,
                                 struct imgjob_error *err);

/**
 * Append bytes to the selected input.
 *
 * @return 0, or IMGJOB_E_LIMIT when they would exceed max_upload_size, _IMAGE when the
 * first ones are of no image we read, _FULL when the disk is full, _BLOB, _INTERNAL, or
 * _INVALID when a call for the draft has failed before; after a failure only discard is
 * allowed
 * @since 0.1
 */
IMGJOB_API int imgjob_draft_write(struct imgjob_draft *draft, const void *data,
                                  size_t len, struct imgjob_error *err);

/**
 * Let what is written from now on belong to input `input`, which begins when it is first
 * selected. Input 0 is the image, and selected at the beginning; 1..IMGJOB_INPUTS_MAX are
 * the further images that steps take, such as `"input": 1` of `composite`. Those selected
 * must be those that the steps of the spec take: no gap, none empty, none left over.
 * max_upload_size counts the bytes of all of them.
 *
 * @param input 0..IMGJOB_INPUTS_MAX, in any order
 * @return 0, or IMGJOB_E_INVALID, _FULL, _BLOB, _NOMEM, _INTERNAL; after a failure only
 * discard is allowed
 * @since 0.1
 */
IMGJOB_API int imgjob_draft_select(struct imgjob_draft *draft, uint32_t input,
                                   struct imgjob_error *err);

/** The id the job will have. @return borrowed until the draft ends @since 0.1 */
IMGJOB_API const char *imgjob_draft_id(const struct imgjob_draft *draft);

/** Drop inputs that will not be submitted, with their bytes; NULL is fine. @since 0.1 */
IMGJOB_API void imgjob_draft_discard(struct imgjob_draft *draft);

/**
 * Begin a draft with the inputs of an earlier job, copied: its image again, for other
 * outputs. The format of each is checked again at submit.
 *
 * @param id  a job whose images have not expired
 * @param out the caller's, to end with imgjob_store_submit() or imgjob_draft_discard()
 * @return 0, or IMGJOB_E_NOTFOUND (no such job), _CONFLICT (its images have expired), or
 *         what imgjob_draft_open() and imgjob_draft_write() return
 * @since 0.1
 */
IMGJOB_API int imgjob_draft_open_from(struct imgjob_store *store, const char *id,
                                      struct imgjob_draft **out,
                                      struct imgjob_error *err);

/** Zero or NULL means "default", or "none", in every field. @since 0.1 */
struct imgjob_submit_options {
    size_t size;           /**< sizeof(struct imgjob_submit_options) */
    uint32_t max_attempts; /**< tries when the trouble may pass, 1..20; 0 = 3 */
    uint32_t has_priority; /**< 1 = `priority` is meant */
    uint32_t priority;     /**< 0 (first)..9 (last), within its queue; else 5 */
    /** Wall time of one attempt, 10..3,600,000, where it is shorter than the pool's
     * job_timeout_ms; 0 = the pool's. */
    uint32_t timeout_ms;
    /** Whose jobs these are: letters, digits and _.:- (64 bytes at most); NULL =
     * "default". The tenants of a queue take turns. */
    const char *tenant;
    const char *queue;      /**< as `tenant`; made when it is new; NULL = "default" */
    int64_t run_at_ms;      /**< not before, ms since 1970 UTC; or … */
    uint64_t delay_ms;      /**< … not before so long from now, at most 36,500 days */
    int64_t deadline_ms;    /**< fails unless begun by then, ms since 1970 UTC */
    uint64_t result_ttl_ms; /**< instead of the store's, for this job */
    uint64_t job_ttl_ms;    /**< instead of the store's, for this job */
    /** http: or https: URL that is told of the job's end, 2,048 bytes at most; needs
     * imgjob/webhook.h. */
    const char *callback_url;
    const char *const *tags; /**< `tag_count` words like `tenant`, none twice */
    size_t tag_count;        /**< 0..16 */
    /** 1..255 printable ASCII characters. A second submit of the tenant with the same key
     * is answered with the first one's job, if it asks for the same, else refused;
     * `batch` and `traceparent` may differ. */
    const char *idempotency_key;
    /** 1 = be answered with a job of this tenant and queue that was itself submitted with
     * `dedup`, has the same inputs, spec, tags and priority and no callback, and is under
     * way or can still be fetched. Not together with `callback_url`. */
    uint32_t dedup;
    uint32_t reserved; /**< 0 */
    /** A batch the job joins: a UUID in lower case, such as imgjob_id_new() makes. */
    const char *batch;
    const char *traceparent; /**< W3C Trace Context, kept and logged */
};

/** How a submit was answered. @since 0.1 */
enum imgjob_submit_outcome {
    IMGJOB_SUBMIT_NEW = 0,         /**< a new job */
    IMGJOB_SUBMIT_REPLAYED = 1,    /**< the job of an earlier submit with this key */
    IMGJOB_SUBMIT_DEDUPLICATED = 2 /**< a job that was there; its expiry is extended */
};

/** @since 0.1 */
struct imgjob_submitted {
    size_t size;             /**< set by the caller: sizeof(struct imgjob_submitted) */
    char id[IMGJOB_ID_SIZE]; /**< of the job */
    uint32_t outcome;        /**< enum imgjob_submit_outcome */
};

/** A new UUIDv7, for a batch. @return 0 or IMGJOB_E_INTERNAL @since 0.1 */
IMGJOB_API int imgjob_id_new(char out[IMGJOB_ID_SIZE], struct imgjob_error *err);

/**
 * Make a job of a draft. When this returns 0 the images and the job are on disk: they
 * survive kill -9 and, with durability full, a power cut.
 *
 * The format is decided from the first bytes; what is no image we read is refused here.
 *
 * @param draft   taken on success; after a failure it is still the caller's, and only
 *                imgjob_draft_discard() is allowed
 * @param spec    borrowed during the call
 * @param options read during the call; NULL = all defaults
 * @param out     may be NULL: the job has the draft's id unless the options have an
 *                idempotency_key or `dedup`
 * @return 0, or IMGJOB_E_IMAGE (no known format, empty), _SPEC (it takes other inputs
 * than there are), _BUSY (queue full), _CONFLICT (the idempotency key was used for
 * something else), _FULL, _STORE, _BLOB, _INVALID, _ABI, _NOMEM, _INTERNAL
 * @since 0.1
 */
IMGJOB_API int imgjob_store_submit(struct imgjob_store *store, struct imgjob_draft *draft,
                                   const struct imgjob_spec *spec,
                                   const struct imgjob_submit_options *options,
                                   struct imgjob_submitted *out,
                                   struct imgjob_error *err);

/** At most so many at once. @since 0.1 */
#define IMGJOB_SUBMIT_MAX 100

/**
 * Make jobs of several drafts in one commit: all of them or none. Otherwise as
 * imgjob_store_submit().
 *
 * @param drafts  `count` of them, each taken on success; after a failure all are still
 *                the caller's, and only imgjob_draft_discard() is allowed
 * @param specs   one for each draft; one may stand several times
 * @param options for all of them; an idempotency_key stands for the whole list, and a
 *                repeat gives the first submit's jobs if it had as many
 * @param out     NULL, or `count` of them, `size` set in each
 * @param count   1..IMGJOB_SUBMIT_MAX
 * @since 0.1
 */
IMGJOB_API int imgjob_store_submit_many(struct imgjob_store *store,
                                        struct imgjob_draft *const *drafts,
                                        const struct imgjob_spec *const *specs,
                                        const struct imgjob_submit_options *options,
                                        struct imgjob_submitted *out, size_t count,
                                        struct imgjob_error *err);

/**
 * Read a job.
 *
 * @param id  36 characters; anything else is a job that does not exist
 * @param out the caller's, to end with imgjob_job_free(); untouched on failure
 * @return 0, or IMGJOB_E_NOTFOUND, _BUSY, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_get(struct imgjob_store *store, const char *id,
                                struct imgjob_job **out, struct imgjob_error *err);

/**
 * Read a job once it has ended, or as it is after `timeout_ms`. Sleeps on a condition;
 * nothing polls.
 *
 * @param timeout_ms 0..600,000; 0 = as imgjob_store_get()
 * @param out        the caller's, to end with imgjob_job_free(); untouched on failure
 * @return 0 (look at imgjob_job_is_ended()), or IMGJOB_E_NOTFOUND, _INVALID, _BUSY,
 *         _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_wait(struct imgjob_store *store, const char *id,
                                 uint32_t timeout_ms, struct imgjob_job **out,
                                 struct imgjob_error *err);

/**
 * Cancel a job: one that waits is cancelled at once, one that runs is stopped, also
 * inside an encoder, and is cancelled within 500 ms where its worker is a process of this
 * machine. Cancelling a running job again is fine.
 *
 * @param out NULL, or the job as it then is: cancelled, or processing; the caller's, to
 *            end with imgjob_job_free(); untouched on failure
 * @return 0, or IMGJOB_E_NOTFOUND, _CONFLICT (it has ended), _BUSY, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_cancel(struct imgjob_store *store, const char *id,
                                   struct imgjob_job **out, struct imgjob_error *err);

/**
 * Run a failed or cancelled job again, with all its attempts and without a deadline.
 *
 * @param out as in imgjob_store_cancel()
 * @return 0, or IMGJOB_E_NOTFOUND, _CONFLICT (it runs, waits or completed, or its images
 *         have expired), _BUSY (queue full), _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_retry(struct imgjob_store *store, const char *id,
                                  struct imgjob_job **out, struct imgjob_error *err);

/**
 * Remove an ended job with its images, now.
 *
 * @return 0, or IMGJOB_E_NOTFOUND, _CONFLICT (it has not ended: cancel it first), _BUSY,
 *         _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_purge(struct imgjob_store *store, const char *id,
                                  struct imgjob_error *err);

/**
 * Let every waiter come back now, and later ones at once, as if their time were over:
 * for a program that is about to end.
 *
 * @since 0.1
 */
IMGJOB_API void imgjob_store_wake_waiters(struct imgjob_store *store);

/** An output that is being read. Owned by one thread at a time. @since 0.1 */
struct imgjob_download;

/**
 * Open an output of a completed job for reading.
 *
 * @param name an output's name; NULL = the first one in the order of the spec
 * @param out  the caller's, to end with imgjob_download_close(); untouched on failure
 * @return 0, or IMGJOB_E_NOTFOUND (no such job or output), _CONFLICT (the job has not
 *         completed, or its images have expired), _BUSY, _BLOB, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_open_output(struct imgjob_store *store, const char *id,
                                        const char *name, struct imgjob_download **out,
                                        struct imgjob_error *err);

/** SHA-256 of the image in lower-case hex. @return borrowed until close @since 0.1 */
IMGJOB_API const char *imgjob_download_sha256(const struct imgjob_download *download);

/** A descriptor of the image for sendfile() and the like. @return borrowed until close,
 * or -1 where the image is not a file of this machine @since 0.1 */
IMGJOB_API int imgjob_download_fd(const struct imgjob_download *download);

/** @return enum imgjob_format @since 0.1 */
IMGJOB_API uint32_t imgjob_download_format(const struct imgjob_download *download);

/** Length of the image in bytes. @since 0.1 */
IMGJOB_API uint64_t imgjob_download_length(const struct imgjob_download *download);

/**
 * Read from `offset`.
 *
 * @param out_len how many bytes were read: `len`, or fewer at the end of the image
 * @return 0, or IMGJOB_E_BLOB
 * @since 0.1
 */
IMGJOB_API int imgjob_download_read(struct imgjob_download *download, uint64_t offset,
                                    void *buffer, size_t len, size_t *out_len,
                                    struct imgjob_error *err);

/** End reading; NULL is fine. @since 0.1 */
IMGJOB_API void imgjob_download_close(struct imgjob_download *download);

/** What a store holds; from counters, so it costs the same at any size. @since 0.1 */
struct imgjob_store_stats {
    size_t size;        /**< set by the caller: sizeof(struct imgjob_store_stats) */
    uint64_t scheduled; /**< jobs waiting for their time (a retry's delay) */
    uint64_t ready;     /**< jobs waiting for a worker */
    uint64_t running;
    uint64_t succeeded; /**< ended jobs still in the store */
    uint64_t failed;
    uint64_t canceled;
    uint64_t max_queued_jobs;
    uint64_t free_bytes;     /**< on the fuller of the file systems it writes to */
    uint64_t min_free_bytes; /**< the floor in force */
    uint64_t stored_bytes;   /**< of all images of all jobs */
    uint64_t deliveries;     /**< webhooks that wait to be sent */
};

/**
 * Read the counters, after a round trip to the database that proves it is alive.
 *
 * @param out `size` must be set; filled on success
 * @return 0, or IMGJOB_E_BUSY, _STORE, _BLOB, _NOMEM, _ABI
 * @since 0.1
 */
IMGJOB_API int imgjob_store_read_stats(struct imgjob_store *store,
                                       struct imgjob_store_stats *out,
                                       struct imgjob_error *err);

IMGJOB_END_DECLS
#endif
