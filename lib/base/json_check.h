/* What a text must be before json-c sees it; used by json.c alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { IJ_JSON_DEPTH_MAX = 64 };

/* What the tree of a text must come out as. */
struct ij_json_shape {
    size_t members; /* of all objects, duplicates counted */
    bool is_null;   /* the root is null */
};

/*
 * Check that a text is JSON (RFC 8259, UTF-8) with at most `max_depth` levels of
 * brackets, no U+0000 in a string and whole numbers within int64_t. Duplicate keys and
 * infinite numbers are left to the caller, who sees them in the tree.
 *
 * @return 0, or IMGJOB_E_SPEC with the byte at which the text is wrong
 */
int ij_json_check(const char *text, size_t len, int max_depth, struct ij_json_shape *out,
                  struct imgjob_error *err);
