/*
 * Owns the fetching of images: which one, under which conditions, which part of it. An
 * image never changes under its address, so whoever has it needs it no more.
 */
#include "server/app.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "server/auto.h"
#include "server/download.h"
#include "server/etag.h"
#include "server/job.h"
#include "server/moment.h"
#include "server/problem.h"
#include "server/query.h"
#include "server/range.h"

enum { ETAG_SIZE = 72, JOB_DEPTH = 16, MAX_AGE_S = 365 * 24 * 3600 };

/* What is known of an image beside its bytes. A plain value. */
struct facts {
    char etag[ETAG_SIZE];
    int64_t finished_ms, expires_ms; /* since 1970 UTC */
};

/* ---- no image ---- */

/* The library says "conflict": is the image not there yet, or not there any more? */
static void answer_no_image(struct ij_app *app, const struct ij_request *request,
                            struct ij_response *response)
{
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    struct imgjob_error err;
    if (imgjob_store_get(app->store, request->parameters[IJ_PATH_ID], &job, &err) < 0)
        ij_job_answer_failure(app, response, &err);
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
        ij_job_answer_failure(app, response, err);
}

static void answer_failure(struct ij_app *app, const struct ij_request *request,
                           struct ij_response *response, const struct imgjob_error *err)
{
    if (err->code == IMGJOB_E_CONFLICT)
        answer_no_image(app, request, response);
    else
        answer_no_output(app, request, response, err);
}

/* ---- an image ---- */

/* When it expires stands nowhere but in the job's text. */
static int64_t expiry_of(const struct imgjob_job *job)
{
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    const char *text = imgjob_job_json(job);
    int64_t ms = 0;
    if (ij_json_parse(text, strlen(text), JOB_DEPTH, &root, NULL) == 0)
        (void)ij_moment_parse(ij_json_string(ij_json_member(root, "result_expires_at")),
                              &ms); /* else it stays 0: not to be kept */
    return ms;
}

static int read_facts(struct ij_app *app, const struct ij_request *request,
                      const struct imgjob_download *download, struct facts *out,
                      struct imgjob_error *err)
{
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    int rc = imgjob_store_get(app->store, request->parameters[IJ_PATH_ID], &job, err);
    if (rc < 0)
        return rc;
    (void)snprintf(out->etag, sizeof(out->etag), "\"%s\"",
                   imgjob_download_sha256(download));
    out->finished_ms = imgjob_job_updated_ms(job);
    out->expires_ms = expiry_of(job);
    return 0;
}

/* Both parameters are of an output that exists, so they hold nothing but letters, digits,
 * dashes and underscores. */
static void name_image(struct ij_response *response, const struct ij_request *request,
                       uint32_t format, bool is_attachment)
{
    const char *name = request->parameters[IJ_PATH_NAME];
    ij_response_header(response, "Content-Disposition", "%s; filename=\"%s%s%s.%s\"",
                       is_attachment ? "attachment" : "inline",
                       request->parameters[IJ_PATH_ID], name[0] ? "-" : "", name,
                       imgjob_format_extension(format));
}

static void describe(struct ij_response *response, const struct facts *facts)
{
    char date[IJ_DATE_SIZE];
    ij_response_date(date, facts->finished_ms);
    int64_t left_s = (facts->expires_ms - ij_wall_ms(&ij_clock_system)) / 1000;
    left_s = left_s < 0 ? 0 : left_s > MAX_AGE_S ? MAX_AGE_S : left_s;
    ij_response_header(response, "ETag", "%s", facts->etag);
    ij_response_header(response, "Last-Modified", "%s", date);
    ij_response_header(response, "Cache-Control",
                       "private, max-age=%" PRId64 ", immutable", left_s);
    ij_response_header(response, "Accept-Ranges", "bytes");
}

/* RFC 9110 §13.2.2. @return whether the image itself need not be sent */
static bool answer_condition(const struct ij_request *request,
                             struct ij_response *response, const struct facts *facts)
{
    if (ij_request_header(request, "If-Match") &&
        !ij_etag_listed(request, "If-Match", IJ_ETAG_STRONG, facts->etag)) {
        ij_problem(response, 412, "precondition", "the image is not one of If-Match");
        return true;
    }
    if (ij_etag_listed(request, "If-None-Match", IJ_ETAG_WEAK, facts->etag)) {
        ij_response_empty(response, 304);
        describe(response, facts);
        return true;
    }
    return false;
}

static void answer_part(struct ij_response *response, const struct ij_range *part,
                        uint64_t length)
{
    response->status = 206;
    response->source.offset = part->first;
    response->source.length = part->length;
    ij_response_header(response, "Content-Range",
                       "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, part->first,
                       part->first + part->length - 1, length);
}

/* Range is for GET alone (RFC 9110 §14.2). */
static enum ij_range_kind read_range(const struct ij_request *request,
                                     const struct facts *facts, uint64_t length,
                                     struct ij_range *out)
{
    bool is_meant =
        strcmp(request->method, "GET") == 0 && ij_etag_if_range(request, facts->etag);
    return is_meant ? ij_range_read(request, length, out) : IJ_RANGE_WHOLE;
}

/* @param download taken */
static void answer_image(const struct ij_request *request, struct ij_response *response,
                         struct imgjob_download *download, const struct facts *facts,
                         bool is_attachment)
{
    uint64_t length = imgjob_download_length(download);
    struct ij_range part;
    enum ij_range_kind kind = read_range(request, facts, length, &part);
    if (kind == IJ_RANGE_UNSATISFIABLE) {
        imgjob_download_close(download);
        ij_problem(response, 416, "range", "the image has %" PRIu64 " bytes", length);
        ij_response_header(response, "Content-Range", "bytes */%" PRIu64, length);
        return;
    }
    name_image(response, request, imgjob_download_format(download), is_attachment);
    describe(response, facts);
    ij_download_answer(response, download);
    if (kind == IJ_RANGE_PART)
        answer_part(response, &part, length);
}

static void download_closep(struct imgjob_download **download)
{
    imgjob_download_close(*download);
}

/* The switch is one among others that are passed over: pages add words of their own to
 * addresses of images. */
static int read_attachment(const char *query, bool *out, struct imgjob_error *err)
{
    struct ij_query_pair pair;
    int rc;
    *out = false;
    while ((rc = ij_query_next(&query, &pair, err)) == 0)
        if (strcmp(pair.name, "download") == 0)
            *out = strcmp(pair.value, "0") != 0;
    return rc < 0 ? rc : 0;
}

void ij_handle_download(struct ij_app *app, struct ij_request *request,
                        struct ij_response *response)
{
    const char *id = request->parameters[IJ_PATH_ID];
    const char *name = request->parameters[IJ_PATH_NAME];
    IJ_AUTO(download_closep) struct imgjob_download *download = NULL;
    struct imgjob_error err;
    struct facts facts;
    bool is_attachment;
    if (read_attachment(request->query, &is_attachment, &err) < 0)
        ij_problem_of_error(response, &app->log, &err);
    else if (imgjob_store_open_output(app->store, id, name[0] ? name : NULL, &download,
                                      &err) < 0)
        answer_failure(app, request, response, &err);
    else if (read_facts(app, request, download, &facts, &err) < 0)
        ij_job_answer_failure(app, response, &err);
    else if (!answer_condition(request, response, &facts))
        answer_image(request, response, ij_steal(&download), &facts, is_attachment);
}
