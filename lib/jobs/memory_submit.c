/* Owns how the memory backend takes jobs: all of a call's or none, by taking back. */
#include "jobs/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/record.h"
#include "jobs/submit.h"

/* A row that was there, as it was. */
struct extended {
    struct ij_memory_row *row;
    struct ij_job job;
};

/* How the store stood before the call. */
struct before {
    size_t row_count, queue_count, tenant_count, key_count, share_count;
    uint64_t last_seq, last_change;
    struct ij_memory_queue *queues;
    struct ij_memory_share *shares;
    struct extended *extended;
    size_t extended_count;
    uint64_t queued, added;
};

static void before_done(struct before *before)
{
    free(before->queues);
    free(before->shares);
    free(before->extended);
}

static int before_take(const struct ij_memory *memory, size_t count, struct before *out,
                       struct imgjob_error *err)
{
    uint64_t by_state[IJ_STATE_COUNT];
    ij_memory_count(memory, by_state);
    *out = (struct before){
        .row_count = memory->row_count,
        .queue_count = memory->queue_count,
        .tenant_count = memory->tenant_count,
        .key_count = memory->key_count,
        .share_count = memory->share_count,
        .last_seq = memory->last_seq,
        .last_change = memory->last_change,
        .queues = calloc(IJ_QUEUES_MAX, sizeof(*out->queues)),
        .shares = calloc(memory->share_count + 1, sizeof(*out->shares)),
        .extended = calloc(count + 1, sizeof(*out->extended)),
        .queued = ij_queued(by_state),
    };
    if (!out->queues || !out->shares || !out->extended)
        return ij_fail_nomem(err, "storing jobs in memory");
    memcpy(out->queues, memory->queues, sizeof(memory->queues));
    for (size_t i = 0; i < memory->share_count; i++)
        out->shares[i] = memory->shares[i];
    return 0;
}

static void take_back(struct ij_memory_hold *hold, const struct before *before)
{
    struct ij_memory *memory = hold->memory;
    while (memory->row_count > before->row_count)
        ij_memory_row_free(memory->rows[--memory->row_count]);
    while (memory->tenant_count > before->tenant_count)
        free(memory->tenants[--memory->tenant_count]);
    while (memory->key_count > before->key_count)
        free(memory->keys[--memory->key_count].text);
    memcpy(memory->queues, before->queues, sizeof(memory->queues));
    memory->queue_count = before->queue_count;
    memory->share_count = before->share_count;
    for (size_t i = 0; i < before->share_count; i++)
        memory->shares[i] = before->shares[i];
    for (size_t i = before->extended_count; i-- > 0;)
        before->extended[i].row->record.job = before->extended[i].job;
    memory->last_seq = before->last_seq;
    memory->last_change = before->last_change;
    hold->changes.count = 0;
}

/* ---- idempotency keys ---- */

static bool is_key_of(const struct ij_memory_key *key, uint32_t tenant, const char *text)
{
    return key->tenant == tenant && strcmp(key->text, text) == 0;
}

/* The job that the key stands for; NULL = the key is free. */
static struct ij_memory_row *find_by_key(struct ij_memory_hold *hold,
                                         const struct ij_submit *submit,
                                         const struct ij_memory_key **out_key)
{
    struct ij_memory *memory = hold->memory;
    uint32_t tenant = ij_memory_tenant_number(memory, ij_submit_tenant(submit));
    for (size_t i = memory->key_count; i-- > 0 && submit->idempotency_key;) {
        const struct ij_memory_key *key = &memory->keys[i];
        if (!is_key_of(key, tenant, submit->idempotency_key))
            continue;
        *out_key = key;
        return key->expires > hold->now ? ij_memory_find(memory, &key->job) : NULL;
    }
    return NULL;
}

static int note_key(struct ij_memory_hold *hold, const struct ij_submit *submit,
                    const struct ij_job *job, struct imgjob_error *err)
{
    struct ij_memory *memory = hold->memory;
    if (!submit->idempotency_key)
        return 0;
    struct ij_memory_key *grown =
        ij_memory_grow(memory->keys, memory->key_count, &memory->key_cap, sizeof(*grown));
    if (!grown)
        return ij_fail_nomem(err, "storing an idempotency key in memory");
    memory->keys = grown;
    struct ij_memory_key key = {
        .tenant = job->tenant,
        .text = strdup(submit->idempotency_key),
        .job = job->id,
        .expires = ij_time_after(hold->now, memory->config.idempotency_ttl_ms),
    };
    if (!key.text)
        return ij_fail_nomem(err, "storing an idempotency key in memory");
    memcpy(key.fingerprint, submit->fingerprint, sizeof(key.fingerprint));
    memory->keys[memory->key_count++] = key;
    return 0;
}

