/*
 * Owns the reading of pages. The narrowest index that a filter has gives candidates,
 * newest first, out of the index alone; only those that pass the rest of the filter are
 * read whole.
 */
#include "jobs/sqlite_list.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/record.h"
#include "jobs/sqlite_call.h"
#include "jobs/sqlite_outbox.h"
#include "jobs/sqlite_row.h"
#include "jobs/sqlite_side.h"
#include "jobs/sqlite_sums.h"

enum { STATES_ALL = (1 << IJ_STATE_COUNT) - 1 };

static int run(struct ij_sqlite_db *db, enum ij_sql which, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, which, "reading as of one moment");
    return ij_call_run(&call, err);
}

/* @param rc of what was read. @return 0, or a code: the first one stands */
static int end_read(struct ij_sqlite_db *db, int rc, struct imgjob_error *err)
{
    int end = run(db, IJ_SQL_END_READ, rc < 0 ? NULL : err);
    return rc < 0 ? rc : end;
}

/* ---- lists ---- */

struct candidate {
    uint64_t seq;
    uint32_t tenant, queue, state;
};

/* What a filter is, by numbers; 0 = all. */
struct filter {
    const struct ij_list *list;
    uint32_t tenant, queue, states;
    int64_t before;
    int64_t scan; /* candidates to look at */
    bool has_batch;
    bool is_exact; /* whoever is a candidate passes */
};

/* @return 0, 1 = a name that no row has, or a code */
static int resolve(struct ij_sqlite_db *db, const struct ij_list *list,
                   struct filter *out, struct imgjob_error *err)
{
    *out = (struct filter){
        .list = list,
        .states = list->states ? list->states & STATES_ALL : STATES_ALL,
        .before =
            list->before && list->before < INT64_MAX ? (int64_t)list->before : INT64_MAX,
        .has_batch = !ij_id_equal(&list->batch, &ij_id_none),
    };
    /* lists by tenant look at the states of the index, those of all at nothing */
    out->is_exact = !list->queue && !list->tag && !out->has_batch &&
                    (list->tenant || list->states == 0);
    out->scan = out->is_exact ? list->limit + 1 : IJ_LIST_SCAN_MAX;
    int rc = 0;
    if (list->tenant)
        rc = ij_sqlite_find_tenant(db, list->tenant, &out->tenant, err);
    if (rc == 0 && list->queue) {
        IJ_AUTO(ij_call_end)
        struct ij_call call = ij_call_of(db, IJ_SQL_FIND_QUEUE, "finding a queue");
        ij_bind_text(&call, list->queue);
        rc = ij_call_step(&call, err);
        if (rc == 0)
            out->queue = (uint32_t)sqlite3_column_int64(call.statement, 0);
    }
    return rc;
}

/* The statement with the narrowest index, bound. */
static struct ij_call begin(struct ij_sqlite_db *db, const struct filter *filter)
{
    const struct ij_list *list = filter->list;
    static const char doing[] = "listing jobs";
    struct ij_call call;
    if (filter->has_batch) {
        call = ij_call_of(db, IJ_SQL_LIST_BATCH, doing);
        ij_bind_id(&call, &list->batch);
    } else if (list->tag) {
        call = ij_call_of(db, IJ_SQL_LIST_TAG, doing);
        ij_bind_text(&call, list->tag);
    } else if (filter->tenant) {
        call = ij_call_of(db, IJ_SQL_LIST_TENANT, doing);
        ij_bind_int(&call, filter->tenant);
    } else {
        call = ij_call_of(db, IJ_SQL_LIST_ALL, doing);
    }
    ij_bind_int(&call, filter->before);
    ij_bind_int(&call, filter->scan);
    if (call.statement == db->statements[IJ_SQL_LIST_TENANT])
        ij_bind_int(&call, filter->states);
    return call;
}

