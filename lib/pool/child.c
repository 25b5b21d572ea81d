/*
 * Owns the life of a worker process: one at a time, replaced when it is worn out or has
 * shown itself unfit. Each that ends is counted once, with its cause.
 */
#include "pool/child.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/clock.h"

static struct ij_child *child_of(struct ij_executor *executor)
{
    return (struct ij_child *)executor; /* its first member */
}

int ij_child_end(struct ij_child *child)
{
    child->is_spent = true;
    atomic_store(&child->rss, 0);
    return ij_channel_end(&child->channel);
}

void ij_child_count_exit(const struct ij_child *child, enum ij_exit_cause cause,
                         int status)
{
    bool is_own = status >= 0 && WIFSIGNALED(status);
    ij_pool_metrics_exit(child->config->metrics, cause, is_own ? WTERMSIG(status) : 0);
}

void ij_child_kill(struct ij_child *child, enum ij_exit_cause cause)
{
    (void)ij_child_end(child); /* of our own signal */
    ij_child_count_exit(child, cause, 0);
}

void ij_child_retire(struct ij_child *child)
{
    struct ij_channel *channel = &child->channel;
    if (channel->process.pid != 0 && child->is_spent)
        ij_child_kill(child, IJ_EXIT_RECYCLED);
    else if (channel->process.pid != 0) {
        struct pollfd fd = { .fd = channel->process.socket_fd, .events = POLLIN };
        bool has_left = poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP);
        int status = ij_child_end(child);
        ij_child_count_exit(child, has_left ? IJ_EXIT_CRASHED : IJ_EXIT_PROTOCOL,
                            has_left ? status : 0);
    }
    ij_process_close(&channel->process);
}

enum ij_exit_cause ij_child_stop_cause(struct ij_child *child)
{
    return (enum ij_exit_cause)atomic_load(&child->stop_cause);
}

/* Start a process and wait for its hello, at most until then. */
static int start_process(struct ij_child *child, int64_t until_mono_ms,
                         struct imgjob_error *err)
{
    const struct ij_executor_config *config = child->config;
    int rc =
        ij_process_start(config->worker_path, config->memory_limit,
                         config->limits.max_output_size, &child->channel.process, err);
    if (rc < 0)
        return rc;
    (void)atomic_fetch_add(&child->starts, 1);
    child->job_count = 0;
    child->started_ms = ij_mono_ms(&ij_clock_system);
    child->is_spent = false;
    int64_t until = child->started_ms + IJ_CHILD_HELLO_MS;
    rc = ij_channel_hello(&child->channel, config->worker_path,
                          until < until_mono_ms ? until : until_mono_ms, child->stop_fd,
                          err);
    if (rc < 0)
        ij_pool_metrics_exit(
            config->metrics,
            rc == IMGJOB_E_BUSY ? ij_child_stop_cause(child) : IJ_EXIT_UNSTARTED, 0);
    return rc;
}

/* A worker between jobs has nothing to say: whatever comes from it, its end included,
 * makes it unfit. */
static bool child_is_ready(struct ij_executor *executor)
{
    struct ij_child *child = child_of(executor);
    if (child->channel.process.pid == 0 || child->is_spent)
        return false;
    struct pollfd fd = { .fd = child->channel.process.socket_fd, .events = POLLIN };
    return poll(&fd, 1, 0) == 0;
}

bool ij_child_is_stopped(const struct ij_child *child)
{
    struct pollfd fd = { .fd = child->stop_fd, .events = POLLIN };
    return poll(&fd, 1, 0) > 0;
}

int ij_child_prepare(struct ij_child *child, int64_t until_mono_ms,
                     struct imgjob_error *err)
{
    if (ij_child_is_stopped(child))
        return ij_fail(err, IMGJOB_E_BUSY, "stopped before the next job");
    if (child_is_ready(&child->base))
        return 0;
    ij_channel_drain(&child->channel);
    ij_child_retire(child);
    return start_process(child, until_mono_ms, err);
}

static int child_prepare(struct ij_executor *executor, struct imgjob_error *err)
{
    return ij_child_prepare(child_of(executor), INT64_MAX, err);
}

static void child_run(struct ij_executor *executor, const struct ij_work *work,
                      struct ij_work_result *out)
{
    struct ij_child *child = child_of(executor);
    if (ij_child_is_stopped(child))
        out->ending = IJ_ENDED_STOPPED;
    else
        ij_child_run(child, work, out);
}

static void child_stop(struct ij_executor *executor, enum ij_exit_cause why)
{
    atomic_store(&child_of(executor)->stop_cause, why);
    (void)eventfd_write(child_of(executor)->stop_fd, 1); /* full means it is readable */
}

static void child_unstop(struct ij_executor *executor)
{
    eventfd_t count;
    (void)eventfd_read(child_of(executor)->stop_fd, &count); /* empty is what we want */
}

static uint64_t child_starts(struct ij_executor *executor)
{
    return atomic_load(&child_of(executor)->starts);
}

static uint64_t child_rss(struct ij_executor *executor)
{
    return atomic_load(&child_of(executor)->rss);
}

static void child_close(struct ij_executor *executor, enum ij_exit_cause why)
{
    struct ij_child *child = child_of(executor);
    if (child->channel.process.pid != 0)
        ij_child_kill(child, why);
    ij_process_close(&child->channel.process);
    ij_close(&child->stop_fd);
    free(child);
}

static const struct ij_executor_ops child_ops = {
    .name = "process",
    .prepare = child_prepare,
    .is_ready = child_is_ready,
    .run = child_run,
    .stop = child_stop,
    .unstop = child_unstop,
    .starts = child_starts,
    .rss = child_rss,
    .close = child_close,
};

int ij_child_open(const struct ij_executor_config *config, struct ij_executor **out,
                  struct imgjob_error *err)
{
    IJ_AUTO(ij_free) struct ij_child *child = calloc(1, sizeof(*child));
    if (!child)
        return ij_fail_nomem(err, "making a worker's place");
    child->base.ops = &child_ops;
    child->config = config;
    child->channel.chatter.log = &config->log;
    child->channel.process = IJ_PROCESS_NONE;
    int rc = ij_wire_hello_fill(&child->channel.expected, config->ops, err);
    if (rc < 0)
        return rc;
    child->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (child->stop_fd < 0)
        return ij_fail_errno(err, IMGJOB_E_NOMEM, "make a worker's place");
    *out = &ij_steal(&child)->base;
    return 0;
}
