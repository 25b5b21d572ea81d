/* Owns what a store counts, the names under which it is told, and their order. */
#include "metrics.h"

#include <imgjob/operate.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "image/image.h"
#include "pool/pool.h"
#include "store.h"

enum { TEXT_MAX = 4 << 20 };

/* By enum imgjob_state and enum ij_delivery_state. */
static const char *const outcomes[IJ_STATE_COUNT] = {
    [IMGJOB_STATE_SUCCEEDED] = "completed",
    [IMGJOB_STATE_FAILED] = "failed",
    [IMGJOB_STATE_CANCELED] = "cancelled",
};
static const char *const delivery_outcomes[] = { "retry", "delivered", "failed" };

/* ---- counting ---- */

void ij_store_metrics_init(struct ij_store_metrics *metrics)
{
    metrics->jobs.batch_size.bounds = &ij_bounds_counts;
    metrics->input_bytes.bounds = metrics->output_bytes.bounds = &ij_bounds_bytes;
    (void)pthread_mutex_init(&metrics->lock, NULL); /* cannot fail on Linux */
}

void ij_store_metrics_done(struct ij_store_metrics *metrics)
{
    for (size_t i = 0; i < metrics->queue_count; i++)
        free(metrics->queues[i]);
    (void)pthread_mutex_destroy(&metrics->lock);
}

static struct ij_queue_metrics *find(const struct ij_store_metrics *metrics,
                                     const char *name)
{
    for (size_t i = 0; i < metrics->queue_count; i++)
        if (strcmp(metrics->queues[i]->name, name) == 0)
            return metrics->queues[i];
    return NULL;
}

/* The entry of a queue, made where absent; NULL = no memory. */
static struct ij_queue_metrics *queue_of(struct ij_store_metrics *metrics,
                                         const char *name)
{
    (void)pthread_mutex_lock(&metrics->lock);
    struct ij_queue_metrics *found = find(metrics, name);
    if (!found && metrics->queue_count >= IJ_QUEUES_MAX) {
        name = "(others)"; /* no queue has that name */
        found = find(metrics, name);
    }
    if (!found && (found = calloc(1, sizeof(*found))) != NULL) {
        (void)snprintf(found->name, sizeof(found->name), "%s", name);
        metrics->queues[metrics->queue_count++] = found;
    }
    (void)pthread_mutex_unlock(&metrics->lock);
    return found;
}

static void count_end(struct ij_store_metrics *metrics, struct ij_queue_metrics *queue,
                      const struct ij_change *change)
{
    const struct ij_job *job = &change->job;
    ij_count(&queue->finished[job->state]);
    if (job->state != IMGJOB_STATE_SUCCEEDED)
        return;
    ij_observe_ms(&metrics->end_to_end, job->finished - job->created);
    ij_observe(&metrics->output_bytes, (double)(job->bytes - change->bytes_before));
}

void ij_store_metrics_change(struct ij_store_metrics *metrics,
                             const struct ij_change *change)
{
    const struct ij_job *job = &change->job;
    struct ij_queue_metrics *queue = queue_of(metrics, change->queue);
    bool was_running = change->from == IMGJOB_STATE_RUNNING;
    if (!queue || change->from == job->state)
        return;
    if (change->from == IMGJOB_STATE_BLOCKED) {
        ij_count(&queue->submitted);
        ij_observe(&metrics->input_bytes, (double)job->bytes);
    } else if (job->state == IMGJOB_STATE_RUNNING) {
        ij_observe_ms(&queue->wait, job->started - change->since);
    } else if (ij_job_is_ended(job)) {
        count_end(metrics, queue, change);
    } else if (was_running && job->token != 0 && job->reason != IJ_REASON_NONE) {
        ij_count(&metrics->retries[job->reason]); /* it goes on after a failed attempt */
    }
    if (was_running && job->token == 0) /* T12 forgets it */
        ij_count(&metrics->losses);
}

/* ---- telling ---- */

static void put_count(struct ij_buf *out, const char *name, const char *labels,
                      uint64_t value)
{
    ij_metric_put(out, name, labels, (double)value);
}

/* Call `write` for each queue that was counted. */
static void each_queue(struct ij_store_metrics *metrics, struct ij_buf *out,
                       void (*write)(struct ij_buf *out, const char *label,
                                     const struct ij_queue_metrics *queue))
{
    (void)pthread_mutex_lock(&metrics->lock);
    size_t count = metrics->queue_count;
    (void)pthread_mutex_unlock(&metrics->lock);
    for (size_t i = 0; i < count; i++) { /* an entry stays where it is */
        IJ_AUTO(ij_buf_done) struct ij_buf label = { 0 };
        ij_metric_label(&label, "queue", metrics->queues[i]->name);
        if (label.failed)
            out->failed = true;
        else
            write(out, label.data, metrics->queues[i]);
    }
}

