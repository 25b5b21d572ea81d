/*
 * Owns the calls about jobs: submit, look, fetch. Each reads its request, calls the
 * library once, and puts the outcome into the words of the API.
 */
#include "server/app.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/clock.h"
#include "server/body.h"
#include "server/http.h"
#include "server/problem.h"
#include "server/query.h"

enum {
    PREFER_WAIT_MAX_S = 30,
    WAIT_MAX_S = 60,
    WAIT_SLICE_MS = 2000,
    LIVE_RETRY_S = 1 /* when to ask again about a job that has not ended */
};

static void spec_freep(struct imgjob_spec **spec)
{
    imgjob_spec_free(*spec);
}

static void job_freep(struct imgjob_job **job)
{
    imgjob_job_free(*job);
}

/* ---- waiting ---- */

/* Waiters hold threads; some must be left for everyone else. */
static bool wait_begin(struct ij_app *app)
{
    if (atomic_fetch_add(&app->waiters, 1) < app->max_waiters)
        return true;
    (void)atomic_fetch_sub(&app->waiters, 1);
    return false;
}

static void wait_end(struct ij_app *app)
{
    (void)atomic_fetch_sub(&app->waiters, 1);
}

/* Seconds written in `text`; -1 when it is no whole number. Large ones are cut. */
static int seconds_of(const char *text, size_t len)
{
    int seconds = 0;
    if (len == 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        if (seconds < 100000)
            seconds = seconds * 10 + (text[i] - '0');
    }
    return seconds;
}

/* The wait=N among the preferences (RFC 7240 §4.3); 0 when there is none. A preference
 * that cannot be read is none. */
static int preferred_wait_s(const struct ij_request *request)
{
    const char *at = ij_request_header(request, "Prefer");
    while (at && *at) {
        at += strspn(at, " \t,;");
        size_t len = strcspn(at, " \t,;");
        if (len > 5 && strncasecmp(at, "wait=", 5) == 0) {
            int seconds = seconds_of(at + 5, len - 5);
            return seconds > PREFER_WAIT_MAX_S ? PREFER_WAIT_MAX_S
                   : seconds > 0               ? seconds
                                               : 0;
        }
        at += len;
    }
    return 0;
}

/* The wait=N of the query, 0 without one. @return 0, or IMGJOB_E_INVALID */
static int queried_wait_s(const struct ij_request *request, int *out,
                          struct imgjob_error *err)
{
    const char *at = request->query;
    struct ij_query_pair pair;
    int rc;
    *out = 0;
    while ((rc = ij_query_next(&at, &pair, err)) == 0) {
        if (strcmp(pair.name, "wait") != 0)
            continue;
        *out = seconds_of(pair.value, strlen(pair.value));
        if (*out < 0 || *out > WAIT_MAX_S)
            return ij_fail(err, IMGJOB_E_INVALID,
                           "wait: must be a whole number of seconds, 0 to %d",
                           WAIT_MAX_S);
    }
    return rc < 0 ? rc : 0;
}

/* ---- submit ---- */

/* Everything that can be refused before a byte of the body is read. */
static bool refuse_unread(struct ij_app *app, const struct ij_request *request,
                          enum ij_body_kind kind, struct ij_response *response)
{
    uint64_t max_upload = app->config->max_upload_size;
    uint64_t limit = ij_body_limit(kind, max_upload);
    if (atomic_load(&app->draining))
        ij_problem(response, 503, "draining", "the server is about to end");
    else if (kind == IJ_BODY_UNKNOWN)
        ij_problem(response, 415, "media_type",
                   "Content-Type must be application/json, multipart/form-data, image/* "
                   "or application/octet-stream");
    else if (!request->has_length)
        ij_problem(response, 411, "length_required", "Content-Length is missing");
    else if (request->length == 0)
        ij_problem(response, 400, "invalid", "the body is empty");
    else if (request->length > limit)
        ij_problem(response, 413, "limit",
                   "the body has %" PRIu64 " bytes, and may have %" PRIu64
                   ", since max_upload_size is %" PRIu64,
                   request->length, limit, max_upload);
    else
        return false;
    return true;
}

