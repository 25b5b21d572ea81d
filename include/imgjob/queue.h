/** Queues: where jobs wait, and how much of the workers each may have. */
#ifndef IMGJOB_QUEUE_H
#define IMGJOB_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>
#include <imgjob/store.h>

IMGJOB_BEGIN_DECLS

/** Queues of one store, at most: a new name beyond takes the place of a queue without
 * jobs, ended ones included, and without settings, or is refused. @since 0.1 */
#define IMGJOB_QUEUES_MAX 256

/** Bytes of a queue's name, terminator included. @since 0.1 */
#define IMGJOB_NAME_SIZE 65

/** A queue at one moment. @since 0.1 */
struct imgjob_queue {
    char name[IMGJOB_NAME_SIZE];
    bool paused;     /**< none of its jobs begins */
    uint32_t limit;  /**< jobs running at a time; 0 = no limit */
    uint32_t weight; /**< its share of the workers against other queues, 1..100 */
    uint64_t scheduled, ready, running, succeeded, failed, canceled; /**< jobs */
    int64_t oldest_ready_ms; /**< since when its longest waiting job is ready, ms since
                                1970 UTC; 0 = none is */
};

/**
 * Read all queues, by name; from counters, so it costs the same at any number of jobs.
 * The list is never empty: "default" is always there.
 *
 * @param out       room for IMGJOB_QUEUES_MAX
 * @param out_count how many were filled
 * @return 0, or IMGJOB_E_BUSY, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_queue_list(struct imgjob_store *store, struct imgjob_queue *out,
                                 size_t *out_count, struct imgjob_error *err);

/**
 * Let no job of a queue begin; those that run go on. The queue is made if absent, and
 * stays paused over restarts. Idempotent, as is resuming.
 *
 * @param name letters, digits and _.:-, 64 bytes at most
 * @return 0, or IMGJOB_E_INVALID (no such name, or too many queues), _BUSY, _STORE,
 *         _FULL, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_queue_pause(struct imgjob_store *store, const char *name,
                                  struct imgjob_error *err);

/** Let its jobs begin again; otherwise as imgjob_queue_pause(). @since 0.1 */
IMGJOB_API int imgjob_queue_resume(struct imgjob_store *store, const char *name,
                                   struct imgjob_error *err);

/** What to set of a queue; zero = leave it as it is. @since 0.1 */
struct imgjob_queue_settings {
    size_t size;         /**< sizeof(struct imgjob_queue_settings) */
    uint32_t has_paused; /**< 1 = paused is meant */
    uint32_t paused;     /**< 1 = as imgjob_queue_pause(), 0 = as imgjob_queue_resume() */
    uint32_t has_limit;  /**< 1 = limit is meant */
    uint32_t limit; /**< jobs running at a time, on all workers of the store together;
                       0 = as many as there are */
    uint32_t has_weight; /**< 1 = weight is meant */
    uint32_t weight;     /**< its share against other queues that have jobs: of two with 3
                            and 1, the first one begins three jobs for each of the second;
                            1..100, at first 1 */
};

/**
 * Set several things of a queue at once: all of them are durable, or none. The queue is
 * made if absent.
 *
 * @param name     letters, digits and _.:-, 64 bytes at most
 * @param settings read during the call only
 * @return 0, or IMGJOB_E_INVALID (no such name, a number out of its range, too many
 *         queues), _ABI, _BUSY, _STORE, _FULL, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_queue_set(struct imgjob_store *store, const char *name,
                                const struct imgjob_queue_settings *settings,
                                struct imgjob_error *err);

IMGJOB_END_DECLS
#endif
