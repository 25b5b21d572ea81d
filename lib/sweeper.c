/*
 * Owns what happens to a store by itself: leases of dead processes are taken back, what
 * has expired is removed, blobs that no row names are collected. Every process does it,
 * none is the leader: each step is one atomic transition that a second process finds
 * already done.
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/thread.h"
#include "store.h"

enum {
    SWEEP_MS = 3000,
    SWEEP_SPREAD_MS = 1000, /* ±, so that processes do not march in step */
    SWEEP_BUDGET = 256,     /* rows of each kind per step */
    CLOCK_JUMP_MS = 5000,   /* wall against monotonic clock */
    COLLECT_MS = 3600000,   /* between two searches for orphans, and their least age */
    GC_BATCH = 64
};

/* ---- blobs that nobody owns ---- */

struct collection {
    struct imgjob_store *store;
    struct ij_blobs *place;
    struct imgjob_error *err;
    uint64_t found;
};

static int visit_blob(void *data, const char *key, bool is_draft)
{
    struct collection *collection = data;
    struct imgjob_store *store = collection->store;
    struct ij_blob_name name;
    if (!ij_blob_key_parse(key, &name) ||
        (name.is_input && ij_store_has_draft(store, &name.id)))
        return 0;
    struct ij_suspect suspect = {
        .key = key,
        .id = name.id,
        .is_input = name.is_input,
        .gen = name.gen,
        .token = name.token,
    };
    size_t condemned = 0;
    int rc =
        store->jobs->ops->condemn(store->jobs, &suspect, 1, &condemned, collection->err);
    if (rc == 0 && condemned > 0 && is_draft)
        rc =
            collection->place->ops->remove_draft(collection->place, key, collection->err);
    collection->found += condemned;
    return rc;
}

/* Unlink what stands in gc, then forget it; in this order, so that a crash between the
 * two only means doing it again. */
static int empty_gc(struct imgjob_store *store, struct imgjob_error *err)
{
    for (;;) {
        char *keys[GC_BATCH];
        size_t count = 0;
        int rc = store->jobs->ops->gc_list(store->jobs, keys, GC_BATCH, &count, err);
        if (rc < 0 || count == 0)
            return rc;
        for (size_t i = 0; rc == 0 && i < count; i++) {
            struct ij_blob_name name;
            if (!ij_blob_key_parse(keys[i], &name))
                continue; /* no key of ours: dropped, nothing is unlinked */
            struct ij_blobs *place = name.is_input ? store->inputs : store->outputs;
            rc = place->ops->remove(place, keys[i], err);
        }
        if (rc == 0)
            rc = store->jobs->ops->gc_drop(store->jobs, (const char *const *)keys, count,
                                           err);
        for (size_t i = 0; i < count; i++)
            free(keys[i]);
        if (rc < 0)
            return rc;
    }
}

int ij_store_collect(struct imgjob_store *store, uint64_t age_ms,
                     struct imgjob_error *err)
{
    struct ij_blobs *places[] = { store->inputs, store->outputs };
    struct collection collection = { .store = store, .err = err };
    int rc = empty_gc(store, err); /* what stands there is not found again below */
    for (size_t i = 0; rc == 0 && i < IJ_ARRAY_LEN(places); i++) {
        collection.place = places[i];
        rc = places[i]->ops->list(places[i], age_ms, visit_blob, &collection, err);
    }
    if (rc < 0)
        return rc;
    if (collection.found > 0)
        ij_log(&store->config.log, IMGJOB_LOG_INFO, "store", NULL,
               "removing %llu files that no job names",
               (unsigned long long)collection.found);
    return empty_gc(store, err);
}

/* ---- the thread ---- */

/* What the sweeper remembers from one pass to the next. */
struct watch {
    int64_t clock_offset;  /* wall − monotonic at the last pass */
    int64_t trusted_after; /* monotonic: leases are left alone before */
    int64_t collect_due;   /* monotonic */
};

/* After a jump of the wall clock, leases written before it say nothing. They are renewed
 * within one lease; until then none is taken back. */
