/* Owns the calls of an operator: look at the whole, set the workers, steer the queues. */
#include "server/app.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "server/http_metrics.h"
#include "server/order.h"
#include "server/problem.h"

enum { METRICS_MAX = 8 << 20, WORKERS_MAX = 256, WEIGHT_MAX = 100 };

/* ---- what is told of the parts ---- */

static const char *const states[] = { "scheduled", "ready",  "running",
                                      "succeeded", "failed", "canceled" };

/* Inside an object: how many jobs are in each state, in the order of `states`. */
static void put_counts(struct ij_json_out *out,
                       const uint64_t counts[IJ_ARRAY_LEN(states)])
{
    for (size_t i = 0; i < IJ_ARRAY_LEN(states); i++)
        ij_json_put_int(out, states[i], (int64_t)counts[i]);
}

static void put_queue(struct ij_json_out *out, const struct imgjob_queue *queue)
{
    ij_json_put_str(out, "name", queue->name);
    ij_json_put_bool(out, "paused", queue->paused);
    ij_json_put_int(out, "limit", queue->limit);
    ij_json_put_int(out, "weight", queue->weight);
    ij_json_open(out, "jobs", '{');
    put_counts(out,
               (const uint64_t[]){ queue->scheduled, queue->ready, queue->running,
                                   queue->succeeded, queue->failed, queue->canceled });
    ij_json_close(out, '}');
    if (queue->oldest_ready_ms > 0)
        ij_json_put_time(out, "oldest_ready_at", queue->oldest_ready_ms);
    else
        ij_json_put_str(out, "oldest_ready_at", NULL);
}

static void put_queues(struct ij_json_out *out, const struct imgjob_queue *queues,
                       size_t count)
{
    ij_json_open(out, "queues", '[');
    for (size_t i = 0; i < count; i++) {
        ij_json_open(out, NULL, '{');
        put_queue(out, &queues[i]);
        ij_json_close(out, '}');
    }
    ij_json_close(out, ']');
}

static void put_pool(struct ij_json_out *out, struct imgjob_pool *pool)
{
    struct imgjob_pool_stats stats = { .size = sizeof(stats) };
    (void)imgjob_pool_read_stats(pool, &stats, NULL); /* fails for a wrong size only */
    ij_json_put_int(out, "workers", stats.workers);
    ij_json_put_int(out, "ready", stats.ready);
    ij_json_put_int(out, "busy", stats.busy);
    ij_json_put_int(out, "stalled", stats.stalled);
    ij_json_put_bool(out, "paused", stats.paused);
    ij_json_put_bool(out, "crash_looping", stats.crash_looping);
    bool is_process = stats.isolation == IMGJOB_ISOLATION_PROCESS;
    ij_json_put_str(out, "isolation", is_process ? "process" : "inline");
    ij_json_put_int(out, "finished", (int64_t)stats.finished);
    ij_json_put_int(out, "restarts", (int64_t)stats.restarts);
}

/* @return the caller's, to free; NULL when it failed */
static struct imgjob_queue *read_queues(struct imgjob_store *store, size_t *out_count,
                                        struct imgjob_error *err)
{
    IJ_AUTO(ij_free)
    struct imgjob_queue *queues = calloc(IMGJOB_QUEUES_MAX, sizeof(*queues));
    if (!queues) {
        (void)ij_fail_nomem(err, "reading the queues");
        return NULL;
    }
    if (imgjob_queue_list(store, queues, out_count, err) < 0)
        return NULL;
    return ij_steal(&queues);
}

/* ---- the whole ---- */

