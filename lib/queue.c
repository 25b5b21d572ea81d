/* Owns queues as an operator sees them. */
#include <imgjob/queue.h>

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
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

/* A flag, and that what it stands for is given with it only. */
static int check_given(const char *field, uint32_t is_given, uint32_t value,
                       struct imgjob_error *err)
{
    if (is_given > 1)
        return ij_fail(err, IMGJOB_E_INVALID, "has_%s: must be 0 or 1, not %u", field,
                       is_given);
    if (value && !is_given)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "has_%s: must be 1 for a %s of %u to be meant", field, field,
                       value);
    return 0;
}

static int check_settings(const struct imgjob_queue_settings *settings,
                          struct imgjob_error *err)
{
    int rc = check_given("paused", settings->has_paused, settings->paused, err);
    if (rc == 0)
        rc = check_given("limit", settings->has_limit, settings->limit, err);
    if (rc == 0)
        rc = check_given("weight", settings->has_weight, settings->weight, err);
    if (rc == 0 && settings->paused > 1)
        rc = ij_fail(err, IMGJOB_E_INVALID, "paused: must be 0 or 1, not %u",
                     settings->paused);
    return rc;
}

int imgjob_queue_set(struct imgjob_store *store, const char *name,
                     const struct imgjob_queue_settings *settings,
                     struct imgjob_error *err)
{
    struct imgjob_queue_settings own;
    int rc = ij_options_read(&own, sizeof(own),
                             IJ_END_OF(struct imgjob_queue_settings, weight), settings,
                             "imgjob_queue_settings", err);
    if (rc == 0)
        rc = check_settings(&own, err);
    if (rc < 0)
        return rc;
    struct ij_queue_set change = {
        .name = name,
        .what = (own.has_paused ? IJ_QUEUE_PAUSED : 0) |
                (own.has_limit ? IJ_QUEUE_LIMIT : 0) |
                (own.has_weight ? IJ_QUEUE_WEIGHT : 0),
        .is_paused = own.paused,
        .limit = own.limit,
        .weight = own.weight,
    };
    return apply(store, &change, err);
}
