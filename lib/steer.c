/* Owns what is done to a job by hand: cancelled, run again, removed. */
#include "store.h"

#include "base/auto.h"

static int read_id(const char *text, struct ij_id *out, struct imgjob_error *err)
{
    if (ij_id_of(text, out))
        return 0;
    return ij_fail(err, IMGJOB_E_NOTFOUND, "no job has the id '%.40s'", text ? text : "");
}

int imgjob_store_cancel(struct imgjob_store *store, const char *id,
                        struct imgjob_job **out, struct imgjob_error *err)
{
    struct ij_id key;
    struct ij_job row;
    int rc = read_id(id, &key, err);
    if (rc == 0)
        rc = store->jobs->ops->cancel(store->jobs, &key, &row, err);
    return rc < 0 ? rc : ij_store_get_view(store, id, out, err);
}

int imgjob_store_retry(struct imgjob_store *store, const char *id,
                       struct imgjob_job **out, struct imgjob_error *err)
{
    struct ij_id key;
    int rc = read_id(id, &key, err);
    if (rc == 0)
        rc = store->jobs->ops->retry(store->jobs, &key, err);
    return rc < 0 ? rc : ij_store_get_view(store, id, out, err);
}

int imgjob_store_purge(struct imgjob_store *store, const char *id,
                       struct imgjob_error *err)
{
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    int rc = ij_store_get_record(store, id, &record, err);
    if (rc == 0)
        rc = store->jobs->ops->purge(store->jobs, &record.job.id, err);
    if (rc < 0)
        return rc;
    /* what an attempt made since the row was read is left to the next sweep */
    if (record.keys)
        ij_store_remove(store, record.keys);
    return 0;
}
