/* Owns reading a store beside whoever works with it. */
#include <imgjob/operate.h>

#include "base/auto.h"
#include "look.h"

int ij_jobs_look(const struct ij_store_config *config, struct ij_jobs **out,
                 struct imgjob_error *err)
{
    if (!config->jobs_path)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "jobs_url: 'memory:' keeps nothing that could be looked at");
    struct ij_jobs_config jobs = {
        .path = config->jobs_path,
        .is_read_only = true,
        .max_queued = config->max_queued_jobs,
        .result_ttl_ms = config->result_ttl_ms,
        .job_ttl_ms = config->job_ttl_ms,
        .idempotency_ttl_ms = config->idempotency_ttl_ms,
        .clock = ij_clock_system,
        .log = config->log,
    };
    return ij_sqlite_open(&jobs, out, err);
}

int imgjob_store_backup(const struct imgjob_store_options *options, const char *path,
                        struct imgjob_error *err)
{
    if (!path || !path[0])
        return ij_fail(err, IMGJOB_E_INVALID, "path: must name a file");
    IJ_AUTO(ij_store_config_done) struct ij_store_config config = { 0 };
    IJ_AUTO(ij_jobs_closep) struct ij_jobs *jobs = NULL;
    int rc = ij_store_config_read(options, &config, err);
    if (rc == 0)
        rc = ij_jobs_look(&config, &jobs, err);
    return rc < 0 ? rc : jobs->ops->backup(jobs, path, err);
}
