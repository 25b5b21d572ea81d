/*
 * The executor with isolation: one worker process at a time, replaced when it is worn out
 * or has shown itself unfit. The worker is an enemy from the moment it saw a stranger's
 * image: it can waste its time, but what it says is bounded and checked, this side never
 * waits on it beyond the deadline, and what it did counts only once ij_outputs_accept()
 * has proved it. Every way in which an attempt can end is one enum ij_event.
 */
#include "pool/executor.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "image/limits.h"
#include "pool/channel.h"
#include "pool/outputs.h"

enum {
    HELLO_MS = 10 * 1000, /* a worker that is not ready by then never will be */
    AGE_MAX_MS = 600 * 1000,
    SNIFF_SIZE = 64 /* enough for ij_format_sniff() */
};

/* Owned by the slot's thread, but for stop() and starts(). */
struct ij_child {
    struct ij_executor base;
    const struct ij_executor_config *config;
    struct ij_channel channel;
    uint32_t job_count; /* of this process */
    int64_t started_ms; /* monotonic */
    bool is_spent;      /* this process gets no further job */
    int stop_fd;        /* eventfd; readable from stop() to unstop() */
    atomic_uint_fast64_t starts;
};

static struct ij_child *child_of(struct ij_executor *executor)
{
    return (struct ij_child *)executor; /* its first member */
}

/* ---- the life of the process ---- */

