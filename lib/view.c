/* Owns what a job looks like from outside: the fields, their names and their order. */
#include <imgjob/job.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/json.h"
#include "image/image.h"
#include "spec/spec.h"
#include "store.h"
#include "view_outputs.h"

enum { PATH_SIZE = 512 };

struct imgjob_job {
    atomic_uint holders; /* beside the one who made it */
    struct ij_job row;
    char id[IMGJOB_ID_SIZE], version[IJ_VERSION_SIZE];
    char tenant[IJ_NAME_SIZE], queue[IJ_NAME_SIZE];
    char error[sizeof(((struct imgjob_error *)0)->text)]; /* of a failed job, else "" */
    struct ij_json *result;                               /* NULL = none */
    char *info;                                           /* JSON; NULL = none */
    char *json;
};

static bool is_failed(const struct ij_job *row)
{
    return row->state == IMGJOB_STATE_FAILED;
}

static uint32_t status_of(enum imgjob_state state)
{
    switch (state) {
    case IMGJOB_STATE_RUNNING:
        return IMGJOB_STATUS_PROCESSING;
    case IMGJOB_STATE_SUCCEEDED:
        return IMGJOB_STATUS_COMPLETED;
    case IMGJOB_STATE_FAILED:
        return IMGJOB_STATUS_FAILED;
    case IMGJOB_STATE_CANCELED:
        return IMGJOB_STATUS_CANCELLED;
    default:
        return IMGJOB_STATUS_PENDING;
    }
}

static const char *state_name(enum imgjob_state state)
{
    static const char *const names[] = {
        [IMGJOB_STATE_BLOCKED] = "blocked",     [IMGJOB_STATE_SCHEDULED] = "scheduled",
        [IMGJOB_STATE_READY] = "ready",         [IMGJOB_STATE_RUNNING] = "running",
        [IMGJOB_STATE_SUCCEEDED] = "succeeded", [IMGJOB_STATE_FAILED] = "failed",
        [IMGJOB_STATE_CANCELED] = "canceled",
    };
    return (unsigned)state < IJ_ARRAY_LEN(names) ? names[state] : "unknown";
}

static const struct ij_json *outputs_of(const struct ij_json *result)
{
    return ij_json_member(result, "outputs");
}

/* The outputs that can still be fetched; NULL = none. */
static const struct ij_json *live_outputs(const struct imgjob_job *job)
{
    return job->row.result_expires ? outputs_of(job->result) : NULL;
}

/* What is known about the image, as long as the outputs are there; NULL = not asked. */
static const struct ij_json *live_info(const struct imgjob_job *job)
{
    return job->row.result_expires ? ij_json_member(job->result, "info") : NULL;
}

/* Where a person finds the images. */
static void put_paths(struct ij_json_out *out, struct imgjob_store *store,
                      const struct imgjob_job *job)
{
    char key[IJ_BLOB_KEY_SIZE], path[PATH_SIZE];
    ij_blob_input_key(&job->row.id, 0, key);
    store->inputs->ops->describe(store->inputs, key, path, sizeof(path));
    ij_json_put_str(out, "input_path", path);
    const char *first = ij_json_text(ij_json_at(live_outputs(job), 0), "key");
    path[0] = '\0';
    if (first[0])
        store->outputs->ops->describe(store->outputs, first, path, sizeof(path));
    ij_json_put_str(out, "output_path", path);
}

/* The fields of the short form, for a spec that has one. */
static void put_short_form(struct ij_json_out *out, const struct imgjob_spec *spec)
{
    struct ij_spec_short form;
    if (!spec || !ij_spec_short(spec, &form))
        return;
    ij_json_put_str(out, "operation", form.operation);
    ij_json_put_int(out, "width", form.width);
    ij_json_put_int(out, "height", form.height);
}

