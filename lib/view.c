/* Owns what a job looks like from outside: the fields, their names and their order. */
#include <imgjob/job.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/json.h"
#include "image/image.h"
#include "spec/spec.h"
#include "store.h"

enum {
    RESULT_DEPTH = 8,
    PATH_SIZE = 512,
    URL_SIZE = 32 + IMGJOB_ID_SIZE + IJ_OUTPUT_NAME_SIZE,
    WIDTH_SIZE = 32 /* ", " and the width as text */
};

struct imgjob_job {
    struct ij_job row;
    char id[IMGJOB_ID_SIZE];
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

/* RFC 3339, UTC, with milliseconds. */
static void put_time(struct ij_json_out *out, const char *key, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char day[32], text[48];
    if (!gmtime_r(&seconds, &utc) ||
        !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc)) {
        ij_json_put_str(out, key, NULL);
        return;
    }
    (void)snprintf(text, sizeof(text), "%s.%03dZ", day, (int)(ms % 1000));
    ij_json_put_str(out, key, text);
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

static const char *text_of(const struct ij_json *object, const char *key)
{
    return ij_json_string(ij_json_member(object, key));
}

/* Where a person finds the images. */
static void put_paths(struct ij_json_out *out, struct imgjob_store *store,
                      const struct imgjob_job *job)
{
    char key[IJ_BLOB_KEY_SIZE], path[PATH_SIZE];
    ij_blob_input_key(&job->row.id, 0, key);
    store->inputs->ops->describe(store->inputs, key, path, sizeof(path));
    ij_json_put_str(out, "input_path", path);
    const char *first = text_of(ij_json_at(live_outputs(job), 0), "key");
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

/* Where a client fetches an output, below the root of the server. */
static void describe_url(const struct imgjob_job *job, const struct ij_json *output,
                         char out[URL_SIZE])
{
    (void)snprintf(out, URL_SIZE, "/jobs/%s/download/%s", job->id,
                   text_of(output, "name"));
}

/* What is there whatever the spec asked, and then what a search has left. */
static void put_numbers(struct ij_json_out *out, const struct ij_json *output)
{
    static const char *const always[] = { "width", "height", "bytes" };
    static const char *const searched[] = { "encodes", "quality", "colors" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(always); i++)
        ij_json_put_int(out, always[i], ij_json_int(ij_json_member(output, always[i])));
    const struct ij_json *pages = ij_json_member(output, "pages");
    ij_json_put_int(out, "pages", pages ? ij_json_int(pages) : 1); /* 0.1.0: only one */
    for (size_t i = 0; i < IJ_ARRAY_LEN(searched); i++) {
        const struct ij_json *value = ij_json_member(output, searched[i]);
        if (value)
            ij_json_put_int(out, searched[i], ij_json_int(value));
    }
    const struct ij_json *ssim = ij_json_member(output, "ssim");
    if (ssim)
        ij_json_put_real(out, "ssim", ij_json_real(ssim));
    if (ij_json_bool(ij_json_member(output, "over_budget")))
        ij_json_put_bool(out, "over_budget", true);
}

static void put_outputs(struct ij_json_out *out, const struct imgjob_job *job)
{
    ij_json_open(out, "outputs", '[');
    const struct ij_json *outputs = live_outputs(job);
    for (size_t i = 0; i < ij_json_count(outputs); i++) {
        const struct ij_json *output = ij_json_at(outputs, i);
        char url[URL_SIZE];
        describe_url(job, output, url);
        ij_json_open(out, NULL, '{');
        ij_json_put_str(out, "name", text_of(output, "name"));
        ij_json_put_str(out, "format", text_of(output, "format"));
        put_numbers(out, output);
        ij_json_put_str(out, "sha256", text_of(output, "sha256"));
        ij_json_put_str(out, "url", url);
        ij_json_close(out, '}');
    }
    ij_json_close(out, ']');
}

/* Outputs of one format, no two of a width, by width. A plain value. */
struct widths {
    const struct ij_json *outputs[IJ_SPEC_OUTPUTS_MAX];
    size_t count;
};

static int64_t width_of(const struct ij_json *output)
{
    return ij_json_int(ij_json_member(output, "width"));
}

/* Put an output at its place; of those of one width the first stays. */
static void widths_add(struct widths *widths, const struct ij_json *output)
{
    size_t at = 0;
    while (at < widths->count && width_of(widths->outputs[at]) < width_of(output))
        at++;
    bool is_known =
        at < widths->count && width_of(widths->outputs[at]) == width_of(output);
    if (is_known || widths->count == IJ_SPEC_OUTPUTS_MAX)
        return;
    memmove(&widths->outputs[at + 1], &widths->outputs[at],
            (widths->count - at) * sizeof(widths->outputs[0]));
    widths->outputs[at] = output;
    widths->count++;
}

static struct widths widths_of(const struct ij_json *outputs, const char *format)
{
    struct widths widths = { .count = 0 };
    for (size_t i = 0; i < ij_json_count(outputs); i++) {
        const struct ij_json *output = ij_json_at(outputs, i);
        if (strcmp(text_of(output, "format"), format) == 0)
            widths_add(&widths, output);
    }
    return widths;
}

/* What an <img srcset> wants: the first format, in the order of the outputs, that there
 * is in several widths. */
static void put_srcset(struct ij_json_out *out, const struct imgjob_job *job)
{
    const struct ij_json *outputs = live_outputs(job);
    struct widths widths = { .count = 0 };
    for (size_t i = 0; i < ij_json_count(outputs) && widths.count < 2; i++)
        widths = widths_of(outputs, text_of(ij_json_at(outputs, i), "format"));
    if (widths.count < 2)
        return;
    char text[IJ_SPEC_OUTPUTS_MAX * (URL_SIZE + WIDTH_SIZE)] = "";
    size_t used = 0;
    for (size_t i = 0; i < widths.count; i++) {
        char url[URL_SIZE];
        describe_url(job, widths.outputs[i], url);
        int len = snprintf(text + used, sizeof(text) - used, "%s%s %" PRId64 "w",
                           i > 0 ? ", " : "", url, width_of(widths.outputs[i]));
        used += len > 0 ? (size_t)len : 0; /* always fits */
    }
    ij_json_put_str(out, "srcset", text);
}

static void put_info(struct ij_json_out *out, const struct imgjob_job *job)
{
    const struct ij_json *info = live_info(job);
    if (info)
        ij_json_put(out, "info", info);
}

/* Milliseconds of the last attempt: what it waited, what its worker did. */
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
    ij_json_put_str(out, "input_sha256", text_of(input, "sha256"));
    ij_json_close(out, '}');
}

static void put_times(struct ij_json_out *out, const struct ij_job *row)
{
    put_time(out, "created_at", row->created);
    put_time(out, "updated_at", row->updated);
    if (row->result_expires)
        put_time(out, "result_expires_at", row->result_expires);
    if (row->expires)
        put_time(out, "expires_at", row->expires);
}

/* A document of the row; NULL where there is none. They are ours, so a broken one means a
 * broken store. */
static int parse_document(const char *text, struct ij_json **out,
                          struct imgjob_error *err)
{
    if (!text)
        return 0;
    struct imgjob_error why;
    if (ij_json_parse(text, strlen(text), RESULT_DEPTH, out, &why) < 0)
        return ij_fail(err, IMGJOB_E_STORE, "a document of a job is broken: %.120s",
                       why.text);
    return 0;
}

static int render(struct imgjob_store *store, struct imgjob_job *job,
                  const struct ij_record *record, struct imgjob_error *err)
{
    IJ_AUTO(ij_json_freep) struct ij_json *input = NULL;
    IJ_AUTO(ij_json_freep) struct ij_json *failure = NULL;
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    int rc = parse_document(record->result, &job->result, err);
    if (rc == 0)
        rc = parse_document(record->input, &input, err);
    if (rc == 0)
        rc = parse_document(record->failure, &failure, err);
    if (rc < 0)
        return rc;
    /* a spec of a newer version has no short form here; the job can be shown all the same
     */
    (void)ij_spec_parse(record->spec, strlen(record->spec), &ij_image_ops, &spec, NULL);
    if (is_failed(&job->row))
        (void)snprintf(job->error, sizeof(job->error), "%s", text_of(failure, "error"));

    struct ij_buf buf = { 0 };
    struct ij_json_out out = { .buf = &buf };
    ij_json_open(&out, NULL, '{');
    ij_json_put_str(&out, "id", job->id);
    ij_json_put_str(&out, "status", imgjob_job_status_name(job));
    ij_json_put_str(&out, "state", state_name(job->row.state));
    if (is_failed(&job->row))
        ij_json_put_str(&out, "reason", ij_reason_name(job->row.reason));
    put_paths(&out, store, job);
    put_short_form(&out, spec);
    ij_json_put_int(&out, "attempt", job->row.attempt);
    put_failure(&out, job, failure, input);
    put_outputs(&out, job);
    put_srcset(&out, job);
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

int ij_view_make(struct imgjob_store *store, const struct ij_record *record,
                 struct imgjob_job **out, struct imgjob_error *err)
{
    struct imgjob_job *job = calloc(1, sizeof(*job));
    if (!job)
        return ij_fail_nomem(err, "reading a job");
    job->row = record->job;
    ij_id_format(&job->row.id, job->id);
    int rc = render(store, job, record, err);
    if (rc == 0)
        rc = render_info(job, err);
    if (rc < 0) {
        imgjob_job_free(job);
        return rc;
    }
    *out = job;
    return 0;
}

int ij_view_find_output(const char *result, const char *name,
                        struct ij_result_output *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    int rc = parse_document(result, &root, err);
    if (rc < 0)
        return rc;
    const struct ij_json *outputs = outputs_of(root);
    for (size_t i = 0; i < ij_json_count(outputs); i++) {
        const struct ij_json *output = ij_json_at(outputs, i);
        if (name && strcmp(text_of(output, "name"), name) != 0)
            continue;
        (void)snprintf(out->key, sizeof(out->key), "%s", text_of(output, "key"));
        out->format = ij_format_by_name(text_of(output, "format"));
        out->len = (uint64_t)ij_json_int(ij_json_member(output, "bytes"));
        return 0;
    }
    return name ? ij_fail(err, IMGJOB_E_NOTFOUND, "the job has no output '%.64s'", name)
                : ij_fail(err, IMGJOB_E_NOTFOUND, "the job has no outputs");
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
    return job->row.state >= IMGJOB_STATE_SUCCEEDED;
}

const char *imgjob_job_error(const struct imgjob_job *job)
{
    return job->error;
}

const char *imgjob_job_reason(const struct imgjob_job *job)
{
    return is_failed(&job->row) ? ij_reason_name(job->row.reason) : "";
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
    return text_of(ij_json_at(live_outputs(job), index), "name");
}

const char *imgjob_job_info(const struct imgjob_job *job)
{
    return job->info;
}

const char *imgjob_job_json(const struct imgjob_job *job)
{
    return job->json;
}

void imgjob_job_free(struct imgjob_job *job)
{
    if (!job)
        return;
    ij_json_free(job->result);
    free(job->info);
    free(job->json);
    free(job);
}
