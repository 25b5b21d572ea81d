/*
 * Owns the way of one attempt: inputs opened, work run elsewhere, outputs made durable
 * under names that hold the lease, and only then the finish, which publishes them.
 * Whatever goes wrong on the way becomes the one finish that the job gets.
 */
#include "pool/attempt.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/digest.h"
#include "base/io.h"

enum { FINISH_RETRY_MS = 50, FINISH_RETRY_MAX_MS = 2000, RELEASE_TRIES_MAX = 4 };

/* Everything of one attempt. */
struct attempt {
    struct ij_place *place;
    const struct ij_job *job;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_spec *spec;
    struct ij_input_file inputs[IJ_SPEC_INPUTS_MAX]; /* open */
    size_t input_count;
    struct ij_work_result work;
    struct ij_failure failure;
    struct ij_buf result; /* JSON */
    struct ij_buf keys;   /* of the outputs written so far, each ended by '\n' */
    uint64_t bytes;       /* of them */
    enum ij_finish_kind kind;
    bool is_abandoned;  /* the lease is lost: nothing is left to finish */
    bool is_node_fault; /* no other job would fare better here now */
};

static void attempt_done(struct attempt *attempt)
{
    imgjob_spec_free(attempt->spec);
    for (size_t i = 0; i < attempt->input_count; i++)
        ij_close(&attempt->inputs[i].fd);
    ij_work_result_done(&attempt->work);
    ij_buf_done(&attempt->result);
    ij_buf_done(&attempt->keys);
}

/* What a failure means for the job. A fault of this node costs it nothing: a full disk
 * for one minute must not burn the attempts of a whole queue. */
static void settle_failure(struct attempt *attempt)
{
    attempt->is_node_fault = ij_failure_is_of_node(&attempt->failure);
    if (attempt->is_node_fault)
        attempt->kind = IJ_FINISH_RELEASED;
    else if (ij_reason_is_permanent(attempt->failure.reason))
        attempt->kind = IJ_FINISH_FAILED;
    else
        attempt->kind = IJ_FINISH_RETRY;
}

/* The attempt failed on this side of the worker. */
static void fail(struct attempt *attempt, enum ij_stage stage, enum ij_reason reason,
                 const struct imgjob_error *err)
{
    (void)ij_failure_set(&attempt->failure, stage, reason, err->code, "%s", err->text);
    settle_failure(attempt);
}

/* Open what the spec takes: the image, and what its steps take beside it. */
static bool open_inputs(struct attempt *attempt)
{
    struct ij_blobs *inputs = attempt->place->bench->inputs;
    for (uint32_t i = 0; i < attempt->spec->inputs; i++) {
        char key[IJ_BLOB_KEY_SIZE];
        struct imgjob_error err;
        struct ij_input_file *file = &attempt->inputs[i];
        ij_blob_input_key(&attempt->job->id, i, key);
        int rc = inputs->ops->open(inputs, key, &file->fd, &file->len, &err);
        if (rc < 0) {
            fail(attempt, IJ_STAGE_LOAD,
                 rc == IMGJOB_E_NOTFOUND ? IJ_REASON_INPUT_MISSING : IJ_REASON_BLOB,
                 &err);
            return false;
        }
        attempt->input_count = i + 1;
    }
    return true;
}

static bool parse_spec(struct attempt *attempt, const char *text)
{
    int rc = ij_attempt_spec(text, strlen(text), attempt->place->bench->ops,
                             &attempt->spec, &attempt->failure);
    if (rc < 0)
        settle_failure(attempt);
    return rc == 0;
}

/* Copy a sealed output into its draft, hashing on the way. */
static int copy_output(struct ij_place *place, const struct ij_work_output *output,
                       int draft_fd, char sha256[IJ_SHA256_HEX_SIZE],
                       struct imgjob_error *err)
{
    IJ_AUTO(ij_sha256_done) struct ij_sha256 sha = { 0 };
    int rc = ij_sha256_begin(&sha, err);
    uint64_t done = 0;
    while (rc == 0 && done < output->image.len) {
        uint64_t left = output->image.len - done;
        size_t len = left < IJ_COPY_SIZE ? (size_t)left : IJ_COPY_SIZE;
        if (ij_pread_all(output->fd, place->copy, len, done) < 0 ||
            ij_write_all(draft_fd, place->copy, len) < 0)
            return ij_fail_errno(err, IMGJOB_E_BLOB, "copy an output of %llu bytes",
                                 (unsigned long long)output->image.len);
        rc = ij_sha256_add(&sha, place->copy, len, err);
        done += len;
    }
    return rc < 0 ? rc : ij_sha256_end(&sha, sha256, err);
}