/* @return 0 = the row has that tag, 1 = it has not, or a code */
static int has_tag(struct ij_sqlite_db *db, uint64_t seq, const char *tag,
                   struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_HAS_TAG, "reading a job's tags");
    ij_bind_int(&call, (int64_t)seq);
    ij_bind_text(&call, tag);
    return ij_call_step(&call, err);
}

/* @return 0 = it passes, 1 = it does not, or a code */
static int check(struct ij_sqlite_db *db, const struct filter *filter,
                 const struct candidate *candidate, struct imgjob_error *err)
{
    if ((filter->tenant && candidate->tenant != filter->tenant) ||
        (filter->queue && candidate->queue != filter->queue) ||
        !(filter->states >> candidate->state & 1))
        return 1;
    /* a batch is the narrower one: then the tag is still to be looked at */
    return filter->has_batch && filter->list->tag
               ? has_tag(db, candidate->seq, filter->list->tag, err)
               : 0;
}

static int add(struct ij_sqlite_db *db, uint64_t seq, struct ij_page *page,
               struct imgjob_error *err)
{
    int rc = ij_sqlite_read_row(db, seq, &page->records[page->count], err);
    if (rc == 0)
        page->count++;
    return rc < 0 ? rc : 0; /* a row without documents is the audit's business */
}

static int fill(struct ij_sqlite_db *db, const struct filter *filter,
                struct ij_page *page, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end) struct ij_call call = begin(db, filter);
    struct candidate last = { 0 };
    int64_t looked = 0;
    int rc;
    while ((rc = ij_call_step(&call, err)) == 0) {
        struct candidate candidate = {
            .seq = (uint64_t)sqlite3_column_int64(call.statement, 0),
            .tenant = (uint32_t)sqlite3_column_int64(call.statement, 1),
            .queue = (uint32_t)sqlite3_column_int64(call.statement, 2),
            .state = (uint32_t)sqlite3_column_int64(call.statement, 3),
        };
        looked++;
        rc = check(db, filter, &candidate, err);
        if (rc == 0 && page->count == filter->list->limit) {
            page->next = page->records[page->count - 1].job.seq; /* there is one more */
            return 0;
        }
        if (rc == 0)
            rc = add(db, candidate.seq, page, err);
        if (rc < 0)
            return rc;
        last = candidate;
    }
    if (rc == 1 && !filter->is_exact && looked == filter->scan)
        page->next = last.seq; /* there may be more */
    return rc < 0 ? rc : 0;
}

int ij_sqlite_list(struct ij_sqlite_db *db, const struct ij_list *list,
                   struct ij_page *out, struct imgjob_error *err)
{
    struct filter filter;
    int rc = run(db, IJ_SQL_BEGIN_READ, err);
    if (rc < 0)
        return rc;
    rc = resolve(db, list, &filter, err);
    if (rc == 0)
        rc = fill(db, &filter, out, err);
    rc = end_read(db, rc, err);
    if (rc < 0)
        ij_page_done(out);
    return rc;
}

/* ---- changes ---- */

struct changed {
    uint64_t change, seq;
};

/* The first of all that changed, in order. */
struct changes {
    struct changed rows[IJ_LIST_MAX];
    size_t count, limit;
};

/* @return false when it and what comes behind it has no place */
static bool place_change(struct changes *changes, struct changed row)
{
    size_t at = changes->count;
    while (at > 0 && changes->rows[at - 1].change > row.change)
        at--;
    if (at == changes->limit)
        return false;
    size_t kept = changes->count < changes->limit ? changes->count : changes->limit - 1;
    memmove(&changes->rows[at + 1], &changes->rows[at],
            (kept - at) * sizeof(changes->rows[0]));
    changes->rows[at] = row;
    changes->count = kept + 1;
    return true;
}

