/* Owns the views that are shared. They are made outside the lock: two that make the same
 * one at the same time do no harm. */
#include "view_cache.h"

#include <string.h>

#include "store.h"

enum {
    JSON_MAX = 16384 /* a larger one is not kept: the cache has a bound in bytes, too */
};

void ij_view_cache_init(struct ij_view_cache *cache)
{
    (void)pthread_mutex_init(&cache->lock, NULL); /* cannot fail on Linux */
}

void ij_view_cache_done(struct ij_view_cache *cache)
{
    for (size_t i = 0; i < IJ_VIEW_CACHE_SIZE; i++)
        imgjob_job_free(cache->jobs[i]);
    (void)pthread_mutex_destroy(&cache->lock);
}

/* @return NULL = there is none */
static struct imgjob_job *find(struct ij_view_cache *cache, const struct ij_job *row)
{
    struct imgjob_job *found = NULL;
    (void)pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < IJ_VIEW_CACHE_SIZE && !found; i++)
        if (cache->jobs[i] && ij_view_is_of(cache->jobs[i], row))
            found = ij_view_hold(cache->jobs[i]);
    (void)pthread_mutex_unlock(&cache->lock);
    return found;
}

static void keep(struct ij_view_cache *cache, struct imgjob_job *job)
{
    if (strlen(imgjob_job_json(job)) > JSON_MAX)
        return;
    struct imgjob_job *held = ij_view_hold(job);
    (void)pthread_mutex_lock(&cache->lock);
    struct imgjob_job *old = cache->jobs[cache->next];
    cache->jobs[cache->next] = held;
    cache->next = (cache->next + 1) % IJ_VIEW_CACHE_SIZE;
    (void)pthread_mutex_unlock(&cache->lock);
    imgjob_job_free(old);
}

int ij_view_cache_make(struct imgjob_store *store, const struct ij_record *record,
                       struct imgjob_job **out, struct imgjob_error *err)
{
    struct ij_view_cache *cache = &store->views;
    struct imgjob_job *found = find(cache, &record->job);
    if (found) {
        *out = found;
        return 0;
    }
    int rc = ij_view_make(store, record, out, err);
    if (rc == 0)
        keep(cache, *out);
    return rc;
}
