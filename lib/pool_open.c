/* Owns how a pool is put on a store: options read, parts handed over. */
#include <imgjob/pool.h>

#include <limits.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/cpu.h"
#include "operations.h"
#include "pool/pool.h"
#include "pool/worker_path.h"
#include "store.h"

static int check_range(const char *option, uint64_t value, uint64_t min, uint64_t max,
                       struct imgjob_error *err)
{
    if (value >= min && value <= max)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID, "%s: must be %llu..%llu, not %llu", option,
                   (unsigned long long)min, (unsigned long long)max,
                   (unsigned long long)value);
}

static void set_default(uint32_t *value, uint32_t fallback)
{
    if (*value == 0)
        *value = fallback;
}

/* Fill the zeros and check the ranges. */
static int read_options(struct imgjob_pool_options *options, struct imgjob_error *err)
{
    set_default(&options->workers, ij_cpu_count() < 256 ? ij_cpu_count() : 256);
    set_default(&options->job_timeout_ms, 30000);
    set_default(&options->job_cpu_ms, 20000);
    set_default(&options->lease_ms, IJ_LEASE_DEFAULT_MS);
    set_default(&options->recycle_jobs, 500);
    if (options->recycle_rss == 0)
        options->recycle_rss = UINT64_C(256) << 20;
    if (options->worker_memory_limit == 0)
        options->worker_memory_limit = UINT64_C(2) << 30;
    int rc =
        check_range("isolation", options->isolation, 0, IMGJOB_ISOLATION_INLINE, err);
    if (rc == 0)
        rc = check_range("workers", options->workers, 1, 256, err);
    if (rc == 0)
        rc = check_range("job_timeout_ms", options->job_timeout_ms, 10, 3600000, err);
    if (rc == 0)
        rc = check_range("job_cpu_ms", options->job_cpu_ms, 1000, 3600000, err);
    if (rc == 0)
        rc = check_range("lease_ms", options->lease_ms, 10000, 3600000, err);
    if (rc == 0)
        rc = check_range("worker_memory_limit", options->worker_memory_limit, 256 << 20,
                         UINT64_C(1) << 50, err);
    return rc;
}

/* Between the store that is asked for a cancel and the pool that runs the job. */
struct link {
    struct imgjob_store *store;
    struct imgjob_pool *pool;
    struct ij_listener listener;
};

static void on_cancel(void *data, const struct ij_id *id)
{
    ij_pool_cancel(((struct link *)data)->pool, id);
}

static void on_closing(void *data)
{
    struct link *link = data;
    ij_store_unlisten(link->store, &link->listener);
    free(link);
}

/* A pool that hears of cancels. */
static int open_linked(struct imgjob_store *store, struct ij_pool_config *config,
                       struct imgjob_pool **out, struct imgjob_error *err)
{
    struct link *link = calloc(1, sizeof(*link));
    if (!link)
        return ij_fail_nomem(err, "opening a pool");
    *link = (struct link){ .store = store, .listener = { .asked = on_cancel } };
    link->listener.data = link;
    config->closing = on_closing;
    config->closing_data = link;
    int rc = ij_pool_open(config, out, err);
    if (rc < 0) {
        free(link);
        return rc;
    }
    link->pool = *out;
    ij_store_listen(store, &link->listener);
    ij_pool_cancel(*out, &ij_id_none); /* what was asked before */
    return 0;
}

int imgjob_pool_open(struct imgjob_store *store,
                     const struct imgjob_pool_options *options, struct imgjob_pool **out,
                     struct imgjob_error *err)
{
    struct imgjob_pool_options ours;
    int rc = ij_options_read(&ours, sizeof(ours),
                             IJ_END_OF(struct imgjob_pool_options, registry), options,
                             "imgjob_pool_options", err);
    if (rc == 0)
        rc = read_options(&ours, err);
    if (rc < 0)
        return rc;
    char worker_path[PATH_MAX] = "";
    if (ours.isolation == IMGJOB_ISOLATION_PROCESS) {
        rc = ij_worker_path(ours.worker_path, worker_path, sizeof(worker_path), err);
        if (rc < 0)
            return rc;
    }
    struct ij_pool_config config = {
        .jobs = store->jobs,
        .inputs = store->inputs,
        .outputs = store->outputs,
        .work = &store->work,
        .clock = store->clock,
        .log = { ours.log, ours.log_data },
        .isolation = ours.isolation,
        .workers = ours.workers,
        .lease_ms = ours.lease_ms,
        .is_paused = ours.paused != 0,
        .executor = {
            .worker_path = worker_path,
            .ops = ij_registry_ops(ours.registry),
            .timeout_ms = ours.job_timeout_ms,
            .cpu_ms = ours.job_cpu_ms,
            .recycle_jobs = ours.recycle_jobs,
            .recycle_rss = ours.recycle_rss,
            .memory_limit = ours.worker_memory_limit,
            .safe_shrink = ours.safe_shrink != 0,
            .log = { ours.log, ours.log_data },
        },
    };
    rc = ij_limits_read(ours.limits, &config.executor.limits, err);
    if (rc < 0)
        return rc;
    ij_store_expect_lease(store, ours.lease_ms);
    return open_linked(store, &config, out, err);
}

uint32_t imgjob_cpu_count(void)
{
    return ij_cpu_count();
}