static int find_changes_of(struct ij_sqlite_db *db, uint32_t tenant, uint64_t after,
                           struct changes *changes, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_LIST_CHANGES, "reading what changed");
    ij_bind_int(&call, tenant);
    ij_bind_int(&call, after < INT64_MAX ? (int64_t)after : INT64_MAX);
    ij_bind_int(&call, (int64_t)changes->limit);
    bool has_place = true;
    int rc = 0;
    while (has_place && (rc = ij_call_step(&call, err)) == 0)
        has_place = place_change(
            changes,
            (struct changed){ (uint64_t)sqlite3_column_int64(call.statement, 0),
                              (uint64_t)sqlite3_column_int64(call.statement, 1) });
    return rc < 0 ? rc : 0;
}

/* One probe for each tenant: an index by change alone would cost every transition of
 * every job, and who follows all of them is an operator. */
static int find_changes(struct ij_sqlite_db *db, const char *tenant, uint64_t after,
                        struct changes *changes, struct imgjob_error *err)
{
    uint32_t number = 0;
    if (tenant) {
        int rc = ij_sqlite_find_tenant(db, tenant, &number, err);
        return rc == 0 ? find_changes_of(db, number, after, changes, err) : rc;
    }
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_LIST_TENANTS, "reading the tenants");
    int rc;
    while ((rc = ij_call_step(&call, err)) == 0) {
        number = (uint32_t)sqlite3_column_int64(call.statement, 0);
        rc = find_changes_of(db, number, after, changes, err);
        if (rc < 0)
            return rc;
    }
    return rc;
}

static int fill_changes(struct ij_sqlite_db *db, const struct changes *changes,
                        struct ij_page *page, struct imgjob_error *err)
{
    for (size_t i = 0; i < changes->count; i++) {
        int rc = add(db, changes->rows[i].seq, page, err);
        if (rc < 0)
            return rc;
        page->next = changes->rows[i].change;
    }
    return 0;
}

int ij_sqlite_changes(struct ij_sqlite_db *db, const char *tenant, uint64_t after,
                      uint32_t limit, struct ij_page *out, struct imgjob_error *err)
{
    struct changes changes = { .limit = limit };
    out->next = after;
    int rc = run(db, IJ_SQL_BEGIN_READ, err);
    if (rc < 0)
        return rc;
    rc = find_changes(db, tenant, after, &changes, err);
    if (rc >= 0)
        rc = fill_changes(db, &changes, out, err);
    rc = end_read(db, rc, err);
    if (rc < 0)
        ij_page_done(out);
    return rc;
}

/* ---- counts ---- */

int ij_sqlite_batch(struct ij_sqlite_db *db, const struct ij_id *batch,
                    uint64_t *out_by_state, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_COUNT_BATCH, "counting a batch");
    ij_bind_id(&call, batch);
    memset(out_by_state, 0, IJ_STATE_COUNT * sizeof(*out_by_state));
    int rc;
    while ((rc = ij_call_step(&call, err)) == 0) {
        int state = sqlite3_column_int(call.statement, 0);
        if (state >= 0 && state < IJ_STATE_COUNT)
            out_by_state[state]++;
    }
    return rc < 0 ? rc : 0;
}

static int read_sums(struct ij_sqlite_db *db, struct ij_sqlite_sums **out,
                     struct imgjob_error *err)
{
    IJ_AUTO(ij_free) struct ij_sqlite_sums *sums = calloc(1, sizeof(*sums));
    if (!sums)
        return ij_fail_nomem(err, "reading the counters");
    int rc = run(db, IJ_SQL_BEGIN_READ, err);
    if (rc < 0)
        return rc;
    rc = end_read(db, ij_sqlite_sums_read(db, sums, err), err);
    if (rc == 0)
        *out = ij_steal(&sums);
    return rc;
}

int ij_sqlite_stats(struct ij_sqlite_db *db, struct ij_jobs_stats *out,
                    struct imgjob_error *err)
{
    IJ_AUTO(ij_free) struct ij_sqlite_sums *sums = NULL;
    int rc = read_sums(db, &sums, err);
    if (rc == 0)
        *out = ij_sqlite_sums_total(sums);
    return rc;
}

