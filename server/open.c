/* Owns the translation of the server's settings into the library's options, and the order
 * in which the server's objects come up and go down. */
#include "server/open.h"

#include "base/auto.h"
#include "server/http_metrics.h"
#include "server/presets.h"
#include "server/secrets.h"

/* The library's set of the formats that are switched on. */
static uint32_t extra_formats(const struct ij_config *config)
{
    static const uint32_t formats[] = {
        [IJ_EXTRA_SVG] = IMGJOB_FORMAT_SVG,
        [IJ_EXTRA_PDF] = IMGJOB_FORMAT_PDF,
        [IJ_EXTRA_JXL] = IMGJOB_FORMAT_JXL,
        [IJ_EXTRA_JP2] = IMGJOB_FORMAT_JP2,
    };
    uint32_t set = 0;
    for (size_t i = 0; i < IJ_ARRAY_LEN(formats); i++)
        if (config->extra_formats >> i & 1)
            set |= IMGJOB_FORMAT_BIT(formats[i]);
    return set;
}

void ij_store_urls_done(struct ij_store_urls *urls)
{
    ij_buf_done(&urls->jobs);
    ij_buf_done(&urls->inputs);
    ij_buf_done(&urls->outputs);
}

int ij_open_options(const struct ij_config *config, struct ij_log log,
                    struct ij_store_urls *urls, struct imgjob_store_options *out,
                    struct imgjob_error *err)
{
    ij_buf_printf(&urls->jobs, "sqlite:%s", config->db_path);
    ij_buf_printf(&urls->inputs, "file:%s", config->upload_dir);
    ij_buf_printf(&urls->outputs, "file:%s", config->output_dir);
    if (urls->jobs.failed || urls->inputs.failed || urls->outputs.failed)
        return ij_fail_nomem(err, "opening the store");
    *out = (struct imgjob_store_options){
        .size = sizeof(*out),
        .jobs_url = urls->jobs.data,
        .inputs_url = urls->inputs.data,
        .outputs_url = urls->outputs.data,
        .max_upload_size = config->max_upload_size,
        .max_queued_jobs = config->max_queued_jobs,
        .min_free_bytes = config->min_free_bytes,
        .result_ttl_ms = config->result_ttl_s * 1000,
        .job_ttl_ms = config->job_ttl_s * 1000,
        .max_stored_bytes = config->max_stored_bytes,
        .idempotency_ttl_ms = config->idempotency_ttl_s * 1000,
        .multi_process = config->multi_process != 0,
        .durability = config->durability == IJ_DURABILITY_FULL ? IMGJOB_DURABILITY_FULL
                                                               : IMGJOB_DURABILITY_NORMAL,
        .extra_formats = extra_formats(config),
        .public_url = config->public_url,
        .log = log.fn,
        .log_data = log.data,
    };
    return 0;
}

static int open_store(const struct ij_config *config, struct ij_log log,
                      struct imgjob_store **out, struct imgjob_error *err)
{
    IJ_AUTO(ij_store_urls_done) struct ij_store_urls urls = { { 0 } };
    struct imgjob_store_options options;
    int rc = ij_open_options(config, log, &urls, &options, err);
    return rc < 0 ? rc : imgjob_store_open(&options, out, err);
}

static int open_pool(const struct ij_config *config, struct ij_log log,
                     struct imgjob_store *store, struct imgjob_pool **out,
                     struct imgjob_error *err)
{
    const struct imgjob_limits limits = {
        .size = sizeof(limits),
        .max_upload_size = config->max_upload_size,
        .max_output_size = config->max_output_size,
        .max_pixels = config->max_pixels,
        .max_progressive_pixels = config->max_progressive_pixels,
        .max_side = (uint32_t)config->max_side,
        .max_pages = (uint32_t)config->max_pages,
        .extra_formats = extra_formats(config),
    };
    const struct imgjob_pool_options options = {
        .size = sizeof(options),
        .workers = (uint32_t)config->worker_pool_size,
        .isolation = config->isolation == IJ_ISOLATION_PROCESS ? IMGJOB_ISOLATION_PROCESS
                                                               : IMGJOB_ISOLATION_INLINE,
        .worker_path = config->worker_path[0] ? config->worker_path : NULL,
        .limits = &limits,
        .job_timeout_ms = (uint32_t)config->job_timeout_ms,
        .job_cpu_ms = (uint32_t)config->job_cpu_ms,
        .lease_ms = (uint32_t)config->lease_ms,
        .worker_memory_limit = config->worker_memory_limit,
        .paused = config->paused != 0,
        .safe_shrink = config->jpeg_shrink != 0,
        .log = log.fn,
        .log_data = log.data,
    };
    return imgjob_pool_open(store, &options, out, err);
}

