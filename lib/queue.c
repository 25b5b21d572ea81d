/* Owns queues as an operator sees them. */
#include <imgjob/queue.h>

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "store.h"

_Static_assert((int)IMGJOB_QUEUES_MAX == (int)IJ_QUEUES_MAX, "the same queues");
_Static_assert((int)IMGJOB_NAME_SIZE == (int)IJ_NAME_SIZE, "the same names");

static void fill(struct imgjob_queue *out, const struct ij_queue_stats *queue)
{
    *out = (struct imgjob_queue){
        .paused = queue->is_paused,
        .limit = queue->limit,
        .weight = queue->weight,
        .scheduled = queue->by_state[IMGJOB_STATE_SCHEDULED],
        .ready = queue->by_state[IMGJOB_STATE_READY],
        .running = queue->by_state[IMGJOB_STATE_RUNNING],
        .succeeded = queue->by_state[IMGJOB_STATE_SUCCEEDED],
        .failed = queue->by_state[IMGJOB_STATE_FAILED],
        .canceled = queue->by_state[IMGJOB_STATE_CANCELED],
        .oldest_ready_ms = queue->oldest_ready,
    };
    memcpy(out->name, queue->name, sizeof(out->name));
}

int imgjob_queue_list(struct imgjob_store *store, struct imgjob_queue *out,
                      size_t *out_count, struct imgjob_error *err)
{
    IJ_AUTO(ij_free)
    struct ij_queue_stats *queues = calloc(IJ_QUEUES_MAX, sizeof(*queues));
    if (!queues)
        return ij_fail_nomem(err, "reading the queues");
    size_t count = 0;
    int rc = store->jobs->ops->queues(store->jobs, queues, &count, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        fill(&out[i], &queues[i]);
    *out_count = count;
    return 0;
}

int ij_store_note_limits(struct imgjob_store *store, struct imgjob_error *err)
{
    if (store->config.is_shared) { /* another process may set one at any time */
        atomic_store(&store->has_limits, true);
        return 0;
    }
    IJ_AUTO(ij_free)
    struct ij_queue_stats *queues = calloc(IJ_QUEUES_MAX, sizeof(*queues));
    if (!queues)
        return ij_fail_nomem(err, "reading the queues");
    size_t count = 0;
    int rc = store->jobs->ops->queues(store->jobs, queues, &count, err);
    for (size_t i = 0; i < count && rc == 0; i++)
        if (queues[i].limit > 0)
            atomic_store(&store->has_limits, true); /* once one, it stays so */
    return rc;
}

static int apply(struct imgjob_store *store, const struct ij_queue_set *set,
                 struct imgjob_error *err)
{
    if (!set->name)
        return ij_fail(err, IMGJOB_E_INVALID, "name: must not be NULL");
    if ((set->what & IJ_QUEUE_LIMIT) && set->limit > 0)
        atomic_store(&store->has_limits, true);
    int rc = store->jobs->ops->queue_set(store->jobs, set, err);
    if (rc == 0) /* there may be jobs to run now */
        ij_wake_all_of(&store->work, &ij_id_none);
    return rc;
}

int imgjob_queue_pause(struct imgjob_store *store, const char *name,
                       struct imgjob_error *err)
{
    struct ij_queue_set change = { .name = name,
                                   .what = IJ_QUEUE_PAUSED,
                                   .is_paused = true };
    return apply(store, &change, err);
}

int imgjob_queue_resume(struct imgjob_store *store, const char *name,
                        struct imgjob_error *err)
{
    struct ij_queue_set change = { .name = name, .what = IJ_QUEUE_PAUSED };
    return apply(store, &change, err);
}

int imgjob_queue_set_limit(struct imgjob_store *store, const char *name, uint32_t limit,
                           struct imgjob_error *err)
{
    struct ij_queue_set change = { .name = name, .what = IJ_QUEUE_LIMIT, .limit = limit };
    return apply(store, &change, err);
}

int imgjob_queue_set_weight(struct imgjob_store *store, const char *name, uint32_t weight,
                            struct imgjob_error *err)
{
    struct ij_queue_set change = { .name = name,
                                   .what = IJ_QUEUE_WEIGHT,
                                   .weight = weight };
    return apply(store, &change, err);
}