static bool is_clock_trusted(struct imgjob_store *store, struct watch *watch)
{
    int64_t mono = ij_mono_ms(&store->clock);
    int64_t offset = ij_wall_ms(&store->clock) - mono;
    int64_t jump = offset - watch->clock_offset;
    watch->clock_offset = offset;
    if (jump > CLOCK_JUMP_MS || jump < -CLOCK_JUMP_MS) {
        watch->trusted_after = mono + IJ_LEASE_DEFAULT_MS;
        ij_log(&store->config.log, IMGJOB_LOG_WARN, "store", NULL,
               "the clock jumped by %lld ms: no lease is taken back for %d ms",
               (long long)jump, IJ_LEASE_DEFAULT_MS);
    }
    return mono >= watch->trusted_after;
}

static int sweep(struct imgjob_store *store, struct watch *watch,
                 struct imgjob_error *err)
{
    struct ij_sweep request = {
        .budget = SWEEP_BUDGET,
        .is_clock_trusted = is_clock_trusted(store, watch),
    };
    struct ij_swept swept;
    bool is_more;
    do {
        int rc = store->jobs->ops->sweep(store->jobs, &request, &swept, err);
        if (rc < 0)
            return rc;
        if (swept.losses > 0)
            ij_log(&store->config.log, IMGJOB_LOG_WARN, "store", NULL,
                   "took back %u expired leases", swept.losses);
        is_more = swept.promoted == SWEEP_BUDGET || swept.losses == SWEEP_BUDGET ||
                  swept.overdue == SWEEP_BUDGET || swept.purged == SWEEP_BUDGET ||
                  swept.forgotten == SWEEP_BUDGET;
    } while (is_more);
    return empty_gc(store, err);
}

static void pass(struct imgjob_store *store, struct watch *watch)
{
    struct imgjob_error err;
    int rc = sweep(store, watch, &err);
    int64_t now = ij_mono_ms(&store->clock);
    if (rc == 0 && now >= watch->collect_due) {
        watch->collect_due = now + COLLECT_MS;
        rc = ij_store_collect(store, COLLECT_MS, &err);
    }
    if (rc < 0)
        ij_log(&store->config.log, IMGJOB_LOG_ERROR, "store", NULL, "sweep: %s",
               err.text);
}

static int64_t next_delay_ms(void)
{
    uint32_t random = 0;
    (void)ij_random(&random, sizeof(random), NULL); /* without it: the shortest delay */
    return SWEEP_MS - SWEEP_SPREAD_MS + random % (2 * SWEEP_SPREAD_MS + 1);
}

static void *sweeper_run(void *data)
{
    struct imgjob_store *store = data;
    int64_t mono = ij_mono_ms(&store->clock);
    struct watch watch = {
        .clock_offset = ij_wall_ms(&store->clock) - mono,
        .collect_due = mono + COLLECT_MS,
    };
    int64_t due = ij_mono_ms(&ij_clock_system) + next_delay_ms();
    (void)pthread_mutex_lock(&store->sweeper_lock);
    while (!store->is_closing) {
        if (ij_cond_wait_until(&store->sweeper_cond, &store->sweeper_lock, due))
            continue;
        (void)pthread_mutex_unlock(&store->sweeper_lock);
        pass(store, &watch);
        due = ij_mono_ms(&ij_clock_system) + next_delay_ms();
        (void)pthread_mutex_lock(&store->sweeper_lock);
    }
    (void)pthread_mutex_unlock(&store->sweeper_lock);
    return NULL;
}

int ij_sweeper_start(struct imgjob_store *store, struct imgjob_error *err)
{
    int rc = ij_cond_init(&store->sweeper_cond, err);
    if (rc < 0)
        return rc;
    rc = ij_thread_start(&store->sweeper, "ij-sweeper", sweeper_run, store, err);
    store->has_sweeper = rc == 0;
    return rc;
}

void ij_sweeper_stop(struct imgjob_store *store)
{
    if (!store->has_sweeper)
        return;
    (void)pthread_mutex_lock(&store->sweeper_lock);
    store->is_closing = true;
    (void)pthread_cond_signal(&store->sweeper_cond);
    (void)pthread_mutex_unlock(&store->sweeper_lock);
    (void)pthread_join(store->sweeper, NULL);
    (void)pthread_cond_destroy(&store->sweeper_cond);
    store->has_sweeper = false;
}
