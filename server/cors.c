/* Owns the list of origins: compared as browsers write them, byte by byte. */
#include "server/cors.h"

#include <string.h>

#include "base/auto.h"

enum { ORIGIN_MAX = 255 };

static const char methods[] = "GET, HEAD, POST, PUT, DELETE";
static const char request_headers[] =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, "
    "Last-Event-ID, Prefer, Range, traceparent, tracestate";
static const char answer_headers[] =
    "Accept-Ranges, Content-Disposition, Content-Range, Deduplicated, ETag, "
    "Idempotency-Replayed, Link, Location, Retry-After, X-Job-Id, X-Request-Id";
static const char max_age_s[] = "7200"; /* as long as any browser remembers */

/* The next entry of a list, without the spaces around it. @return false at the end */
static bool next_origin(const char **at, const char **out, size_t *out_len)
{
    *at += strspn(*at, ", \t");
    if (**at == '\0')
        return false;
    *out = *at;
    *out_len = strcspn(*at, ", \t");
    *at += *out_len;
    return true;
}

static bool is_star(const char *origin, size_t len)
{
    return len == 1 && origin[0] == '*';
}

/* A scheme, a host, perhaps a port, in lower case and nothing behind it: anything else
 * would never be what a browser sends. */
static bool is_origin(const char *text, size_t len)
{
    static const char host[] = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]";
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(schemes); i++) {
        size_t skip = strlen(schemes[i]);
        if (len > skip && len <= ORIGIN_MAX && strncmp(text, schemes[i], skip) == 0)
            return strspn(text + skip, host) >= len - skip;
    }
    return false;
}

int ij_cors_check(const char *origins, struct imgjob_error *err)
{
    const char *at = origins, *origin;
    size_t len;
    while (next_origin(&at, &origin, &len))
        if (!is_star(origin, len) && !is_origin(origin, len))
            return ij_fail(err, IMGJOB_E_INVALID,
                           "cors_origins: '%.*s' must be * or an origin such as "
                           "https://example.org, in lower case and without a path",
                           (int)len, origin);
    return 0;
}

/* What the answer allows: the origin itself, "*", or NULL. */
static const char *allowed(const char *origins, const char *sent)
{
    const char *at = origins, *origin;
    size_t len;
    while (next_origin(&at, &origin, &len)) {
        if (is_star(origin, len))
            return "*";
        if (sent && strlen(sent) == len && memcmp(sent, origin, len) == 0)
            return sent;
    }
    return NULL;
}

bool ij_cors_answer(const char *origins, const struct ij_request *request,
                    struct ij_response *response)
{
    if (origins[0] == '\0')
        return false;
    const char *sent = ij_request_header(request, "Origin");
    const char *origin = allowed(origins, sent);
    if (!origin || origin == sent) /* another page gets another answer */
        ij_response_header(response, "Vary", "Origin");
    if (!origin || !sent)
        return false;
    ij_response_header(response, "Access-Control-Allow-Origin", "%s", origin);
    ij_response_header(response, "Access-Control-Expose-Headers", "%s", answer_headers);
    return true;
}

void ij_cors_preflight(const struct ij_request *request, struct ij_response *response)
{
    if (!ij_request_header(request, "Access-Control-Request-Method"))
        return;
    ij_response_header(response, "Access-Control-Allow-Methods", "%s", methods);
    ij_response_header(response, "Access-Control-Allow-Headers", "%s", request_headers);
    ij_response_header(response, "Access-Control-Max-Age", "%s", max_age_s);
}