static void answer_accepted(struct ij_response *response, const char *id)
{
    struct ij_json_out out = ij_response_json(response, 202);
    ij_json_put_str(&out, "job_id", id);
    ij_json_put_str(&out, "status", "pending");
    ij_json_put_str(&out, "message", "Image processing job submitted");
    ij_json_close(&out, '}');
    ij_response_header(response, "Retry-After", "%d", LIVE_RETRY_S);
}

/* Wait in slices, so that a client that left does not keep a place among the waiters. A
 * server that drains answers with the job as it is. */
static int wait_for_job(struct ij_app *app, const struct ij_request *request,
                        const char *id, int seconds, struct imgjob_job **out,
                        struct imgjob_error *err)
{
    int64_t until = ij_mono_ms(&ij_clock_system) + (int64_t)seconds * 1000;
    for (;;) {
        int64_t left = until - ij_mono_ms(&ij_clock_system);
        uint32_t slice = left <= 0              ? 0
                         : left < WAIT_SLICE_MS ? (uint32_t)left
                                                : WAIT_SLICE_MS;
        int rc = imgjob_store_wait(app->store, id, slice, out, err);
        if (rc < 0 || imgjob_job_is_ended(*out) || left <= slice ||
            atomic_load(&app->draining) || ij_http_is_gone(request))
            return rc;
        imgjob_job_free(*out);
        *out = NULL;
    }
}

static void answer_job(struct ij_response *response, const struct imgjob_job *job)
{
    response->status = 200;
    response->content_type = "application/json";
    ij_buf_add_str(&response->body, imgjob_job_json(job));
    ij_response_header(response, "Cache-Control", "no-store");
    if (!imgjob_job_is_ended(job))
        ij_response_header(response, "Retry-After", "%d", LIVE_RETRY_S);
}

/* The job is safe whatever comes: what fails from here on is only the waiting. */
static void answer_submitted(struct ij_app *app, const struct ij_request *request,
                             struct ij_response *response, const char *id)
{
    ij_response_header(response, "Location", "/jobs/%s", id);
    int seconds = preferred_wait_s(request);
    IJ_AUTO(job_freep) struct imgjob_job *job = NULL;
    if (seconds > 0 && wait_begin(app)) {
        (void)wait_for_job(app, request, id, seconds, &job, NULL);
        wait_end(app);
    }
    if (job && imgjob_job_is_ended(job))
        answer_job(response, job);
    else
        answer_accepted(response, id);
}

