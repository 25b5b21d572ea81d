/** Queues: where jobs wait, and how much of the workers each may have. */
#ifndef IMGJOB_QUEUE_H
#define IMGJOB_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>
#include <imgjob/store.h>

IMGJOB_BEGIN_DECLS

/** Queues of one store, at most. @since 0.1 */
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
 * @return 0, or IMGJOB_E_STORE
 * @since 0.1
 */
IMGJOB_API int imgjob_queue_list(struct imgjob_store *store, struct imgjob_queue *out,
                                 size_t *out_count, struct imgjob_error *err);

/**
 * Let no job of a queue begin; those that run go on. The queue is made if absent, and
 * stays paused over restarts. Idempotent, as is resuming.
 *
 * @param name letters, digits and _.:-, 64 bytes at most
 * @return 0, or IMGJOB_E_INVALID (no such name, or too many queues), _BUSY, _STORE
 * @since 0.1
 */
IMGJOB_API int imgjob_queue_pause(struct imgjob_store *store, const char *name,
                                  struct imgjob_error *err);

/** Let its jobs begin again; otherwise as imgjob_queue_pause(). @since 0.1 */
IMGJOB_API int imgjob_queue_resume(struct imgjob_store *store, const char *name,
                                   struct imgjob_error *err);

/** How many of its jobs may run at a time, on all workers of the store together: 0 = as
 * many as there are; otherwise as imgjob_queue_pause(). @since 0.1 */
IMGJOB_API int imgjob_queue_set_limit(struct imgjob_store *store, const char *name,
                                      uint32_t limit, struct imgjob_error *err);

/** Its share against other queues that have jobs: of two with 3 and 1, the first one
 * begins three jobs for each of the second; 1..100, at first 1; otherwise as
 * imgjob_queue_pause(). @since 0.1 */
IMGJOB_API int imgjob_queue_set_weight(struct imgjob_store *store, const char *name,
                                       uint32_t weight, struct imgjob_error *err);

IMGJOB_END_DECLS
#endif
