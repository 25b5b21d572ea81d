/*
 * Owns what happens to a store by itself: leases of dead processes are taken back, what
 * has expired is removed, blobs that no row names are collected. Every process does it,
 * none is the leader: each step is one atomic transition that a second process finds
 * already done.
 */
#include <stdio.h>
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
    BATCH = 64              /* blobs per step */
};

/* ---- blobs that nobody owns ---- */

/* Blobs that may be nobody's, asked about together: one commit for many. */
struct collection {
    struct imgjob_store *store;
    struct ij_blobs *place;
    struct imgjob_error *err;
    uint64_t found;
    size_t count;
    struct ij_suspect suspects[BATCH];
    char keys[BATCH][IJ_BLOB_KEY_SIZE];
    bool is_draft[BATCH];
};

/* Ask about those collected so far. */
static int condemn(struct collection *collection)
{
    struct ij_jobs *jobs = collection->store->jobs;
    struct ij_blobs *place = collection->place;
    size_t count = collection->count;
    collection->count = 0;
    if (count == 0)
        return 0;
    int rc = jobs->ops->condemn(jobs, collection->suspects, count, collection->err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (!collection->suspects[i].is_condemned)
            continue;
        collection->found++;
        struct imgjob_error why;
        if (collection->is_draft[i] &&
            place->ops->remove_draft(place, collection->keys[i], &why) < 0)
            ij_log(&collection->store->config.log, IMGJOB_LOG_WARN, "store", NULL,
                   "collect: %s", why.text);
    }
    return rc;
}

static int visit_blob(void *data, const char *key, bool is_draft)
{
    struct collection *collection = data;
    struct ij_blob_name name;
    if (ij_store_is_closing(collection->store))
        return 1;
    if (!ij_blob_key_parse(key, &name) ||
        (name.is_input && ij_store_has_draft(collection->store, &name.id)))
        return 0;
    size_t i = collection->count++;
    (void)snprintf(collection->keys[i], IJ_BLOB_KEY_SIZE, "%s", key);
    collection->is_draft[i] = is_draft;
    collection->suspects[i] = (struct ij_suspect){
        .key = collection->keys[i],
        .id = name.id,
        .is_input = name.is_input,
        .gen = name.gen,
        .token = name.token,
    };
    return collection->count < BATCH ? 0 : condemn(collection);
}

/* Unlink a batch of condemned blobs. Those that cannot be are logged and stay.
 * @return how many of `keys` can be forgotten; they are moved to the front */
static size_t unlink_batch(struct imgjob_store *store, char **keys, size_t count)
{
    size_t gone = 0;
    for (size_t i = 0; i < count; i++) {
        struct imgjob_error err;
        struct ij_blob_name name;
        bool is_ours = ij_blob_key_parse(keys[i], &name);
        struct ij_blobs *place =
            is_ours && name.is_input ? store->inputs : store->outputs;
        if (is_ours && place->ops->remove(place, keys[i], &err) < 0) {
            ij_log(&store->config.log, IMGJOB_LOG_WARN, "store", NULL, "collect: %s",
                   err.text);
            continue;
        }
        char *key = keys[gone]; /* what is no key of ours is forgotten as it is */
        keys[gone++] = keys[i];
        keys[i] = key;
    }
    return gone;
}

/* Unlink what stands in gc, then forget it; in this order, so that a crash between the
 * two only means doing it again. What cannot be unlinked does not hold up the rest. */