static int find_oldest(struct ij_sqlite_db *db, uint32_t queue, int64_t *out,
                       struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call =
        ij_call_of(db, IJ_SQL_FIRST_UPDATED, "looking for the oldest job");
    ij_bind_int(&call, queue);
    int rc = ij_call_step(&call, err);
    *out = rc == 0 ? sqlite3_column_int64(call.statement, 0) : 0;
    return rc < 0 ? rc : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ij_queue_stats *)a)->name,
                  ((const struct ij_queue_stats *)b)->name);
}

int ij_sqlite_queues(struct ij_sqlite_db *db, struct ij_queue_stats *out,
                     size_t *out_count, struct imgjob_error *err)
{
    IJ_AUTO(ij_free) struct ij_sqlite_sums *sums = NULL;
    int rc = read_sums(db, &sums, err);
    for (size_t i = 0; rc == 0 && i < sums->queue_count; i++) {
        const struct ij_sqlite_queue *queue = &sums->queues[i];
        out[i] = (struct ij_queue_stats){
            .is_paused = queue->is_paused,
            .limit = queue->limit,
            .weight = queue->turn.weight,
        };
        memcpy(out[i].name, queue->name, sizeof(out[i].name));
        memcpy(out[i].by_state, queue->by_state, sizeof(out[i].by_state));
        if (queue->by_state[IMGJOB_STATE_READY] > 0)
            rc = find_oldest(db, queue->number, &out[i].oldest_ready, err);
    }
    if (rc < 0)
        return rc;
    *out_count = sums->queue_count;
    qsort(out, sums->queue_count, sizeof(*out), by_name);
    return 0;
}

/* ---- the outbox ---- */

static bool is_wanted(const struct ij_delivery_list *list,
                      const struct ij_delivery *delivery)
{
    return (!list->tenant || strcmp(list->tenant, delivery->tenant) == 0) &&
           (list->states == 0 || list->states >> delivery->state & 1);
}

static int fill_deliveries(struct ij_call *call, const struct ij_delivery_list *list,
                           struct ij_delivery *out, size_t *count, uint64_t *next,
                           struct imgjob_error *err)
{
    uint64_t last = 0;
    size_t looked = 0;
    int rc;
    while ((rc = ij_call_step(call, err)) == 0) {
        IJ_AUTO(ij_delivery_done) struct ij_delivery delivery = { 0 };
        uint64_t number = 0;
        rc = ij_sqlite_read_delivery(call, &delivery, &number, err);
        if (rc < 0)
            return rc;
        bool is_kept = is_wanted(list, &delivery);
        if ((is_kept && *count == list->limit) || looked++ == IJ_LIST_SCAN_MAX) {
            *next = last; /* there is more */
            return 0;
        }
        last = number;
        if (is_kept) {
            out[(*count)++] = delivery;
            delivery = (struct ij_delivery){ 0 };
        }
    }
    return rc < 0 ? rc : 0;
}

int ij_sqlite_deliveries(struct ij_sqlite_db *db, const struct ij_delivery_list *list,
                         struct ij_delivery *out, size_t *out_count, uint64_t *out_next,
                         struct imgjob_error *err)
{
    bool is_of_job = !ij_id_equal(&list->job, &ij_id_none);
    IJ_AUTO(ij_call_end)
    struct ij_call call =
        ij_call_of(db, is_of_job ? IJ_SQL_LIST_DELIVERIES_OF_JOB : IJ_SQL_LIST_DELIVERIES,
                   "listing deliveries");
    if (is_of_job)
        ij_bind_id(&call, &list->job);
    ij_bind_int(&call, list->before && list->before < INT64_MAX ? (int64_t)list->before
                                                                : INT64_MAX);
    size_t count = 0;
    uint64_t next = 0;
    int rc = fill_deliveries(&call, list, out, &count, &next, err);
    if (rc < 0) {
        while (count > 0)
            ij_delivery_done(&out[--count]);
        return rc;
    }
    *out_count = count;
    *out_next = next;
    return 0;
}
