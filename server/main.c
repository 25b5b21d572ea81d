/* imgjobd: the wiring. Store, workers and listener come up in this order, and what they
 * need of each other decides how they go down; between them nothing here does any work.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "server/http.h"
#include "server/http_metrics.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/open.h"
#include "server/operate.h"
#include "server/process.h"
#include "server/router.h"
#include "server/signals.h"
#include "server/watch.h"

/* Everything that lives as long as the server does. */
struct server {
    struct ij_config config;
    struct ij_log_writer writer;
    struct ij_app app;
    struct ij_http *http;
};

static void serve(void *data, struct ij_request *request, struct ij_response *response)
{
    struct server *server = data;
    ij_router_serve(&server->app, request, response);
}

static void served(void *data, const struct ij_request *request, int status,
                   uint64_t bytes)
{
    const struct server *server = data;
    ij_log_writer_request(&server->writer, request, status, bytes);
    ij_http_metrics_count(server->app.metrics, request, status,
                          ij_mono_ms(&ij_clock_system) - request->began_ms);
}

static int start_listener(struct server *server, struct imgjob_error *err)
{
    const struct ij_http_options options = {
        .bind = server->config.bind,
        .port = (uint32_t)server->config.port,
        .threads = (uint32_t)server->config.http_threads,
        .callbacks = { serve, served, server },
        .log = server->app.log,
    };
    return ij_http_start(&options, &server->http, err);
}

static int start(struct server *server, struct imgjob_error *err)
{
    const struct ij_config *config = &server->config;
    struct ij_app *app = &server->app;
    server->writer =
        (struct ij_log_writer){ STDERR_FILENO, config->log_format == IJ_LOG_JSON,
                                (uint32_t)config->log_level };
    app->config = config;
    app->log = (struct ij_log){ ij_log_writer_event, &server->writer };
    app->started_ms = ij_mono_ms(&ij_clock_system);
    app->max_waiters =
        (uint32_t)(config->max_waiters ? config->max_waiters : config->http_threads / 2);
    uint64_t workers =
        config->worker_pool_size ? config->worker_pool_size : imgjob_cpu_count();
    int rc = ij_process_raise_descriptors(config->http_threads, workers, err);
    if (rc == 0)
        rc = ij_signals_hold(err);
    if (rc == 0)
        rc = ij_app_open(app, err);
    return rc < 0 ? rc : start_listener(server, err);
}

static void announce(const struct server *server)
{
    const struct ij_config *config = &server->config;
    struct imgjob_pool_stats stats = { .size = sizeof(stats) };
    (void)imgjob_pool_read_stats(server->app.pool, &stats,
                                 NULL); /* zeros say it as well */
    ij_log(
        &server->app.log, IMGJOB_LOG_INFO, "server", NULL,
        "imgjobd %s listens on http://%s:%" PRIu32 ": %" PRIu32
        " workers, isolation %s, durability %s, jobs in %s, inputs in %s, outputs in %s",
        imgjob_version(), config->bind, ij_http_port(server->http), stats.workers,
        config->isolation == IJ_ISOLATION_PROCESS ? "process" : "inline",
        config->durability == IJ_DURABILITY_FULL ? "full" : "normal", config->db_path,
        config->upload_dir, config->output_dir);
    ij_notify("READY=1");
}

/* Finish what runs, let go what waits, and only then take things apart. */
static void stop(struct server *server, const char *cause)
{
    struct ij_app *app = &server->app;
    atomic_store(&app->draining, true);
    ij_notify("STOPPING=1");
    ij_log(&app->log, IMGJOB_LOG_INFO, "server", NULL,
           "%s: no new jobs; running ones may finish within %" PRIu64 " ms", cause,
           server->config.grace_ms);
    ij_signals_release();
    if (imgjob_pool_drain(app->pool, (uint32_t)server->config.grace_ms) != 0)
        ij_log(&app->log, IMGJOB_LOG_WARN, "server", NULL,
               "some jobs still run: they are released, and run again after a restart");
}

static void done(struct server *server)
{
    struct ij_app *app = &server->app;
    if (app->store)
        imgjob_store_wake_waiters(app->store);
    ij_http_stop(server->http); /* requests look at all the rest until their end */
    ij_app_close(app);
    ij_config_done(&server->config);
}

static int run(struct server *server)
{
    struct imgjob_error err;
    int rc = start(server, &err);
    if (rc < 0)
        (void)fprintf(stderr, "imgjobd: %s\n", err.text);
    bool has_failed = rc < 0;
    if (rc == 0) {
        announce(server);
        stop(server, ij_watch(&server->app, &has_failed));
    }
    done(server);
    if (rc == 0)
        ij_log(&server->app.log, IMGJOB_LOG_INFO, "server", NULL, "stopped");
    return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    (void)argc; /* the list ends with NULL as well */
    static struct server server;
    const struct ij_command command = { argv, environ };
    struct imgjob_error err;
    struct ij_task task;
    ij_process_limit_memory();
    if (ij_config_init(&server.config, &err) < 0 ||
        ij_config_load(&server.config, &command, &task, &err) < 0) {
        (void)fprintf(stderr, "imgjobd: %s\n", err.text);
        ij_config_done(&server.config);
        return 2;
    }
    if (task.action == IJ_CONFIG_RUN)
        return run(&server);
    int status = ij_operate(&server.config, &task);
    ij_config_done(&server.config);
    return status;
}
