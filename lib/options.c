/* Owns what a caller's options mean: defaults, ranges, URLs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
#include "store.h"

/* The part of a URL behind "scheme:"; NULL when it has another scheme or nothing there.
 */
static const char *url_path(const char *url, const char *scheme)
{
    size_t len = strlen(scheme);
    if (strncmp(url, scheme, len) != 0 || url[len] != ':' || url[len + 1] == '\0')
        return NULL;
    return url + len + 1;
}

/* Copy the path of a URL that must have this scheme. */
static int read_path(const char *option, const char *url, const char *scheme, char **out,
                     struct imgjob_error *err)
{
    const char *path = url_path(url, scheme);
    if (!path)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: '%s' is not of the form %s:PATH",
                       option, url, scheme);
    *out = strdup(path);
    return *out ? 0 : ij_fail_nomem(err, "reading the store's options");
}

static int read_urls(const struct imgjob_store_options *options,
                     struct ij_store_config *out, struct imgjob_error *err)
{
    const char *jobs = options->jobs_url ? options->jobs_url : "sqlite:data/jobs.db";
    const char *inputs = options->inputs_url ? options->inputs_url : "file:uploads";
    const char *outputs = options->outputs_url ? options->outputs_url : "file:outputs";
    if (strcmp(jobs, "memory:") != 0) {
        int rc = read_path("jobs_url", jobs, "sqlite", &out->jobs_path, err);
        if (rc < 0)
            return rc;
    }
    int rc = read_path("inputs_url", inputs, "file", &out->inputs_dir, err);
    if (rc < 0)
        return rc;
    rc = read_path("outputs_url", outputs, "file", &out->outputs_dir, err);
    if (rc < 0)
        return rc;
    const char *public_url = options->public_url ? options->public_url : "";
    if (strlen(public_url) >= sizeof(out->public_url))
        return ij_fail(err, IMGJOB_E_INVALID, "public_url: has %zu bytes, more than %d",
                       strlen(public_url), IJ_PUBLIC_URL_SIZE - 1);
    (void)snprintf(out->public_url, sizeof(out->public_url), "%s", public_url);
    if (strcmp(out->inputs_dir, out->outputs_dir) == 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "inputs_url, outputs_url: both are '%s'; they must differ",
                       out->inputs_dir);
    return 0;
}

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
    return value ? value : fallback;
}

/* A time to live, of 0 the default. */
static int read_ttl(const char *option, uint64_t value, uint64_t fallback, uint64_t *out,
                    struct imgjob_error *err)
{
    *out = or_default(value, fallback);
    if (*out <= IJ_TTL_MAX_DAYS * IJ_DAY_MS)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID, "%s: must be at most %d days, not %llu ms",
                   option, IJ_TTL_MAX_DAYS, (unsigned long long)value);
}

static int read_times(const struct imgjob_store_options *options,
                      struct ij_store_config *out, struct imgjob_error *err)
{
    int rc = read_ttl("result_ttl_ms", options->result_ttl_ms, 7 * IJ_DAY_MS,
                      &out->result_ttl_ms, err);
    if (rc == 0)
        rc = read_ttl("job_ttl_ms", options->job_ttl_ms, 30 * IJ_DAY_MS, &out->job_ttl_ms,
                      err);
    return rc < 0 ? rc
                  : read_ttl("idempotency_ttl_ms", options->idempotency_ttl_ms, IJ_DAY_MS,
                             &out->idempotency_ttl_ms, err);
}

static int read_bounds(const struct imgjob_store_options *options,
                       struct ij_store_config *out, struct imgjob_error *err)
{
    out->max_upload_size = or_default(options->max_upload_size, 10 * 1024 * 1024);
    out->max_queued_jobs = or_default(options->max_queued_jobs, 10000);
    out->min_free_bytes = options->min_free_bytes;
    out->max_stored_bytes = options->max_stored_bytes;
    if (out->max_upload_size > UINT64_C(1) << 40)
        return ij_fail(err, IMGJOB_E_INVALID, "max_upload_size: more than 1 TiB");
    if (out->max_stored_bytes > INT64_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "max_stored_bytes: more than 2^63");
    return 0;
}

static int read_kinds(const struct imgjob_store_options *options,
                      struct ij_store_config *out, struct imgjob_error *err)
{
    out->log = (struct ij_log){ options->log, options->log_data };
    out->extra_formats = options->extra_formats;
    if (ij_extra_formats_check(out->extra_formats, err) < 0)
        return IMGJOB_E_INVALID;
    if (options->durability > IMGJOB_DURABILITY_NORMAL)
        return ij_fail(err, IMGJOB_E_INVALID, "durability: %u is none",
                       options->durability);
    out->is_durability_normal = options->durability == IMGJOB_DURABILITY_NORMAL;
    if (options->multi_process > 1)
        return ij_fail(err, IMGJOB_E_INVALID, "multi_process: must be 0 or 1, not %u",
                       options->multi_process);
    out->is_shared = options->multi_process == 1;
    if (options->reserved != 0)
        return ij_fail(err, IMGJOB_E_ABI, "reserved: must be 0, not %u",
                       options->reserved);
    return 0;
}

int ij_store_config_read(const struct imgjob_store_options *options,
                         struct ij_store_config *out, struct imgjob_error *err)
{
    struct imgjob_store_options ours;
    int rc = ij_options_read(&ours, sizeof(ours),
                             IJ_END_OF(struct imgjob_store_options, log_data), options,
                             "imgjob_store_options", err);
    if (rc < 0)
        return rc;
    *out = (struct ij_store_config){ 0 };
    rc = read_bounds(&ours, out, err);
    if (rc == 0)
        rc = read_times(&ours, out, err);
    if (rc == 0)
        rc = read_kinds(&ours, out, err);
    if (rc == 0)
        rc = read_urls(&ours, out, err);
    if (rc == 0 && out->is_shared && !out->jobs_path)
        rc = ij_fail(err, IMGJOB_E_INVALID,
                     "multi_process: a store of jobs_url 'memory:' has one process only");
    if (rc < 0)
        ij_store_config_done(out);
    return rc;
}

void ij_store_config_done(struct ij_store_config *config)
{
    ij_free(&config->jobs_path);
    ij_free(&config->inputs_dir);
    ij_free(&config->outputs_dir);
}
