/*
 * Owns the calls about jobs that are there: look, list, cancel, remove, run again. Each
 * reads its request, calls the library, and puts the outcome into the words of the API.
 */
#include "server/app.h"

#include <string.h>

#include "server/auto.h"
#include "server/etag.h"
#include "server/job.h"
#include "server/problem.h"
#include "server/query.h"
#include "server/wait.h"

enum {
    PURGE_WAIT_S = 5, /* for the end of a job that is removed while it runs */
    ETAG_SIZE = 64
};

/* ---- look ---- */

static bool has_seen(const struct ij_request *request, const struct imgjob_job *job)
{
    char etag[ETAG_SIZE];
    (void)snprintf(etag, sizeof(etag), "\"%s\"", imgjob_job_version(job));
    return ij_etag_listed(request, "If-None-Match", IJ_ETAG_WEAK, etag);
}

/* Whether a client that would wait has something to wait for: the end, or where it says
 * what it has seen, anything else. */
static bool is_waiting(const struct ij_request *request, const struct imgjob_job *job)
{
    if (imgjob_job_is_ended(job))
        return false;
    return !ij_request_header(request, "If-None-Match") || has_seen(request, job);
}

/* @param job what was read before, and what is read then */
static int wait_for(struct ij_app *app, const struct ij_request *request, int seconds,
                    struct imgjob_job **job, struct imgjob_error *err)
{
    IJ_AUTO(ij_job_freep) struct imgjob_job *before = ij_steal(job);
    const char *id = request->parameters[IJ_PATH_ID];
    if (ij_request_header(request, "If-None-Match"))
        return ij_wait_for_change(app, request, id, imgjob_job_version(before), seconds,
                                  job, err);
    return ij_wait_for_job(app, request, id, seconds, job, err);
}

static void answer_look(const struct ij_request *request, struct ij_response *response,
                        const struct imgjob_job *job)
{
    ij_job_answer(response, 200, job);
    if (has_seen(request, job))
        ij_response_empty(response, 304);
    ij_response_header(response, "ETag", "\"%s\"", imgjob_job_version(job));
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
    if (rc == 0 && seconds > 0 && is_waiting(request, job)) {
        if (!ij_wait_begin(app)) {
            ij_wait_refuse(app, response);
            return;
        }
        rc = wait_for(app, request, seconds, &job, &err);
        ij_wait_end(app);
    }
    if (rc < 0)
        ij_job_answer_failure(app, response, &err);
    else
        answer_look(request, response, job);
}

/* ---- end ---- */

static void answer_conflict(struct ij_app *app, struct ij_response *response,
                            const struct imgjob_error *err)
{
    if (err->code == IMGJOB_E_CONFLICT)
        ij_problem(response, 409, imgjob_code_name(err->code), "%s", err->text);
    else
        ij_job_answer_failure(app, response, err);
}

static void cancel(struct ij_app *app, const char *id, struct ij_response *response)
{
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    struct imgjob_error err;
    if (imgjob_store_cancel(app->store, id, &job, &err) < 0)
        answer_conflict(app, response, &err);
    else if (!imgjob_job_is_ended(job))
        ij_job_answer(response, 202, job);
    else if (imgjob_job_status(job) == IMGJOB_STATUS_CANCELLED)
        ij_job_answer(response, 200, job);
    else /* it ran, and its end was the first */
        ij_problem(response, 409, imgjob_code_name(IMGJOB_E_CONFLICT), "job %s has ended",
                   id);
}

/* Cancel a live job, and give it a moment to end. @return 0 with the job as it then is,
 * or a code; IMGJOB_E_CONFLICT when it has ended by itself */
static int end_job(struct ij_app *app, const struct ij_request *request,
                   struct imgjob_job **out, struct imgjob_error *err)
{
    const char *id = request->parameters[IJ_PATH_ID];
    int rc = imgjob_store_cancel(app->store, id, out, err);
    if (rc < 0 || imgjob_job_is_ended(*out) || !ij_wait_begin(app))
        return rc;
    ij_job_freep(out);
    *out = NULL;
    rc = ij_wait_for_job(app, request, id, PURGE_WAIT_S, out, err);
    ij_wait_end(app);
    return rc;
}

static void purge(struct ij_app *app, const struct ij_request *request,
                  struct ij_response *response)
{
    const char *id = request->parameters[IJ_PATH_ID];
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    struct imgjob_error err;
    int rc = imgjob_store_purge(app->store, id, &err);
    if (rc == IMGJOB_E_CONFLICT) {
        rc = end_job(app, request, &job, &err);
        if (rc == IMGJOB_E_CONFLICT || (rc == 0 && imgjob_job_is_ended(job)))
            rc = imgjob_store_purge(app->store, id, &err);
        else if (rc == 0) { /* it still runs: whoever asks again finds it ended */
            ij_job_answer(response, 202, job);
            return;
        }
    }
    if (rc < 0)
        answer_conflict(app, response, &err);
    else
        ij_response_empty(response, 204);
}

void ij_handle_delete_job(struct ij_app *app, struct ij_request *request,
                          struct ij_response *response)
{
    struct imgjob_error err;
    bool is_purge;
    if (ij_query_read_only_switch(request->query, "purge", &is_purge, &err) < 0)
        ij_problem_of_error(response, &app->log, &err);
    else if (is_purge)
        purge(app, request, response);
    else
        cancel(app, request->parameters[IJ_PATH_ID], response);
}

void ij_handle_retry_job(struct ij_app *app, struct ij_request *request,
                         struct ij_response *response)
{
    if (atomic_load(&app->draining)) {
        ij_problem(response, 503, "draining", "the server is about to end");
        return;
    }
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    struct imgjob_error err;
    if (imgjob_store_retry(app->store, request->parameters[IJ_PATH_ID], &job, &err) < 0) {
        answer_conflict(app, response, &err);
        return;
    }
    ij_job_answer(response, 202, job);
    ij_job_locate(app, response, imgjob_job_id(job));
}
