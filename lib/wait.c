/* Owns reading a job, now or once something has happened to it. */
#include <imgjob/follow.h>

#include <string.h>

#include "base/auto.h"
#include "store.h"

int ij_store_get_record(struct imgjob_store *store, const char *id, struct ij_record *out,
                        struct imgjob_error *err)
{
    struct ij_id key;
    if (!ij_id_of(id, &key))
        return ij_fail(err, IMGJOB_E_NOTFOUND, "no job has the id '%.40s'", id ? id : "");
    return store->jobs->ops->get(store->jobs, &key, out, err);
}

int ij_store_get_view(struct imgjob_store *store, const char *id, struct imgjob_job **out,
                      struct imgjob_error *err)
{
    return out ? imgjob_store_get(store, id, out, err) : 0;
}

int imgjob_store_get(struct imgjob_store *store, const char *id, struct imgjob_job **out,
                     struct imgjob_error *err)
{
    return imgjob_store_wait(store, id, 0, out, err);
}

/* What somebody waits for. */
struct wish {
    const char *version; /* of what he has seen; NULL = he waits for the end */
};

static bool is_granted(const struct wish *wish, const struct ij_job *job)
{
    if (!wish->version)
        return ij_job_is_ended(job);
    char version[IJ_VERSION_SIZE];
    ij_view_version(job, version);
    return strcmp(version, wish->version) != 0;
}

/* Look, and sleep while it is not as wished, until the time is over; the record is as it
 * was at the last look. */
static int look_again(struct imgjob_store *store, const char *id, const struct wish *wish,
                      int64_t until_mono_ms, struct ij_record *record,
                      struct imgjob_error *err)
{
    struct ij_waiter waiter;
    int rc = ij_wake_add(&store->waiters, &waiter, &record->job.id, err);
    if (rc < 0)
        return rc;
    bool in_time = true;
    do { /* the last look comes after the last sleep */
        ij_record_done(record);
        rc = ij_store_get_record(store, id, record, err);
    } while (rc == 0 && !is_granted(wish, &record->job) && in_time &&
             (in_time = ij_wake_sleep(&store->waiters, &waiter, until_mono_ms), true));
    (void)ij_wake_remove(&store->waiters, &waiter); /* nobody else waits in its place */
    return rc;
}

static int wait_for(struct imgjob_store *store, const char *id, const struct wish *wish,
                    uint32_t timeout_ms, struct imgjob_job **out,
                    struct imgjob_error *err)
{
    if (timeout_ms > IJ_WAIT_MAX_MS)
        return ij_fail(err, IMGJOB_E_INVALID, "timeout_ms: must be 0..%d, not %u",
                       IJ_WAIT_MAX_MS, timeout_ms);
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    int rc = ij_store_get_record(store, id, &record, err);
    if (rc == 0 && timeout_ms > 0 && !is_granted(wish, &record.job))
        rc = look_again(store, id, wish, ij_mono_ms(&store->clock) + timeout_ms, &record,
                        err);
    if (rc < 0)
        return rc;
    return ij_view_make(store, &record, out, err);
}

int imgjob_store_wait(struct imgjob_store *store, const char *id, uint32_t timeout_ms,
                      struct imgjob_job **out, struct imgjob_error *err)
{
    return wait_for(store, id, &(struct wish){ NULL }, timeout_ms, out, err);
}

int imgjob_store_wait_change(struct imgjob_store *store, const char *id,
                             const char *version, uint32_t timeout_ms,
                             struct imgjob_job **out, struct imgjob_error *err)
{
    const struct wish wish = { version ? version : "" };
    return wait_for(store, id, &wish, timeout_ms, out, err);
}

void imgjob_store_wake_waiters(struct imgjob_store *store)
{
    ij_wake_end(&store->waiters);
    ij_wake_end(&store->feeds);
}
