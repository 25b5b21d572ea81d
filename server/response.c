/* Owns the shape of an answer before http.c sends it. */
#include "server/response.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"

const char *ij_status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        { 200, "OK" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 411, "Length Required" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" },
        { 422, "Unprocessable Content" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
        { 507, "Insufficient Storage" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void ij_response_header(struct ij_response *response, const char *name, const char *fmt,
                        ...)
{
    char value[2048];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(value, sizeof(value), fmt, args) < 0)
        value[0] = '\0';
    va_end(args);
    ij_buf_printf(&response->head, "%s: %s\r\n", name, value);
}

void ij_response_empty(struct ij_response *response, int status)
{
    response->status = status;
    response->content_type = NULL;
    ij_buf_clear(&response->body);
}

/* RFC 9110 §6.4.1 and §8.6: these have no body, and 204 not even a length. */
static bool has_content(int status)
{
    return status != 204 && status != 304;
}

void ij_response_date(char out[IJ_DATE_SIZE], int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    out[0] = '\0';
    if (gmtime_r(&seconds, &utc)) /* the program stays in the C locale */
        (void)strftime(out, IJ_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &utc);
}

void ij_response_compose(const struct ij_response *response, uint64_t length,
                         struct ij_buf *out)
{
    char date[IJ_DATE_SIZE];
    ij_response_date(date, ij_wall_ms(&ij_clock_system));
    ij_buf_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\n",
                  response->status, ij_status_title(response->status), date);
    if (has_content(response->status))
        ij_buf_printf(out, "Content-Type: %s\r\n",
                      response->content_type ? response->content_type : "text/plain");
    if (has_content(response->status) && !response->stream.run)
        ij_buf_printf(out, "Content-Length: %" PRIu64 "\r\n", length);
    ij_buf_printf(out, "X-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\n",
                  response->request_id);
    ij_buf_add(out, response->head.data, response->head.len);
    ij_buf_add(out, "\r\n", 2);
}

struct ij_json_out ij_response_json(struct ij_response *response, int status)
{
    response->status = status;
    response->content_type = "application/json";
    ij_buf_clear(&response->body);
    struct ij_json_out out = { .buf = &response->body };
    ij_json_open(&out, NULL, '{');
    return out;
}

void ij_response_done(struct ij_response *response)
{
    if (response->stream.close)
        response->stream.close(response->stream.data);
    response->stream = (struct ij_body_stream){ 0 };
    if (response->source.close)
        response->source.close(response->source.data);
    if (response->source.after)
        response->source.after(response->source.owner);
    response->source = (struct ij_body_source){ 0 };
    ij_buf_done(&response->head);
    ij_buf_done(&response->body);
}