static int empty_gc(struct imgjob_store *store, struct imgjob_error *err)
{
    char after[IJ_BLOB_KEY_SIZE] = "";
    size_t count = BATCH;
    while (count == BATCH && !ij_store_is_closing(store)) {
        char *keys[BATCH];
        int rc = store->jobs->ops->gc_list(store->jobs, after, keys, BATCH, &count, err);
        if (rc < 0 || count == 0)
            return rc;
        (void)snprintf(after, sizeof(after), "%s", keys[count - 1]);
        size_t gone = unlink_batch(store, keys, count);
        rc = gone > 0 ? store->jobs->ops->gc_drop(store->jobs, (const char *const *)keys,
                                                  gone, err)
                      : 0;
        for (size_t i = 0; i < count; i++)
            free(keys[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Forget a batch of blobs of a job that has gone. */
static void remove_batch(struct imgjob_store *store, char **keys, size_t count)
{
    struct ij_jobs *jobs = store->jobs;
    size_t gone = unlink_batch(store, keys, count);
    if (gone > 0) /* else they are swept: there is nothing left to unlink */
        (void)jobs->ops->gc_drop(jobs, (const char *const *)keys, gone, NULL);
}

void ij_store_remove(struct imgjob_store *store, const char *keys)
{
    char texts[BATCH][IJ_BLOB_KEY_SIZE];
    char *batch[BATCH];
    size_t count = 0;
    for (const char *at = keys; *at;) {
        batch[count] = texts[count];
        at = ij_blob_key_next(at, texts[count++]);
        if (count == BATCH || !*at) {
            remove_batch(store, batch, count);
            count = 0;
        }
    }
}

/* Find the blobs of one place that nobody owns. */
static int search(struct collection *collection, struct ij_blobs *place, uint64_t age_ms)
{
    collection->place = place;
    int rc = place->ops->list(place, age_ms, visit_blob, collection, collection->err);
    int rest = condemn(collection); /* also after a directory that could not be read */
    return rc != 0 ? rc : rest;
}

int ij_store_collect(struct imgjob_store *store, uint64_t age_ms,
                     struct imgjob_error *err)
{
    IJ_AUTO(ij_free) struct collection *collection = calloc(1, sizeof(*collection));
    if (!collection)
        return ij_fail_nomem(err, "collecting blobs");
    collection->store = store;
    collection->err = err;
    int inputs = search(collection, store->inputs, age_ms);
    int outputs = search(collection, store->outputs, age_ms);
    int rc = inputs != 0 ? inputs : outputs;
    if (collection->found > 0)
        ij_log(&store->config.log, IMGJOB_LOG_INFO, "store", NULL,
               "removing %llu files that no job names",
               (unsigned long long)collection->found);
    /* what was found is removed, also when something else could not be read */
    int emptied = empty_gc(store, rc < 0 ? NULL : err);
    return rc < 0 ? rc : emptied;
}

/* ---- the thread ---- */

/* What the sweeper remembers from one pass to the next. */
struct watch {
    int64_t clock_offset;  /* wall − monotonic at the last pass */
    int64_t trusted_after; /* monotonic: leases are left alone before */
    int64_t collect_due;   /* monotonic */
    int last_code;         /* how the last pass ended */
};

void ij_store_expect_lease(struct imgjob_store *store, uint32_t lease_ms)
{
    (void)pthread_mutex_lock(&store->sweeper_lock);
    if (lease_ms > store->lease_max_ms)
        store->lease_max_ms = lease_ms;
    (void)pthread_mutex_unlock(&store->sweeper_lock);
}

static uint32_t lease_max_ms(struct imgjob_store *store)
{
    (void)pthread_mutex_lock(&store->sweeper_lock);
    uint32_t lease_ms = store->lease_max_ms;
    (void)pthread_mutex_unlock(&store->sweeper_lock);
    return lease_ms;
}

bool ij_store_is_closing(struct imgjob_store *store)
{
    (void)pthread_mutex_lock(&store->sweeper_lock);
    bool is_closing = store->is_closing;
    (void)pthread_mutex_unlock(&store->sweeper_lock);
    return is_closing;
}

/* After a jump of the wall clock, leases written before it say nothing. They are renewed
 * within one lease; until then none is taken back. */
static bool is_clock_trusted(struct imgjob_store *store, struct watch *watch)
{
    int64_t mono = ij_mono_ms(&store->clock);
    int64_t offset = ij_wall_ms(&store->clock) - mono;
    int64_t jump = offset - watch->clock_offset;
    watch->clock_offset = offset;
    if (jump > CLOCK_JUMP_MS || jump < -CLOCK_JUMP_MS) {
        uint32_t lease_ms = lease_max_ms(store);
        watch->trusted_after = mono + lease_ms;
        ij_log(&store->config.log, IMGJOB_LOG_WARN, "store", NULL,
               "the clock jumped by %lld ms: no lease is taken back for %u ms",
               (long long)jump, lease_ms);
    }
    return mono >= watch->trusted_after;
}

/* Jobs of other processes that died need not wait until their leases are over. */
static int reclaim(struct imgjob_store *store, struct imgjob_error *err)
{
    uint64_t count = 0;
    if (!store->config.is_shared)
        return 0;
    int rc = store->jobs->ops->reclaim_all(store->jobs, &count, err);
    if (rc == 0 && count > 0)
        ij_log(&store->config.log, IMGJOB_LOG_WARN, "store", NULL,
               "took back %llu jobs that a process left running when it died",
               (unsigned long long)count);
    return rc;
}

static int sweep(struct imgjob_store *store, struct watch *watch,
                 struct imgjob_error *err)
{
    int rc = reclaim(store, err);
    if (rc < 0)
        return rc;
    struct ij_sweep request = {
        .budget = SWEEP_BUDGET,
        .is_clock_trusted = is_clock_trusted(store, watch),
    };
    struct ij_swept swept;
    bool is_more;
    do {
        rc = store->jobs->ops->sweep(store->jobs, &request, &swept, err);
        if (rc < 0)
            return rc;
        if (swept.losses > 0)
            ij_log(&store->config.log, IMGJOB_LOG_WARN, "store", NULL,
                   "took back %u expired leases", swept.losses);
        is_more = swept.promoted == SWEEP_BUDGET || swept.losses == SWEEP_BUDGET ||
                  swept.overdue == SWEEP_BUDGET || swept.purged == SWEEP_BUDGET ||
                  swept.forgotten == SWEEP_BUDGET || swept.dropped >= SWEEP_BUDGET ||
                  swept.can_shrink;
    } while (is_more && !ij_store_is_closing(store));
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
    bool is_news = rc < 0 && watch->last_code != rc; /* not every three seconds */
    watch->last_code = rc;
    if (is_news)
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
