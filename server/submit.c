/*
 * Owns the refusals of a submit: those that need no byte of the body, those of its form,
 * those of the library. What was refused leaves nothing behind, since the draft goes with
 * the submission.
 */
#include "server/submit.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/auto.h"
#include "server/problem.h"

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

bool ij_submit_read(struct ij_app *app, struct ij_request *request,
                    struct ij_submission *out, struct ij_response *response)
{
    enum ij_body_kind kind = ij_body_kind(ij_request_header(request, "Content-Type"));
    if (refuse_unread(app, request, kind, response))
        return false;
    struct imgjob_error err;
    if (ij_body_read(app->store, request, kind, out, &err) == 0)
        return true;
    ij_problem_of_error(response, &app->log, &err);
    return false;
}

bool ij_submit_make(struct ij_app *app, struct ij_submission *submission,
                    struct ij_response *response, char id[IMGJOB_ID_SIZE])
{
    struct imgjob_error err;
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    int rc =
        submission->spec.failed
            ? ij_fail_nomem(&err, "reading a spec")
            : imgjob_spec_parse(submission->spec.data, submission->spec.len, &spec, &err);
    (void)snprintf(id, IMGJOB_ID_SIZE, "%s", imgjob_draft_id(submission->draft));
    if (rc == 0)
        rc = imgjob_store_submit(app->store, submission->draft, spec, NULL, &err);
    if (rc == 0)
        submission->draft = NULL; /* taken */
    else if (rc == IMGJOB_E_SPEC)
        ij_problem_of_spec(response, submission->is_long, &err);
    else
        ij_problem_of_error(response, &app->log, &err);
    return rc == 0;
}
