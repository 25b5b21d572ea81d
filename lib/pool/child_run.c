/*
 * Owns the conversation about one attempt. The worker is an enemy from the moment it saw
 * a stranger's image: it can waste its time, but what it says is bounded and checked,
 * this side never waits on it beyond the deadline, and what it did counts only once
 * ij_outputs_accept() has proved it. Every way in which an attempt can end is one enum
 * ij_event.
 */
#include "pool/child.h"

#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "image/limits.h"
#include "pool/ending.h"
#include "pool/outputs.h"

enum {
    AGE_MAX_MS = 600 * 1000, /* of a process */
    /* frames of progress: at once, and one more for so many milliseconds. An honest
     * worker sends half as many */
    PROGRESS_AT_ONCE = 64,
    PROGRESS_MS = 50,
    SNIFF_SIZE = 64 /* enough for ij_format_sniff() */
};

struct attempt {
    struct ij_child *child;
    const struct ij_work *work;
    struct ij_work_result *out;
    int64_t since_mono_ms, until_mono_ms;
    uint32_t progress_count; /* frames of it */
    struct ij_progress progress;
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

static void begin_time(struct attempt *attempt)
{
    attempt->since_mono_ms = ij_mono_ms(&ij_clock_system);
    attempt->until_mono_ms =
        attempt->since_mono_ms +
        ij_work_timeout_ms(attempt->work, attempt->child->config, NULL);
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
    ij_child_retire(child);
    int rc = ij_child_prepare(child, ij_mono_ms(&ij_clock_system) + IJ_CHILD_HELLO_MS,
                              &attempt->err);
    if (rc < 0)
        return give_up(attempt, rc);
    /* the job's own time begins with a worker */
    begin_time(attempt);
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

/* A worker that says more than it should, or takes back what it said, is no worker of
 * ours any more. */
static enum ij_event take_progress(struct attempt *attempt,
                                   const struct ij_progress *progress)
{
    const struct ij_work *work = attempt->work;
    int64_t ms = ij_mono_ms(&ij_clock_system) - attempt->since_mono_ms;
    attempt->progress_count++;
    if (attempt->progress_count > PROGRESS_AT_ONCE + ms / PROGRESS_MS) {
        (void)ij_fail(&attempt->err, IMGJOB_E_INTERNAL,
                      "%u frames of progress in %lld ms", attempt->progress_count,
                      (long long)ms);
        return IJ_EVENT_GARBLED;
    }
    if (progress->percent < attempt->progress.percent ||
        (progress->output > 0 && progress->output >= work->spec->output_count)) {
        (void)ij_fail(&attempt->err, IMGJOB_E_INTERNAL,
                      "progress of %u %% of output %u, after %u %%, of %zu outputs",
                      progress->percent, progress->output, attempt->progress.percent,
                      work->spec->output_count);
        return IJ_EVENT_GARBLED;
    }
    attempt->progress = *progress;
    if (work->on_progress)
        work->on_progress(work->progress_data, progress);
    return IJ_EVENT_FRAME;
}

/* Take what the worker says next. @param is_done set when it was the result */
static enum ij_event take_frame(struct attempt *attempt,
                                const struct ij_wire_frame *frame, bool *is_done)
{
    bool has_failed = frame->type == IJ_WIRE_RESULT && frame->result.failure.error.code;
    if (frame->type == IJ_WIRE_RESULT && (attempt->has_header || has_failed)) {
        attempt->result = frame->result;
        *is_done = true;
        return IJ_EVENT_FRAME;
    }
    if (frame->type == IJ_WIRE_HEADER && !attempt->has_header)
        return answer_header(attempt, &frame->header);
    if (frame->type == IJ_WIRE_PROGRESS && attempt->has_header && !attempt->is_refused)
        return take_progress(attempt, &frame->progress);
    (void)ij_fail(&attempt->err, IMGJOB_E_INTERNAL, "a frame of type %u out of turn",
                  (unsigned)frame->type);
    return IJ_EVENT_GARBLED;
}

/* All of the conversation about one job. @return IJ_EVENT_FRAME with the result, or what
 * came instead */
static enum ij_event converse(struct attempt *attempt)
{
    struct ij_child *child = attempt->child;
    bool is_done = false;
    enum ij_event event = begin(attempt);
    while (event == IJ_EVENT_FRAME && !is_done) {
        struct ij_wire_frame frame;
        event = ij_channel_next(&child->channel, attempt->until_mono_ms, child->stop_fd,
                                &frame, &attempt->err);
        if (event == IJ_EVENT_FRAME)
            event = take_frame(attempt, &frame, &is_done);
    }
    return event;
}

/* A worker is not believed about this node, or it could have its job tried for ever. */
static void take_failure(struct attempt *attempt)
{
    struct ij_failure *failure = &attempt->out->failure;
    *failure = attempt->result.failure;
    if (ij_code_is_of_node(failure->error.code) &&
        !ij_reason_is_permanent(failure->reason))
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
           atomic_load(&child->rss) > child->config->recycle_rss;
}

/* No stage took longer than all of it, whatever the worker says. */
static struct ij_timings checked_timings(const struct attempt *attempt)
{
    struct ij_timings timings = attempt->result.timings;
    int64_t ms = ij_mono_ms(&ij_clock_system) - attempt->since_mono_ms;
    uint32_t most = (uint32_t)(ms < INT32_MAX ? ms : INT32_MAX);
    timings.decode_ms = timings.decode_ms < most ? timings.decode_ms : most;
    timings.process_ms = timings.process_ms < most ? timings.process_ms : most;
    timings.encode_ms = timings.encode_ms < most ? timings.encode_ms : most;
    return timings;
}

static enum ij_ending accept_result(struct attempt *attempt)
{
    struct ij_work_result *out = attempt->out;
    const struct imgjob_limits *limits = &attempt->child->config->limits;
    enum ij_ending ending = IJ_ENDED_FAILED;
    atomic_store(&attempt->child->rss, ij_process_rss(&attempt->child->channel.process));
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
        out->timings = checked_timings(attempt);
        ending = IJ_ENDED_DONE;
    }
    attempt->child->is_spent = is_worn_out(attempt);
    return ending;
}

/* The worker ended by itself. */
static enum ij_ending accept_death(const struct attempt *attempt,
                                   const struct ij_last_seen *seen)
{
    struct ij_failure *failure = &attempt->out->failure;
    int status = ij_child_end(attempt->child);
    enum ij_ending ending = ij_ending_of_death(seen, status, failure);
    ij_child_count_exit(attempt->child,
                        ending == IJ_ENDED_CRASHED         ? IJ_EXIT_CRASHED
                        : failure->reason == IJ_REASON_CPU ? IJ_EXIT_CPU
                                                           : IJ_EXIT_MEMORY,
                        status);
    return ending;
}

static struct ij_last_seen last_seen(const struct attempt *attempt)
{
    enum ij_stage told = attempt->progress.stage;
    return (struct ij_last_seen){
        .config = attempt->child->config,
        .work = attempt->work,
        .stage = !attempt->has_header    ? IJ_STAGE_LOAD
                 : told == IJ_STAGE_NONE ? IJ_STAGE_DECODE
                                         : told,
        .loader = attempt->header.loader,
        .last_words = attempt->child->channel.chatter.last,
    };
}

static enum ij_ending conclude(struct attempt *attempt, enum ij_event event)
{
    const struct ij_last_seen seen = last_seen(attempt);
    struct ij_failure *failure = &attempt->out->failure;
    switch (event) {
    case IJ_EVENT_FRAME:
        return accept_result(attempt);
    case IJ_EVENT_DEADLINE:
        ij_child_kill(attempt->child, IJ_EXIT_TIMEOUT);
        return ij_ending_of_deadline(&seen, failure);
    case IJ_EVENT_STOP:
        ij_child_kill(attempt->child, ij_child_stop_cause(attempt->child));
        return IJ_ENDED_STOPPED;
    case IJ_EVENT_GONE:
        return accept_death(attempt, &seen);
    case IJ_EVENT_GARBLED:
        ij_child_kill(attempt->child, IJ_EXIT_PROTOCOL);
        return ij_ending_of_breakdown(&seen, "the worker broke the protocol",
                                      &attempt->err, failure);
    case IJ_EVENT_FAILED:
        break;
    }
    ij_child_kill(attempt->child, IJ_EXIT_INTERNAL);
    return ij_ending_of_breakdown(&seen, "the worker could not be used", &attempt->err,
                                  failure);
}

void ij_child_run(struct ij_child *child, const struct ij_work *work,
                  struct ij_work_result *out)
{
    struct attempt attempt = {
        .child = child,
        .work = work,
        .out = out,
    };
    begin_time(&attempt);
    out->ending = IJ_ENDED_FAILED;
    ij_channel_drain(&child->channel);
    ij_chatter_begin(&child->channel.chatter, work->job_id);
    if (ij_outputs_create(out, work->spec, &out->failure) == 0)
        out->ending = conclude(&attempt, converse(&attempt));
    ij_chatter_end(&child->channel.chatter);
    if (out->ending != IJ_ENDED_DONE)
        ij_work_result_done(out);
}
