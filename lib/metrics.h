/* What a store counts while it is open. */
#pragma once

#include <pthread.h>

#include "base/metrics.h"
#include "jobs/jobs.h"

/* Of one queue. */
struct ij_queue_metrics {
    char name[IJ_NAME_SIZE];
    struct ij_counter submitted;
    struct ij_counter finished[IJ_STATE_COUNT]; /* by the state a job ended in */
    struct ij_histogram wait;                   /* ready until claimed */
};

/* Shared; zeroed, then ij_store_metrics_init(). */
struct ij_store_metrics {
    struct ij_jobs_metrics jobs;
    struct ij_histogram end_to_end;                /* submitted until completed */
    struct ij_histogram input_bytes, output_bytes; /* of a job */
    struct ij_counter retries[IJ_REASON_COUNT];
    struct ij_counter losses;        /* leases that were taken back (T12) */
    struct ij_counter deliveries[3]; /* attempts of webhooks: by enum ij_delivery_state;
                                        WAITING = it is tried again */
    pthread_mutex_t lock;
    /* guarded by lock; an entry stays where it is once it is there */
    struct ij_queue_metrics *queues[IJ_QUEUES_MAX + 1]; /* names come and go: the last one
                                                           is of all that came later */
    size_t queue_count;
};
void ij_store_metrics_init(struct ij_store_metrics *metrics);
void ij_store_metrics_done(struct ij_store_metrics *metrics);

/* A transition is durable. Any thread; a queue that there is no memory for is not
 * counted. */
void ij_store_metrics_change(struct ij_store_metrics *metrics,
                             const struct ij_change *change);