/* What became of an output; a search only where there was one. */
static void put_image(struct ij_json_out *out, const struct ij_image_output *image)
{
    ij_json_put_str(out, "format", imgjob_format_name(image->format));
    ij_json_put_int(out, "width", image->width);
    ij_json_put_int(out, "height", image->height);
    ij_json_put_int(out, "pages", image->pages);
    ij_json_put_int(out, "bytes", (int64_t)image->len);
    if (image->encodes > 0)
        ij_json_put_int(out, "encodes", image->encodes);
    if (image->quality > 0)
        ij_json_put_int(out, "quality", image->quality);
    if (image->colors > 0)
        ij_json_put_int(out, "colors", image->colors);
    if (image->ssim_millis > 0)
        ij_json_put_real(out, "ssim", image->ssim_millis / 1000.0);
    if (image->is_over_budget)
        ij_json_put_bool(out, "over_budget", true);
}

/* Make one output durable under its own name, which no row names yet. */
static int store_output(struct attempt *attempt, size_t index, struct ij_json_out *out,
                        struct imgjob_error *err)
{
    struct ij_blobs *outputs = attempt->place->bench->outputs;
    const struct ij_work_output *output = &attempt->work.outputs[index];
    const char *name = attempt->spec->outputs[index].name;
    char key[IJ_BLOB_KEY_SIZE], sha256[IJ_SHA256_HEX_SIZE];
    ij_blob_output_key(&attempt->job->id, attempt->job->gen, attempt->job->token, name,
                       ij_format_extension(output->image.format), key);

    IJ_AUTO(ij_draft_discard) struct ij_blob_draft draft = { .fd = -1 };
    int rc = outputs->ops->draft_create(outputs, key, &draft, err);
    if (rc < 0)
        return rc;
    rc = copy_output(attempt->place, output, draft.fd, sha256, err);
    if (rc < 0)
        return rc;
    rc = outputs->ops->draft_publish(&draft, err);
    if (rc < 0)
        return rc;
    ij_buf_printf(&attempt->keys, "%s\n", key);
    attempt->bytes += output->image.len;

    ij_json_open(out, NULL, '{');
    ij_json_put_str(out, "name", name);
    put_image(out, &output->image);
    ij_json_put_str(out, "sha256", sha256);
    ij_json_put_str(out, "key", key);
    ij_json_close(out, '}');
    return 0;
}

static void put_timings(struct ij_json_out *out, const struct ij_timings *timings)
{
    ij_json_open(out, "timings", '{');
    ij_json_put_int(out, "decode_ms", timings->decode_ms);
    ij_json_put_int(out, "process_ms", timings->process_ms);
    ij_json_put_int(out, "encode_ms", timings->encode_ms);
    ij_json_close(out, '}');
}

static void store_outputs(struct attempt *attempt)
{
    struct imgjob_error err;
    struct ij_json_out out = { .buf = &attempt->result };
    ij_json_open(&out, NULL, '{');
    ij_json_open(&out, "outputs", '[');
    for (size_t i = 0; i < attempt->work.output_count; i++)
        if (store_output(attempt, i, &out, &err) < 0) {
            fail(attempt, IJ_STAGE_PUBLISH, IJ_REASON_BLOB, &err);
            return;
        }
    ij_json_close(&out, ']');
    if (attempt->work.info)
        ij_json_put(&out, "info", attempt->work.info);
    put_timings(&out, &attempt->work.timings);
    ij_json_close(&out, '}');
    if (attempt->result.failed || attempt->keys.failed) {
        (void)ij_fail_nomem(&err, "writing a result");
        fail(attempt, IJ_STAGE_PUBLISH, IJ_REASON_INTERNAL, &err);
        return;
    }
    attempt->kind = IJ_FINISH_SUCCEEDED;
}

/* What the end of the work means for the job. */
static void judge(struct attempt *attempt, enum ij_stop_cause cause)
{
    switch (attempt->work.ending) {
    case IJ_ENDED_DONE:
        store_outputs(attempt);
        break;
    case IJ_ENDED_FAILED:
        attempt->failure = attempt->work.failure;
        settle_failure(attempt);
        break;
    case IJ_ENDED_CRASHED:
        attempt->failure = attempt->work.failure;
        attempt->kind = IJ_FINISH_CRASHED;
        break;
    case IJ_ENDED_STOPPED:
        attempt->kind =
            cause == IJ_STOP_CANCELED ? IJ_FINISH_CANCELED : IJ_FINISH_RELEASED;
        attempt->is_abandoned = cause == IJ_STOP_LOST;
        break;
    }
}

