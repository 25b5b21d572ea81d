/* Owns what a pool tells of itself in numbers. */
#include "pool/metrics.h"

#include <stdio.h>
#include <string.h>

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

void ij_pool_metrics_done(struct ij_pool_metrics *metrics,
                          const struct ij_timings *timings)
{
    ij_observe_ms(&metrics->decode, timings->decode_ms);
    ij_observe_ms(&metrics->steps, timings->process_ms);
    ij_observe_ms(&metrics->encode, timings->encode_ms);
}

void ij_pool_metrics_exit(struct ij_pool_metrics *metrics, enum ij_exit_cause cause,
                          int signal)
{
    if (metrics)
        ij_count(&metrics->exits[cause][signal < IJ_EXIT_SIGNALS ? signal : 0]);
}

static void put_stages(struct ij_buf *out, const struct ij_pool_metrics *metrics)
{
    static const char name[] = "imgjob_process_seconds";
    ij_metric_head(out, name, "histogram",
                   "What workers took for jobs that completed, by stage.");
    ij_metric_put_histogram(out, name, "stage=\"decode\"", &metrics->decode);
    ij_metric_put_histogram(out, name, "stage=\"steps\"", &metrics->steps);
    ij_metric_put_histogram(out, name, "stage=\"encode\"", &metrics->encode);
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
    put_stages(out, &pool->metrics);
    put_exits(out, &pool->metrics);
    ij_metric_head(out, lost, "counter",
                   "Attempts whose job was another process's before they ended.");
    ij_metric_put(out, lost, "", (double)ij_counter_read(&pool->metrics.leases_lost));
}
