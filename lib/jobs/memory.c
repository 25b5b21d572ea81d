/*
 * Jobs in memory: the reference that other backends are compared with, and a store for
 * tests. Nothing is durable and nothing is indexed: every selection is a walk over all
 * rows, in the order of submission, so that what it selects is plain to see.
 *
 * This file owns the rows and how a transition is written; the slots are in the others.
 */
#include "jobs/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/record.h"
#include "jobs/submit.h"

struct ij_memory_hold ij_memory_begin(struct ij_jobs *jobs)
{
    struct ij_memory *memory = (struct ij_memory *)jobs;
    (void)pthread_mutex_lock(&memory->lock);
    return (struct ij_memory_hold){ .memory = memory,
                                    .now = ij_wall_ms(&memory->config.clock) };
}

void ij_memory_end(struct ij_memory_hold *hold)
{
    (void)pthread_mutex_unlock(&hold->memory->lock);
    ij_changes_tell(&hold->changes, &hold->memory->config);
    ij_changes_done(&hold->changes);
}

/* ---- rows ---- */

void ij_memory_row_free(struct ij_memory_row *row)
{
    if (!row)
        return;
    ij_record_done(&row->record);
    free(row->callback_url);
    free(row->tags);
    free(row);
}

void ij_memory_row_remove(struct ij_memory *memory, struct ij_memory_row *row)
{
    size_t at = 0;
    while (memory->rows[at] != row)
        at++;
    memory->row_count--;
    memmove(&memory->rows[at], &memory->rows[at + 1],
            (memory->row_count - at) * sizeof(*memory->rows));
    ij_memory_row_free(row);
}

void ij_memory_delivery_free(struct ij_memory_delivery *delivery)
{
    if (!delivery)
        return;
    ij_delivery_done(&delivery->delivery);
    free(delivery);
}

struct ij_memory_row *ij_memory_find(struct ij_memory *memory, const struct ij_id *id)
{
    for (size_t i = 0; i < memory->row_count; i++)
        if (ij_id_equal(&memory->rows[i]->record.job.id, id))
            return memory->rows[i];
    return NULL;
}

void ij_memory_count(const struct ij_memory *memory, uint64_t out[IJ_STATE_COUNT])
{
    memset(out, 0, IJ_STATE_COUNT * sizeof(*out));
    for (size_t i = 0; i < memory->row_count; i++)
        out[memory->rows[i]->record.job.state]++;
}

uint64_t ij_memory_bytes(const struct ij_memory *memory)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < memory->row_count; i++)
        bytes += memory->rows[i]->record.job.bytes;
    return bytes;
}

uint32_t ij_memory_queue_number(const struct ij_memory *memory, const char *name)
{
    for (size_t i = 0; i < memory->queue_count; i++)
        if (strcmp(memory->queues[i].name, name) == 0)
            return (uint32_t)i + 1;
    return 0;
}

uint32_t ij_memory_tenant_number(const struct ij_memory *memory, const char *name)
{
    for (size_t i = 0; i < memory->tenant_count; i++)
        if (strcmp(memory->tenants[i], name) == 0)
            return (uint32_t)i + 1;
    return 0;
}

/* The number of a queue that can give its place to another; 0 = there is none. */
static uint32_t find_spare(const struct ij_memory *memory)
{
    uint64_t jobs[IJ_QUEUES_MAX] = { 0 };
    for (size_t i = 0; i < memory->row_count; i++)
        jobs[memory->rows[i]->record.job.queue - 1]++;
    for (uint32_t i = 0; i < memory->queue_count; i++) {
        const struct ij_memory_queue *queue = &memory->queues[i];
        if (i + 1 != IJ_QUEUE_DEFAULT && ij_queue_is_spare(queue->is_paused, queue->limit,
                                                           queue->turn.weight, jobs[i]))
            return i + 1;
    }
    return 0;
}

static void drop_shares(struct ij_memory *memory, uint32_t queue)
{
    size_t kept = 0;
    for (size_t i = 0; i < memory->share_count; i++)
        if (memory->shares[i].queue != queue)
            memory->shares[kept++] = memory->shares[i];
    memory->share_count = kept;
}

int ij_memory_queue_make(struct ij_memory *memory, const char *name, uint32_t *out,
                         struct imgjob_error *err)
{
    uint32_t number = ij_memory_queue_number(memory, name);
    if (number == 0) {
        number = memory->queue_count < IJ_QUEUES_MAX ? (uint32_t)++memory->queue_count
                                                     : find_spare(memory);
        if (number == 0)
            return ij_queue_fail_room(name, err);
        drop_shares(memory, number);
        struct ij_memory_queue *queue = &memory->queues[number - 1];
        *queue = (struct ij_memory_queue){ .turn.weight = IJ_WEIGHT_DEFAULT };
        (void)snprintf(queue->name, sizeof(queue->name), "%s", name); /* it fits */
    }
    *out = number;
    return 0;
}

