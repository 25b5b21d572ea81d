/* The query of a URL: name=value pairs, percent-decoded. */
#pragma once

#include <stddef.h>

#include "base/error.h"

enum { IJ_QUERY_NAME_SIZE = 64, IJ_QUERY_VALUE_SIZE = 256 };

struct ij_query_pair {
    char name[IJ_QUERY_NAME_SIZE];
    char value[IJ_QUERY_VALUE_SIZE];
};

/*
 * Read the pair at `*at` and go to the next one.
 *
 * @return 0, 1 when there are no more, or IMGJOB_E_INVALID when it is malformed or long
 */
int ij_query_next(const char **at, struct ij_query_pair *out, struct imgjob_error *err);