void ij_handle_submit(struct ij_app *app, struct ij_request *request,
                      struct ij_response *response)
{
    enum ij_body_kind kind = ij_body_kind(ij_request_header(request, "Content-Type"));
    if (refuse_unread(app, request, kind, response))
        return;
    struct imgjob_error err;
    IJ_AUTO(ij_submission_done) struct ij_submission submission = { .draft = NULL };
    if (ij_body_read(app->store, request, kind, &submission, &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    IJ_AUTO(spec_freep) struct imgjob_spec *spec = NULL;
    int rc = imgjob_spec_parse(submission.spec.data, submission.spec.len, &spec, &err);
    char id[IMGJOB_ID_SIZE];
    (void)snprintf(id, sizeof(id), "%s", imgjob_draft_id(submission.draft));
    if (rc == 0)
        rc = imgjob_store_submit(app->store, submission.draft, spec, NULL, &err);
    if (rc == IMGJOB_E_SPEC) {
        ij_problem_of_spec(response, submission.is_long, &err);
        return;
    }
    if (rc < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    submission.draft = NULL; /* taken */
    answer_submitted(app, request, response, id);
}

/* ---- look ---- */

static void answer_no_job(struct ij_app *app, struct ij_response *response,
                          const struct imgjob_error *err)
{
    if (err->code == IMGJOB_E_NOTFOUND)
        ij_problem(response, 404, imgjob_code_name(err->code), "Job not found");
    else
        ij_problem_of_error(response, &app->log, err);
}

static void answer_look(struct ij_app *app, struct ij_response *response, int rc,
                        const struct imgjob_job *job, const struct imgjob_error *err)
{
    if (rc < 0)
        answer_no_job(app, response, err);
    else
        answer_job(response, job);
}

void ij_handle_job(struct ij_app *app, struct ij_request *request,
                   struct ij_response *response)
{
    struct imgjob_error err;
    int seconds;
    if (queried_wait_s(request, &seconds, &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    IJ_AUTO(job_freep) struct imgjob_job *job = NULL;
    int rc = imgjob_store_get(app->store, request->parameters[IJ_PATH_ID], &job, &err);
    if (rc < 0 || seconds == 0 || imgjob_job_is_ended(job)) {
        answer_look(app, response, rc, job, &err);
        return;
    }
    if (!wait_begin(app)) {
        ij_problem(response, 503, "busy", "%" PRIu32 " requests wait already: ask again",
                   app->max_waiters);
        return;
    }
    job_freep(&job);
    rc = wait_for_job(app, request, request->parameters[IJ_PATH_ID], seconds, &job, &err);
    wait_end(app);
    answer_look(app, response, rc, job, &err);
}

/* ---- fetch ---- */

static int download_read(void *data, uint64_t offset, void *buffer, size_t len,
                         size_t *out_len, struct imgjob_error *err)
{
    return imgjob_download_read(data, offset, buffer, len, out_len, err);
}

static void download_close(void *data)
{
    imgjob_download_close(data);
}

/* The library says "conflict": is the image not there yet, or not there any more? */
static void answer_no_image(struct ij_app *app, const struct ij_request *request,
                            struct ij_response *response)
{
    IJ_AUTO(job_freep) struct imgjob_job *job = NULL;
    struct imgjob_error err;
    if (imgjob_store_get(app->store, request->parameters[IJ_PATH_ID], &job, &err) < 0)
        answer_no_job(app, response, &err);
    else if (imgjob_job_status(job) == IMGJOB_STATUS_COMPLETED)
        ij_problem(response, 410, "expired", "Image has expired");
    else
        ij_problem(response, 400, imgjob_code_name(IMGJOB_E_CONFLICT), "Image not ready");
}

/* The library says "not found": is it the job, or only that output? */
static void answer_no_output(struct ij_app *app, const struct ij_request *request,
                             struct ij_response *response, const struct imgjob_error *err)
{
    IJ_AUTO(job_freep) struct imgjob_job *job = NULL;
    bool is_output =
        err->code == IMGJOB_E_NOTFOUND &&
        imgjob_store_get(app->store, request->parameters[IJ_PATH_ID], &job, NULL) == 0;
    if (is_output)
        ij_problem(response, 404, imgjob_code_name(err->code), "%s", err->text);
    else
        answer_no_job(app, response, err);
}

static const char *extension_of(uint32_t format)
{
    return format == IMGJOB_FORMAT_JPEG ? "jpg" : imgjob_format_name(format);
}

/* Both parameters are of an output that exists, so they hold nothing but letters, digits,
 * dashes and underscores. */
static void name_download(struct ij_response *response, const struct ij_request *request,
                          uint32_t format)
{
    const char *name = request->parameters[IJ_PATH_NAME];
    ij_response_header(response, "Content-Disposition", "inline; filename=\"%s%s%s.%s\"",
                       request->parameters[IJ_PATH_ID], name[0] ? "-" : "", name,
                       extension_of(format));
}

void ij_handle_download(struct ij_app *app, struct ij_request *request,
                        struct ij_response *response)
{
    struct imgjob_download *download = NULL;
    struct imgjob_error err;
    const char *name = request->parameters[IJ_PATH_NAME];
    int rc = imgjob_store_open_output(app->store, request->parameters[IJ_PATH_ID],
                                      name[0] ? name : NULL, &download, &err);
    if (rc == IMGJOB_E_CONFLICT) {
        answer_no_image(app, request, response);
        return;
    }
    if (rc < 0) {
        answer_no_output(app, request, response, &err);
        return;
    }
    uint32_t format = imgjob_download_format(download);
    response->status = 200;
    response->content_type = imgjob_format_media_type(format);
    name_download(response, request, format);
    ij_response_header(response, "Content-Security-Policy",
                       "default-src 'none'; sandbox");
    response->source = (struct ij_body_source){
        .read = download_read,
        .close = download_close,
        .data = download,
        .length = imgjob_download_length(download),
    };
}