struct ij_memory_share *ij_memory_share(struct ij_memory *memory, uint32_t queue,
                                        uint32_t prio, uint32_t tenant)
{
    for (size_t i = 0; i < memory->share_count; i++) {
        struct ij_memory_share *share = &memory->shares[i];
        if (share->queue == queue && share->prio == prio && share->tenant == tenant)
            return share;
    }
    struct ij_memory_share *grown = ij_memory_grow(memory->shares, memory->share_count,
                                                   &memory->share_cap, sizeof(*grown));
    if (!grown)
        return NULL;
    memory->shares = grown;
    grown[memory->share_count] =
        (struct ij_memory_share){ .queue = queue, .prio = prio, .tenant = tenant };
    return &grown[memory->share_count++];
}

void *ij_memory_grow(void *array, size_t count, size_t *cap, size_t element_size)
{
    if (count < *cap)
        return array;
    size_t more = *cap ? *cap * 2 : 64;
    void *grown = reallocarray(array, more, element_size);
    if (grown)
        *cap = more;
    return grown;
}

/* ---- writing ---- */

void ij_memory_edit_done(struct ij_memory_edit *edit)
{
    ij_free(&edit->failure);
    ij_free(&edit->result);
    ij_free(&edit->keys);
}

/* For IJ_AUTO. */
static void delivery_discard(struct ij_memory_delivery **delivery)
{
    ij_memory_delivery_free(*delivery);
}

/* The row as it will be, its documents borrowed. */
static struct ij_record edited(const struct ij_memory_row *row,
                               const struct ij_memory_edit *edit)
{
    struct ij_record record = row->record;
    record.job = edit->job;
    if (edit->failure || edit->is_failure_gone)
        record.failure = edit->failure;
    if (edit->result)
        record.result = edit->result;
    if (edit->keys)
        record.keys = edit->keys;
    return record;
}

/* Room is made for it, so that adding it cannot fail. */
static int delivery_make(struct ij_memory_hold *hold, const struct ij_record *record,
                         const char *url, struct ij_memory_delivery **out,
                         struct imgjob_error *err)
{
    struct ij_memory *memory = hold->memory;
    void *grown = ij_memory_grow(memory->deliveries, memory->delivery_count,
                                 &memory->delivery_cap, sizeof(*memory->deliveries));
    if (!grown)
        return ij_fail_nomem(err, "storing what a callback is told");
    memory->deliveries = grown;
    IJ_AUTO(delivery_discard) struct ij_memory_delivery *made = calloc(1, sizeof(*made));
    if (!made)
        return ij_fail_nomem(err, "storing what a callback is told");
    int rc =
        ij_delivery_new(&memory->config, record, url, hold->now, &made->delivery, err);
    if (rc == 0)
        *out = ij_steal(&made);
    return rc;
}

int ij_memory_write(struct ij_memory_hold *hold, struct ij_memory_row *row,
                    struct ij_memory_edit *edit, struct imgjob_error *err)
{
    struct ij_memory *memory = hold->memory;
    struct ij_memory_delivery *delivery = NULL;
    struct ij_job before = row->record.job;
    edit->job.change = memory->last_change + 1;
    struct ij_record after = edited(row, edit);
    int rc = ij_changes_reserve(&hold->changes, 1, err);
    if (rc == 0 && ij_delivery_is_owed(&edit->job, before.state))
        rc = delivery_make(hold, &after, row->callback_url, &delivery, err);
    if (rc < 0)
        return rc;
    if (delivery) {
        delivery->number = ++memory->last_delivery;
        memory->deliveries[memory->delivery_count++] = delivery;
    }
    if (after.failure != row->record.failure)
        free(row->record.failure);
    if (after.result != row->record.result)
        free(row->record.result);
    if (after.keys != row->record.keys)
        free(row->record.keys);
    row->record = after;
    edit->failure = edit->result = edit->keys = NULL;
    memory->last_change++;
    ij_changes_add(&hold->changes, &before, &row->record.job, row->record.queue);
    return 0;
}

int ij_memory_write_own(struct ij_memory_hold *hold, struct ij_memory_row *row,
                        const struct ij_job *job, struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_edit_done) struct ij_memory_edit edit = { .job = *job };
    int rc = ij_record_failure(job, NULL, &edit.failure, err);
    return rc == 0 ? ij_memory_write(hold, row, &edit, err) : rc;
}

