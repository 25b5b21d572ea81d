/* Owns many jobs at once: pages of them, and how far a batch is. */
#include <imgjob/follow.h>

#include <stdlib.h>

#include "base/auto.h"
#include "base/check.h"
#include "cursor.h"
#include "store.h"
#include "submit.h"

enum { LIMIT_DEFAULT = 50 };
_Static_assert((int)IMGJOB_LIST_MAX == (int)IJ_LIST_MAX, "a page is a page");

struct imgjob_job_list {
    size_t count;
    struct imgjob_job *jobs[IMGJOB_LIST_MAX];
    char next[IJ_CURSOR_SIZE]; /* "" = this is the last */
};

static uint32_t bit(uint32_t number)
{
    return UINT32_C(1) << number;
}

/* The states behind a set of statuses. */
static uint32_t states_of(uint32_t statuses)
{
    static const uint32_t states[][2] = {
        { IMGJOB_STATUS_PENDING, IMGJOB_STATE_BLOCKED },
        { IMGJOB_STATUS_PENDING, IMGJOB_STATE_SCHEDULED },
        { IMGJOB_STATUS_PENDING, IMGJOB_STATE_READY },
        { IMGJOB_STATUS_PROCESSING, IMGJOB_STATE_RUNNING },
        { IMGJOB_STATUS_COMPLETED, IMGJOB_STATE_SUCCEEDED },
        { IMGJOB_STATUS_FAILED, IMGJOB_STATE_FAILED },
        { IMGJOB_STATUS_CANCELLED, IMGJOB_STATE_CANCELED },
    };
    uint32_t set = 0;
    for (size_t i = 0; i < IJ_ARRAY_LEN(states); i++)
        if (statuses & bit(states[i][0]))
            set |= bit(states[i][1]);
    return set;
}

static int read_names(const struct imgjob_list_options *options, struct ij_list *out,
                      struct imgjob_error *err)
{
    *out = (struct ij_list){
        .tenant = options->tenant,
        .queue = options->queue,
        .tag = options->tag,
    };
    int rc = out->tenant ? ij_name_check(out->tenant, "tenant", err) : 0;
    if (rc == 0 && out->queue)
        rc = ij_name_check(out->queue, "queue", err);
    if (rc == 0 && out->tag)
        rc = ij_name_check(out->tag, "tag", err);
    if (rc == 0 && options->batch)
        rc = ij_batch_id_read(options->batch, &out->batch, err);
    return rc;
}

static int read_options(struct imgjob_store *store,
                        const struct imgjob_list_options *options, struct ij_list *out,
                        struct imgjob_error *err)
{
    struct imgjob_list_options ours;
    int rc = ij_options_read(&ours, sizeof(ours),
                             IJ_END_OF(struct imgjob_list_options, cursor), options,
                             "imgjob_list_options", err);
    if (rc == 0)
        rc = read_names(&ours, out, err);
    if (rc == 0 && ours.cursor)
        rc = ij_cursor_read(store, IJ_CURSOR_LIST, ours.cursor, "cursor", &out->before,
                            err);
    if (rc < 0)
        return rc;
    if (ours.statuses >= bit(IMGJOB_STATUS_CANCELLED + 1))
        return ij_fail(err, IMGJOB_E_INVALID, "statuses: 0x%x holds unknown ones",
                       ours.statuses);
    if (ours.limit > IMGJOB_LIST_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "limit: must be 1..%d, not %u",
                       IMGJOB_LIST_MAX, ours.limit);
    out->states = states_of(ours.statuses);
    out->limit = ours.limit ? ours.limit : LIMIT_DEFAULT;
    return 0;
}

/* For IJ_AUTO: a page is too large for a stack. */
static void page_free(struct ij_page **page)
{
    if (*page)
        ij_page_done(*page);
    free(*page);
}

static int make_views(struct imgjob_store *store, const struct ij_page *page,
                      struct imgjob_job_list *list, struct imgjob_error *err)
{
    for (size_t i = 0; i < page->count; i++) {
        int rc = ij_view_make(store, &page->records[i], &list->jobs[i], err);
        if (rc < 0)
            return rc;
        list->count++;
    }
    if (page->next)
        ij_cursor_write(store, IJ_CURSOR_LIST, page->next, list->next);
    return 0;
}

int imgjob_store_list(struct imgjob_store *store,
                      const struct imgjob_list_options *options,
                      struct imgjob_job_list **out, struct imgjob_error *err)
{
    struct ij_list filter = { 0 };
    int rc = read_options(store, options, &filter, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(page_free) struct ij_page *page = calloc(1, sizeof(*page));
    struct imgjob_job_list *list = calloc(1, sizeof(*list));
    if (!page || !list)
        rc = ij_fail_nomem(err, "listing jobs");
    if (rc == 0)
        rc = store->jobs->ops->list(store->jobs, &filter, page, err);
    if (rc == 0)
        rc = make_views(store, page, list, err);
    if (rc < 0) {
        imgjob_job_list_free(list);
        return rc;
    }
    *out = list;
    return 0;
}

size_t imgjob_job_list_count(const struct imgjob_job_list *list)
{
    return list->count;
}

const struct imgjob_job *imgjob_job_list_at(const struct imgjob_job_list *list,
                                            size_t index)
{
    return index < list->count ? list->jobs[index] : NULL;
}

const char *imgjob_job_list_next(const struct imgjob_job_list *list)
{
    return list->next[0] ? list->next : NULL;
}

void imgjob_job_list_free(struct imgjob_job_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        imgjob_job_free(list->jobs[i]);
    free(list);
}

/* ---- batches ---- */

int imgjob_id_new(char out[IMGJOB_ID_SIZE], struct imgjob_error *err)
{
    struct ij_id id;
    int rc = ij_id_new(ij_wall_ms(&ij_clock_system), &id, err);
    if (rc == 0)
        ij_id_format(&id, out);
    return rc;
}

int imgjob_batch_read_stats(struct imgjob_store *store, const char *batch,
                            struct imgjob_batch_stats *out, struct imgjob_error *err)
{
    struct ij_id id;
    uint64_t by_state[IJ_STATE_COUNT] = { 0 }, total = 0;
    bool is_id = ij_id_of(batch, &id) && !ij_id_equal(&id, &ij_id_none);
    int rc = is_id ? store->jobs->ops->batch(store->jobs, &id, by_state, err) : 0;
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < IJ_STATE_COUNT; i++)
        total += by_state[i];
    if (total == 0)
        return ij_fail(err, IMGJOB_E_NOTFOUND, "no job is of the batch '%.40s'",
                       batch ? batch : "");
    struct imgjob_batch_stats stats = {
        .pending = by_state[IMGJOB_STATE_BLOCKED] + by_state[IMGJOB_STATE_SCHEDULED] +
                   by_state[IMGJOB_STATE_READY],
        .processing = by_state[IMGJOB_STATE_RUNNING],
        .completed = by_state[IMGJOB_STATE_SUCCEEDED],
        .failed = by_state[IMGJOB_STATE_FAILED],
        .cancelled = by_state[IMGJOB_STATE_CANCELED],
    };
    return ij_result_write(out, &stats, sizeof(stats), "imgjob_batch_stats", err);
}
