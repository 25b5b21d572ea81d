/* Owns GET /jobs: pages of jobs, and the link from each to the next one. */
#include "server/app.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "server/problem.h"
#include "server/query.h"

enum {
    TEXT_SIZE = 65,       /* of a name and its terminator; ids and cursors are shorter */
    BODY_MAX = 128 << 20, /* of a full page of jobs that say much */
    LINK_MAX = 2000
};

/* What the query asks for. A plain value. */
struct filter {
    char queue[TEXT_SIZE], tag[TEXT_SIZE], batch[TEXT_SIZE], cursor[TEXT_SIZE];
    uint32_t statuses, limit;
};

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    { "queue", offsetof(struct filter, queue) },
    { "tag", offsetof(struct filter, tag) },
    { "batch", offsetof(struct filter, batch) },
    { "cursor", offsetof(struct filter, cursor) },
};

static const char *const statuses[] = {
    [IMGJOB_STATUS_PENDING] = "pending",     [IMGJOB_STATUS_PROCESSING] = "processing",
    [IMGJOB_STATUS_COMPLETED] = "completed", [IMGJOB_STATUS_FAILED] = "failed",
    [IMGJOB_STATUS_CANCELLED] = "cancelled",
};

static int read_text(char *out, const struct ij_query_pair *pair,
                     struct imgjob_error *err)
{
    size_t len = strlen(pair->value);
    if (out[0])
        return ij_fail(err, IMGJOB_E_INVALID, "%s: stands twice", pair->name);
    if (len == 0 || len >= TEXT_SIZE)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: must have 1 to %d bytes, not %zu",
                       pair->name, TEXT_SIZE - 1, len);
    memcpy(out, pair->value, len + 1);
    return 0;
}

/* Names with a comma between; may stand several times. */
static int read_statuses(uint32_t *out, const char *text, struct imgjob_error *err)
{
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ","), i = 0;
        while (i < IJ_ARRAY_LEN(statuses) &&
               (strlen(statuses[i]) != len || memcmp(statuses[i], at, len) != 0))
            i++;
        if (i == IJ_ARRAY_LEN(statuses))
            return ij_fail(err, IMGJOB_E_INVALID,
                           "status: must be pending, processing, completed, failed or "
                           "cancelled, with a comma between, not '%.40s'",
                           text);
        *out |= UINT32_C(1) << i;
        at += len;
        if (*at == '\0')
            return 0;
    }
}

static int read_pair(struct filter *filter, const struct ij_query_pair *pair,
                     struct imgjob_error *err)
{
    for (size_t i = 0; i < IJ_ARRAY_LEN(texts); i++)
        if (strcmp(pair->name, texts[i].name) == 0)
            return read_text((char *)filter + texts[i].offset, pair, err);
    if (strcmp(pair->name, "limit") == 0)
        return ij_query_read_limit(pair, IMGJOB_LIST_MAX, &filter->limit, err);
    if (strcmp(pair->name, "status") == 0)
        return read_statuses(&filter->statuses, pair->value, err);
    return ij_fail(err, IMGJOB_E_INVALID,
                   "%s: no such parameter; there are status, tag, queue, batch, limit "
                   "and cursor",
                   pair->name);
}

static int read_filter(const char *query, struct filter *out, struct imgjob_error *err)
{
    struct ij_query_pair pair;
    int rc;
    while ((rc = ij_query_next(&query, &pair, err)) == 0) {
        rc = read_pair(out, &pair, err);
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? rc : 0;
}

/* The same query with another cursor. */
static void link_next(const struct ij_app *app, const struct ij_request *request,
                      const char *cursor, struct ij_response *response)
{
    IJ_AUTO(ij_buf_done) struct ij_buf target = { .max = LINK_MAX };
    const char *at = request->query;
    struct ij_query_pair pair;
    ij_buf_printf(&target, "%s/jobs", app->config->public_url);
    char separator = '?';
    while (ij_query_next(&at, &pair, NULL) == 0) {
        if (strcmp(pair.name, "cursor") == 0)
            continue;
        ij_query_add(&target, separator, &pair);
        separator = '&';
    }
    pair = (struct ij_query_pair){ .name = "cursor" };
    (void)snprintf(pair.value, sizeof(pair.value), "%s", cursor);
    ij_query_add(&target, separator, &pair);
    if (!target.failed) /* else the body has the cursor all the same */
        ij_response_header(response, "Link", "<%s>; rel=\"next\"", target.data);
}

static void answer_list(const struct imgjob_job_list *list, struct ij_response *response)
{
    response->body.max = BODY_MAX;
    struct ij_json_out out = ij_response_json(response, 200);
    ij_json_open(&out, "jobs", '[');
    for (size_t i = 0; i < imgjob_job_list_count(list); i++) {
        ij_buf_add_str(out.buf, i > 0 ? "," : "");
        ij_buf_add_str(out.buf, imgjob_job_json(imgjob_job_list_at(list, i)));
    }
    ij_json_close(&out, ']');
    ij_json_put_str(&out, "next", imgjob_job_list_next(list));
    ij_json_close(&out, '}');
    ij_response_header(response, "Cache-Control", "no-store");
}

void ij_handle_jobs(struct ij_app *app, struct ij_request *request,
                    struct ij_response *response)
{
    struct filter filter = { .limit = 0 };
    struct imgjob_error err;
    if (read_filter(request->query, &filter, &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    const struct imgjob_list_options options = {
        .size = sizeof(options),
        .queue = filter.queue[0] ? filter.queue : NULL,
        .tag = filter.tag[0] ? filter.tag : NULL,
        .batch = filter.batch[0] ? filter.batch : NULL,
        .cursor = filter.cursor[0] ? filter.cursor : NULL,
        .statuses = filter.statuses,
        .limit = filter.limit,
    };
    struct imgjob_job_list *list = NULL;
    if (imgjob_store_list(app->store, &options, &list, &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    answer_list(list, response);
    if (imgjob_job_list_next(list))
        link_next(app, request, imgjob_job_list_next(list), response);
    imgjob_job_list_free(list);
}
