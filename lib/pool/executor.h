/*
 * What runs one attempt: a worker process (child.c) or a thread of this one (inline.c).
 * An executor belongs to one slot thread of the pool and is used by no other, except
 * stop().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/json.h"
#include "image/image.h"
#include "pool/exchange.h"
#include "pool/metrics.h"
#include "spec/spec.h"

/* What every attempt of a pool has in common; borrowed for the executor's life. */
struct ij_executor_config {
    const char *worker_path;     /* child: the program */
    const struct ij_ops *ops;    /* that specs may name; a worker must know the same */
    struct imgjob_limits limits; /* filled */
    uint32_t timeout_ms, cpu_ms; /* of one attempt */
    uint32_t recycle_jobs;
    uint64_t recycle_rss;  /* bytes */
    uint64_t memory_limit; /* bytes of address space */
    bool safe_shrink;
    struct ij_pool_metrics *metrics; /* NULL = nobody counts */
    struct ij_log log;
};

/* One attempt. */
struct ij_work {
    const char *job_id;                 /* for logs */
    const struct ij_input_file *inputs; /* borrowed: the image, then what steps take */
    size_t input_count;                 /* spec->inputs */
    const struct imgjob_spec *spec;     /* borrowed */
    uint32_t timeout_ms; /* of this job, where shorter than the config's; 0 = that */

    /* Called while it runs, on any thread but never twice at once: how far it is, checked
     * and never less than before. Quick. May be NULL. */
    void (*on_progress)(void *data, const struct ij_progress *progress);
    void *progress_data;
};

/* How long the attempt may take, and which setting says so. */
static inline uint32_t ij_work_timeout_ms(const struct ij_work *work,
                                          const struct ij_executor_config *config,
                                          const char **out_setting)
{
    bool is_own = work->timeout_ms > 0 && work->timeout_ms < config->timeout_ms;
    if (out_setting)
        *out_setting = is_own ? "timeout_ms" : "job_timeout_ms";
    return is_own ? work->timeout_ms : config->timeout_ms;
}

enum ij_ending {
    IJ_ENDED_DONE,    /* outputs are filled */
    IJ_ENDED_FAILED,  /* failure is filled; its reason says whether to try again */
    IJ_ENDED_CRASHED, /* the process died by itself: not by a signal of ours */
    IJ_ENDED_STOPPED  /* stop() was called: killed, no fault of the job */
};

/*
 * A failure that is this node's fault (ij_failure_is_of_node(): no descriptors or memory
 * here, or no worker that starts) is only told of what this process met itself, never on
 * a worker's word.
 */

/* One output; `fd` is a memfd, sealed against every change, its format proven by its
 * first bytes and its length by fstat. */
struct ij_work_output {
    int fd; /* owned by the result; -1 = none */
    struct ij_image_output image;
};

/* Owned; end with ij_work_result_done(). */
struct ij_work_result {
    enum ij_ending ending;
    struct ij_failure failure; /* of FAILED and CRASHED */
    size_t output_count;       /* of DONE: spec->output_count */
    struct ij_work_output outputs[IJ_SPEC_OUTPUTS_MAX];
    struct ij_json *info; /* owned: an object, of DONE where the spec wants it */
    struct ij_timings timings;
};
void ij_work_result_done(struct ij_work_result *result);

struct ij_executor;

struct ij_executor_ops {
    const char *name;

    /* Be ready to run at once: start or replace the worker process if need be, and wait
     * for its hello. @return 0, or CRASHED (does not start; the text says why), NOMEM,
     * BUSY (stop() was called) */
    int (*prepare)(struct ij_executor *executor, struct imgjob_error *err);

    /* Whether run() may follow without prepare(): the worker process is there and not due
     * to be replaced. The pool claims a next job only then. */
    bool (*is_ready)(struct ij_executor *executor);

    /* Run one attempt; prepare() has succeeded or is_ready() was true. Comes back at the
     * deadline at the latest, or, had a dead worker to be replaced, so much later. Fills
     * `out`, which was zeroed. */
    void (*run)(struct ij_executor *executor, const struct ij_work *work,
                struct ij_work_result *out);

    /* From any thread: ends the attempt (as STOPPED) or the prepare() (as BUSY) that runs
     * now, or the next one before unstop(). `why` is what a process that is killed for it
     * is counted as. */
    void (*stop)(struct ij_executor *executor, enum ij_exit_cause why);

    /* From the slot thread: take a stop() back. */
    void (*unstop)(struct ij_executor *executor);

    /* Worker processes started in its life. Any thread. */
    uint64_t (*starts)(struct ij_executor *executor);

    /* Resident bytes of its process at the end of its last job; 0 = there is none. Any
     * thread. */
    uint64_t (*rss)(struct ij_executor *executor);

    /* `why`: RESIZED or CLOSED. */
    void (*close)(struct ij_executor *executor, enum ij_exit_cause why);
};

/* The first member of every executor. */
struct ij_executor {
    const struct ij_executor_ops *ops;
};

/* Must be called, like all but stop(), starts() and rss(), on the slot's own thread: the
 * kernel ties a worker's life to the thread that spawned it (PR_SET_PDEATHSIG). */
int ij_child_open(const struct ij_executor_config *config, struct ij_executor **out,
                  struct imgjob_error *err);
int ij_inline_open(const struct ij_executor_config *config, struct ij_executor **out,
                   struct imgjob_error *err);

static inline void ij_executor_close(struct ij_executor *executor, enum ij_exit_cause why)
{
    if (executor)
        executor->ops->close(executor, why);
}