static void put_submitted(struct ij_buf *out, const char *label,
                          const struct ij_queue_metrics *queue)
{
    put_count(out, "imgjob_jobs_submitted_total", label,
              ij_counter_read(&queue->submitted));
}

static void put_finished(struct ij_buf *out, const char *label,
                         const struct ij_queue_metrics *queue)
{
    for (int state = IMGJOB_STATE_SUCCEEDED; state < IJ_STATE_COUNT; state++) {
        IJ_AUTO(ij_buf_done) struct ij_buf labels = { 0 };
        ij_buf_printf(&labels, "%s,outcome=\"%s\"", label, outcomes[state]);
        if (labels.failed)
            out->failed = true;
        else
            put_count(out, "imgjob_jobs_finished_total", labels.data,
                      ij_counter_read(&queue->finished[state]));
    }
}

static void put_wait(struct ij_buf *out, const char *label,
                     const struct ij_queue_metrics *queue)
{
    ij_metric_put_histogram(out, "imgjob_queue_wait_seconds", label, &queue->wait);
}

static void put_jobs_counted(struct ij_store_metrics *metrics, struct ij_buf *out)
{
    ij_metric_head(out, "imgjob_jobs_submitted_total", "counter", "Jobs accepted.");
    each_queue(metrics, out, put_submitted);
    ij_metric_head(out, "imgjob_jobs_finished_total", "counter",
                   "Jobs that ended, by how.");
    each_queue(metrics, out, put_finished);
    ij_metric_head(out, "imgjob_job_retries_total", "counter",
                   "Attempts that failed and are tried again, by the reason.");
    for (int reason = 1; reason < IJ_REASON_COUNT; reason++) {
        char label[64];
        (void)snprintf(label, sizeof(label), "reason=\"%s\"",
                       ij_reason_name((enum ij_reason)reason));
        put_count(out, "imgjob_job_retries_total", label,
                  ij_counter_read(&metrics->retries[reason]));
    }
    ij_metric_head(out, "imgjob_lease_expired_total", "counter",
                   "Running jobs taken back from processes that fell silent or died.");
    put_count(out, "imgjob_lease_expired_total", "", ij_counter_read(&metrics->losses));
    ij_metric_head(out, "imgjob_stale_writes_refused_total", "counter",
                   "Writes refused since the job had been given to another worker.");
    put_count(out, "imgjob_stale_writes_refused_total", "",
              ij_counter_read(&metrics->jobs.stale_writes));
}

static void put_histogram(struct ij_buf *out, const char *name, const char *help,
                          const struct ij_histogram *histogram)
{
    ij_metric_head(out, name, "histogram", help);
    ij_metric_put_histogram(out, name, "", histogram);
}

static void put_measured(struct ij_store_metrics *metrics, struct ij_buf *out)
{
    ij_metric_head(out, "imgjob_queue_wait_seconds", "histogram",
                   "From ready to claimed.");
    each_queue(metrics, out, put_wait);
    put_histogram(out, "imgjob_end_to_end_seconds", "From submitted to completed.",
                  &metrics->end_to_end);
    put_histogram(out, "imgjob_store_commit_seconds",
                  "One commit of the job store, with all that it answered.",
                  &metrics->jobs.commit_seconds);
    put_histogram(out, "imgjob_store_batch_size", "Requests of one commit.",
                  &metrics->jobs.batch_size);
    put_histogram(out, "imgjob_input_bytes", "Images of a job as they arrived.",
                  &metrics->input_bytes);
    put_histogram(out, "imgjob_output_bytes", "Images that a job made.",
                  &metrics->output_bytes);
}

static void put_deliveries(struct ij_store_metrics *metrics, struct ij_buf *out)
{
    ij_metric_head(out, "imgjob_webhook_deliveries_total", "counter",
                   "Attempts to deliver a webhook, by what came of them.");
    for (size_t i = 0; i < IJ_ARRAY_LEN(delivery_outcomes); i++) {
        char label[64];
        (void)snprintf(label, sizeof(label), "outcome=\"%s\"", delivery_outcomes[i]);
        put_count(out, "imgjob_webhook_deliveries_total", label,
                  ij_counter_read(&metrics->deliveries[i]));
    }
}