/* Where it stands among the others, and what was said of it beside the spec. */
static void put_place(struct ij_json_out *out, const struct imgjob_job *job,
                      const struct ij_json *options)
{
    ij_json_put_str(out, "queue", job->queue);
    ij_json_put_int(out, "priority", job->row.prio);
    ij_json_open(out, "tags", '[');
    const struct ij_json *tags = ij_json_member(options, "tags");
    for (size_t i = 0; i < ij_json_count(tags); i++)
        ij_json_put(out, NULL, ij_json_at(tags, i));
    ij_json_close(out, ']');
    if (!ij_id_equal(&job->row.batch, &ij_id_none)) {
        char batch[IMGJOB_ID_SIZE];
        ij_id_format(&job->row.batch, batch);
        ij_json_put_str(out, "batch", batch);
    }
    if (ij_json_member(options, "callback_url"))
        ij_json_put_str(out, "callback_url", ij_json_text(options, "callback_url"));
}

/* Which output is encoded; NULL = none is. */
static const char *output_at_work(const struct imgjob_job *job,
                                  const struct imgjob_spec *spec)
{
    const struct ij_progress *progress = &job->row.progress;
    if (progress->stage != IJ_STAGE_ENCODE || !spec ||
        progress->output >= spec->output_count)
        return NULL;
    return spec->outputs[progress->output].name;
}

/* How far it is: what was tried, and the attempt that runs. */
static void put_progress(struct ij_json_out *out, const struct imgjob_job *job,
                         const struct imgjob_spec *spec)
{
    const struct ij_job *row = &job->row;
    bool is_running = row->state == IMGJOB_STATE_RUNNING;
    ij_json_put_int(out, "attempt", row->attempt);
    ij_json_put_int(out, "max_attempts", row->max_attempts);
    ij_json_open(out, "progress", '{');
    ij_json_put_int(out, "percent", imgjob_job_progress(job));
    if (is_running && row->progress.stage != IJ_STAGE_NONE)
        ij_json_put_str(out, "stage", ij_stage_name(row->progress.stage));
    if (is_running && output_at_work(job, spec))
        ij_json_put_str(out, "output", output_at_work(job, spec));
    ij_json_close(out, '}');
    ij_json_put_bool(out, "cancel_requested", is_running && row->cancel_asked);
    if (row->run_at)
        ij_json_put_time(out, "run_at", row->run_at);
    if (row->deadline)
        ij_json_put_time(out, "deadline", row->deadline);
}

static void put_info(struct ij_json_out *out, const struct imgjob_job *job)
{
    const struct ij_json *info = live_info(job);
    if (info)
        ij_json_put(out, "info", info);
}

/* Milliseconds: from the submit to the last attempt, and what its worker then did. */
static void put_timings(struct ij_json_out *out, const struct imgjob_job *job)
{
    if (job->row.started == 0)
        return;
    ij_json_open(out, "timings", '{');
    ij_json_put_int(out, "wait_ms", job->row.started - job->row.created);
    const struct ij_json *timings = ij_json_member(job->result, "timings");
    static const char *const names[] = { "decode_ms", "process_ms", "encode_ms" };
    for (size_t i = 0; timings && i < IJ_ARRAY_LEN(names); i++)
        ij_json_put_int(out, names[i], ij_json_int(ij_json_member(timings, names[i])));
    ij_json_close(out, '}');
}

/* The failure as the attempt left it, and which input it was. */
static int put_failure_member(void *data, const char *key, const struct ij_json *value)
{
    struct ij_json_out *out = data;
    if (strcmp(key, "error") == 0) /* stands beside it, as the original has it */
        return 0;
    if (ij_json_type(value) == IJ_JSON_INT)
        ij_json_put_int(out, key, ij_json_int(value));
    else
        ij_json_put_str(out, key, ij_json_string(value));
    return 0;
}

static void put_failure(struct ij_json_out *out, const struct imgjob_job *job,
                        const struct ij_json *failure, const struct ij_json *input)
{
    if (!is_failed(&job->row))
        return;
    ij_json_put_str(out, "error", job->error);
    ij_json_open(out, "failure", '{');
    (void)ij_json_each(failure, put_failure_member, out); /* the visitor never stops */
    ij_json_put_str(out, "input_sha256", ij_json_text(input, "sha256"));
    ij_json_close(out, '}');
}

static void put_times(struct ij_json_out *out, const struct ij_job *row)
{
    ij_json_put_time(out, "created_at", row->created);
    ij_json_put_time(out, "updated_at", row->updated);
    if (row->result_expires)
        ij_json_put_time(out, "result_expires_at", row->result_expires);
    if (row->expires)
        ij_json_put_time(out, "expires_at", row->expires);
}

