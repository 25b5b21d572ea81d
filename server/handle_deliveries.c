/* Owns the calls about webhooks: what became of them, and sending one again. */
#include "server/app.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "server/problem.h"
#include "server/query.h"

enum { LIMIT_MAX = 100, LOG_MAX = 8 << 20 };

/* What the query of a list may say. */
struct filter {
    char job[IJ_QUERY_VALUE_SIZE], status[IJ_QUERY_VALUE_SIZE],
        cursor[IJ_QUERY_VALUE_SIZE];
    uint32_t limit;
};

static int read_filter(const char *query, struct filter *out, struct imgjob_error *err)
{
    struct ij_query_pair pair;
    int rc;
    while ((rc = ij_query_next(&query, &pair, err)) == 0) {
        if (strcmp(pair.name, "job") == 0)
            memcpy(out->job, pair.value, sizeof(out->job));
        else if (strcmp(pair.name, "status") == 0)
            memcpy(out->status, pair.value, sizeof(out->status));
        else if (strcmp(pair.name, "cursor") == 0)
            memcpy(out->cursor, pair.value, sizeof(out->cursor));
        else if (strcmp(pair.name, "limit") == 0)
            rc = ij_query_read_limit(&pair, LIMIT_MAX, &out->limit, err);
        else
            rc = ij_fail(err, IMGJOB_E_INVALID, "query: no parameter '%s' here",
                         pair.name);
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? rc : 0;
}

void ij_handle_deliveries(struct ij_app *app, struct ij_request *request,
                          struct ij_response *response)
{
    struct filter filter = { .limit = 0 };
    struct imgjob_error err;
    char *text = NULL;
    int rc = read_filter(request->query, &filter, &err);
    const struct imgjob_delivery_options options = {
        .size = sizeof(options),
        .job = filter.job[0] ? filter.job : NULL,
        .status = filter.status[0] ? filter.status : NULL,
        .cursor = filter.cursor[0] ? filter.cursor : NULL,
        .limit = filter.limit,
    };
    if (rc == 0)
        rc = imgjob_delivery_list(app->store, &options, &text, &err);
    if (rc < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    response->status = 200;
    response->content_type = "application/json";
    response->body.max = LOG_MAX;
    ij_buf_add_str(&response->body, text);
    imgjob_text_free(text);
}

void ij_handle_replay_delivery(struct ij_app *app, struct ij_request *request,
                               struct ij_response *response)
{
    if (!app->webhooks) {
        ij_problem(response, 409, "conflict",
                   "webhooks are off: the server has no webhook_secrets_file");
        return;
    }
    const char *id = request->parameters[IJ_PATH_ID];
    struct imgjob_error err;
    int rc = imgjob_delivery_replay(app->store, id, &err);
    if (rc == IMGJOB_E_NOTFOUND)
        ij_problem(response, 404, "not_found", "Delivery not found");
    else if (rc < 0)
        ij_problem_of_error(response, &app->log, &err);
    if (rc < 0)
        return;
    struct ij_json_out out = ij_response_json(response, 202);
    ij_json_put_str(&out, "id", id);
    ij_json_put_str(&out, "status", "pending");
    ij_json_close(&out, '}');
}
