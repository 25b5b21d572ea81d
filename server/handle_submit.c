/*
 * Owns POST /jobs: how a submit is answered. How a body becomes a job is left to
 * submit.c.
 */
#include "server/app.h"

#include "server/auto.h"
#include "server/job.h"
#include "server/submit.h"
#include "server/wait.h"

enum { LIVE_RETRY_S = 1 }; /* when to ask again about a job that has not ended */

/* A new job is pending whatever may have happened since; an old one is what it is. */
static void answer_accepted(struct ij_response *response, const char *id,
                            const struct imgjob_job *job)
{
    struct ij_json_out out = ij_response_json(response, 202);
    ij_json_put_str(&out, "job_id", id);
    ij_json_put_str(&out, "status", job ? imgjob_job_status_name(job) : "pending");
    ij_json_put_str(&out, "message", "Image processing job submitted");
    ij_json_close(&out, '}');
    ij_response_header(response, "Retry-After", "%d", LIVE_RETRY_S);
}

/* The job is safe whatever comes: what fails from here on is only the waiting. */
static void answer_submitted(struct ij_app *app, const struct ij_request *request,
                             const struct imgjob_submitted *submitted,
                             struct ij_response *response)
{
    const char *id = submitted->id;
    ij_job_locate(app, response, id);
    int seconds = ij_wait_preferred_s(request);
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    if (seconds > 0 && ij_wait_begin(app)) {
        (void)ij_wait_for_job(app, request, id, seconds, &job, NULL);
        ij_wait_end(app);
        if (job && imgjob_job_is_ended(job)) {
            ij_job_answer(response, 200, job);
            return;
        }
        imgjob_job_free(ij_steal(&job));
    }
    if (submitted->outcome != IMGJOB_SUBMIT_NEW)
        (void)imgjob_store_get(app->store, id, &job, NULL);
    answer_accepted(response, id, job);
}

void ij_handle_submit(struct ij_app *app, struct ij_request *request,
                      struct ij_response *response)
{
    IJ_AUTO(ij_submission_done) struct ij_submission submission = { .draft_count = 0 };
    struct imgjob_submitted submitted;
    if (!ij_submit_read(app, request, &submission, response) ||
        !ij_submit_make(app, request, &submission, NULL, &submitted, response))
        return;
    ij_submit_say_outcome(&submitted, response);
    answer_submitted(app, request, &submitted, response);
}
