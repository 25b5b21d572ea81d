/*
 * Owns the calls about jobs: submit, look, fetch. Each reads its request, calls the
 * library once, and puts the outcome into the words of the API. How a body becomes a job
 * is left to submit.c.
 */
#include "server/app.h"

#include <string.h>

#include "server/auto.h"
#include "server/problem.h"
#include "server/submit.h"
#include "server/wait.h"

enum { LIVE_RETRY_S = 1 }; /* when to ask again about a job that has not ended */

/* ---- submit ---- */

static void answer_accepted(struct ij_response *response, const char *id)
{
    struct ij_json_out out = ij_response_json(response, 202);
    ij_json_put_str(&out, "job_id", id);
    ij_json_put_str(&out, "status", "pending");
    ij_json_put_str(&out, "message", "Image processing job submitted");
    ij_json_close(&out, '}');
    ij_response_header(response, "Retry-After", "%d", LIVE_RETRY_S);
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
    int seconds = ij_wait_preferred_s(request);
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    if (seconds > 0 && ij_wait_begin(app)) {
        (void)ij_wait_for_job(app, request, id, seconds, &job, NULL);
        ij_wait_end(app);
    }
    if (job && imgjob_job_is_ended(job))
        answer_job(response, job);
    else
        answer_accepted(response, id);
}

void ij_handle_submit(struct ij_app *app, struct ij_request *request,
                      struct ij_response *response)
{
    IJ_AUTO(ij_submission_done) struct ij_submission submission = { .draft = NULL };
    char id[IMGJOB_ID_SIZE];
    if (ij_submit_read(app, request, &submission, response) &&
        ij_submit_make(app, &submission, response, id))
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
    if (ij_wait_queried_s(request, &seconds, &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    int rc = imgjob_store_get(app->store, request->parameters[IJ_PATH_ID], &job, &err);
    if (rc < 0 || seconds == 0 || imgjob_job_is_ended(job)) {
        answer_look(app, response, rc, job, &err);
        return;
    }
    if (!ij_wait_begin(app)) {
        ij_wait_refuse(app, response);
        return;
    }
    ij_job_freep(&job);
    rc = ij_wait_for_job(app, request, request->parameters[IJ_PATH_ID], seconds, &job,
                         &err);
    ij_wait_end(app);
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
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
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
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    bool is_output =
        err->code == IMGJOB_E_NOTFOUND &&
        imgjob_store_get(app->store, request->parameters[IJ_PATH_ID], &job, NULL) == 0;
    if (is_output)
        ij_problem(response, 404, imgjob_code_name(err->code), "%s", err->text);
    else
        answer_no_job(app, response, err);
}

/* Both parameters are of an output that exists, so they hold nothing but letters, digits,
 * dashes and underscores. */
static void name_download(struct ij_response *response, const struct ij_request *request,
                          uint32_t format)
{
    const char *name = request->parameters[IJ_PATH_NAME];
    ij_response_header(response, "Content-Disposition", "inline; filename=\"%s%s%s.%s\"",
                       request->parameters[IJ_PATH_ID], name[0] ? "-" : "", name,
                       imgjob_format_extension(format));
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