static void on_progress(void *data, const struct ij_progress *progress)
{
    const struct ij_place *place = data;
    ij_leases_progress(place->bench->leases, place->slot, progress);
}

static void work(struct attempt *attempt, const char *spec)
{
    struct ij_place *place = attempt->place;
    if (!parse_spec(attempt, spec) || !open_inputs(attempt))
        return;
    struct ij_work work = {
        .job_id = attempt->id,
        .inputs = attempt->inputs,
        .input_count = attempt->input_count,
        .spec = attempt->spec,
        .timeout_ms = attempt->job->timeout_ms,
        .on_progress = on_progress,
        .progress_data = place,
    };
    ij_leases_begin_work(place->bench->leases, place->slot, place->executor);
    place->executor->ops->run(place->executor, &work, &attempt->work);
    judge(attempt, ij_leases_end_work(place->bench->leases, place->slot));
}

/* Outputs that no row will ever name: nobody else can have this name, so they may go. */
static void remove_outputs(struct attempt *attempt)
{
    struct ij_blobs *outputs = attempt->place->bench->outputs;
    char *rest = NULL;
    for (char *key = attempt->keys.data ? strtok_r(attempt->keys.data, "\n", &rest)
                                        : NULL;
         key; key = strtok_r(NULL, "\n", &rest))
        (void)outputs->ops->remove(outputs, key, NULL); /* else the collector does */
}

/* The store has taken the outcome. */
static void count_end(const struct attempt *attempt)
{
    struct ij_pool_metrics *metrics = attempt->place->bench->metrics;
    if (attempt->kind == IJ_FINISH_SUCCEEDED)
        ij_pool_metrics_done(metrics, attempt->spec, &attempt->work.timings);
    else if (attempt->kind == IJ_FINISH_CANCELED)
        ij_count(&metrics->canceled);
}

static void log_end(const struct attempt *attempt)
{
    const struct ij_bench *bench = attempt->place->bench;
    long long ms = ij_wall_ms(&bench->clock) - attempt->job->started;
    unsigned try = attempt->job->attempt;
    switch (attempt->kind) {
    case IJ_FINISH_SUCCEEDED:
        ij_log(&bench->log, IMGJOB_LOG_INFO, "pool", attempt->id, "completed in %lld ms",
               ms);
        break;
    case IJ_FINISH_FAILED:
        ij_log(&bench->log, IMGJOB_LOG_INFO, "pool", attempt->id,
               "failed (%s) after %lld ms: %s", ij_reason_name(attempt->failure.reason),
               ms, attempt->failure.error.text);
        break;
    case IJ_FINISH_RETRY:
    case IJ_FINISH_CRASHED:
        ij_log(
            &bench->log, IMGJOB_LOG_WARN, "pool", attempt->id,
            "try %u of %u ended (%s) after %lld ms: %s", try, attempt->job->max_attempts,
            attempt->kind == IJ_FINISH_CRASHED ? "worker died"
                                               : ij_reason_name(attempt->failure.reason),
            ms, attempt->failure.error.text);
        break;
    case IJ_FINISH_RELEASED:
        ij_log(&bench->log, attempt->is_node_fault ? IMGJOB_LOG_ERROR : IMGJOB_LOG_INFO,
               "pool", attempt->id, "released after %lld ms%s%s", ms,
               attempt->is_node_fault ? ": " : "", attempt->failure.error.text);
        break;
    case IJ_FINISH_CANCELED:
        ij_log(&bench->log, IMGJOB_LOG_INFO, "pool", attempt->id,
               "cancelled after %lld ms", ms);
        break;
    }
}

/* Whether the store says that nothing happened and another try may do better. */
static bool is_worth_another_try(int rc)
{
    return rc == IMGJOB_E_BUSY || rc == IMGJOB_E_FULL || rc == IMGJOB_E_NOMEM;
}

/* Ask the store until it has an answer: the work is done and must not be thrown away
 * because the database was busy for a moment. The lease is renewed meanwhile. A release
 * is not worth as much: the end of its lease does the same. */
