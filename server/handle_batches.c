/*
 * Owns the calls about batches: many jobs in one commit, counted and cancelled together.
 * A batch is nothing but an id that jobs share. Its images come as parts of a form, or
 * are those of earlier jobs, named in a JSON list; images in base64 are not taken, since
 * one job each is what POST /jobs is for.
 */
#include "server/app.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/follow.h>

#include "server/auto.h"
#include "server/http.h"
#include "server/problem.h"
#include "server/spec.h"
#include "server/submit.h"

enum {
    AT_ONCE_MAX = 4,    /* requests: each may hold IMGJOB_SUBMIT_MAX descriptors */
    LIST_MAX = 1 << 20, /* bytes of a JSON list */
    LIVE_RETRY_S = 1
};

/* ---- answers ---- */

/* The batch that jobs of an earlier submit with the same key are in. */
static int read_batch_of(struct ij_app *app, const char *job_id, char out[IMGJOB_ID_SIZE],
                         struct imgjob_error *err)
{
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    int rc = imgjob_store_get(app->store, job_id, &job, err);
    if (rc < 0)
        return rc;
    const char *text = imgjob_job_json(job);
    rc = ij_json_parse(text, strlen(text), 64, &root, err);
    if (rc < 0)
        return rc;
    const char *batch = ij_json_string(ij_json_member(root, "batch"));
    if (strlen(batch) != IMGJOB_ID_SIZE - 1)
        return ij_fail(err, IMGJOB_E_INTERNAL, "job %s is in no batch", job_id);
    memcpy(out, batch, IMGJOB_ID_SIZE);
    return 0;
}

