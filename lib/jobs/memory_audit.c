/* Owns what is always true of the memory backend's rows. There is nothing to mend: what
 * is counted and indexed elsewhere is looked up here. */
#include "jobs/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"

IJ_PRINTF(2, 3)
static void report(struct ij_audit *audit, const char *fmt, ...)
{
    char sentence[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, args); /* a cut is still told */
    va_end(args);
    audit->faults++;
    if (audit->report)
        audit->report(audit->data, sentence);
}

/* What is wrong with a row by itself; NULL = nothing. */
static const char *row_fault(const struct ij_memory *memory,
                             const struct ij_memory_row *row)
{
    const struct ij_record *record = &row->record;
    const struct ij_job *job = &record->job;
    bool is_ended = ij_job_is_ended(job);
    if (job->state < IMGJOB_STATE_SCHEDULED || job->state > IMGJOB_STATE_CANCELED)
        return "is in no state";
    if ((job->lease_until != 0) != (job->state == IMGJOB_STATE_RUNNING))
        return "has a lease and does not run, or runs without one";
    if (job->state != IMGJOB_STATE_SCHEDULED && job->run_at != 0)
        return "has a time to run at and is not scheduled";
    if ((job->finished != 0) != is_ended)
        return "has an end and has not ended, or has ended without one";
    if (!is_ended && (job->result_expires != 0 || job->expires != 0))
        return "expires and has not ended";
    if (is_ended && job->result_expires == 0 && (job->bytes != 0 || record->keys[0]))
        return "names blobs that were given to gc";
    if (job->queue < 1 || job->queue > memory->queue_count ||
        strcmp(memory->queues[job->queue - 1].name, record->queue) != 0)
        return "is of a queue that is not there";
    if (job->tenant < 1 || job->tenant > memory->tenant_count ||
        strcmp(memory->tenants[job->tenant - 1], record->tenant) != 0)
        return "is of a tenant that is not there";
    if (job->seq > memory->last_seq || job->change > memory->last_change)
        return "has a number that was not given yet";
    if (!record->spec || !record->keys || !record->options)
        return "lacks a document";
    if (job->has_callback != (row->callback_url != NULL))
        return "has a callback without a URL, or the reverse";
    return NULL;
}

static void audit_row(const struct ij_memory *memory, size_t at, struct ij_audit *audit)
{
    const struct ij_job *job = &memory->rows[at]->record.job;
    char id[IMGJOB_ID_SIZE];
    ij_id_format(&job->id, id);
    const char *fault = row_fault(memory, memory->rows[at]);
    if (fault)
        report(audit, "job %s %s", id, fault);
    for (size_t i = 0; i < at; i++) {
        const struct ij_job *other = &memory->rows[i]->record.job;
        if (other->seq >= job->seq || other->change == job->change ||
            ij_id_equal(&other->id, &job->id))
            report(audit, "job %s has the id or a number of another", id);
    }
}

int ij_memory_audit(struct ij_jobs *jobs, struct ij_audit *audit,
                    struct imgjob_error *err)
{
    (void)err;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    const struct ij_memory *memory = hold.memory;
    audit->rows = memory->row_count;
    audit->faults = audit->repaired = 0;
    for (size_t i = 0; i < memory->row_count; i++)
        audit_row(memory, i, audit);
    for (size_t i = 0; i < memory->delivery_count; i++) {
        const struct ij_delivery *delivery = &memory->deliveries[i]->delivery;
        char id[IMGJOB_ID_SIZE];
        ij_id_format(&delivery->id, id);
        if ((delivery->state == IJ_DELIVERY_WAITING) != (delivery->due != 0))
            report(audit, "delivery %s waits without a time, or the reverse", id);
    }
    return 0;
}