/* ---- life ---- */

static int memory_ping(struct ij_jobs *jobs, struct imgjob_error *err)
{
    (void)jobs;
    (void)err;
    return 0;
}

static int memory_space(struct ij_jobs *jobs, uint64_t *out_free, uint64_t *out_total,
                        struct imgjob_error *err)
{
    (void)jobs;
    (void)err;
    *out_free = *out_total = UINT64_MAX;
    return 0;
}

static int memory_backup(struct ij_jobs *jobs, const char *path, struct imgjob_error *err)
{
    (void)jobs;
    return ij_fail(err, IMGJOB_E_INVALID,
                   "a store in memory has no file that '%.100s' could be a copy of",
                   path);
}

static const char *memory_store_id(struct ij_jobs *jobs)
{
    return ((struct ij_memory *)jobs)->store_id;
}

static uint64_t memory_owner(struct ij_jobs *jobs)
{
    (void)jobs;
    return 1; /* no other process can have it */
}

static void memory_close(struct ij_jobs *jobs)
{
    struct ij_memory *memory = (struct ij_memory *)jobs;
    for (size_t i = 0; i < memory->row_count; i++)
        ij_memory_row_free(memory->rows[i]);
    for (size_t i = 0; i < memory->delivery_count; i++)
        ij_memory_delivery_free(memory->deliveries[i]);
    for (size_t i = 0; i < memory->key_count; i++)
        free(memory->keys[i].text);
    for (size_t i = 0; i < memory->tenant_count; i++)
        free(memory->tenants[i]);
    for (size_t i = 0; i < memory->gc_count; i++)
        free(memory->gc[i]);
    (void)pthread_mutex_destroy(&memory->lock);
    free(memory->rows);
    free(memory->deliveries);
    free(memory->keys);
    free(memory->tenants);
    free(memory->shares);
    free(memory->gc);
    free(memory);
}

static const struct ij_jobs_ops memory_ops = {
    .name = "memory",
    .close = memory_close,
    .ping = memory_ping,
    .store_id = memory_store_id,
    .owner = memory_owner,
    .submit = ij_memory_submit,
    .claim = ij_memory_claim,
    .heartbeat = ij_memory_heartbeat,
    .finish = ij_memory_finish,
    .reclaim_all = ij_memory_reclaim_all,
    .sweep = ij_memory_sweep,
    .get = ij_memory_get,
    .cancel = ij_memory_cancel,
    .retry = ij_memory_retry,
    .purge = ij_memory_purge,
    .list = ij_memory_list,
    .changes = ij_memory_changes,
    .batch = ij_memory_batch,
    .stats = ij_memory_stats,
    .queues = ij_memory_queues,
    .queue_set = ij_memory_queue_set,
    .delivery_claim = ij_memory_delivery_claim,
    .delivery_finish = ij_memory_delivery_finish,
    .delivery_list = ij_memory_delivery_list,
    .delivery_replay = ij_memory_delivery_replay,
    .audit = ij_memory_audit,
    .backup = memory_backup,
    .condemn = ij_memory_condemn,
    .gc_list = ij_memory_gc_list,
    .gc_drop = ij_memory_gc_drop,
    .space = memory_space,
};

int ij_memory_open(const struct ij_jobs_config *config, struct ij_jobs **out,
                   struct imgjob_error *err)
{
    struct ij_id id;
    uint32_t queue;
    int rc = ij_id_new(ij_wall_ms(&config->clock), &id, err);
    if (rc < 0)
        return rc;
    struct ij_memory *memory = calloc(1, sizeof(*memory));
    if (!memory)
        return ij_fail_nomem(err, "opening a store in memory");
    memory->jobs.ops = &memory_ops;
    memory->config = *config;
    memory->config.path = NULL; /* borrowed during the call only */
    memory->retention =
        (struct ij_retention){ config->result_ttl_ms, config->job_ttl_ms };
    ij_id_format(&id, memory->store_id);
    memory->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    (void)ij_memory_queue_make(memory, IJ_NAME_DEFAULT, &queue, NULL); /* the first */
    memory->tenants = ij_memory_grow(NULL, 0, &memory->tenant_cap, sizeof(char *));
    char *tenant = strdup(IJ_NAME_DEFAULT);
    if (!memory->tenants || !tenant) {
        free(tenant);
        memory_close(&memory->jobs);
        return ij_fail_nomem(err, "opening a store in memory");
    }
    memory->tenants[memory->tenant_count++] = tenant;
    *out = &memory->jobs;
    return 0;
}
