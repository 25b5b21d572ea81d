/* Times in the view of a job. */
#pragma once

#include <stdint.h>

enum { IJ_TIME_TEXT_SIZE = 48 };

/* Milliseconds since 1970 in RFC 3339, UTC. @return 0, or 1 for a year that has no such
 * text; `out` is "" then */
int ij_view_time(int64_t ms, char out[IJ_TIME_TEXT_SIZE]);
