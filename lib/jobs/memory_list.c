/* Owns what can be read from the memory backend. */
#include "jobs/memory.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/record.h"

int ij_memory_get(struct ij_jobs *jobs, const struct ij_id *id, struct ij_record *out,
                  struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    const struct ij_memory_row *row = ij_memory_find(hold.memory, id);
    return row ? ij_record_copy(&row->record, out, err) : ij_fail_unknown(id, err);
}

static bool has_tag(const struct ij_memory_row *row, const char *tag)
{
    char line[IJ_NAME_SIZE + 2];
    int len = snprintf(line, sizeof(line), "\n%s\n", tag);
    return len < (int)sizeof(line) && strstr(row->tags, line);
}

static bool is_listed(const struct ij_memory_row *row, const struct ij_list *list)
{
    const struct ij_record *record = &row->record;
    if (list->before != 0 && record->job.seq >= list->before)
        return false;
    if (list->states != 0 && !(list->states & (1u << record->job.state)))
        return false;
    if (!ij_id_equal(&list->batch, &ij_id_none) &&
        !ij_id_equal(&list->batch, &record->job.batch))
        return false;
    return (!list->tenant || strcmp(list->tenant, record->tenant) == 0) &&
           (!list->queue || strcmp(list->queue, record->queue) == 0) &&
           (!list->tag || has_tag(row, list->tag));
}

/* On failure the page is emptied. */
static int page_add(struct ij_page *page, const struct ij_memory_row *row,
                    struct imgjob_error *err)
{
    int rc = ij_record_copy(&row->record, &page->records[page->count], err);
    if (rc == 0)
        page->count++;
    else
        ij_page_done(page);
    return rc;
}

int ij_memory_list(struct ij_jobs *jobs, const struct ij_list *list, struct ij_page *out,
                   struct imgjob_error *err)
{
    int rc = ij_page_limit_check(list->limit, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    for (size_t i = hold.memory->row_count; i-- > 0 && rc == 0;) {
        const struct ij_memory_row *row = hold.memory->rows[i];
        if (!is_listed(row, list))
            continue;
        if (out->count == list->limit) { /* there is more */
            out->next = out->records[out->count - 1].job.seq;
            break;
        }
        rc = page_add(out, row, err);
    }
    return rc;
}

/* The first change behind that number. */
static const struct ij_memory_row *next_change(const struct ij_memory *memory,
                                               const char *tenant, uint64_t after)
{
    const struct ij_memory_row *next = NULL;
    for (size_t i = 0; i < memory->row_count; i++) {
        const struct ij_memory_row *row = memory->rows[i];
        if (row->record.job.change > after &&
            (!tenant || strcmp(tenant, row->record.tenant) == 0) &&
            (!next || row->record.job.change < next->record.job.change))
            next = row;
    }
    return next;
}

int ij_memory_changes(struct ij_jobs *jobs, const char *tenant, uint64_t after,
                      uint32_t limit, struct ij_page *out, struct imgjob_error *err)
{
    int rc = ij_page_limit_check(limit, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    const struct ij_memory_row *row;
    uint64_t at = after;
    while (rc == 0 && out->count < limit &&
           (row = next_change(hold.memory, tenant, at)) != NULL) {
        at = row->record.job.change;
        rc = page_add(out, row, err);
    }
    if (rc == 0)
        out->next = at;
    return rc;
}

int ij_memory_batch(struct ij_jobs *jobs, const struct ij_id *batch,
                    uint64_t *out_by_state, struct imgjob_error *err)
{
    (void)err;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    uint64_t by_state[IJ_STATE_COUNT] = { 0 };
    for (size_t i = 0; i < hold.memory->row_count; i++) {
        const struct ij_job *job = &hold.memory->rows[i]->record.job;
        by_state[job->state] += ij_id_equal(&job->batch, batch);
    }
    memcpy(out_by_state, by_state, sizeof(by_state));
    return 0;
}

int ij_memory_stats(struct ij_jobs *jobs, struct ij_jobs_stats *out,
                    struct imgjob_error *err)
{
    (void)err;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    const struct ij_memory *memory = hold.memory;
    struct ij_jobs_stats stats = { .change = memory->last_change,
                                   .bytes = ij_memory_bytes(memory) };
    ij_memory_count(memory, stats.by_state);
    for (size_t i = 0; i < memory->delivery_count; i++)
        stats.deliveries += memory->deliveries[i]->delivery.state == IJ_DELIVERY_WAITING;
    *out = stats;
    return 0;
}