static void put_store(struct ij_json_out *out, const struct imgjob_store_stats *stats)
{
    ij_json_open(out, "jobs", '{');
    put_counts(out,
               (const uint64_t[]){ stats->scheduled, stats->ready, stats->running,
                                   stats->succeeded, stats->failed, stats->canceled });
    ij_json_put_int(out, "max_queued_jobs", (int64_t)stats->max_queued_jobs);
    ij_json_close(out, '}');
    ij_json_open(out, "storage", '{');
    ij_json_put_int(out, "stored_bytes", (int64_t)stats->stored_bytes);
    ij_json_put_int(out, "free_bytes", (int64_t)stats->free_bytes);
    ij_json_put_int(out, "min_free_bytes", (int64_t)stats->min_free_bytes);
    ij_json_close(out, '}');
}

static void put_server(struct ij_json_out *out, struct ij_app *app,
                       const struct imgjob_store_stats *stats)
{
    ij_json_put_str(out, "version", imgjob_version());
    ij_json_put_int(out, "uptime_s",
                    (ij_mono_ms(&ij_clock_system) - app->started_ms) / 1000);
    ij_json_put_bool(out, "draining", atomic_load(&app->draining));
    ij_json_open(out, "waiters", '{');
    ij_json_put_int(out, "waiting", atomic_load(&app->waiters));
    ij_json_put_int(out, "max", app->max_waiters);
    ij_json_close(out, '}');
    ij_json_open(out, "webhooks", '{');
    ij_json_put_bool(out, "enabled", app->webhooks != NULL);
    ij_json_put_int(out, "waiting", (int64_t)stats->deliveries);
    ij_json_close(out, '}');
}

void ij_handle_stats(struct ij_app *app, struct ij_request *request,
                     struct ij_response *response)
{
    (void)request;
    struct imgjob_store_stats stats = { .size = sizeof(stats) };
    struct imgjob_error err;
    size_t count = 0;
    IJ_AUTO(ij_free) struct imgjob_queue *queues = NULL;
    if (imgjob_store_read_stats(app->store, &stats, &err) == 0)
        queues = read_queues(app->store, &count, &err);
    if (!queues) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    struct ij_json_out out = ij_response_json(response, 200);
    put_server(&out, app, &stats);
    put_store(&out, &stats);
    put_queues(&out, queues, count);
    ij_json_open(&out, "pool", '{');
    put_pool(&out, app->pool);
    ij_json_close(&out, '}');
    ij_json_close(&out, '}');
}

static void write_waiters(const struct ij_app *app, struct ij_buf *out)
{
    ij_metric_head(out, "imgjob_waiters", "gauge", "Requests that wait for a job.");
    ij_metric_put(out, "imgjob_waiters", "", atomic_load(&app->waiters));
    ij_metric_head(out, "imgjob_waiters_max", "gauge", "Requests that may.");
    ij_metric_put(out, "imgjob_waiters_max", "", app->max_waiters);
}