/* ---- what the store holds ---- */

static void put_queue_states(struct ij_buf *out, const char *label,
                             const struct ij_queue_stats *queue)
{
    static const char *const states[IJ_STATE_COUNT] = {
        [IMGJOB_STATE_SCHEDULED] = "scheduled", [IMGJOB_STATE_READY] = "ready",
        [IMGJOB_STATE_RUNNING] = "running",     [IMGJOB_STATE_SUCCEEDED] = "succeeded",
        [IMGJOB_STATE_FAILED] = "failed",       [IMGJOB_STATE_CANCELED] = "canceled",
    };
    for (int state = IMGJOB_STATE_SCHEDULED; state < IJ_STATE_COUNT; state++) {
        IJ_AUTO(ij_buf_done) struct ij_buf labels = { 0 };
        ij_buf_printf(&labels, "%s,state=\"%s\"", label, states[state]);
        if (labels.failed)
            out->failed = true;
        else
            put_count(out, "imgjob_jobs", labels.data, queue->by_state[state]);
    }
}

static void put_oldest(struct ij_buf *out, const char *label,
                       const struct ij_queue_stats *queue)
{
    if (queue->oldest_ready)
        ij_metric_put(out, "imgjob_oldest_ready_timestamp_seconds", label,
                      (double)queue->oldest_ready / 1000);
}

static void put_queues(struct ij_buf *out, const struct ij_queue_stats *queues,
                       size_t count,
                       void (*write)(struct ij_buf *out, const char *label,
                                     const struct ij_queue_stats *queue))
{
    for (size_t i = 0; i < count; i++) {
        IJ_AUTO(ij_buf_done) struct ij_buf label = { 0 };
        ij_metric_label(&label, "queue", queues[i].name);
        if (label.failed)
            out->failed = true;
        else
            write(out, label.data, &queues[i]);
    }
}

static int put_held(struct imgjob_store *store, struct ij_buf *out,
                    struct imgjob_error *err)
{
    struct ij_jobs_stats stats;
    size_t count = 0;
    IJ_AUTO(ij_free)
    struct ij_queue_stats *queues = calloc(IJ_QUEUES_MAX, sizeof(*queues));
    if (!queues)
        return ij_fail_nomem(err, "writing metrics");
    int rc = store->jobs->ops->queues(store->jobs, queues, &count, err);
    if (rc == 0)
        rc = store->jobs->ops->stats(store->jobs, &stats, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) /* so that what it counts is seen to begin at 0 */
        (void)queue_of(&store->metrics, queues[i].name);
    ij_metric_head(out, "imgjob_jobs", "gauge", "Jobs in the store, by state.");
    put_queues(out, queues, count, put_queue_states);
    ij_metric_head(out, "imgjob_oldest_ready_timestamp_seconds", "gauge",
                   "Since when the longest waiting job of a queue is ready.");
    put_queues(out, queues, count, put_oldest);
    ij_metric_head(out, "imgjob_stored_bytes", "gauge", "Images of all jobs.");
    put_count(out, "imgjob_stored_bytes", "", stats.bytes);
    ij_metric_head(out, "imgjob_webhooks_waiting", "gauge", "Webhooks to be delivered.");
    put_count(out, "imgjob_webhooks_waiting", "", stats.deliveries);
    return 0;
}

static void put_build(struct ij_buf *out)
{
    char labels[96];
    (void)snprintf(labels, sizeof(labels), "version=\"%s\",libvips=\"%.40s\"",
                   imgjob_version(), ij_image_library_version());
    ij_metric_head(out, "imgjob_build_info", "gauge", "Always 1; the versions.");
    put_count(out, "imgjob_build_info", labels, 1);
}

int imgjob_metrics_text(struct imgjob_store *store, struct imgjob_pool *pool, char **out,
                        struct imgjob_error *err)
{
    IJ_AUTO(ij_buf_done) struct ij_buf text = { .max = TEXT_MAX };
    int rc = put_held(store, &text, err);
    if (rc < 0)
        return rc;
    put_jobs_counted(&store->metrics, &text);
    put_measured(&store->metrics, &text);
    put_deliveries(&store->metrics, &text);
    if (pool)
        ij_pool_metrics_write(pool, &text);
    put_build(&text);
    char *whole = ij_buf_take(&text);
    if (!whole)
        return ij_fail_nomem(err, "writing metrics");
    *out = whole;
    return 0;
}
