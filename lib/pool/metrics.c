/* Owns what a pool tells of itself in numbers. */
#include "pool/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "pool/slot.h"

static const char *const causes[IJ_EXIT_COUNT] = {
    [IJ_EXIT_RECYCLED] = "recycled",
    [IJ_EXIT_RESIZED] = "resized",
    [IJ_EXIT_CLOSED] = "closed",
    [IJ_EXIT_CANCELED] = "canceled",
    [IJ_EXIT_LOST] = "lost",
    [IJ_EXIT_TIMEOUT] = "timeout",
    [IJ_EXIT_CPU] = "cpu",
    [IJ_EXIT_MEMORY] = "memory",
    [IJ_EXIT_CRASHED] = "crashed",
    [IJ_EXIT_PROTOCOL] = "protocol",
    [IJ_EXIT_UNSTARTED] = "unstarted",
    [IJ_EXIT_INTERNAL] = "internal",
};

static const char exits_name[] = "imgjob_worker_exits_total";
static const char process_name[] = "imgjob_process_seconds";

static const char *op_of(const struct imgjob_spec *spec)
{
    size_t steps = spec->step_count;
    const struct ij_step *only = spec->steps;
    for (size_t i = 0; i < spec->output_count; i++) {
        steps += spec->outputs[i].step_count;
        only = spec->outputs[i].step_count > 0 ? spec->outputs[i].steps : only;
    }
    if (steps == 0)
        return spec->output_count > 0 ? "convert" : "info";
    return steps == 1 ? only->op->name : "pipeline";
}

/* The entry of an operation, made where absent; NULL = no memory. */
static struct ij_op_metrics *entry_of(struct ij_pool_metrics *metrics, const char *op)
{
    struct ij_op_metrics *first = atomic_load(&metrics->ops), *made = NULL;
    do { /* after each lost exchange, those that are new are looked through too */
        for (struct ij_op_metrics *entry = first; entry; entry = entry->next)
            if (strcmp(entry->op, op) == 0) {
                free(made);
                return entry;
            }
        made = made ? made : calloc(1, sizeof(*made));
        if (!made)
            return NULL;
        made->op = op;
        made->next = first;
    } while (!atomic_compare_exchange_weak(&metrics->ops, &first, made));
    return made;
}

void ij_pool_metrics_done(struct ij_pool_metrics *metrics, const struct imgjob_spec *spec,
                          const struct ij_timings *timings)
{
    struct ij_op_metrics *entry = entry_of(metrics, op_of(spec));
    if (!entry)
        return;
    ij_observe_ms(&entry->decode, timings->decode_ms);
    ij_observe_ms(&entry->steps, timings->process_ms);
    ij_observe_ms(&entry->encode, timings->encode_ms);
}

void ij_pool_metrics_free(struct ij_pool_metrics *metrics)
{
    struct ij_op_metrics *entry = atomic_exchange(&metrics->ops, NULL);
    while (entry) {
        struct ij_op_metrics *next = entry->next;
        free(entry);
        entry = next;
    }
}

void ij_pool_metrics_exit(struct ij_pool_metrics *metrics, enum ij_exit_cause cause,
                          int signal)
{
    if (metrics)
        ij_count(&metrics->exits[cause][signal < IJ_EXIT_SIGNALS ? signal : 0]);
}

static void put_stage(struct ij_buf *out, const char *op, const char *stage,
                      const struct ij_histogram *histogram)
{
    IJ_AUTO(ij_buf_done) struct ij_buf labels = { 0 };
    ij_metric_label(&labels, "op", op);
    ij_metric_label(&labels, "stage", stage);
    if (labels.failed)
        out->failed = true;
    else
        ij_metric_put_histogram(out, process_name, labels.data, histogram);
}

static void put_process(struct ij_buf *out, const struct ij_pool_metrics *metrics)
{
    ij_metric_head(out, process_name, "histogram",
                   "What workers took for jobs that completed, by the only operation of "
                   "the job (or pipeline, convert, info) and stage.");
    for (const struct ij_op_metrics *entry = atomic_load(&metrics->ops); entry;
         entry = entry->next) {
        put_stage(out, entry->op, "decode", &entry->decode);
        put_stage(out, entry->op, "steps", &entry->steps);
        put_stage(out, entry->op, "encode", &entry->encode);
    }
}

static void put_exit(struct ij_buf *out, enum ij_exit_cause cause, int signal,
                     uint64_t count)
{
    char labels[64];
    const char *name = sigabbrev_np(signal);
    if (signal == 0)
        (void)snprintf(labels, sizeof(labels), "cause=\"%s\"", causes[cause]);
    else if (name)
        (void)snprintf(labels, sizeof(labels), "cause=\"%s\",signal=\"SIG%s\"",
                       causes[cause], name);
    else
        (void)snprintf(labels, sizeof(labels), "cause=\"%s\",signal=\"%d\"",
                       causes[cause], signal);
    ij_metric_put(out, exits_name, labels, (double)count);
}

/* Each cause is always there, so that its first time is seen as a rise. */
static void put_exits(struct ij_buf *out, const struct ij_pool_metrics *metrics)
{
    ij_metric_head(
        out, exits_name, "counter",
        "Worker processes that ended, by cause and, where it was one, signal.");
    for (int cause = 0; cause < IJ_EXIT_COUNT; cause++)
        for (int signal = 0; signal < IJ_EXIT_SIGNALS; signal++) {
            uint64_t count = ij_counter_read(&metrics->exits[cause][signal]);
            if (signal == 0 || count > 0)
                put_exit(out, (enum ij_exit_cause)cause, signal, count);
        }
}

enum state { BUSY, READY, STARTING, STALLED, STATES };

/* What each worker does, once. Holds the pool's lock. */
static enum state state_of(const struct ij_slot *slot)
{
    if (slot->is_busy)
        return BUSY;
    if (slot->node_faults > 1)
        return STALLED;
    return slot->is_ready ? READY : STARTING;
}

static void put_workers(struct ij_buf *out, struct imgjob_pool *pool)
{
    static const char name[] = "imgjob_workers", rss[] = "imgjob_worker_rss_bytes";
    static const char *const labels[STATES] = { "state=\"busy\"", "state=\"ready\"",
                                                "state=\"starting\"",
                                                "state=\"stalled\"" };
    uint32_t counts[STATES] = { 0 };
    uint64_t largest = 0;
    (void)pthread_mutex_lock(&pool->lock);
    for (uint32_t i = 0; i < IJ_POOL_WORKERS_MAX; i++) {
        const struct ij_slot *slot = &pool->slots[i];
        struct ij_executor *executor = slot->place.executor;
        uint64_t bytes = executor ? executor->ops->rss(executor) : 0;
        largest = bytes > largest ? bytes : largest;
        if (i < pool->workers)
            counts[state_of(slot)]++;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    ij_metric_head(out, name, "gauge", "Workers, by what they do.");
    for (int i = 0; i < STATES; i++)
        ij_metric_put(out, name, labels[i], counts[i]);
    ij_metric_head(out, rss, "gauge",
                   "Resident bytes of the largest worker process, after its last job.");
    ij_metric_put(out, rss, "", (double)largest);
}

void ij_pool_metrics_write(struct imgjob_pool *pool, struct ij_buf *out)
{
    static const char lost[] = "imgjob_lease_lost_total";
    put_workers(out, pool);
    put_process(out, &pool->metrics);
    put_exits(out, &pool->metrics);
    ij_metric_head(out, lost, "counter",
                   "Attempts whose job was another process's before they ended.");
    ij_metric_put(out, lost, "", (double)ij_counter_read(&pool->metrics.leases_lost));
}
