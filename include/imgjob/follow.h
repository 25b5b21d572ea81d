/** Many jobs: lists of them, and what happens to them as it happens. */
#ifndef IMGJOB_FOLLOW_H
#define IMGJOB_FOLLOW_H

#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>
#include <imgjob/job.h>
#include <imgjob/store.h>

IMGJOB_BEGIN_DECLS

/**
 * Read a job once it differs from what the caller has seen, or as it is after
 * `timeout_ms`.
 *
 * @param version    what imgjob_job_version() said; "" = nothing was seen: at once
 * @param timeout_ms 0..600,000
 * @param out        the caller's, to end with imgjob_job_free(); untouched on failure
 * @return 0 (compare imgjob_job_version()), or IMGJOB_E_NOTFOUND, _INVALID, _BUSY,
 *         _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_wait_change(struct imgjob_store *store, const char *id,
                                        const char *version, uint32_t timeout_ms,
                                        struct imgjob_job **out,
                                        struct imgjob_error *err);

/** Jobs on a page, at most. @since 0.1 */
#define IMGJOB_LIST_MAX 100

/** Which jobs a list holds. Zero or NULL means "all" in every field. @since 0.1 */
struct imgjob_list_options {
    size_t size;        /**< sizeof(struct imgjob_list_options) */
    const char *tenant; /**< only this one's */
    const char *queue;  /**< only of this queue */
    const char *tag;    /**< only those with this tag */
    const char *batch;  /**< only those of this batch */
    uint32_t statuses;  /**< bits 1 << enum imgjob_status */
    uint32_t limit;     /**< 1..IMGJOB_LIST_MAX; 0 = 50 */
    const char *cursor; /**< imgjob_job_list_next() of the page before; NULL = first */
};

/** A page of jobs. Immutable: any thread may read it. @since 0.1 */
struct imgjob_job_list;

/**
 * Read a page of jobs, newest first; the cost is that of the page, however many there
 * are. A page may be short, even empty, while there is a next one.
 *
 * @param options read during the call; NULL = all defaults
 * @param out     the caller's, to end with imgjob_job_list_free(); untouched on failure
 * @return 0, or IMGJOB_E_INVALID (also: no cursor of ours), _ABI, _BUSY, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_list(struct imgjob_store *store,
                                 const struct imgjob_list_options *options,
                                 struct imgjob_job_list **out, struct imgjob_error *err);

/** @since 0.1 */
IMGJOB_API size_t imgjob_job_list_count(const struct imgjob_job_list *list);

/** @return borrowed until imgjob_job_list_free(); NULL when there are fewer @since 0.1 */
IMGJOB_API const struct imgjob_job *imgjob_job_list_at(const struct imgjob_job_list *list,
                                                       size_t index);

/** The cursor of the next page. @return borrowed until imgjob_job_list_free(); NULL =
 * this is the last @since 0.1 */
IMGJOB_API const char *imgjob_job_list_next(const struct imgjob_job_list *list);

/** Free a page; NULL is fine. @since 0.1 */
IMGJOB_API void imgjob_job_list_free(struct imgjob_job_list *list);

/** What happens to jobs, in order. Owned by one thread at a time. @since 0.1 */
struct imgjob_feed;

/**
 * Follow the jobs of a tenant from a position on. Nothing is missed: a position is kept
 * in the store, and each job that changed since is told once, as it is when it is read.
 * Progress within an attempt is told by imgjob_store_wait_change() only.
 *
 * @param tenant   NULL = all
 * @param position of imgjob_feed_position(); NULL = from now on
 * @param out      the caller's, to end with imgjob_feed_close() before the store is
 *                 closed; untouched on failure
 * @return 0, or IMGJOB_E_INVALID (no position of ours), _BUSY, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_feed_open(struct imgjob_store *store, const char *tenant,
                                const char *position, struct imgjob_feed **out,
                                struct imgjob_error *err);

/**
 * Wait for the next job that changed. The feed's position is then behind it.
 *
 * @param timeout_ms 0..600,000
 * @param out        the caller's, to end with imgjob_job_free(); untouched unless 0
 * @return 0, 1 when the time is over, or IMGJOB_E_BUSY, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_feed_next(struct imgjob_feed *feed, uint32_t timeout_ms,
                                struct imgjob_job **out, struct imgjob_error *err);

/** Where the feed stands. @return borrowed until the next call for it @since 0.1 */
IMGJOB_API const char *imgjob_feed_position(const struct imgjob_feed *feed);

/** End a feed; NULL is fine. @since 0.1 */
IMGJOB_API void imgjob_feed_close(struct imgjob_feed *feed);

/** How far a batch is. @since 0.1 */
struct imgjob_batch_stats {
    size_t size; /**< set by the caller: sizeof(struct imgjob_batch_stats) */
    uint64_t pending, processing, completed, failed, cancelled; /**< jobs */
};

/**
 * Count the jobs of a batch that are still in the store.
 *
 * @param batch the id that its jobs were submitted with
 * @param out   `size` must be set; filled on success
 * @return 0, or IMGJOB_E_NOTFOUND (no job has it), _ABI, _BUSY, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_batch_read_stats(struct imgjob_store *store, const char *batch,
                                       struct imgjob_batch_stats *out,
                                       struct imgjob_error *err);

IMGJOB_END_DECLS
#endif
