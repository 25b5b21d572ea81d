/* Owns what the server says about itself: alive, ready, and which calls there are. */
#include "server/app.h"

#include <string.h>
#include <time.h>

#include "server/problem.h"
#include "server/router.h"

void ij_handle_index(struct ij_app *app, struct ij_request *request,
                     struct ij_response *response)
{
    (void)app;
    (void)request;
    struct ij_json_out out = ij_response_json(response, 200);
    ij_json_put_str(&out, "name", "imgjobd");
    ij_json_put_str(&out, "version", imgjob_version());
    ij_json_open(&out, "routes", '[');
    for (size_t i = 0; i < ij_route_count; i++) {
        ij_json_open(&out, NULL, '{');
        ij_json_put_str(&out, "method", ij_routes[i].method);
        ij_json_put_str(&out, "path", ij_routes[i].path);
        ij_json_close(&out, '}');
    }
    ij_json_close(&out, ']');
    ij_json_close(&out, '}');
}

void ij_handle_health(struct ij_app *app, struct ij_request *request,
                      struct ij_response *response)
{
    (void)app;
    (void)request;
    struct ij_json_out out = ij_response_json(response, 200);
    ij_json_put_str(&out, "status", "healthy");
    ij_json_put_int(&out, "timestamp", time(NULL));
    ij_json_close(&out, '}');
}

void ij_handle_live(struct ij_app *app, struct ij_request *request,
                    struct ij_response *response)
{
    (void)app;
    (void)request;
    struct ij_json_out out = ij_response_json(response, 200);
    ij_json_put_str(&out, "status", "alive");
    ij_json_close(&out, '}');
}

static bool write_store_check(struct ij_json_out *out, bool ok)
{
    ij_json_open(out, "store", '{');
    ij_json_put_bool(out, "ok", ok);
    ij_json_close(out, '}');
    return ok;
}

static bool write_disk_check(struct ij_json_out *out,
                             const struct imgjob_store_stats *stats)
{
    bool ok = stats->free_bytes >= stats->min_free_bytes;
    ij_json_open(out, "disk", '{');
    ij_json_put_bool(out, "ok", ok);
    ij_json_put_int(out, "free_bytes", (int64_t)stats->free_bytes);
    ij_json_put_int(out, "min_free_bytes", (int64_t)stats->min_free_bytes);
    ij_json_close(out, '}');
    return ok;
}

static bool write_queue_check(struct ij_json_out *out,
                              const struct imgjob_store_stats *stats)
{
    uint64_t queued = stats->scheduled + stats->ready + stats->running;
    bool ok = queued < stats->max_queued_jobs;
    ij_json_open(out, "queue", '{');
    ij_json_put_bool(out, "ok", ok);
    ij_json_put_int(out, "queued", (int64_t)queued);
    ij_json_put_int(out, "max_queued_jobs", (int64_t)stats->max_queued_jobs);
    ij_json_close(out, '}');
    return ok;
}

static bool write_workers_check(struct ij_json_out *out, struct imgjob_pool *pool)
{
    struct imgjob_pool_stats stats = { .size = sizeof(stats) };
    bool ok = imgjob_pool_read_stats(pool, &stats, NULL) == 0 && stats.ready > 0 &&
              !stats.crash_looping && stats.stalled < stats.workers;
    ij_json_open(out, "workers", '{');
    ij_json_put_bool(out, "ok", ok);
    ij_json_put_int(out, "asked", stats.workers);
    ij_json_put_int(out, "ready", stats.ready);
    ij_json_put_int(out, "busy", stats.busy);
    ij_json_put_int(out, "restarts", (int64_t)stats.restarts);
    ij_json_put_bool(out, "paused", stats.paused);
    ij_json_put_bool(out, "crash_looping", stats.crash_looping);
    ij_json_put_int(out, "stalled", stats.stalled);
    ij_json_close(out, '}');
    return ok;
}

static bool write_draining_check(struct ij_json_out *out, const struct ij_app *app)
{
    bool ok = !atomic_load(&app->draining);
    ij_json_open(out, "draining", '{');
    ij_json_put_bool(out, "ok", ok);
    ij_json_close(out, '}');
    return ok;
}

/* They keep nobody from submitting, so they are told and decide nothing. */
static void write_files(struct ij_json_out *out, const struct ij_app *app)
{
    ij_json_open(out, "webhooks", '{');
    ij_json_put_bool(out, "enabled", app->webhooks != NULL);
    ij_json_put_bool(out, "stale", atomic_load(&app->secrets_stale));
    ij_json_close(out, '}');
    ij_json_open(out, "presets", '{');
    ij_json_put_bool(out, "enabled", app->config->presets_file[0] != '\0');
    ij_json_put_bool(out, "only", app->config->presets_only != 0);
    ij_json_put_bool(out, "stale", atomic_load(&app->presets_stale));
    ij_json_close(out, '}');
}

void ij_handle_ready(struct ij_app *app, struct ij_request *request,
                     struct ij_response *response)
{
    (void)request;
    struct imgjob_store_stats stats = { .size = sizeof(stats) };
    struct imgjob_error err;
    bool store_ok = imgjob_store_read_stats(app->store, &stats, &err) == 0;
    if (!store_ok)
        ij_log(&app->log, IMGJOB_LOG_ERROR, "http", NULL, "not ready: %s", err.text);
    struct ij_json_out out = ij_response_json(response, 200);
    ij_json_open(&out, "checks", '{');
    bool ready = write_store_check(&out, store_ok);
    if (store_ok) {
        ready &= write_disk_check(&out, &stats);
        ready &= write_queue_check(&out, &stats);
    }
    ready &= write_workers_check(&out, app->pool);
    ready &= write_draining_check(&out, app);
    ij_json_close(&out, '}');
    ij_json_put_str(&out, "status", ready ? "ready" : "not ready");
    bool full = app->config->durability == IJ_DURABILITY_FULL;
    ij_json_put_str(&out, "durability", full ? "full" : "normal");
    bool process = app->config->isolation == IJ_ISOLATION_PROCESS;
    ij_json_put_str(&out, "isolation", process ? "process" : "inline");
    write_files(&out, app);
    ij_json_close(&out, '}');
    if (!ready) {
        response->status = 503;
        ij_response_header(response, "Retry-After", "%d", 5);
    }
}