/* The documents of a row, parsed; NULL = none. */
struct documents {
    struct ij_json *input, *failure, *options;
    struct imgjob_spec *spec;
};

static void documents_done(struct documents *documents)
{
    ij_json_free(documents->input);
    ij_json_free(documents->failure);
    ij_json_free(documents->options);
    imgjob_spec_free(documents->spec);
}

static int parse_documents(struct imgjob_job *job, const struct ij_record *record,
                           struct documents *out, struct imgjob_error *err)
{
    int rc = ij_document_parse(record->result, &job->result, err);
    if (rc == 0)
        rc = ij_document_parse(record->input, &out->input, err);
    if (rc == 0)
        rc = ij_document_parse(record->failure, &out->failure, err);
    if (rc == 0)
        rc = ij_document_parse(record->options, &out->options, err);
    if (rc < 0)
        return rc;
    /* a spec of a newer version has no short form here; the job can be shown all the same
     */
    (void)ij_spec_parse(record->spec, strlen(record->spec), &ij_image_ops, &out->spec,
                        NULL);
    return 0;
}

static int render(struct imgjob_store *store, struct imgjob_job *job,
                  const struct documents *documents, struct imgjob_error *err)
{
    struct ij_buf buf = { 0 };
    struct ij_json_out out = { .buf = &buf };
    const struct ij_view_outputs outputs = { store->config.public_url, job->id,
                                             live_outputs(job) };
    ij_json_open(&out, NULL, '{');
    ij_json_put_str(&out, "id", job->id);
    ij_json_put_str(&out, "status", imgjob_job_status_name(job));
    ij_json_put_str(&out, "state", state_name(job->row.state));
    if (is_failed(&job->row))
        ij_json_put_str(&out, "reason", ij_reason_name(job->row.reason));
    put_paths(&out, store, job);
    put_short_form(&out, documents->spec);
    put_place(&out, job, documents->options);
    put_progress(&out, job, documents->spec);
    put_failure(&out, job, documents->failure, documents->input);
    ij_view_put_outputs(&out, &outputs);
    ij_view_put_srcset(&out, &outputs);
    put_info(&out, job);
    put_timings(&out, job);
    put_times(&out, &job->row);
    ij_json_close(&out, '}');
    job->json = ij_buf_take(&buf);
    return job->json ? 0 : ij_fail_nomem(err, "rendering a job");
}

/* The report about the image as a text of its own. */
static int render_info(struct imgjob_job *job, struct imgjob_error *err)
{
    const struct ij_json *info = live_info(job);
    if (!info)
        return 0;
    struct ij_buf buf = { 0 };
    struct ij_json_out out = { .buf = &buf };
    ij_json_put(&out, NULL, info);
    job->info = ij_buf_take(&buf);
    return job->info ? 0 : ij_fail_nomem(err, "rendering what is known of an image");
}

/* One letter for each stage, so that the word stays short. */
static char stage_letter(enum ij_stage stage)
{
    const char *name = ij_stage_name(stage);
    return name[0] ? name[0] : 'n';
}

/* "7.40e2": the transitions, per cent, stage, output. "7.0" while nothing was told. */
void ij_view_version(const struct ij_job *row, char out[IJ_VERSION_SIZE])
{
    const struct ij_progress *progress = &row->progress;
    if (progress->stage == IJ_STAGE_NONE && progress->output == 0)
        (void)snprintf(out, IJ_VERSION_SIZE, "%" PRIu64 ".%u", row->ver,
                       progress->percent);
    else
        (void)snprintf(out, IJ_VERSION_SIZE, "%" PRIu64 ".%u%c%u", row->ver,
                       progress->percent, stage_letter(progress->stage),
                       progress->output);
}