static int finish_until_answered(struct ij_place *place, const struct ij_finish *finish,
                                 const struct ij_claim *next, struct ij_record *out_next,
                                 struct imgjob_error *err)
{
    struct ij_jobs *jobs = place->bench->jobs;
    int rc = jobs->ops->finish(jobs, finish, next, out_next, err);
    uint32_t delay_ms = FINISH_RETRY_MS, tries = 1;
    while (is_worth_another_try(rc) &&
           (finish->kind != IJ_FINISH_RELEASED || tries < RELEASE_TRIES_MAX) &&
           place->pause(place->data, delay_ms)) {
        rc = jobs->ops->finish(jobs, finish, NULL, out_next, err);
        delay_ms = delay_ms < FINISH_RETRY_MAX_MS ? delay_ms * 2 : delay_ms;
        tries++;
    }
    return rc;
}

/* Tell the store, and take the next job in the same commit. A store that fails keeps the
 * job as running: its lease ends, or the next boot takes it back. */
static void finish(struct attempt *attempt, const struct ij_claim *next,
                   struct ij_record *out_next)
{
    const struct ij_bench *bench = attempt->place->bench;
    struct imgjob_error err;
    struct ij_finish finish = {
        .lease = ij_lease_of(attempt->job),
        .kind = attempt->kind,
    };
    if (attempt->kind == IJ_FINISH_SUCCEEDED) {
        finish.result = attempt->result.data;
        finish.keys = attempt->keys.data;
        finish.bytes = attempt->bytes;
    } else if (attempt->failure.reason != IJ_REASON_NONE)
        finish.failure = &attempt->failure;
    (void)ij_random(&finish.random, sizeof(finish.random), NULL); /* else no jitter */
    /* the lease is renewed until the answer is there, but what is decided is decided */
    (void)ij_leases_end_work(bench->leases, attempt->place->slot);

    int rc = finish_until_answered(attempt->place, &finish, next, out_next, &err);
    if (rc == 0) {
        log_end(attempt);
        count_end(attempt);
    } else if (rc > 0) {
        ij_count(&bench->metrics->leases_lost);
        ij_log(&bench->log, IMGJOB_LOG_WARN, "pool", attempt->id,
               "lease lost: the outcome of this attempt was not taken");
    } else
        ij_log(&bench->log, IMGJOB_LOG_ERROR, "pool", attempt->id, "finish: %s",
               err.text);
    /* when the store fails, the row may name them all the same */
    bool may_be_named =
        attempt->kind == IJ_FINISH_SUCCEEDED && (rc == 0 || rc == IMGJOB_E_STORE);
    if (!may_be_named)
        remove_outputs(attempt);
}

void ij_attempt_accept(struct ij_place *place, const struct ij_record *record)
{
    struct ij_lease lease = ij_lease_of(&record->job);
    ij_leases_hold(place->bench->leases, place->slot, &lease);
}

/* The job that has ended gives way to the next one, if there is one. */
static void replace(struct ij_place *place, struct ij_record *record,
                    const struct ij_record *next)
{
    ij_record_done(record);
    *record = *next;
    if (record->spec)
        ij_attempt_accept(place, record);
    else
        ij_leases_drop(place->bench->leases, place->slot);
}

bool ij_attempt_run(struct ij_place *place, struct ij_record *record,
                    const struct ij_claim *claim)
{
    struct attempt attempt = { .place = place, .job = &record->job };
    struct ij_record next = { 0 };
    ij_id_format(&record->job.id, attempt.id);
    ij_log(&place->bench->log, IMGJOB_LOG_INFO, "pool", attempt.id, "processing: try %u",
           record->job.attempt);
    work(&attempt, record->spec);
    bool is_node_fault = attempt.is_node_fault;
    if (attempt.is_abandoned)
        remove_outputs(&attempt);
    else
        finish(&attempt, !is_node_fault && place->may_next(place->data) ? claim : NULL,
               &next);
    attempt_done(&attempt);
    replace(place, record, &next);
    return is_node_fault;
}

void ij_attempt_release(struct ij_place *place, struct ij_record *record)
{
    struct attempt attempt = {
        .place = place,
        .job = &record->job,
        .kind = IJ_FINISH_RELEASED,
    };
    const struct ij_record none = { 0 };
    ij_id_format(&record->job.id, attempt.id);
    finish(&attempt, NULL, NULL);
    attempt_done(&attempt);
    replace(place, record, &none);
}