void ij_handle_metrics(struct ij_app *app, struct ij_request *request,
                       struct ij_response *response)
{
    (void)request;
    struct imgjob_error err;
    char *text = NULL;
    if (imgjob_metrics_text(app->store, app->pool, &text, &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    response->status = 200;
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    struct ij_buf *body = &response->body;
    body->max = METRICS_MAX;
    ij_buf_add_str(body, text);
    imgjob_text_free(text);
    write_waiters(app, body);
    ij_http_metrics_write(app->metrics, body);
    if (!body->failed && body->len > 0)
        body->len--; /* http.c ends every text with a line feed */
}

/* ---- workers ---- */

static void answer_pool(struct ij_app *app, struct ij_response *response)
{
    struct ij_json_out out = ij_response_json(response, 200);
    put_pool(&out, app->pool);
    ij_json_close(&out, '}');
}

void ij_handle_pool(struct ij_app *app, struct ij_request *request,
                    struct ij_response *response)
{
    (void)request;
    answer_pool(app, response);
}

void ij_handle_set_pool(struct ij_app *app, struct ij_request *request,
                        struct ij_response *response)
{
    IJ_AUTO(ij_json_freep) struct ij_json *order = NULL;
    if (!ij_order_read(request, &order, response))
        return;
    int64_t workers = 0, paused = -1;
    const struct ij_order_member members[] = {
        { "workers", IJ_JSON_INT, 1, WORKERS_MAX, &workers },
        { "paused", IJ_JSON_BOOL, 0, 1, &paused },
    };
    struct imgjob_error err;
    int rc = ij_order_take(order, members, IJ_ARRAY_LEN(members), &err);
    if (rc == 0 && workers > 0)
        rc = imgjob_pool_resize(app->pool, (uint32_t)workers, &err);
    if (rc < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    if (paused == 1)
        imgjob_pool_pause(app->pool);
    else if (paused == 0 && !atomic_load(&app->draining)) /* which pauses for good */
        imgjob_pool_resume(app->pool);
    answer_pool(app, response);
}

/* ---- queues ---- */

void ij_handle_queues(struct ij_app *app, struct ij_request *request,
                      struct ij_response *response)
{
    (void)request;
    struct imgjob_error err;
    size_t count = 0;
    IJ_AUTO(ij_free)
    struct imgjob_queue *queues = read_queues(app->store, &count, &err);
    if (!queues) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    struct ij_json_out out = ij_response_json(response, 200);
    put_queues(&out, queues, count);
    ij_json_close(&out, '}');
}

/* The queue as it is after an order, or why that failed. */
static void answer_queue(struct ij_app *app, const char *name, int rc,
                         struct imgjob_error *err, struct ij_response *response)
{
    size_t count = 0;
    IJ_AUTO(ij_free)
    struct imgjob_queue *queues = rc == 0 ? read_queues(app->store, &count, err) : NULL;
    if (!queues) {
        ij_problem_of_error(response, &app->log, err);
        return;
    }
    struct ij_json_out out = ij_response_json(response, 200);
    for (size_t i = 0; i < count; i++)
        if (strcmp(queues[i].name, name) == 0)
            put_queue(&out, &queues[i]);
    ij_json_close(&out, '}');
}

void ij_handle_set_queue(struct ij_app *app, struct ij_request *request,
                         struct ij_response *response)
{
    IJ_AUTO(ij_json_freep) struct ij_json *order = NULL;
    if (!ij_order_read(request, &order, response))
        return;
    int64_t limit = -1, weight = -1, paused = -1;
    const struct ij_order_member members[] = {
        { "limit", IJ_JSON_INT, 0, UINT32_MAX, &limit },
        { "weight", IJ_JSON_INT, 1, WEIGHT_MAX, &weight },
        { "paused", IJ_JSON_BOOL, 0, 1, &paused },
    };
    const char *name = request->parameters[IJ_PATH_ID];
    struct imgjob_error err;
    int rc = ij_order_take(order, members, IJ_ARRAY_LEN(members), &err);
    if (rc == 0 && ij_json_count(order) == 0)
        rc = ij_fail(&err, IMGJOB_E_INVALID, "body: none of limit, weight, paused");
    const struct imgjob_queue_settings settings = {
        .size = sizeof(settings),
        .has_paused = paused >= 0,
        .paused = paused > 0,
        .has_limit = limit >= 0,
        .limit = limit > 0 ? (uint32_t)limit : 0,
        .has_weight = weight >= 0,
        .weight = weight > 0 ? (uint32_t)weight : 0,
    };
    if (rc == 0)
        rc = imgjob_queue_set(app->store, name, &settings, &err);
    answer_queue(app, name, rc, &err, response);
}

void ij_handle_pause_queue(struct ij_app *app, struct ij_request *request,
                           struct ij_response *response)
{
    const char *name = request->parameters[IJ_PATH_ID];
    struct imgjob_error err;
    int rc = imgjob_queue_pause(app->store, name, &err);
    answer_queue(app, name, rc, &err, response);
}

void ij_handle_resume_queue(struct ij_app *app, struct ij_request *request,
                            struct ij_response *response)
{
    const char *name = request->parameters[IJ_PATH_ID];
    struct imgjob_error err;
    int rc = imgjob_queue_resume(app->store, name, &err);
    answer_queue(app, name, rc, &err, response);
}
