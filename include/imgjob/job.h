/** A job as it was at one moment: an immutable view. */
#ifndef IMGJOB_JOB_H
#define IMGJOB_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>

IMGJOB_BEGIN_DECLS

/** Bytes of a job id's text, terminator included: a UUIDv7 in lower case. @since 0.1 */
#define IMGJOB_ID_SIZE 37

/** What a client needs to know. @since 0.1 */
enum imgjob_status {
    IMGJOB_STATUS_PENDING = 0,    /**< accepted, waiting for a worker or for its time */
    IMGJOB_STATUS_PROCESSING = 1, /**< a worker has it */
    IMGJOB_STATUS_COMPLETED = 2,  /**< ended: outputs can be fetched until they expire */
    IMGJOB_STATUS_FAILED = 3,     /**< ended: imgjob_job_error() says why */
    IMGJOB_STATUS_CANCELLED = 4   /**< ended: somebody asked for it */
};

/** The exact state behind the status. The numbers are those on disk. @since 0.1 */
enum imgjob_state {
    IMGJOB_STATE_BLOCKED = 0, /**< reserved */
    IMGJOB_STATE_SCHEDULED = 1,
    IMGJOB_STATE_READY = 2,
    IMGJOB_STATE_RUNNING = 3,
    IMGJOB_STATE_SUCCEEDED = 4,
    IMGJOB_STATE_FAILED = 5,
    IMGJOB_STATE_CANCELED = 6
};

/** One job, read once. Immutable: any thread may read it. @since 0.1 */
struct imgjob_job;

/** The id's text. @return borrowed until imgjob_job_free() @since 0.1 */
IMGJOB_API const char *imgjob_job_id(const struct imgjob_job *job);

/** @return enum imgjob_status @since 0.1 */
IMGJOB_API uint32_t imgjob_job_status(const struct imgjob_job *job);

/** "pending", "processing", "completed", "failed", "cancelled". @since 0.1 */
IMGJOB_API const char *imgjob_job_status_name(const struct imgjob_job *job);

/** @return enum imgjob_state @since 0.1 */
IMGJOB_API uint32_t imgjob_job_state(const struct imgjob_job *job);

/**
 * Whether it completed, failed or was cancelled: nothing will run any more.
 *
 * @since 0.1
 */
IMGJOB_API bool imgjob_job_is_ended(const struct imgjob_job *job);

/**
 * One sentence on why it failed.
 *
 * @return borrowed until imgjob_job_free(); "" unless failed
 * @since 0.1
 */
IMGJOB_API const char *imgjob_job_error(const struct imgjob_job *job);

/**
 * Why a failed job failed, one word of a closed list: format truncated corrupt too_large
 * spec step encode output_limit memory timeout cpu sandbox input_missing deadline poison
 * lost store blob internal.
 *
 * @return a constant string; "" unless failed
 * @since 0.1
 */
IMGJOB_API const char *imgjob_job_reason(const struct imgjob_job *job);

/** Whose it is, by name. @return borrowed until imgjob_job_free() @since 0.1 */
IMGJOB_API const char *imgjob_job_tenant(const struct imgjob_job *job);

/** Its queue, by name. @return borrowed until imgjob_job_free() @since 0.1 */
IMGJOB_API const char *imgjob_job_queue(const struct imgjob_job *job);

/**
 * What tells one view of a job from another: differs whenever state, progress, flags or
 * expiry do.
 *
 * @return a short word, borrowed until imgjob_job_free()
 * @since 0.1
 */
IMGJOB_API const char *imgjob_job_version(const struct imgjob_job *job);

/** Per cent of the attempt that runs; 100 once completed. @since 0.1 */
IMGJOB_API uint32_t imgjob_job_progress(const struct imgjob_job *job);

/** Milliseconds since 1970 UTC at which it was submitted. @since 0.1 */
IMGJOB_API int64_t imgjob_job_created_ms(const struct imgjob_job *job);

/** Milliseconds since 1970 UTC of its last change of state. @since 0.1 */
IMGJOB_API int64_t imgjob_job_updated_ms(const struct imgjob_job *job);

/**
 * How many outputs can be fetched; 0 unless completed, and again once expired.
 *
 * @since 0.1
 */
IMGJOB_API size_t imgjob_job_output_count(const struct imgjob_job *job);

/**
 * The name of the output at `index`, in the order of the spec.
 *
 * @return borrowed until imgjob_job_free(); NULL when there are fewer
 * @since 0.1
 */
IMGJOB_API const char *imgjob_job_output_name(const struct imgjob_job *job, size_t index);

/**
 * What is known about the image, for a spec with `"info": true`: a JSON object, as
 * imgjob_info_json() describes it.
 *
 * @return borrowed until imgjob_job_free(); NULL when the spec did not ask, unless
 * completed, and once the outputs have expired
 * @since 0.1
 */
IMGJOB_API const char *imgjob_job_info(const struct imgjob_job *job);

/**
 * The job as a JSON object, the same in every front end: id, status, state, reason,
 * input_path, output_path, operation, width, height (for the short form), queue,
 * priority, tags, batch, callback_url, attempt, max_attempts, progress (percent, stage,
 * output), cancel_requested, run_at, deadline, error, failure (if failed), outputs,
 * srcset (of a format that there is in several widths), info (if asked for), timings,
 * created_at, updated_at, result_expires_at and expires_at (RFC 3339).
 *
 * @return borrowed until imgjob_job_free()
 * @since 0.1
 */
IMGJOB_API const char *imgjob_job_json(const struct imgjob_job *job);

/** Free a view; NULL is fine. @since 0.1 */
IMGJOB_API void imgjob_job_free(struct imgjob_job *job);

IMGJOB_END_DECLS
#endif
