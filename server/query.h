/* The query of a URL: name=value pairs, percent-decoded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum { IJ_QUERY_NAME_SIZE = 64, IJ_QUERY_VALUE_SIZE = 2049 };

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

/* Whether a pair of that name stands in a query that can be read up to there. */
bool ij_query_has(const char *query, const char *name);

/* Append a pair to a URL, percent-encoded, behind '?' or '&'. */
void ij_query_add(struct ij_buf *out, char separator, const struct ij_query_pair *pair);

/* Read a switch, 0 or 1, that is the only parameter a call has; 0 when it is absent.
 * @return 0 or IMGJOB_E_INVALID */
int ij_query_read_only_switch(const char *query, const char *name, bool *out,
                              struct imgjob_error *err);

/* Read a pair as how many entries a page may have, 1 to `max`.
 * @return 0 or IMGJOB_E_INVALID */
int ij_query_read_limit(const struct ij_query_pair *pair, uint32_t max, uint32_t *out,
                        struct imgjob_error *err);
