/* What every handler works with: the server's objects, made by main.c. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <imgjob/imgjob.h>

#include "base/log.h"
#include "server/config.h"
#include "server/request.h"
#include "server/response.h"

/* Shared by all threads; all but the atomics is constant while the server listens. */
struct ij_app {
    const struct ij_config *config;
    struct imgjob_store *store;
    struct imgjob_pool *pool;
    struct imgjob_webhooks *webhooks; /* NULL = callback_url is refused */
    struct ij_presets *presets;       /* never NULL; may be empty */
    struct ij_http_metrics *metrics;
    struct ij_log log;
    uint32_t max_waiters; /* requests that may wait for a job at the same time */
    atomic_uint waiters;  /* that do */
    atomic_uint batches;  /* POST /batches under way: each holds many descriptors */
    atomic_bool draining; /* no new jobs: the server is about to end */
    int64_t started_ms;   /* monotonic */
    /* a reload failed: what was read before is still in force */
    atomic_bool presets_stale, secrets_stale;
};

/* A handler fills `response`; it never sends anything itself. */
typedef void ij_handler_fn(struct ij_app *app, struct ij_request *request,
                           struct ij_response *response);

/* handle_submit.c */
ij_handler_fn ij_handle_submit;

/* handle_process.c */
ij_handler_fn ij_handle_process;

/* handle_batches.c */
ij_handler_fn ij_handle_submit_batch;
ij_handler_fn ij_handle_batch;
ij_handler_fn ij_handle_cancel_batch;

/* handle_jobs.c */
ij_handler_fn ij_handle_job;
ij_handler_fn ij_handle_delete_job;
ij_handler_fn ij_handle_retry_job;

/* handle_list.c */
ij_handler_fn ij_handle_jobs;

/* handle_download.c */
ij_handler_fn ij_handle_download;

/* handle_events.c */
ij_handler_fn ij_handle_job_events;
ij_handler_fn ij_handle_events;

/* handle_info.c */
ij_handler_fn ij_handle_info;

/* handle_operate.c */
ij_handler_fn ij_handle_metrics;
ij_handler_fn ij_handle_stats;
ij_handler_fn ij_handle_pool;
ij_handler_fn ij_handle_set_pool;
ij_handler_fn ij_handle_queues;
ij_handler_fn ij_handle_set_queue;
ij_handler_fn ij_handle_pause_queue;
ij_handler_fn ij_handle_resume_queue;

/* handle_deliveries.c */
ij_handler_fn ij_handle_deliveries;
ij_handler_fn ij_handle_replay_delivery;

/* handle_openapi.c */
ij_handler_fn ij_handle_openapi;

/* handle_health.c */
ij_handler_fn ij_handle_index;
ij_handler_fn ij_handle_health;
ij_handler_fn ij_handle_live;
ij_handler_fn ij_handle_operations;
ij_handler_fn ij_handle_ready;
