/* Owns the shape of an answer before http.c sends it. */
#include "server/response.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/auto.h"

const char *ij_status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        { 200, "OK" },
        { 202, "Accepted" },
        { 400, "Bad Request" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 411, "Length Required" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
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
    char value[512];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(value, sizeof(value), fmt, args) < 0)
        value[0] = '\0';
    va_end(args);
    ij_buf_printf(&response->head, "%s: %s\r\n", name, value);
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
    if (response->source.close)
        response->source.close(response->source.data);
    response->source = (struct ij_body_source){ 0 };
    ij_buf_done(&response->head);
    ij_buf_done(&response->body);
}
