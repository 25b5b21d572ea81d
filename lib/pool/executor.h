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
    struct ij_log log;
};

/* One attempt. */
struct ij_work {
    const char *job_id;                 /* for logs */
    const struct ij_input_file *inputs; /* borrowed: the image, then what steps take */
    size_t input_count;                 /* spec->inputs */
    const struct imgjob_spec *spec;     /* borrowed */
};

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
     * now, or the next one before unstop(). */
    void (*stop)(struct ij_executor *executor);

    /* From the slot thread: take a stop() back. */
    void (*unstop)(struct ij_executor *executor);

    /* Worker processes started in its life. Any thread. */
    uint64_t (*starts)(struct ij_executor *executor);

    void (*close)(struct ij_executor *executor);
};

/* The first member of every executor. */
struct ij_executor {
    const struct ij_executor_ops *ops;
};

/* Must be called, like all but stop() and starts(), on the slot's own thread: the kernel
 * ties a worker's life to the thread that spawned it (PR_SET_PDEATHSIG). */
int ij_child_open(const struct ij_executor_config *config, struct ij_executor **out,
                  struct imgjob_error *err);
int ij_inline_open(const struct ij_executor_config *config, struct ij_executor **out,
                   struct imgjob_error *err);

static inline void ij_executor_close(struct ij_executor *executor)
{
    if (executor)
        executor->ops->close(executor);
}