static void answer_made(struct ij_app *app, char batch[IMGJOB_ID_SIZE],
                        const struct imgjob_submitted *jobs, size_t count,
                        struct ij_response *response)
{
    struct imgjob_error err;
    if (jobs[0].outcome == IMGJOB_SUBMIT_REPLAYED &&
        read_batch_of(app, jobs[0].id, batch, &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    struct ij_json_out out = ij_response_json(response, 202);
    ij_json_put_str(&out, "batch_id", batch);
    ij_json_put_str(&out, "status", "pending");
    ij_json_open(&out, "jobs", '[');
    for (size_t i = 0; i < count; i++)
        ij_json_put_str(&out, NULL, jobs[i].id);
    ij_json_close(&out, ']');
    ij_json_close(&out, '}');
    ij_response_header(response, "Location", "%s/batches/%s", app->config->public_url,
                       batch);
    ij_response_header(response, "Retry-After", "%d", LIVE_RETRY_S);
    ij_submit_say_outcome(&jobs[0], response);
}

/* ---- submit: a form ---- */

/* A job that was there already is in no batch of this one's; and this one is new. */
static bool check_options(const struct ij_app *app, const struct ij_options *options,
                          struct ij_response *response)
{
    const uint32_t refused = UINT32_C(1) << IJ_OPTION_DEDUP | UINT32_C(1)
                                                                  << IJ_OPTION_BATCH;
    struct imgjob_error err;
    if (ij_options_allow(options, ~refused,
                         "means nothing here: all jobs of a batch are new, and it is too",
                         &err) == 0)
        return true;
    ij_problem_of_error(response, &app->log, &err);
    return false;
}

static void submit_form(struct ij_app *app, struct ij_request *request,
                        struct ij_response *response, char batch[IMGJOB_ID_SIZE])
{
    IJ_AUTO(ij_submission_done)
    struct ij_submission submission = { .batch_max = (uint32_t)app->config->batch_max };
    struct imgjob_submitted jobs[IMGJOB_SUBMIT_MAX];
    if (!ij_submit_read(app, request, &submission, response) ||
        !check_options(app, &submission.options, response))
        return;
    size_t count = submission.draft_count;
    if (ij_submit_make(app, request, &submission, batch, jobs, response))
        answer_made(app, batch, jobs, count, response);
}

/* ---- submit: a list ---- */

/* A list as it is read. */
struct list {
    struct ij_app *app;
    struct ij_submission common; /* what stands beside `jobs` */
    struct imgjob_draft *drafts[IMGJOB_SUBMIT_MAX];
    struct imgjob_spec *specs[IMGJOB_SUBMIT_MAX];
    struct imgjob_submitted made[IMGJOB_SUBMIT_MAX];
    size_t count;
};

static void list_freep(struct list **at)
{
    struct list *list = *at;
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++) {
        imgjob_draft_discard(list->drafts[i]);
        imgjob_spec_free(list->specs[i]);
    }
    ij_submission_done(&list->common);
    free(list);
}

static int read_text(struct ij_request *request, struct ij_buf *out,
                     struct imgjob_error *err)
{
    char piece[4096];
    long len;
    out->max = LIST_MAX;
    while ((len = ij_http_read(request, piece, sizeof(piece), err)) > 0)
        ij_buf_add(out, piece, (size_t)len);
    if (len < 0)
        return (int)len;
    return out->failed ? ij_fail_nomem(err, "reading a list of jobs") : 0;
}

/* The words of a fault in an entry, begun with its place. */
static int place(size_t index, int rc, const struct imgjob_error *why,
                 struct imgjob_error *err)
{
    if (rc == IMGJOB_E_SPEC)
        return ij_fail(err, rc, "/jobs/%zu%s%s", index, why->text[0] == '/' ? "" : ": ",
                       why->text);
    return ij_fail(err, rc, "jobs[%zu]: %s", index, why->text);
}

static bool has_spec(const struct ij_submission *submission)
{
    return submission->has_spec || submission->options.given[IJ_OPTION_PRESET];
}

/* An entry's own preset or spec, or else the common one. @param own empty, done by the
 * caller @return 0, 1: specs of the client's own are not taken here, or a code */
static int settle_entry(struct list *list, const struct ij_json *entry,
                        struct ij_submission *own, struct imgjob_error *err)
{
    const uint32_t allowed =
        UINT32_C(1) << IJ_OPTION_SOURCE_JOB | UINT32_C(1) << IJ_OPTION_PRESET;
    if (ij_json_type(entry) != IJ_JSON_OBJECT)
        return ij_fail(err, IMGJOB_E_INVALID, "must be an object, not %s",
                       ij_json_type_name(ij_json_type(entry)));
    int rc = ij_submission_take_json(own, entry, err);
    if (rc == 0)
        rc = ij_options_allow(&own->options, allowed,
                              "is for all jobs, so it stands beside `jobs`", err);
    if (rc == 0 && !own->options.given[IJ_OPTION_SOURCE_JOB])
        rc = ij_fail(err, IMGJOB_E_INVALID,
                     "source_job is missing; images are sent as multipart/form-data");
    if (rc < 0 || (!has_spec(own) && has_spec(&list->common)))
        return rc;
    return ij_submit_settle_spec(list->app, own, err);
}

/* @return as settle_entry() */
static int read_entry(struct list *list, const struct ij_json *entry,
                      struct imgjob_error *err)
{
    IJ_AUTO(ij_submission_done) struct ij_submission own = { .is_imageless = true };
    struct imgjob_error why;
    size_t index = list->count;
    int rc = settle_entry(list, entry, &own, &why);
    const struct ij_buf *spec =
        has_spec(&own) || !has_spec(&list->common) ? &own.spec : &list->common.spec;
    if (rc == 0 && spec->failed)
        rc = ij_fail_nomem(&why, "reading a spec");
    if (rc == 0)
        rc = imgjob_spec_parse(spec->data, spec->len, &list->specs[index], &why);
    if (rc == 0) {
        list->count++; /* its spec at least is to be freed */
        rc = imgjob_draft_open_from(list->app->store, own.options.source_job,
                                    &list->drafts[index], &why);
    }
    return rc < 0 ? place(index, rc, &why, err) : rc;
}

/* @return as settle_entry() */
static int read_entries(struct list *list, const struct ij_json *jobs,
                        struct imgjob_error *err)
{
    size_t count = ij_json_count(jobs);
    if (ij_json_type(jobs) != IJ_JSON_ARRAY || count == 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "jobs: must be an array of 1 to %" PRIu64 " objects",
                       list->app->config->batch_max);
    if (count > list->app->config->batch_max)
        return ij_fail(err, IMGJOB_E_LIMIT,
                       "jobs: %zu of them, but batch_max is %" PRIu64, count,
                       list->app->config->batch_max);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = read_entry(list, ij_json_at(jobs, i), err);
    return rc;
}

/* Members beside `jobs`, as an object of their own. */
static int take_common(void *data, const char *key, const struct ij_json *value)
{
    if (strcmp(key, "jobs") != 0)
        ij_json_put(data, key, value);
    return 0;
}

static int read_common(struct list *list, const struct ij_json *root,
                       struct imgjob_error *err)
{
    IJ_AUTO(ij_buf_done) struct ij_buf text = { .max = 2 * LIST_MAX };
    IJ_AUTO(ij_json_freep) struct ij_json *common = NULL;
    struct ij_json_out out = { .buf = &text };
    ij_json_open(&out, NULL, '{');
    (void)ij_json_each(root, take_common, &out); /* never ends early */
    ij_json_close(&out, '}');
    if (text.failed)
        return ij_fail_nomem(err, "reading a list of jobs");
    int rc = ij_json_parse(text.data, text.len, IJ_SENT_SPEC_DEPTH_MAX, &common, err);
    return rc < 0 ? rc : ij_submission_take_json(&list->common, common, err);
}

/* @return as settle_entry() */
static int read_list(struct list *list, struct ij_request *request,
                     struct imgjob_error *err)
{
    IJ_AUTO(ij_buf_done) struct ij_buf text = { .max = LIST_MAX };
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    struct ij_submission *common = &list->common;
    int rc = read_text(request, &text, err);
    if (rc == 0) /* two levels above those of a spec */
        rc = ij_json_parse(text.data, text.len, IJ_SENT_SPEC_DEPTH_MAX + 2, &root, err);
    if (rc == 0 && ij_json_type(root) != IJ_JSON_OBJECT)
        rc = ij_fail(err, IMGJOB_E_INVALID, "the body must be a JSON object");
    if (rc == 0)
        rc = read_common(list, root, err);
    if (rc == 0 && common->options.given[IJ_OPTION_SOURCE_JOB])
        rc = ij_fail(err, IMGJOB_E_INVALID, "source_job: stands in each of `jobs`");
    if (rc == 0 && has_spec(common))
        rc = ij_submit_settle_spec(list->app, common, err);
    return rc == 0 ? read_entries(list, ij_json_member(root, "jobs"), err) : rc;
}

static void submit_list(struct ij_app *app, struct ij_request *request,
                        struct ij_response *response, char batch[IMGJOB_ID_SIZE])
{
    if (ij_submit_refuse(app, request, UINT64_MAX, response))
        return;
    if (request->length > LIST_MAX) {
        ij_problem(response, 413, "limit",
                   "the list has %" PRIu64 " bytes, and may have %d", request->length,
                   LIST_MAX);
        return;
    }
    struct imgjob_error err;
    IJ_AUTO(list_freep) struct list *list = calloc(1, sizeof(*list));
    int rc = list ? 0 : ij_fail_nomem(&err, "reading a list of jobs");
    if (rc == 0) {
        list->app = app;
        list->common.is_imageless = true;
        rc = read_list(list, request, &err);
    }
    if (rc == 1)
        ij_submit_refuse_spec(response);
    else if (rc == IMGJOB_E_SPEC)
        ij_problem_of_spec(response, err.text[0] == '/', &err);
    else if (rc < 0)
        ij_problem_of_error(response, &app->log, &err);
    if (rc != 0 || !check_options(app, &list->common.options, response))
        return;
    const struct ij_submit_set set = {
        .drafts = list->drafts,
        .specs = (const struct imgjob_spec *const *)list->specs,
        .options = &list->common.options,
        .batch = batch,
        .out = list->made,
        .count = list->count,
        .is_long = true,
    };
    if (ij_submit_set(app, request, &set, response))
        answer_made(app, batch, list->made, list->count, response);
}

/* ---- submit ---- */

static void submit_batch(struct ij_app *app, struct ij_request *request,
                         struct ij_response *response)
{
    char batch[IMGJOB_ID_SIZE];
    struct imgjob_error err;
    if (imgjob_id_new(batch, &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    switch (ij_body_kind(ij_request_header(request, "Content-Type"))) {
    case IJ_BODY_MULTIPART:
        submit_form(app, request, response, batch);
        break;
    case IJ_BODY_JSON:
        submit_list(app, request, response, batch);
        break;
    default:
        ij_problem(response, 415, "media_type",
                   "Content-Type must be multipart/form-data or application/json");
    }
}

void ij_handle_submit_batch(struct ij_app *app, struct ij_request *request,
                            struct ij_response *response)
{
    if (atomic_fetch_add(&app->batches, 1) < AT_ONCE_MAX)
        submit_batch(app, request, response);
    else
        ij_problem(response, 503, "busy", "%d batches arrive already: ask again",
                   AT_ONCE_MAX);
    (void)atomic_fetch_sub(&app->batches, 1);
}

/* ---- look and cancel ---- */

static bool read_stats(struct ij_app *app, const struct ij_request *request,
                       struct imgjob_batch_stats *out, struct ij_response *response)
{
    struct imgjob_error err;
    *out = (struct imgjob_batch_stats){ .size = sizeof(*out) };
    int rc =
        imgjob_batch_read_stats(app->store, request->parameters[IJ_PATH_ID], out, &err);
    if (rc == IMGJOB_E_NOTFOUND)
        ij_problem(response, 404, imgjob_code_name(rc), "Batch not found");
    else if (rc < 0)
        ij_problem_of_error(response, &app->log, &err);
    return rc == 0;
}

static void answer_stats(const struct ij_app *app, const char *batch,
                         const struct imgjob_batch_stats *stats, int status,
                         struct ij_response *response)
{
    uint64_t live = stats->pending + stats->processing;
    uint64_t total = live + stats->completed + stats->failed + stats->cancelled;
    struct ij_json_out out = ij_response_json(response, status);
    ij_json_put_str(&out, "id", batch);
    ij_json_put_bool(&out, "done", live == 0);
    ij_json_put_int(&out, "total", (int64_t)total);
    ij_json_open(&out, "counts", '{');
    ij_json_put_int(&out, "pending", (int64_t)stats->pending);
    ij_json_put_int(&out, "processing", (int64_t)stats->processing);
    ij_json_put_int(&out, "completed", (int64_t)stats->completed);
    ij_json_put_int(&out, "failed", (int64_t)stats->failed);
    ij_json_put_int(&out, "cancelled", (int64_t)stats->cancelled);
    ij_json_close(&out, '}');
    IJ_AUTO(ij_buf_done) struct ij_buf url = { 0 };
    ij_buf_printf(&url, "%s/jobs?batch=%s", app->config->public_url, batch);
    ij_json_put_str(&out, "jobs_url", url.data);
    ij_json_close(&out, '}');
    ij_response_header(response, "Cache-Control", "no-store");
    if (live > 0)
        ij_response_header(response, "Retry-After", "%d", LIVE_RETRY_S);
}

void ij_handle_batch(struct ij_app *app, struct ij_request *request,
                     struct ij_response *response)
{
    struct imgjob_batch_stats stats;
    if (read_stats(app, request, &stats, response))
        answer_stats(app, request->parameters[IJ_PATH_ID], &stats, 200, response);
}

static void list_done(struct imgjob_job_list **list)
{
    imgjob_job_list_free(*list);
    *list = NULL;
}

/* One page of those that have not ended. @param list the page before, or NULL; then this
 * one */
static int cancel_page(struct imgjob_store *store, const char *batch,
                       struct imgjob_job_list **list, struct imgjob_error *err)
{
    const struct imgjob_list_options options = {
        .size = sizeof(options),
        .batch = batch,
        .statuses = UINT32_C(1) << IMGJOB_STATUS_PENDING |
                    UINT32_C(1) << IMGJOB_STATUS_PROCESSING,
        .limit = IMGJOB_LIST_MAX,
        .cursor = *list ? imgjob_job_list_next(*list) : NULL,
    };
    struct imgjob_job_list *page = NULL;
    int rc = imgjob_store_list(store, &options, &page, err);
    if (rc < 0)
        return rc;
    imgjob_job_list_free(*list);
    *list = page;
    for (size_t i = 0; i < imgjob_job_list_count(page); i++) {
        rc = imgjob_store_cancel(store, imgjob_job_id(imgjob_job_list_at(page, i)), NULL,
                                 err);
        if (rc < 0 && rc != IMGJOB_E_CONFLICT && rc != IMGJOB_E_NOTFOUND) /* it ended */
            return rc;
    }
    return 0;
}

void ij_handle_cancel_batch(struct ij_app *app, struct ij_request *request,
                            struct ij_response *response)
{
    const char *batch = request->parameters[IJ_PATH_ID];
    struct imgjob_batch_stats stats;
    struct imgjob_error err;
    if (!read_stats(app, request, &stats, response))
        return;
    IJ_AUTO(list_done) struct imgjob_job_list *list = NULL;
    do
        if (cancel_page(app->store, batch, &list, &err) < 0) {
            ij_problem_of_error(response, &app->log, &err);
            return;
        }
    while (imgjob_job_list_next(list));
    if (read_stats(app, request, &stats, response))
        answer_stats(app, batch, &stats, stats.processing > 0 ? 202 : 200, response);
}
