/*
 * Owns which requests are looked at at all. civetweb (1.15) loses headers beyond the 64th
 * and after a folded line, takes "5abc" for a length and the first of two: whatever two
 * readers could understand in two ways is refused here, before anything acts on it.
 */
#include "server/request.h"

#include <string.h>
#include <strings.h>

/* 10 digits: 9.3 GiB, and far from any overflow. */
enum { LENGTH_DIGITS_MAX = 10 };

const char *ij_request_header(const struct ij_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

static size_t count_headers(const struct ij_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        count += strcasecmp(request->headers[i].name, name) == 0;
    return count;
}

static int refuse(struct imgjob_error *err, int status, const char *text)
{
    (void)ij_fail(err, IMGJOB_E_INVALID, "%s", text); /* the status says it all */
    return status;
}

static int read_length(struct ij_request *request, struct imgjob_error *err)
{
    const char *text = ij_request_header(request, "Content-Length");
    if (!text)
        return 0;
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > LENGTH_DIGITS_MAX || text[digits] != '\0')
        return refuse(err, 400, "Content-Length must be 1 to 10 digits");
    if (count_headers(request, "Content-Length") > 1)
        return refuse(err, 400, "Content-Length stands twice");
    for (size_t i = 0; i < digits; i++)
        request->length = request->length * 10 + (uint64_t)(text[i] - '0');
    request->has_length = true;
    return 0;
}

static int read_expectation(struct ij_request *request, struct imgjob_error *err)
{
    const char *text = ij_request_header(request, "Expect");
    if (!text || request->is_http10) /* RFC 9110 §10.1.1: not from HTTP/1.0 */
        return 0;
    if (strcasecmp(text, "100-continue") != 0)
        return refuse(err, 417, "the only expectation met here is 100-continue");
    request->expects_continue = true;
    return 0;
}

int ij_gate_check(struct ij_request *request, size_t offered, struct imgjob_error *err)
{
    if (offered >= IJ_HEADERS_MAX) {
        (void)ij_fail(err, IMGJOB_E_INVALID,
                      "%zu headers are too many: at most %d are read", offered,
                      IJ_HEADERS_MAX - 1);
        return 431;
    }
    if (ij_request_header(request, "Transfer-Encoding"))
        return refuse(err, 411, "Transfer-Encoding is not read: send a Content-Length");
    if (ij_request_header(request, "Upgrade"))
        return refuse(err, 400, "Upgrade is not supported");
    size_t hosts = count_headers(request, "Host");
    if (hosts > 1)
        return refuse(err, 400, "Host stands twice");
    if (hosts == 0 && !request->is_http10)
        return refuse(err, 400, "Host is missing");
    int status = read_length(request, err);
    return status != 0 ? status : read_expectation(request, err);
}
