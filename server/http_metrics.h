/* How long requests take, by route, method and status. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "server/request.h"

/* Shared. */
struct ij_http_metrics;

/* @param out the caller's, to end with ij_http_metrics_free() @return 0 or _NOMEM */
int ij_http_metrics_new(struct ij_http_metrics **out, struct imgjob_error *err);
void ij_http_metrics_free(struct ij_http_metrics *metrics); /* NULL is fine */

/* A request was answered. Clients cannot make the set grow without bound: paths of no
 * route are one, and so are methods that nobody knows. */
void ij_http_metrics_count(struct ij_http_metrics *metrics,
                           const struct ij_request *request, int status, int64_t ms);

/* In the text format of Prometheus. */
void ij_http_metrics_write(struct ij_http_metrics *metrics, struct ij_buf *out);
