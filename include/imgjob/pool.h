/** Workers that run jobs: processes of their own, so one bad image costs one job. */
#ifndef IMGJOB_POOL_H
#define IMGJOB_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>
#include <imgjob/image.h>
#include <imgjob/log.h>
#include <imgjob/store.h>

IMGJOB_BEGIN_DECLS

/** Where images are decoded. There is no silent fallback between them. @since 0.1 */
enum imgjob_isolation {
    IMGJOB_ISOLATION_PROCESS = 0, /**< each worker is a process: the default */
    IMGJOB_ISOLATION_INLINE = 1   /**< in threads of this process: trusted images only */
};

/** Zero or NULL means "default" in every field. @since 0.1 */
struct imgjob_pool_options {
    size_t size;        /**< sizeof(struct imgjob_pool_options) */
    uint32_t workers;   /**< 1..256; 0 = one per CPU that affinity and cgroup leave us */
    uint32_t isolation; /**< enum imgjob_isolation */

    /** The imgjob-worker program; NULL = the one installed, or built, with this library.
     * With a `registry`, a program that calls imgjob_worker_main(). */
    const char *worker_path;
    const struct imgjob_limits *limits; /**< NULL = all defaults */
    /** Wall time of one attempt, then SIGKILL: 10..3,600,000; 0 = 30,000. */
    uint32_t job_timeout_ms;
    uint32_t job_cpu_ms; /**< CPU time of one attempt, 1000..3,600,000; 0 = 20,000 */
    /** A silent process loses its job after this, 10,000..3,600,000; 0 = 30,000. */
    uint32_t lease_ms;
    uint32_t recycle_jobs; /**< replace a worker after this many jobs; 0 = 500 */
    uint64_t recycle_rss;  /**< or when its resident bytes are more; 0 = 268,435,456 */
    /** Bytes of a worker's address space, 268,435,456..2^50; 0 = 2,147,483,648. */
    uint64_t worker_memory_limit;
    uint32_t paused;      /**< 1 = begin without claiming; see imgjob_pool_resume() */
    uint32_t safe_shrink; /**< as in struct imgjob_run_options */
    imgjob_log_fn log;    /**< NULL = silent */
    void *log_data;       /**< handed to `log` */
    /** Operations that jobs may name, from imgjob/operation.h; must outlive the pool;
     * NULL = those of this library. Every pool of a store needs it: one that does not
     * know an operation fails the jobs that name it. */
    const struct imgjob_registry *registry;
};

/** A running pool. Shared: any thread may use it. @since 0.1 */
struct imgjob_pool;

/**
 * Start workers that take jobs from `store` until imgjob_pool_close().
 *
 * Comes back once the first worker has proved that it can run; a worker that cannot be
 * started is an error here, and later a log line and a growing delay.
 *
 * Worker processes are children of the program: it must not ignore SIGCHLD nor reap
 * children that it does not know (wait(), waitpid(-1)), or how a worker ended is lost and
 * a job over its memory or CPU limit looks like a crash.
 *
 * @param store   must outlive the pool
 * @param options read during the call only; NULL = all defaults
 * @param out     the caller's, to end with imgjob_pool_close(); untouched on failure
 * @return 0, or IMGJOB_E_INVALID, _ABI, _CRASHED (the worker does not start), _NOMEM,
 *         _INTERNAL
 * @since 0.1
 */
IMGJOB_API int imgjob_pool_open(struct imgjob_store *store,
                                const struct imgjob_pool_options *options,
                                struct imgjob_pool **out, struct imgjob_error *err);

/**
 * Change the number of workers. Those that go finish their job first, and nobody waits
 * for them, unless one that is just ending is wanted again.
 *
 * @param workers 1..256
 * @return 0, or IMGJOB_E_INVALID, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_pool_resize(struct imgjob_pool *pool, uint32_t workers,
                                  struct imgjob_error *err);

/**
 * Stop claiming; running jobs go on, and a worker that is just finishing one may still
 * take its next. Idempotent.
 *
 * @since 0.1
 */
IMGJOB_API void imgjob_pool_pause(struct imgjob_pool *pool);

/** Claim again. Idempotent. @since 0.1 */
IMGJOB_API void imgjob_pool_resume(struct imgjob_pool *pool);

/**
 * Stop claiming and wait until nothing runs.
 *
 * @param timeout_ms how long to wait at the most; 0 = only look
 * @return 0 when nothing runs, 1 when something still does
 * @since 0.1
 */
IMGJOB_API int imgjob_pool_drain(struct imgjob_pool *pool, uint32_t timeout_ms);

/**
 * End a pool; NULL is fine. What still runs is stopped and released: it is ready again in
 * the store with no attempt counted. Call imgjob_pool_drain() before to let it finish.
 *
 * @since 0.1
 */
IMGJOB_API void imgjob_pool_close(struct imgjob_pool *pool);

/** What a pool does at one moment. @since 0.1 */
struct imgjob_pool_stats {
    size_t size;      /**< set by the caller: sizeof(struct imgjob_pool_stats) */
    uint32_t workers; /**< as asked for */
    uint32_t ready;   /**< workers that could take a job now or have one */
    uint32_t busy;    /**< workers that have a job */
    uint32_t stalled; /**< workers that wait because this machine lacks disk or memory */
    bool paused;
    bool crash_looping; /**< the last starts of every worker failed */
    uint32_t isolation; /**< enum imgjob_isolation */
    uint64_t finished;  /**< attempts ended since the pool was opened */
    uint64_t restarts;  /**< worker processes started beyond the first of each slot */
    uint64_t canceled;  /**< of the attempts ended: stopped, since a client asked */
};

/**
 * Look at a pool; never blocks on work.
 *
 * @param out `size` must be set; filled on success
 * @return 0, or IMGJOB_E_ABI
 * @since 0.1
 */
IMGJOB_API int imgjob_pool_read_stats(struct imgjob_pool *pool,
                                      struct imgjob_pool_stats *out,
                                      struct imgjob_error *err);

/**
 * How many CPUs this process may use: affinity and cgroup quota, rounded up, at least 1.
 *
 * @since 0.1
 */
IMGJOB_API uint32_t imgjob_cpu_count(void);

IMGJOB_END_DECLS
#endif
