/* Owns the translation of the server's settings into the library's options. */
#include "server/open.h"

#include <stdio.h>

#include "base/auto.h"

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

int ij_open_store(const struct ij_config *config, struct ij_log log,
                  struct imgjob_store **out, struct imgjob_error *err)
{
    IJ_AUTO(ij_buf_done) struct ij_buf jobs = { .max = 8192 };
    IJ_AUTO(ij_buf_done) struct ij_buf inputs = { .max = 8192 };
    IJ_AUTO(ij_buf_done) struct ij_buf outputs = { .max = 8192 };
    ij_buf_printf(&jobs, "sqlite:%s", config->db_path);
    ij_buf_printf(&inputs, "file:%s", config->upload_dir);
    ij_buf_printf(&outputs, "file:%s", config->output_dir);
    if (jobs.failed || inputs.failed || outputs.failed)
        return ij_fail_nomem(err, "opening the store");
    const struct imgjob_store_options options = {
        .size = sizeof(options),
        .jobs_url = jobs.data,
        .inputs_url = inputs.data,
        .outputs_url = outputs.data,
        .max_upload_size = config->max_upload_size,
        .max_queued_jobs = config->max_queued_jobs,
        .min_free_bytes = config->min_free_bytes,
        .result_ttl_ms = config->result_ttl_s * 1000,
        .job_ttl_ms = config->job_ttl_s * 1000,
        .durability = config->durability == IJ_DURABILITY_FULL ? IMGJOB_DURABILITY_FULL
                                                               : IMGJOB_DURABILITY_NORMAL,
        .extra_formats = extra_formats(config),
        .log = log.fn,
        .log_data = log.data,
    };
    return imgjob_store_open(&options, out, err);
}

int ij_open_pool(const struct ij_config *config, struct ij_log log,
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
        .worker_memory_limit = config->worker_memory_limit,
        .paused = config->paused != 0,
        .safe_shrink = config->jpeg_shrink != 0,
        .log = log.fn,
        .log_data = log.data,
    };
    return imgjob_pool_open(store, &options, out, err);
}
