/* Owns the comparing of entity tags. They are opaque: nothing in them is decoded. */
#include "server/etag.h"

#include <string.h>
#include <strings.h>

/* Whether the tag stands in one line. */
static bool is_in(const char *at, enum ij_etag_compare compare, const char *etag)
{
    size_t etag_len = strlen(etag);
    while (*(at += strspn(at, " \t,")) != '\0') {
        if (*at == '*')
            return true;
        bool is_weak = strncmp(at, "W/", 2) == 0;
        at += is_weak ? 2 : 0;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (!end)
            return false;
        size_t len = (size_t)(end + 1 - at);
        if (len == etag_len && memcmp(at, etag, len) == 0 &&
            !(is_weak && compare == IJ_ETAG_STRONG))
            return true;
        at = end + 1;
    }
    return false;
}

bool ij_etag_listed(const struct ij_request *request, const char *header,
                    enum ij_etag_compare compare, const char *etag)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, header) == 0 &&
            is_in(request->headers[i].value, compare, etag))
            return true;
    return false;
}

bool ij_etag_if_range(const struct ij_request *request, const char *etag)
{
    const char *value = ij_request_header(request, "If-Range");
    return !value || strcmp(value, etag) == 0;
}
