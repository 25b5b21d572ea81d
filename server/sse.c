/* Owns the format of a stream of events. Events go out whole, so that a reader never
 * waits for the rest of one. */
#include "server/sse.h"

#include <stdio.h>
#include <string.h>

#include "server/http.h"
#include "server/query.h"

void ij_sse_answer(struct ij_response *response)
{
    response->status = 200;
    response->content_type = "text/event-stream";
    ij_response_header(response, "Cache-Control", "no-store");
    ij_response_header(response, "X-Accel-Buffering",
                       "no"); /* nginx collects otherwise */
}

void ij_sse_begin(struct ij_buf *out, const char *id)
{
    ij_buf_printf(out, "retry: %d\n", IJ_SSE_RETRY_MS);
    if (id[0])
        ij_buf_printf(out, "id: %s\n", id); /* without data it is a place, no event */
    ij_buf_add_str(out, "\n");
}

void ij_sse_event(struct ij_buf *out, const char *event, const char *id, const char *data)
{
    ij_buf_printf(out, "event: %s\nid: %s\ndata: ", event, id);
    ij_buf_add_str(out, data);
    ij_buf_add_str(out, "\n\n");
}

void ij_sse_ping(struct ij_buf *out, const char *id)
{
    ij_buf_printf(out, ": ping\nid: %s\n\n", id);
}

bool ij_sse_send(const struct ij_request *request, struct ij_buf *out)
{
    bool is_sent =
        !out->failed && (out->len == 0 || ij_http_write(request, out->data, out->len));
    ij_buf_clear(out);
    return is_sent;
}

/* The last_event_id of the query; "" without one. */
static int queried_id(const struct ij_request *request, struct ij_query_pair *pair,
                      struct imgjob_error *err)
{
    const char *at = request->query;
    int rc;
    while ((rc = ij_query_next(&at, pair, err)) == 0)
        if (strcmp(pair->name, "last_event_id") == 0)
            return 0;
    pair->value[0] = '\0';
    return rc < 0 ? rc : 0;
}

int ij_sse_last_id(const struct ij_request *request, char out[IJ_SSE_ID_SIZE],
                   struct imgjob_error *err)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-";
    struct ij_query_pair pair;
    const char *text = ij_request_header(request, "Last-Event-ID");
    if (!text) {
        int rc = queried_id(request, &pair, err);
        if (rc < 0)
            return rc;
        text = pair.value;
    }
    size_t len = strlen(text);
    if (len >= IJ_SSE_ID_SIZE || strspn(text, allowed) != len)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "Last-Event-ID: '%.40s' is no id of an event of this server",
                       text);
    memcpy(out, text, len + 1);
    return 0;
}
