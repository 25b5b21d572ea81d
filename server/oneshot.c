/*
 * Owns jobs that nobody but one request knows. Strangers' bytes are looked at by a worker
 * and all limits apply, as with any job; but nothing of it is kept: it is removed when
 * the answer is out, and when no answer comes it is cancelled first. Should the server
 * end in between, what is left expires a minute after the job.
 */
#include "server/oneshot.h"

#include <string.h>

#include "base/clock.h"
#include "server/auto.h"
#include "server/problem.h"
#include "server/wait.h"

enum {
    LEFT_TTL_S = 60,      /* of what a server that was killed leaves behind */
    DEADLINE_AFTER_S = 5, /* the wait was over: it shall not begin after a restart */
    CANCELLED_WITHIN_MS = 2000
};

/* Options that say something about a job that is gone at once. */
static const uint32_t allowed_options =
    UINT32_C(1) << IJ_OPTION_PRIORITY | UINT32_C(1) << IJ_OPTION_MAX_ATTEMPTS |
    UINT32_C(1) << IJ_OPTION_TIMEOUT_MS | UINT32_C(1) << IJ_OPTION_TAGS |
    UINT32_C(1) << IJ_OPTION_QUEUE | UINT32_C(1) << IJ_OPTION_PRESET |
    UINT32_C(1) << IJ_OPTION_SOURCE_JOB;

static bool check_options(const struct ij_app *app, struct ij_submission *submission,
                          int seconds, struct ij_response *response)
{
    struct imgjob_error err;
    struct ij_options *options = &submission->options;
    if (ij_options_allow(options, allowed_options,
                         "means nothing here: the job is gone once it is answered",
                         &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return false;
    }
    int64_t now = ij_wall_ms(&ij_clock_system);
    options->number[IJ_OPTION_DEADLINE] = now + (seconds + DEADLINE_AFTER_S) * 1000;
    options->number[IJ_OPTION_RESULT_EXPIRES_IN] = LEFT_TTL_S;
    options->number[IJ_OPTION_EXPIRES_IN] = LEFT_TTL_S;
    return true;
}

/* The caller asked for the result and nothing else, so a job that has not ended is no
 * success for them: 504, and not the 202 of a submit. */
static void answer_unended(const struct ij_app *app, struct ij_response *response,
                           const char *undone, int seconds)
{
    if (atomic_load(&app->draining))
        ij_problem(response, 503, "draining", "the server is about to end");
    else
        ij_problem(response, 504, imgjob_code_name(IMGJOB_E_TIMEOUT),
                   "%s within %d seconds: ask again later", undone, seconds);
}

/* With a place among the waiters. @return whether the job has ended */
static bool make_and_wait(struct ij_app *app, const struct ij_request *request,
                          struct ij_submission *submission, const char *undone,
                          int seconds, struct ij_response *response,
                          struct ij_oneshot *out)
{
    struct imgjob_submitted submitted;
    struct imgjob_error err;
    if (!ij_submit_make(app, request, submission, NULL, &submitted, response))
        return false;
    out->app = app;
    memcpy(out->id, submitted.id, sizeof(out->id));
    ij_response_header(response, "X-Job-Id", "%s", out->id);
    int rc = ij_wait_for_job(app, request, out->id, seconds, &out->job, &err);
    if (rc < 0)
        ij_problem_of_error(response, &app->log, &err);
    else if (!imgjob_job_is_ended(out->job))
        answer_unended(app, response, undone, seconds);
    else
        return true;
    return false;
}

bool ij_oneshot_run(struct ij_app *app, struct ij_request *request,
                    struct ij_submission *submission,
                    void (*settle)(struct ij_submission *submission), const char *undone,
                    struct ij_response *response, struct ij_oneshot *out)
{
    submission->is_passing = true;
    if (atomic_load(&app->waiters) >= app->max_waiters) { /* before the body is read */
        ij_wait_refuse(app, response);
        return false;
    }
    int preferred = ij_wait_preferred_s(request);
    int seconds = preferred > 0 ? preferred : IJ_WAIT_PREFER_MAX_S;
    if (!ij_submit_read(app, request, submission, response))
        return false;
    if (settle)
        settle(submission);
    if (!check_options(app, submission, seconds, response))
        return false;
    if (!ij_wait_begin(app)) { /* before there is a job that nobody waits for */
        ij_wait_refuse(app, response);
        return false;
    }
    bool has_ended =
        make_and_wait(app, request, submission, undone, seconds, response, out);
    ij_wait_end(app);
    if (!has_ended)
        ij_oneshot_done(out);
    return has_ended;
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

void ij_oneshot_refuse(const struct ij_oneshot *oneshot, const char *what,
                       struct ij_response *response)
{
    const char *reason = imgjob_job_reason(oneshot->job);
    if (reason[0] != '\0')
        ij_problem(response, status_of_reason(reason), reason, "%s",
                   imgjob_job_error(oneshot->job));
    else /* somebody cancelled it, or it expired before it was read */
        ij_problem(response, 410, "expired", "%s is gone: job %s is %s", what,
                   oneshot->id, imgjob_job_status_name(oneshot->job));
}

/* What cannot be removed now expires soon: see LEFT_TTL_S. */
void ij_oneshot_done(struct ij_oneshot *oneshot)
{
    bool has_ended = oneshot->job && imgjob_job_is_ended(oneshot->job);
    imgjob_job_free(oneshot->job);
    oneshot->job = NULL;
    if (oneshot->id[0] == '\0')
        return;
    struct imgjob_store *store = oneshot->app->store;
    if (!has_ended) {
        IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
        (void)imgjob_store_cancel(store, oneshot->id, NULL, NULL);
        (void)imgjob_store_wait(store, oneshot->id, CANCELLED_WITHIN_MS, &job, NULL);
    }
    (void)imgjob_store_purge(store, oneshot->id, NULL);
    oneshot->id[0] = '\0';
}