/* Drop the keys that new ones stand in for. */
static void replace_keys(struct ij_memory *memory, size_t old_count)
{
    for (size_t k = old_count; k < memory->key_count; k++) {
        for (size_t i = 0; i < k; i++) {
            if (!is_key_of(&memory->keys[i], memory->keys[k].tenant,
                           memory->keys[k].text))
                continue;
            free(memory->keys[i].text);
            memory->key_count--;
            k--;
            memmove(&memory->keys[i], &memory->keys[i + 1],
                    (memory->key_count - i) * sizeof(*memory->keys));
            break;
        }
    }
}

/* ---- rows ---- */

/* For IJ_AUTO. */
static void row_discard(struct ij_memory_row **row)
{
    ij_memory_row_free(*row);
}

static char *copy_or(const char *text, const char *otherwise)
{
    return strdup(text ? text : otherwise);
}

/* @return NULL without memory */
static char *join_tags(const struct ij_submit *submit)
{
    char *joined = strdup("\n");
    for (size_t i = 0; joined && i < submit->tag_count; i++) {
        char *more = NULL;
        if (asprintf(&more, "%s%s\n", joined, submit->tags[i]) < 0)
            more = NULL; /* not defined when it fails */
        free(joined);
        joined = more;
    }
    return joined;
}

static struct ij_memory_row *row_new(const struct ij_submit *submit, int64_t now)
{
    IJ_AUTO(row_discard) struct ij_memory_row *row = calloc(1, sizeof(*row));
    if (!row)
        return NULL;
    struct ij_record *record = &row->record;
    record->job = ij_state_new(submit, now);
    record->spec = strdup(submit->spec);
    record->input = submit->input ? strdup(submit->input) : NULL;
    record->options = copy_or(submit->options, "{}");
    record->keys = copy_or(submit->keys, "");
    (void)snprintf(record->queue, sizeof(record->queue), "%s", ij_submit_queue(submit));
    (void)snprintf(record->tenant, sizeof(record->tenant), "%s",
                   ij_submit_tenant(submit));
    row->callback_url = submit->callback_url ? strdup(submit->callback_url) : NULL;
    row->tags = join_tags(submit);
    if (!record->spec || (submit->input && !record->input) || !record->options ||
        !record->keys || (submit->callback_url && !row->callback_url) || !row->tags)
        return NULL;
    return ij_steal(&row);
}

static int tenant_make(struct ij_memory *memory, const char *name, uint32_t *out,
                       struct imgjob_error *err)
{
    uint32_t number = ij_memory_tenant_number(memory, name);
    if (number == 0) {
        char **grown = ij_memory_grow(memory->tenants, memory->tenant_count,
                                      &memory->tenant_cap, sizeof(*grown));
        if (!grown)
            return ij_fail_nomem(err, "storing a tenant in memory");
        memory->tenants = grown;
        grown[memory->tenant_count] = strdup(name);
        if (!grown[memory->tenant_count])
            return ij_fail_nomem(err, "storing a tenant in memory");
        number = (uint32_t)++memory->tenant_count;
    }
    *out = number;
    return 0;
}

/* Its place among the jobs of its queue and priority. */
static int take_share(struct ij_memory *memory, struct ij_job *job,
                      struct imgjob_error *err)
{
    const struct ij_memory_share *clock =
        ij_memory_share(memory, job->queue, job->prio, 0);
    uint64_t now = clock ? clock->last : 0;
    struct ij_memory_share *share =
        clock ? ij_memory_share(memory, job->queue, job->prio, job->tenant) : NULL;
    if (!share)
        return ij_fail_nomem(err, "storing a tenant's share in memory");
    job->fair = share->last = ij_fair_new(now, share->last);
    return 0;
}

