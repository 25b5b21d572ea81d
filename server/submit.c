/*
 * Owns the refusals of a submit: those that need no byte of the body, those of its form,
 * those of the library. What was refused leaves nothing behind, since the drafts go with
 * the submission.
 */
#include "server/submit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/trace.h"
#include "server/auto.h"
#include "server/presets.h"
#include "server/problem.h"
#include "server/query.h"

/* ---- before the body is read ---- */

bool ij_submit_refuse(const struct ij_app *app, const struct ij_request *request,
                      uint64_t limit, struct ij_response *response)
{
    if (atomic_load(&app->draining))
        ij_problem(response, 503, "draining", "the server is about to end");
    else if (!request->has_length)
        ij_problem(response, 411, "length_required", "Content-Length is missing");
    else if (request->length == 0)
        ij_problem(response, 400, "invalid", "the body is empty");
    else if (request->length > limit)
        ij_problem(response, 413, "limit",
                   "the body has %" PRIu64 " bytes, and may have %" PRIu64
                   ", since max_upload_size is %" PRIu64,
                   request->length, limit, app->config->max_upload_size);
    else
        return false;
    return true;
}

/* A copy of an earlier job's image needs no body: the query says it all. */
static bool is_bodyless(const struct ij_request *request,
                        const struct ij_submission *submission)
{
    return request->length == 0 && !submission->is_image_only &&
           ij_query_has(request->query, ij_option_name(IJ_OPTION_SOURCE_JOB));
}

static bool refuse_unread(const struct ij_app *app, const struct ij_request *request,
                          const struct ij_submission *submission, enum ij_body_kind kind,
                          struct ij_response *response)
{
    if (kind == IJ_BODY_UNKNOWN) {
        ij_problem(response, 415, "media_type",
                   "Content-Type must be application/json, multipart/form-data, image/* "
                   "or application/octet-stream");
        return true;
    }
    uint32_t jobs = submission->batch_max > 0 ? submission->batch_max : 1;
    uint64_t limit = ij_body_limit(kind, app->config->max_upload_size, jobs);
    return ij_submit_refuse(app, request, limit, response);
}

/* ---- the body ---- */

int ij_submit_settle_spec(const struct ij_app *app, struct ij_submission *submission,
                          struct imgjob_error *err)
{
    if (submission->is_image_only)
        return 0;
    if (!submission->options.given[IJ_OPTION_PRESET])
        return app->config->presets_only ? 1 : 0;
    if (submission->has_spec)
        return ij_fail(
            err, IMGJOB_E_INVALID,
            "preset: members stand beside it that are no options of a job, and "
            "so a spec; either is enough");
    ij_buf_clear(&submission->spec);
    submission->is_long = true;
    return ij_presets_find(app->presets, submission->options.preset, &submission->spec,
                           err);
}

void ij_submit_refuse_spec(struct ij_response *response)
{
    ij_problem(response, 403, "presets_only",
               "preset is missing: specs of your own are not taken here (presets_only)");
}

bool ij_submit_read(struct ij_app *app, struct ij_request *request,
                    struct ij_submission *out, struct ij_response *response)
{
    enum ij_body_kind kind = ij_body_kind(ij_request_header(request, "Content-Type"));
    bool is_empty = out->batch_max == 0 && is_bodyless(request, out);
    if (is_empty)
        kind = IJ_BODY_RAW;
    if (is_empty && atomic_load(&app->draining)) {
        ij_problem(response, 503, "draining", "the server is about to end");
        return false;
    }
    if (!is_empty && refuse_unread(app, request, out, kind, response))
        return false;
    struct imgjob_error err;
    int rc = ij_body_read(app->store, request, kind, out, &err);
    if (rc == 0)
        rc = ij_submit_settle_spec(app, out, &err);
    if (rc == 1)
        ij_submit_refuse_spec(response);
    else if (rc == IMGJOB_E_SPEC)
        ij_problem_of_spec(response, out->is_long, &err);
    else if (rc < 0)
        ij_problem_of_error(response, &app->log, &err);
    return rc == 0;
}

/* ---- jobs ---- */

