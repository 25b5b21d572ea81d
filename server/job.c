/* Owns the form of a job in an answer, and of its absence. */
#include "server/job.h"

#include "server/problem.h"

enum { LIVE_RETRY_S = 1 }; /* when to ask again about a job that has not ended */

void ij_job_answer(struct ij_response *response, int status, const struct imgjob_job *job)
{
    response->status = status;
    response->content_type = "application/json";
    ij_buf_clear(&response->body);
    ij_buf_add_str(&response->body, imgjob_job_json(job));
    /* may be kept, and is asked about with its tag every time */
    ij_response_header(response, "Cache-Control", "private, no-cache");
    if (!imgjob_job_is_ended(job))
        ij_response_header(response, "Retry-After", "%d", LIVE_RETRY_S);
}

void ij_job_answer_failure(const struct ij_app *app, struct ij_response *response,
                           const struct imgjob_error *err)
{
    if (err->code == IMGJOB_E_NOTFOUND)
        ij_problem(response, 404, imgjob_code_name(err->code), "Job not found");
    else
        ij_problem_of_error(response, &app->log, err);
}

void ij_job_locate(const struct ij_app *app, struct ij_response *response, const char *id)
{
    ij_response_header(response, "Location", "%s/jobs/%s", app->config->public_url, id);
}
