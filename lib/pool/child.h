/* The executor with isolation, as its two files see it: child.c has the process, and
 * child_run.c what is said to it. */
#pragma once

#include <stdatomic.h>

#include "pool/channel.h"
#include "pool/executor.h"

enum { IJ_CHILD_HELLO_MS = 10 * 1000 /* a worker not ready by then never will be */ };

/* Owned by the slot's thread, but for stop(), starts() and rss(). */
struct ij_child {
    struct ij_executor base;
    const struct ij_executor_config *config;
    struct ij_channel channel;
    uint32_t job_count;     /* of this process */
    int64_t started_ms;     /* monotonic */
    bool is_spent;          /* this process gets no further job */
    int stop_fd;            /* eventfd; readable from stop() to unstop() */
    atomic_uint stop_cause; /* enum ij_exit_cause, while that is readable */
    atomic_uint_fast64_t starts, rss;
};

/* Have a worker that is ready, at most until then. @return as prepare() does */
int ij_child_prepare(struct ij_child *child, int64_t until_mono_ms,
                     struct imgjob_error *err);

bool ij_child_is_stopped(const struct ij_child *child);
enum ij_exit_cause ij_child_stop_cause(struct ij_child *child);

/* End the process if it still lives. @return its wait status */
int ij_child_end(struct ij_child *child);

/* @param status of a process that ended by itself, else 0 */
void ij_child_count_exit(const struct ij_child *child, enum ij_exit_cause cause,
                         int status);

/* End it, and count that. */
void ij_child_kill(struct ij_child *child, enum ij_exit_cause cause);

/* The same for one that is worn out, or that was found unfit while it had no job. */
void ij_child_retire(struct ij_child *child);

/* run() of an executor whose worker is ready, and not stopped. In child_run.c. */
void ij_child_run(struct ij_child *child, const struct ij_work *work,
                  struct ij_work_result *out);