static int open_webhooks(const struct ij_config *config, struct ij_log log,
                         struct imgjob_store *store, struct imgjob_webhooks **out,
                         struct imgjob_error *err)
{
    if (!config->webhook_secrets_file[0])
        return 0;
    IJ_AUTO(ij_secrets_done) struct ij_secrets secrets = { 0 };
    int rc = ij_secrets_read(config->webhook_secrets_file, &secrets, err);
    if (rc < 0)
        return rc;
    const struct imgjob_webhook_options options = {
        .size = sizeof(options),
        .secrets = secrets.list,
        .secret_count = secrets.count,
        .timeout_ms = (uint32_t)config->webhook_timeout_ms,
        .allow_private = config->webhook_allow_private != 0,
        .log = log.fn,
        .log_data = log.data,
    };
    return imgjob_webhooks_open(store, &options, out, err);
}

int ij_app_open(struct ij_app *app, struct imgjob_error *err)
{
    const struct ij_config *config = app->config;
    int rc = ij_presets_new(&app->presets, err);
    if (rc == 0)
        rc = ij_presets_load(app->presets, config->presets_file, err);
    if (rc == 0)
        rc = ij_http_metrics_new(&app->metrics, err);
    if (rc == 0)
        rc = open_store(config, app->log, &app->store, err);
    if (rc == 0)
        rc = open_webhooks(config, app->log, app->store, &app->webhooks, err);
    return rc < 0 ? rc : open_pool(config, app->log, app->store, &app->pool, err);
}

void ij_app_close(struct ij_app *app)
{
    imgjob_webhooks_close(app->webhooks);
    imgjob_pool_close(app->pool);
    imgjob_store_close(app->store);
    ij_http_metrics_free(app->metrics);
    ij_presets_free(app->presets);
}

static int reload_secrets(struct ij_app *app, struct imgjob_error *err)
{
    IJ_AUTO(ij_secrets_done) struct ij_secrets secrets = { 0 };
    int rc = ij_secrets_read(app->config->webhook_secrets_file, &secrets, err);
    return rc < 0 ? rc
                  : imgjob_webhooks_set_secrets(app->webhooks, secrets.list,
                                                secrets.count, err);
}

static void log_reload(const struct ij_app *app, const char *what, int rc,
                       const struct imgjob_error *err)
{
    if (rc < 0)
        ij_log(&app->log, IMGJOB_LOG_WARN, "server", NULL, "SIGHUP: the old %s stay: %s",
               what, err->text);
    else
        ij_log(&app->log, IMGJOB_LOG_INFO, "server", NULL, "SIGHUP: %s are read again",
               what);
}

/* Whoever reads in the log that it failed may ask at once whether it is ready: so the log
 * comes last. */
void ij_reload(struct ij_app *app)
{
    struct imgjob_error err;
    if (app->config->presets_file[0]) {
        int rc = ij_presets_load(app->presets, app->config->presets_file, &err);
        atomic_store(&app->presets_stale, rc < 0);
        log_reload(app, "presets", rc, &err);
    }
    if (app->webhooks) {
        int rc = reload_secrets(app, &err);
        atomic_store(&app->secrets_stale, rc < 0);
        log_reload(app, "webhook secrets", rc, &err);
    }
}
