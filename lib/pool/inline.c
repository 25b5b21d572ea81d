/*
 * The executor without isolation: images are run in the slot's own thread. It keeps the
 * same bounds as a worker process where they can be kept by asking: the time limit is
 * looked at between tiles, and so is stop(). What hangs inside a decoder cannot be ended,
 * a crash is the program's, and neither CPU nor memory is limited: for images that are
 * trusted.
 */
#include "pool/executor.h"

#include <stdatomic.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "pool/ending.h"
#include "pool/exchange.h"
#include "pool/outputs.h"

/* Owned by the slot's thread, but for the flag. */
struct ij_inline {
    struct ij_executor base;
    const struct ij_executor_config *config;
    struct ij_inputs inputs;
    atomic_bool is_stopped;
};

static struct ij_inline *inline_of(struct ij_executor *executor)
{
    return (struct ij_inline *)executor; /* its first member */
}

/* What the callbacks of one attempt see. */
struct attempt {
    struct ij_outlet outlet; /* first: the callbacks that write see only this */
    struct ij_inline *executor;
    const struct ij_work *work;
};

static int on_header(void *data, const struct ij_image_header *header)
{
    const struct attempt *attempt = data;
    (void)header;
    return atomic_load(&attempt->executor->is_stopped) ? -1 : 0;
}

static void on_progress(void *data, const struct ij_progress *progress)
{
    const struct attempt *attempt = data;
    attempt->work->on_progress(attempt->work->progress_data, progress);
}

/* What ij_image_run() failed of. */
static enum ij_ending explain(const struct attempt *attempt, struct ij_failure *failure)
{
    const struct ij_failure said = *failure;
    const struct ij_last_seen seen = {
        .config = attempt->executor->config,
        .work = attempt->work,
        .stage = said.stage,
        .loader = said.loader,
        .last_words = "",
    };
    if (atomic_load(&attempt->executor->is_stopped))
        return IJ_ENDED_STOPPED;
    if (said.reason == IJ_REASON_TIMEOUT)
        return ij_ending_of_deadline(&seen, failure);
    if (attempt->outlet.failure.error.code != 0)
        *failure = attempt->outlet.failure; /* closer to the cause */
    return IJ_ENDED_FAILED;
}

static enum ij_ending run_image(struct attempt *attempt, const struct ij_work *work,
                                struct ij_work_result *out)
{
    const struct ij_executor_config *config = attempt->executor->config;
    struct ij_image_job job = {
        .spec = work->spec,
        .limits = &config->limits,
        .safe_shrink = config->safe_shrink,
        .until_mono_ms =
            ij_mono_ms(&ij_clock_system) + ij_work_timeout_ms(work, config, NULL),
        .stop = &attempt->executor->is_stopped,
        .on_header = on_header,
        .on_output = ij_outlet_write,
        .on_info = ij_outlet_inform,
        .on_progress = work->on_progress ? on_progress : NULL,
        .callback_data = attempt,
    };
    ij_inputs_give(&attempt->executor->inputs, &job);
    struct ij_image_output outputs[IJ_SPEC_OUTPUTS_MAX];
    if (ij_image_run(&job, outputs, &out->timings, &out->failure) < 0)
        return explain(attempt, &out->failure);
    const struct ij_buf *info = &attempt->outlet.info;
    int rc = ij_outputs_accept(out, outputs, work->spec, &config->limits, &out->failure);
    if (rc == 0)
        rc = ij_info_accept(out, info->data, info->len, work->spec, &out->failure);
    return rc < 0 ? IJ_ENDED_FAILED : IJ_ENDED_DONE;
}

static void inline_run(struct ij_executor *executor, const struct ij_work *work,
                       struct ij_work_result *out)
{
    struct ij_inline *self = inline_of(executor);
    const struct imgjob_limits *limits = &self->config->limits;
    struct attempt attempt = {
        .executor = self,
        .work = work,
        .outlet = { .count = work->spec->output_count, .limits = limits },
    };
    if (atomic_load(&self->is_stopped)) {
        out->ending = IJ_ENDED_STOPPED;
        return;
    }
    out->ending = IJ_ENDED_FAILED;
    if (ij_inputs_read(&self->inputs, work->inputs, work->input_count, limits,
                       &out->failure) == 0 &&
        ij_outputs_create(out, work->spec, &out->failure) == 0) {
        for (size_t i = 0; i < out->output_count; i++)
            attempt.outlet.fds[i] = out->outputs[i].fd;
        out->ending = run_image(&attempt, work, out);
    }
    if (out->ending != IJ_ENDED_DONE)
        ij_work_result_done(out);
    ij_outlet_done(&attempt.outlet);
    ij_inputs_trim(&self->inputs);
}

static int inline_prepare(struct ij_executor *executor, struct imgjob_error *err)
{
    if (atomic_load(&inline_of(executor)->is_stopped))
        return ij_fail(err, IMGJOB_E_BUSY, "stopped before the next job");
    return ij_image_start(err); /* libvips is one for the whole process */
}

static bool inline_is_ready(struct ij_executor *executor)
{
    (void)executor; /* nothing wears out */
    return true;
}

static void inline_stop(struct ij_executor *executor, enum ij_exit_cause why)
{
    (void)why; /* no process ends */
    atomic_store(&inline_of(executor)->is_stopped, true);
}

static void inline_unstop(struct ij_executor *executor)
{
    atomic_store(&inline_of(executor)->is_stopped, false);
}

static uint64_t inline_starts(struct ij_executor *executor)
{
    (void)executor; /* no process is ever started */
    return 0;
}

static uint64_t inline_rss(struct ij_executor *executor)
{
    (void)executor;
    return 0;
}

static void inline_close(struct ij_executor *executor, enum ij_exit_cause why)
{
    (void)why;
    struct ij_inline *self = inline_of(executor);
    ij_image_thread_end();
    ij_inputs_done(&self->inputs);
    free(self);
}

static const struct ij_executor_ops inline_ops = {
    .name = "inline",
    .prepare = inline_prepare,
    .is_ready = inline_is_ready,
    .run = inline_run,
    .stop = inline_stop,
    .unstop = inline_unstop,
    .starts = inline_starts,
    .rss = inline_rss,
    .close = inline_close,
};

int ij_inline_open(const struct ij_executor_config *config, struct ij_executor **out,
                   struct imgjob_error *err)
{
    struct ij_inline *self = calloc(1, sizeof(*self));
    if (!self)
        return ij_fail_nomem(err, "making an inline worker");
    self->base.ops = &inline_ops;
    self->config = config;
    *out = &self->base;
    return 0;
}
