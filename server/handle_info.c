/*
 * Owns POST /info: what is known about an image, in the answer itself. It is a job like
 * any other, so strangers' bytes are looked at by a worker and the limits apply; the
 * request waits for its end.
 */
#include "server/app.h"

#include <string.h>

#include "server/auto.h"
#include "server/problem.h"
#include "server/query.h"
#include "server/submit.h"
#include "server/wait.h"

static const char info_spec[] = "{\"outputs\":[],\"info\":true}";

/* A field that would be passed over in silence is refused, as it is in a body. */
static bool refuse_query(const struct ij_request *request, struct ij_response *response,
                         const struct ij_log *log)
{
    const char *at = request->query;
    struct ij_query_pair pair;
    struct imgjob_error err;
    int rc = ij_query_next(&at, &pair, &err);
    if (rc < 0)
        ij_problem_of_error(response, log, &err);
    else if (rc == 0)
        ij_problem(response, 400, imgjob_code_name(IMGJOB_E_INVALID),
                   "%s: no such field; POST /info takes an image and nothing else",
                   pair.name);
    return rc <= 0;
}

/* Whose fault a failed job is: that of the image, of the time it took, or of this server.
 */
static int status_of_reason(const char *reason)
{
    static const struct {
        const char *reason;
        int status;
    } others[] = {
        { "timeout", 504 },       { "cpu", 504 },      { "deadline", 504 },
        { "lost", 503 },          { "store", 503 },    { "blob", 503 },
        { "input_missing", 500 }, { "internal", 500 },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(others); i++)
        if (strcmp(others[i].reason, reason) == 0)
            return others[i].status;
    return 422;
}

/*
 * The caller asked for the report and nothing else, so a job that has not ended is no
 * success for them: 504, and not the 202 of a submit. The job itself stays, and is run
 * for nobody, until the store has a call that takes a job back.
 */
static void answer_unended(const struct ij_app *app, struct ij_response *response,
                           int seconds)
{
    if (atomic_load(&app->draining))
        ij_problem(response, 503, "draining", "the server is about to end");
    else
        ij_problem(response, 504, imgjob_code_name(IMGJOB_E_TIMEOUT),
                   "the image was not looked at within %d seconds: ask again later",
                   seconds);
}

static void answer_info(const struct ij_app *app, struct ij_response *response,
                        const struct imgjob_job *job, int seconds)
{
    const char *info = imgjob_job_info(job);
    const char *reason = imgjob_job_reason(job);
    if (info) {
        response->status = 200;
        response->content_type = "application/json";
        ij_buf_add_str(&response->body, info);
        ij_response_header(response, "Cache-Control", "no-store");
    } else if (!imgjob_job_is_ended(job))
        answer_unended(app, response, seconds);
    else if (reason[0] != '\0')
        ij_problem(response, status_of_reason(reason), reason, "%s",
                   imgjob_job_error(job));
    else /* somebody cancelled it, or it expired before it was read */
        ij_problem(response, 410, "expired", "the report is gone: job %s is %s",
                   imgjob_job_id(job), imgjob_job_status_name(job));
}

void ij_handle_info(struct ij_app *app, struct ij_request *request,
                    struct ij_response *response)
{
    IJ_AUTO(ij_submission_done)
    struct ij_submission submission = { .is_image_only = true };
    if (refuse_query(request, response, &app->log) ||
        !ij_submit_read(app, request, &submission, response))
        return;
    ij_buf_clear(&submission.spec);
    ij_buf_add_str(&submission.spec, info_spec);
    if (!ij_wait_begin(app)) { /* before there is a job that nobody waits for */
        ij_wait_refuse(app, response);
        return;
    }
    int preferred = ij_wait_preferred_s(request);
    int seconds = preferred > 0 ? preferred : IJ_WAIT_PREFER_MAX_S;
    char id[IMGJOB_ID_SIZE];
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    struct imgjob_error err;
    bool is_made = ij_submit_make(app, &submission, response, id);
    int rc = is_made ? ij_wait_for_job(app, request, id, seconds, &job, &err) : 0;
    ij_wait_end(app);
    if (rc < 0)
        ij_problem_of_error(response, &app->log, &err);
    else if (is_made)
        answer_info(app, response, job, seconds);
}
