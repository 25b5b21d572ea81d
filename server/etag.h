/* Entity tags and the conditions made of them (RFC 9110 §8.8.3 and §13.1). */
#pragma once

#include "server/request.h"

/* Whether `etag`, a strong one with its quotes, stands in a header that lists tags, on
 * all its lines, or "*" does. What cannot be read ends its line. */
enum ij_etag_compare {
    IJ_ETAG_STRONG, /* W/"x" is never the same as "x" */
    IJ_ETAG_WEAK
};
bool ij_etag_listed(const struct ij_request *request, const char *header,
                    enum ij_etag_compare compare, const char *etag);

/* Whether If-Range lets a range be answered: it is absent, or exactly this tag. A date
 * never does, since a second is too coarse to tell two images from each other. */
bool ij_etag_if_range(const struct ij_request *request, const char *etag);
