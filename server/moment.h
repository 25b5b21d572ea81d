/* Moments as clients write them: RFC 3339. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Read "2026-03-01T12:00:00.250Z" or "…+01:00" as ms since 1970 UTC; digits below them
 * are cut off. @return false when it is none of the years 1970 to 9999 */
bool ij_moment_parse(const char *text, int64_t *out_ms);