static int read_key(const struct ij_request *request, const char **out,
                    struct imgjob_error *err)
{
    static const char name[] = "Idempotency-Key";
    enum { KEY_MAX = 255 };
    const char *key = NULL;
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) != 0)
            continue;
        if (key)
            return ij_fail(err, IMGJOB_E_INVALID, "%s: stands twice", name);
        key = request->headers[i].value;
    }
    size_t len = key ? strlen(key) : 1;
    bool is_good = len >= 1 && len <= KEY_MAX;
    for (const char *at = key; at && *at && is_good; at++)
        is_good = *at >= 0x20 && *at <= 0x7e;
    if (!is_good)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%s: must be 1..%d printable ASCII characters", name, KEY_MAX);
    *out = key;
    return 0;
}

/* Another's trace that cannot be read is none (W3C Trace Context §3.2.1), and neither are
 * two. */
static const char *read_trace(const struct ij_request *request)
{
    const char *found = NULL;
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "traceparent") != 0)
            continue;
        if (found)
            return NULL;
        found = request->headers[i].value;
    }
    return found && ij_traceparent_valid(found) ? found : NULL;
}

static int fill_options(const struct ij_app *app, const struct ij_request *request,
                        const struct ij_submit_set *set,
                        const char *tag_list[IJ_TAGS_MAX],
                        struct imgjob_submit_options *out, struct imgjob_error *err)
{
    if (set->options->given[IJ_OPTION_CALLBACK_URL] && !app->webhooks)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "callback_url: this server sends no webhooks; its operator can "
                       "switch them on with WEBHOOK_SECRETS_FILE");
    ij_options_write(set->options, tag_list, out);
    if (set->batch)
        out->batch = set->batch;
    out->traceparent = read_trace(request);
    return set->is_passing ? 0 : read_key(request, &out->idempotency_key, err);
}

bool ij_submit_set(struct ij_app *app, const struct ij_request *request,
                   const struct ij_submit_set *set, struct ij_response *response)
{
    const char *tag_list[IJ_TAGS_MAX];
    struct imgjob_submit_options options = { .size = sizeof(options) };
    struct imgjob_error err;
    for (size_t i = 0; i < set->count; i++)
        set->out[i] = (struct imgjob_submitted){ .size = sizeof(set->out[i]) };
    int rc = fill_options(app, request, set, tag_list, &options, &err);
    if (rc == 0)
        rc = imgjob_store_submit_many(app->store, set->drafts, set->specs, &options,
                                      set->out, set->count, &err);
    if (rc == 0)
        memset(set->drafts, 0, set->count * sizeof(set->drafts[0])); /* taken */
    else if (rc == IMGJOB_E_SPEC)
        ij_problem_of_spec(response, set->is_long, &err);
    else if (rc == IMGJOB_E_CONFLICT)
        ij_problem(response, 422, "idempotency_mismatch", "%s", err.text);
    else
        ij_problem_of_error(response, &app->log, &err);
    return rc == 0;
}

bool ij_submit_make(struct ij_app *app, const struct ij_request *request,
                    struct ij_submission *submission, const char *batch,
                    struct imgjob_submitted *out, struct ij_response *response)
{
    struct imgjob_error err;
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    const struct ij_buf *text = &submission->spec;
    int rc = text->failed ? ij_fail_nomem(&err, "reading a spec")
                          : imgjob_spec_parse(text->data, text->len, &spec, &err);
    if (rc < 0) {
        if (rc == IMGJOB_E_SPEC)
            ij_problem_of_spec(response, submission->is_long, &err);
        else
            ij_problem_of_error(response, &app->log, &err);
        return false;
    }
    const struct imgjob_spec *specs[IMGJOB_SUBMIT_MAX];
    for (size_t i = 0; i < submission->draft_count; i++)
        specs[i] = spec;
    const struct ij_submit_set set = {
        .drafts = submission->drafts,
        .specs = specs,
        .options = &submission->options,
        .batch = batch,
        .out = out,
        .count = submission->draft_count,
        .is_passing = submission->is_passing,
        .is_long = submission->is_long,
    };
    return ij_submit_set(app, request, &set, response);
}

void ij_submit_say_outcome(const struct imgjob_submitted *submitted,
                           struct ij_response *response)
{
    if (submitted->outcome == IMGJOB_SUBMIT_REPLAYED)
        ij_response_header(response, "Idempotency-Replayed", "true");
    else if (submitted->outcome == IMGJOB_SUBMIT_DEDUPLICATED)
        ij_response_header(response, "Deduplicated", "true");
}