static int end_process(struct ij_child *child)
{
    child->is_spent = true;
    return ij_channel_end(&child->channel);
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
    int64_t until = child->started_ms + HELLO_MS;
    return ij_channel_hello(&child->channel, config->worker_path,
                            until < until_mono_ms ? until : until_mono_ms, child->stop_fd,
                            err);
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

static bool is_stopped(const struct ij_child *child)
{
    struct pollfd fd = { .fd = child->stop_fd, .events = POLLIN };
    return poll(&fd, 1, 0) > 0;
}

static int prepare_until(struct ij_child *child, int64_t until_mono_ms,
                         struct imgjob_error *err)
{
    if (is_stopped(child))
        return ij_fail(err, IMGJOB_E_BUSY, "stopped before the next job");
    if (child_is_ready(&child->base))
        return 0;
    ij_channel_drain(&child->channel);
    ij_process_close(&child->channel.process);
    return start_process(child, until_mono_ms, err);
}

static int child_prepare(struct ij_executor *executor, struct imgjob_error *err)
{
    return prepare_until(child_of(executor), INT64_MAX, err);
}

/* ---- one attempt ---- */

struct attempt {
    struct ij_child *child;
    const struct ij_work *work;
    struct ij_work_result *out;
    int64_t until_mono_ms;
    bool has_header;
    bool is_risky;   /* an input is of a format that is; see is_risky() */
    bool is_refused; /* by us, after the header: out->failure says why */
    struct ij_image_header header;
    struct ij_wire_result result;
    struct imgjob_error err; /* of IJ_EVENT_GARBLED and IJ_EVENT_FAILED */
};

/*
 * Whether an input is of a format whose decoder is among the most likely to be taken
 * over, as are all that have to be switched on. Its own first bytes tell, since the
 * worker would lie about what has taken it over.
 */
static bool is_risky(const struct ij_input_file *input)
{
    char head[SNIFF_SIZE];
    ssize_t len = pread(input->fd, head, sizeof(head), 0);
    if (len < 0) /* nor will the worker be able to read it */
        return false;
    uint32_t format = ij_format_sniff(head, (size_t)len);
    return format == IMGJOB_FORMAT_TIFF || format == IMGJOB_FORMAT_AVIF ||
           format == IMGJOB_FORMAT_HEIC ||
           (format != IMGJOB_FORMAT_NONE && !ij_format_is_read(format, 0));
}

static enum ij_event send_job(struct attempt *attempt)
{
    struct ij_child *child = attempt->child;
    const struct imgjob_spec *spec = attempt->work->spec;
    struct ij_wire_frame frame = {
        .type = IJ_WIRE_JOB,
        .job = {
            .limits = child->config->limits,
            .safe_shrink = child->config->safe_shrink,
            .input_count = attempt->work->input_count,
            .spec = spec->text,
            .spec_len = strlen(spec->text),
        },
    };
    int fds[IJ_SPEC_INPUTS_MAX + IJ_SPEC_OUTPUTS_MAX];
    size_t fd_count = 0;
    for (size_t i = 0; i < attempt->work->input_count; i++) {
        const struct ij_input_file *input = &attempt->work->inputs[i];
        attempt->is_risky = attempt->is_risky || is_risky(input);
        frame.job.input_lens[i] = input->len;
        fds[fd_count++] = input->fd;
    }
    for (size_t i = 0; i < spec->output_count; i++)
        fds[fd_count++] = attempt->out->outputs[i].fd;
    int rc = ij_process_limit_cpu(&child->channel.process, child->config->cpu_ms,
                                  &attempt->err);
    if (rc != 0)
        return rc > 0 ? IJ_EVENT_GONE : IJ_EVENT_FAILED;
    child->job_count++;
    return ij_channel_send(&child->channel, &frame, fds, fd_count, &attempt->err);
}

/* There is no worker to be had: this node's fault, whatever it is. */
static enum ij_event give_up(struct attempt *attempt, int code)
{
    if (code == IMGJOB_E_BUSY)
        return IJ_EVENT_STOP;
    attempt->err.code = IMGJOB_E_NOMEM;
    return IJ_EVENT_FAILED;
}

/* Hand the job over. A worker that died while it was idle never had it: its successor
 * gets it, and the job is not blamed. */
static enum ij_event begin(struct attempt *attempt)
{
    struct ij_child *child = attempt->child;
    enum ij_event event = send_job(attempt);
    if (event != IJ_EVENT_GONE)
        return event;
    ij_chatter_begin(&child->channel.chatter, NULL); /* nor were its last words for it */
    (void)end_process(child); /* the death of an idle worker explains nothing */
    int rc = prepare_until(child, ij_mono_ms(&ij_clock_system) + HELLO_MS, &attempt->err);
    if (rc < 0)
        return give_up(attempt, rc);
    /* the job's own time begins with a worker */
    attempt->until_mono_ms = ij_mono_ms(&ij_clock_system) + child->config->timeout_ms;
    ij_chatter_begin(&child->channel.chatter, attempt->work->job_id);
    event = send_job(attempt);
    if (event != IJ_EVENT_GONE)
        return event;
    rc = ij_fail(&attempt->err, IMGJOB_E_CRASHED, "it died before it had the job");
    return give_up(attempt, rc);
}

/* The worker has checked the same limits, if it still is what we started. */
static enum ij_event answer_header(struct attempt *attempt,
                                   const struct ij_image_header *header)
{
    attempt->has_header = true;
    attempt->header = *header;
    uint32_t pages = ij_limits_pages_taken(attempt->work->spec, header);
    attempt->is_refused = ij_limits_check_header(&attempt->child->config->limits, header,
                                                 pages, &attempt->out->failure) < 0;
    struct ij_wire_frame verdict = {
        .type = attempt->is_refused ? IJ_WIRE_STOP : IJ_WIRE_GO,
    };
    return ij_channel_send(&attempt->child->channel, &verdict, NULL, 0, &attempt->err);
}

/* All of the conversation about one job. @return IJ_EVENT_FRAME with the result, or what
 * came instead */
static enum ij_event converse(struct attempt *attempt)
{
    struct ij_child *child = attempt->child;
    enum ij_event event = begin(attempt);
    while (event == IJ_EVENT_FRAME) {
        struct ij_wire_frame frame;
        event = ij_channel_next(&child->channel, attempt->until_mono_ms, child->stop_fd,
                                &frame, &attempt->err);
        if (event != IJ_EVENT_FRAME)
            break;
        bool is_done = frame.type == IJ_WIRE_RESULT &&
                       (attempt->has_header || frame.result.failure.error.code != 0);
        if (is_done) {
            attempt->result = frame.result;
            break;
        }
        if (frame.type == IJ_WIRE_HEADER && !attempt->has_header) {
            event = answer_header(attempt, &frame.header);
            continue;
        }
        (void)ij_fail(&attempt->err, IMGJOB_E_INTERNAL, "a frame of type %u out of turn",
                      (unsigned)frame.type);
        event = IJ_EVENT_GARBLED;
    }
    return event;
}

static enum ij_stage current_stage(const struct attempt *attempt)
{
    return attempt->has_header ? IJ_STAGE_DECODE : IJ_STAGE_LOAD;
}

/* GLib ends the process when it finds no memory; its last words tell it from a crash. */
static bool is_out_of_memory(const struct attempt *attempt, int signal)
{
    return (signal == SIGTRAP || signal == SIGABRT) &&
           strstr(attempt->child->channel.chatter.last, "failed to allocate");
}

/* Which limit ended the attempt, for programs; the sentence says it to people. */
static void name_limit(struct ij_failure *failure, const char *limit, int64_t value,
                       const char *setting)
{
    (void)snprintf(failure->limit, sizeof(failure->limit), "%s", limit);
    (void)snprintf(failure->setting, sizeof(failure->setting), "%s", setting);
    failure->value = value; /* all of it was used up */
    failure->limit_value = value;
}

/* The worker ended by itself. */
static enum ij_ending explain_death(struct attempt *attempt)
{
    const struct ij_executor_config *config = attempt->child->config;
    struct ij_failure *failure = &attempt->out->failure;
    enum ij_stage stage = current_stage(attempt);
    int status = end_process(attempt->child);
    int signal = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    failure->signal = signal;
    memcpy(failure->loader, attempt->header.loader, sizeof(failure->loader));
    if (signal == SIGXCPU) {
        name_limit(failure, "cpu ms", config->cpu_ms, "job_cpu_ms");
        (void)ij_failure_set(failure, stage, IJ_REASON_CPU, IMGJOB_E_TIMEOUT,
                             "stopped after %u ms of CPU time, the limit of one attempt "
                             "(job_cpu_ms)",
                             config->cpu_ms);
        return IJ_ENDED_FAILED;
    }
    if (is_out_of_memory(attempt, signal)) {
        name_limit(failure, "memory bytes", (int64_t)config->memory_limit,
                   "worker_memory_limit");
        (void)ij_failure_set(
            failure, stage, IJ_REASON_MEMORY, IMGJOB_E_LIMIT,
            "needs more memory than the %llu bytes that a worker may use "
            "(worker_memory_limit)",
            (unsigned long long)config->memory_limit);
        return IJ_ENDED_FAILED;
    }
    char death[64];
    ij_process_describe(status, death, sizeof(death));
    (void)ij_failure_set(failure, stage, IJ_REASON_INTERNAL, IMGJOB_E_CRASHED,
                         "the worker %s in stage %s%s%s", death, ij_stage_name(stage),
                         failure->loader[0] ? " of " : "", failure->loader);
    return IJ_ENDED_CRASHED;
}

static enum ij_ending explain_deadline(struct attempt *attempt)
{
    uint32_t limit = attempt->child->config->timeout_ms;
    struct ij_failure *failure = &attempt->out->failure;
    (void)end_process(attempt->child); /* killed by us */
    name_limit(failure, "wall ms", limit, "job_timeout_ms");
    memcpy(failure->loader, attempt->header.loader, sizeof(failure->loader));
    (void)ij_failure_set(
        failure, current_stage(attempt), IJ_REASON_TIMEOUT, IMGJOB_E_TIMEOUT,
        "stopped after %u ms, the limit of one attempt (job_timeout_ms)", limit);
    return IJ_ENDED_FAILED;
}

/* Codes by which a failure can be told to be this node's; see ij_failure_is_of_node(). */
static bool is_code_of_node(int code)
{
    return code == IMGJOB_E_BLOB || code == IMGJOB_E_FULL || code == IMGJOB_E_NOMEM;
}

/* The worker, or this side, could not go on: not the image's fault, as far as we know. */
static enum ij_ending explain_breakdown(struct attempt *attempt, const char *what)
{
    int code = is_code_of_node(attempt->err.code) ? attempt->err.code : IMGJOB_E_INTERNAL;
    (void)end_process(attempt->child); /* killed by us */
    (void)ij_failure_set(&attempt->out->failure, current_stage(attempt),
                         IJ_REASON_INTERNAL, code, "%s: %.180s", what, attempt->err.text);
    return IJ_ENDED_FAILED;
}

/* A worker is not believed about this node, or it could have its job tried for ever. */
static void take_failure(struct attempt *attempt)
{
    struct ij_failure *failure = &attempt->out->failure;
    *failure = attempt->result.failure;
    if (is_code_of_node(failure->error.code) && !ij_reason_is_permanent(failure->reason))
        failure->error.code = IMGJOB_E_INTERNAL;
}

/* Whether this process, which has just answered, is to be replaced. */
static bool is_worn_out(const struct attempt *attempt)
{
    const struct ij_child *child = attempt->child;
    const struct ij_failure *failure = &attempt->out->failure;
    return attempt->is_refused || child->job_count >= child->config->recycle_jobs ||
           ij_mono_ms(&ij_clock_system) - child->started_ms >= AGE_MAX_MS ||
           attempt->is_risky || failure->reason == IJ_REASON_MEMORY ||
           failure->reason == IJ_REASON_INTERNAL ||
           failure->reason == IJ_REASON_OUTPUT_LIMIT ||
           ij_process_rss(&child->channel.process) > child->config->recycle_rss;
}

static enum ij_ending accept_result(struct attempt *attempt)
{
    struct ij_work_result *out = attempt->out;
    const struct imgjob_limits *limits = &attempt->child->config->limits;
    enum ij_ending ending = IJ_ENDED_FAILED;
    if (attempt->is_refused) {
        /* out->failure says it already */
    } else if (attempt->result.failure.error.code != 0) {
        take_failure(attempt);
    } else if (attempt->result.output_count != attempt->work->spec->output_count) {
        (void)ij_failure_set(&out->failure, IJ_STAGE_ENCODE, IJ_REASON_INTERNAL,
                             IMGJOB_E_INTERNAL, "the worker claims %zu outputs of %zu",
                             attempt->result.output_count,
                             attempt->work->spec->output_count);
    } else if (ij_outputs_accept(out, attempt->result.outputs, attempt->work->spec,
                                 limits, &out->failure) == 0 &&
               ij_info_accept(out, attempt->result.info, attempt->result.info_len,
                              attempt->work->spec, &out->failure) == 0) {
        out->timings = attempt->result.timings;
        ending = IJ_ENDED_DONE;
    }
    attempt->child->is_spent = is_worn_out(attempt);
    return ending;
}

static enum ij_ending conclude(struct attempt *attempt, enum ij_event event)
{
    switch (event) {
    case IJ_EVENT_FRAME:
        return accept_result(attempt);
    case IJ_EVENT_DEADLINE:
        return explain_deadline(attempt);
    case IJ_EVENT_STOP:
        (void)end_process(attempt->child); /* killed by us */
        return IJ_ENDED_STOPPED;
    case IJ_EVENT_GONE:
        return explain_death(attempt);
    case IJ_EVENT_GARBLED:
        return explain_breakdown(attempt, "the worker broke the protocol");
    case IJ_EVENT_FAILED:
        break;
    }
    return explain_breakdown(attempt, "the worker could not be used");
}

static void child_run(struct ij_executor *executor, const struct ij_work *work,
                      struct ij_work_result *out)
{
    struct ij_child *child = child_of(executor);
    struct attempt attempt = {
        .child = child,
        .work = work,
        .out = out,
        .until_mono_ms = ij_mono_ms(&ij_clock_system) + child->config->timeout_ms,
    };
    if (is_stopped(child)) {
        out->ending = IJ_ENDED_STOPPED;
        return;
    }
    out->ending = IJ_ENDED_FAILED;
    ij_channel_drain(&child->channel);
    ij_chatter_begin(&child->channel.chatter, work->job_id);
    if (ij_outputs_create(out, work->spec, &out->failure) == 0)
        out->ending = conclude(&attempt, converse(&attempt));
    ij_chatter_end(&child->channel.chatter);
    if (out->ending != IJ_ENDED_DONE)
        ij_work_result_done(out);
}

static void child_stop(struct ij_executor *executor)
{
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

static void child_close(struct ij_executor *executor)
{
    struct ij_child *child = child_of(executor);
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
