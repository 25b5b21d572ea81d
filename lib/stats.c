/* Owns what a store says of itself: counters, room on its disks, whether it works. */
#include "base/auto.h"
#include "base/check.h"
#include "store.h"

/* The floor on one file system: as set, else the smaller of 5 % and 1 GiB. */
static uint64_t floor_of(const struct ij_store_config *config, uint64_t total)
{
    const uint64_t gib = UINT64_C(1) << 30;
    if (config->min_free_bytes)
        return config->min_free_bytes;
    return total / 20 < gib ? total / 20 : gib;
}

/* Take the place whose room above its floor is the smallest. */
static void narrow(struct ij_store_space *space, const struct ij_store_config *config,
                   uint64_t free_bytes, uint64_t total)
{
    uint64_t floor_bytes = floor_of(config, total);
    int64_t room = (int64_t)free_bytes - (int64_t)floor_bytes;
    if (room < (int64_t)space->free_bytes - (int64_t)space->floor_bytes)
        *space = (struct ij_store_space){ free_bytes, floor_bytes };
}

int ij_store_space(struct imgjob_store *store, struct ij_store_space *out,
                   struct imgjob_error *err)
{
    uint64_t free_bytes, total;
    struct ij_store_space space = { .free_bytes = INT64_MAX };
    struct ij_blobs *places[] = { store->inputs, store->outputs };
    for (size_t i = 0; i < IJ_ARRAY_LEN(places); i++) {
        int rc = places[i]->ops->space(places[i], &free_bytes, &total, err);
        if (rc < 0)
            return rc;
        narrow(&space, &store->config, free_bytes, total);
    }
    int rc = store->jobs->ops->space(store->jobs, &free_bytes, &total, err);
    if (rc < 0)
        return rc;
    if (total != UINT64_MAX)
        narrow(&space, &store->config, free_bytes, total);
    *out = space;
    return 0;
}

/* Whether every part takes work. */
static int check_parts(struct imgjob_store *store, struct imgjob_error *err)
{
    int rc = store->jobs->ops->ping(store->jobs, err);
    if (rc == 0)
        rc = store->inputs->ops->check(store->inputs, err);
    return rc < 0 ? rc : store->outputs->ops->check(store->outputs, err);
}

int imgjob_store_read_stats(struct imgjob_store *store, struct imgjob_store_stats *out,
                            struct imgjob_error *err)
{
    struct ij_jobs_stats jobs;
    struct ij_store_space space;
    int rc = check_parts(store, err);
    if (rc == 0)
        rc = store->jobs->ops->stats(store->jobs, &jobs, err);
    if (rc == 0)
        rc = ij_store_space(store, &space, err);
    if (rc < 0)
        return rc;
    struct imgjob_store_stats stats = {
        .scheduled = jobs.by_state[IMGJOB_STATE_SCHEDULED],
        .ready = jobs.by_state[IMGJOB_STATE_READY],
        .running = jobs.by_state[IMGJOB_STATE_RUNNING],
        .succeeded = jobs.by_state[IMGJOB_STATE_SUCCEEDED],
        .failed = jobs.by_state[IMGJOB_STATE_FAILED],
        .canceled = jobs.by_state[IMGJOB_STATE_CANCELED],
        .max_queued_jobs = store->config.max_queued_jobs,
        .free_bytes = space.free_bytes,
        .min_free_bytes = space.floor_bytes,
        .stored_bytes = jobs.bytes,
        .deliveries = jobs.deliveries,
    };
    return ij_result_write(out, &stats, sizeof(stats), "imgjob_store_stats", err);
}
