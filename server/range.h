/* Which bytes of a body a client asks for (RFC 9110 §14). */
#pragma once

#include "server/request.h"

enum ij_range_kind {
    IJ_RANGE_WHOLE, /* no range, several, or none that can be read: they may be ignored */
    IJ_RANGE_PART,
    IJ_RANGE_UNSATISFIABLE /* begins behind the end */
};

/* A plain value. */
struct ij_range {
    uint64_t first;
    uint64_t length; /* at least 1 */
};

/* @param length of the body @param out filled for IJ_RANGE_PART */
enum ij_range_kind ij_range_read(const struct ij_request *request, uint64_t length,
                                 struct ij_range *out);