static int add_row(struct ij_memory_hold *hold, const struct ij_submit *submit,
                   struct ij_memory_row **out, struct imgjob_error *err)
{
    struct ij_memory *memory = hold->memory;
    IJ_AUTO(row_discard) struct ij_memory_row *row = row_new(submit, hold->now);
    void *grown = ij_memory_grow(memory->rows, memory->row_count, &memory->row_cap,
                                 sizeof(*memory->rows));
    if (grown)
        memory->rows = grown;
    if (!row || !grown)
        return ij_fail_nomem(err, "storing a job in memory");
    struct ij_job *job = &row->record.job;
    int rc = ij_changes_reserve(&hold->changes, 1, err);
    if (rc == 0)
        rc = ij_memory_queue_make(memory, row->record.queue, &job->queue, err);
    if (rc == 0)
        rc = tenant_make(memory, row->record.tenant, &job->tenant, err);
    if (rc == 0)
        rc = take_share(memory, job, err);
    if (rc < 0)
        return rc;
    job->seq = ++memory->last_seq;
    job->change = ++memory->last_change;
    ij_changes_add(&hold->changes, NULL, job, row->record.queue);
    *out = memory->rows[memory->row_count++] = ij_steal(&row);
    return 0;
}

/* ---- submit ---- */

static struct ij_memory_row *find_twin(struct ij_memory_hold *hold,
                                       const struct ij_submit *submit)
{
    struct ij_memory *memory = hold->memory;
    for (size_t i = memory->row_count; i-- > 0 && submit->has_dedup;) {
        const struct ij_job *job = &memory->rows[i]->record.job;
        if (job->has_dedup && memcmp(job->dedup, submit->dedup, IJ_DIGEST_SIZE) == 0 &&
            ij_state_is_twin(job, hold->now))
            return memory->rows[i];
    }
    return NULL;
}

static int extend(struct ij_memory_hold *hold, struct before *before,
                  struct ij_memory_row *row, struct imgjob_error *err)
{
    struct ij_memory_edit edit = { .job = row->record.job };
    struct extended *extended = &before->extended[before->extended_count];
    *extended = (struct extended){ row, row->record.job };
    if (!ij_state_extend(&edit.job, &hold->memory->retention, hold->now))
        return 0;
    int rc = ij_memory_write(hold, row, &edit, err);
    before->extended_count += rc == 0;
    return rc;
}

/* Filled: the row that is the answer. */
static int submit_one(struct ij_memory_hold *hold, struct before *before,
                      struct ij_submit *submit, struct ij_memory_row **out,
                      struct imgjob_error *err)
{
    struct ij_memory *memory = hold->memory;
    const struct ij_memory_key *key = NULL;
    submit->outcome = IJ_SUBMIT_NEW;
    if ((*out = ij_memory_find(memory, &submit->id)) != NULL)
        return ij_submit_again(&submit->id, (*out)->record.spec, submit, err);
    if ((*out = find_by_key(hold, submit, &key)) != NULL) {
        submit->outcome = IJ_SUBMIT_REPLAYED;
        return ij_submit_replay(key->fingerprint, submit, err);
    }
    if ((*out = find_twin(hold, submit)) != NULL) {
        submit->outcome = IJ_SUBMIT_DEDUPLICATED;
        int rc = extend(hold, before, *out, err);
        return rc == 0 ? note_key(hold, submit, &(*out)->record.job, err) : rc;
    }
    if (ij_memory_gc_holds_id(memory, &submit->id))
        return ij_submit_condemned(&submit->id, err);
    int rc =
        ij_submit_capacity(before->queued, before->added, memory->config.max_queued, err);
    if (rc == 0)
        rc = add_row(hold, submit, out, err);
    before->added += rc == 0;
    return rc == 0 ? note_key(hold, submit, &(*out)->record.job, err) : rc;
}

int ij_memory_submit(struct ij_jobs *jobs, struct ij_submit *submits, size_t count,
                     struct imgjob_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = ij_submit_check(&submits[i], err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    IJ_AUTO(before_done) struct before before = { 0 };
    rc = before_take(hold.memory, count, &before, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct ij_memory_row *row = NULL;
        rc = submit_one(&hold, &before, &submits[i], &row, err);
        if (rc == 0)
            submits[i].job = row->record.job.id;
    }
    if (rc == 0)
        rc = ij_submit_list_check(submits, count, err);
    if (rc < 0)
        take_back(&hold, &before);
    else
        replace_keys(hold.memory, before.key_count);
    return rc;
}
