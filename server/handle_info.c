/* Owns POST /info: what is known about an image, in the answer itself. */
#include "server/app.h"

#include <string.h>

#include "server/auto.h"
#include "server/oneshot.h"
#include "server/problem.h"
#include "server/query.h"

static const char info_spec[] = "{\"outputs\":[],\"info\":true}";

static void take_info_spec(struct ij_submission *submission)
{
    ij_buf_clear(&submission->spec);
    ij_buf_add_str(&submission->spec, info_spec);
}

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

void ij_handle_info(struct ij_app *app, struct ij_request *request,
                    struct ij_response *response)
{
    IJ_AUTO(ij_submission_done)
    struct ij_submission submission = { .is_image_only = true };
    IJ_AUTO(ij_oneshot_done) struct ij_oneshot oneshot = { .job = NULL };
    if (refuse_query(request, response, &app->log) ||
        !ij_oneshot_run(app, request, &submission, take_info_spec,
                        "the image was not looked at", response, &oneshot))
        return;
    const char *info = imgjob_job_info(oneshot.job);
    if (!info) {
        ij_oneshot_refuse(&oneshot, "the report", response);
        return;
    }
    response->status = 200;
    response->content_type = "application/json";
    ij_buf_add_str(&response->body, info);
    ij_response_header(response, "Cache-Control", "no-store");
}