static int fill(struct imgjob_store *store, struct imgjob_job *job,
                const struct ij_record *record, struct imgjob_error *err)
{
    job->row = record->job;
    ij_id_format(&job->row.id, job->id);
    ij_view_version(&job->row, job->version);
    memcpy(job->tenant, record->tenant, sizeof(job->tenant));
    memcpy(job->queue, record->queue, sizeof(job->queue));
    IJ_AUTO(documents_done) struct documents documents = { 0 };
    int rc = parse_documents(job, record, &documents, err);
    if (rc < 0)
        return rc;
    if (is_failed(&job->row))
        (void)snprintf(job->error, sizeof(job->error), "%s",
                       ij_json_text(documents.failure, "error"));
    rc = render(store, job, &documents, err);
    return rc < 0 ? rc : render_info(job, err);
}

int ij_view_make(struct imgjob_store *store, const struct ij_record *record,
                 struct imgjob_job **out, struct imgjob_error *err)
{
    struct imgjob_job *job = calloc(1, sizeof(*job));
    if (!job)
        return ij_fail_nomem(err, "reading a job");
    int rc = fill(store, job, record, err);
    if (rc < 0) {
        imgjob_job_free(job);
        return rc;
    }
    *out = job;
    return 0;
}

const char *imgjob_job_id(const struct imgjob_job *job)
{
    return job->id;
}

uint32_t imgjob_job_status(const struct imgjob_job *job)
{
    return status_of(job->row.state);
}

const char *imgjob_job_status_name(const struct imgjob_job *job)
{
    static const char *const names[] = {
        [IMGJOB_STATUS_PENDING] = "pending",
        [IMGJOB_STATUS_PROCESSING] = "processing",
        [IMGJOB_STATUS_COMPLETED] = "completed",
        [IMGJOB_STATUS_FAILED] = "failed",
        [IMGJOB_STATUS_CANCELLED] = "cancelled",
    };
    return names[status_of(job->row.state)];
}

uint32_t imgjob_job_state(const struct imgjob_job *job)
{
    return job->row.state;
}

bool imgjob_job_is_ended(const struct imgjob_job *job)
{
    return ij_job_is_ended(&job->row);
}

const char *imgjob_job_error(const struct imgjob_job *job)
{
    return job->error;
}

const char *imgjob_job_reason(const struct imgjob_job *job)
{
    return is_failed(&job->row) ? ij_reason_name(job->row.reason) : "";
}

const char *imgjob_job_tenant(const struct imgjob_job *job)
{
    return job->tenant;
}

const char *imgjob_job_queue(const struct imgjob_job *job)
{
    return job->queue;
}

const char *imgjob_job_version(const struct imgjob_job *job)
{
    return job->version;
}

uint32_t imgjob_job_progress(const struct imgjob_job *job)
{
    if (job->row.state == IMGJOB_STATE_SUCCEEDED)
        return 100;
    return job->row.state == IMGJOB_STATE_RUNNING ? job->row.progress.percent : 0;
}

int64_t imgjob_job_created_ms(const struct imgjob_job *job)
{
    return job->row.created;
}

int64_t imgjob_job_updated_ms(const struct imgjob_job *job)
{
    return job->row.updated;
}

size_t imgjob_job_output_count(const struct imgjob_job *job)
{
    return ij_json_count(live_outputs(job));
}

const char *imgjob_job_output_name(const struct imgjob_job *job, size_t index)
{
    if (index >= imgjob_job_output_count(job))
        return NULL;
    return ij_json_text(ij_json_at(live_outputs(job), index), "name");
}

const char *imgjob_job_info(const struct imgjob_job *job)
{
    return job->info;
}

const char *imgjob_job_json(const struct imgjob_job *job)
{
    return job->json;
}

struct imgjob_job *ij_view_hold(struct imgjob_job *job)
{
    (void)atomic_fetch_add(&job->holders, 1);
    return job;
}

bool ij_view_is_of(const struct imgjob_job *job, const struct ij_job *row)
{
    return job->row.change == row->change && job->row.ver == row->ver &&
           memcmp(&job->row.progress, &row->progress, sizeof(row->progress)) == 0 &&
           ij_id_equal(&job->row.id, &row->id);
}

void imgjob_job_free(struct imgjob_job *job)
{
    if (!job || atomic_fetch_sub(&job->holders, 1) > 0)
        return;
    ij_json_free(job->result);
    free(job->info);
    free(job->json);
    free(job);
}
