/*
 * Owns what happens to jobs, in order: each has the number of its last transition, and a
 * feed is a place in these numbers. So nothing is missed, however slow its reader is, and
 * a job that changed several times meanwhile is told once.
 */
#include <imgjob/follow.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "cursor.h"
#include "store.h"

enum {
    READ_MAX = 16,     /* rows at a time: they grow old while they wait to be told */
    READ_PAUSE_MS = 25 /* between two reads of who has caught up: a hundred feeds must not
                          read a hundred times for each job of a busy store */
};

struct imgjob_feed {
    struct imgjob_store *store;
    char tenant[IJ_NAME_SIZE]; /* "" = of all */
    uint64_t place;            /* the last transition that was told */
    char position[IJ_CURSOR_SIZE];
    struct ij_waiter waiter; /* for as long as the feed is open */
    bool has_waiter;
    int64_t read_ms;     /* when the store was last asked */
    size_t told;         /* of the page */
    struct ij_page page; /* read, and told or to be told */
};

static void move_to(struct imgjob_feed *feed, uint64_t place)
{
    feed->place = place;
    ij_cursor_write(feed->store, IJ_CURSOR_FEED, place, feed->position);
}

static int begin(struct imgjob_feed *feed, const char *position, struct imgjob_error *err)
{
    struct imgjob_store *store = feed->store;
    int rc = ij_wake_add(&store->feeds, &feed->waiter, &ij_id_none, err);
    if (rc < 0)
        return rc;
    feed->has_waiter = true;
    struct ij_jobs_stats stats;
    rc = store->jobs->ops->stats(store->jobs, &stats, err);
    uint64_t place = rc == 0 ? stats.change : 0;
    if (rc == 0 && position)
        rc = ij_cursor_read(store, IJ_CURSOR_FEED, position, "position", &place, err);
    if (rc == 0 && place > stats.change) /* it was restored from a backup */
        rc = ij_fail(err, IMGJOB_E_INVALID,
                     "position: '%.60s' is beyond the last change of this store",
                     position);
    if (rc == 0)
        move_to(feed, place);
    return rc;
}

int imgjob_feed_open(struct imgjob_store *store, const char *tenant, const char *position,
                     struct imgjob_feed **out, struct imgjob_error *err)
{
    int rc = tenant ? ij_name_check(tenant, "tenant", err) : 0;
    if (rc < 0)
        return rc;
    struct imgjob_feed *feed = calloc(1, sizeof(*feed));
    if (!feed)
        return ij_fail_nomem(err, "opening a feed");
    feed->store = store;
    if (tenant)
        (void)snprintf(feed->tenant, sizeof(feed->tenant), "%s", tenant);
    rc = begin(feed, position, err);
    if (rc < 0) {
        imgjob_feed_close(feed);
        return rc;
    }
    *out = feed;
    return 0;
}

static int read_page(struct imgjob_feed *feed, struct imgjob_error *err)
{
    struct ij_jobs *jobs = feed->store->jobs;
    ij_page_done(&feed->page);
    feed->told = 0;
    feed->read_ms = ij_mono_ms(&feed->store->clock);
    return jobs->ops->changes(jobs, feed->tenant[0] ? feed->tenant : NULL, feed->place,
                              READ_MAX, &feed->page, err);
}

/* Sleep until something happened. @return false when the time is over */
static bool sleep_until(struct imgjob_feed *feed, int64_t until_mono_ms)
{
    if (!ij_wake_sleep(&feed->store->feeds, &feed->waiter, until_mono_ms))
        return false;
    int64_t early_ms = feed->read_ms + READ_PAUSE_MS - ij_mono_ms(&feed->store->clock);
    if (early_ms > 0)
        (void)usleep((useconds_t)early_ms * 1000);
    return true;
}

/* Have a row to tell. @return 0, 1 when the time is over, or a code */
static int fetch(struct imgjob_feed *feed, int64_t until_mono_ms,
                 struct imgjob_error *err)
{
    bool in_time = true;
    while (feed->told == feed->page.count) {
        int rc = read_page(feed, err);
        if (rc < 0)
            return rc;
        if (feed->page.count > 0)
            break;
        if (!in_time) /* the last look comes after the last sleep */
            return 1;
        in_time = sleep_until(feed, until_mono_ms);
    }
    return 0;
}

int imgjob_feed_next(struct imgjob_feed *feed, uint32_t timeout_ms,
                     struct imgjob_job **out, struct imgjob_error *err)
{
    if (timeout_ms > IJ_WAIT_MAX_MS)
        return ij_fail(err, IMGJOB_E_INVALID, "timeout_ms: must be 0..%d, not %u",
                       IJ_WAIT_MAX_MS, timeout_ms);
    int rc = fetch(feed, ij_mono_ms(&feed->store->clock) + timeout_ms, err);
    if (rc != 0)
        return rc;
    const struct ij_record *record = &feed->page.records[feed->told];
    rc = ij_view_cache_make(feed->store, record, out, err);
    if (rc < 0)
        return rc;
    feed->told++;
    move_to(feed, record->job.change);
    return 0;
}

const char *imgjob_feed_position(const struct imgjob_feed *feed)
{
    return feed->position;
}

void imgjob_feed_close(struct imgjob_feed *feed)
{
    if (!feed)
        return;
    if (feed->has_waiter) /* all are woken for the same: nobody waits in its place */
        (void)ij_wake_remove(&feed->store->feeds, &feed->waiter);
    ij_page_done(&feed->page);
    free(feed);
}
