/* Server-sent events (HTML Living Standard §9.2): what stands on the wire. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "server/request.h"
#include "server/response.h"

enum { IJ_SSE_RETRY_MS = 2000, IJ_SSE_PING_MS = 15000, IJ_SSE_ID_SIZE = 81 };

/* Fill the head: type, and that nobody on the way may keep or collect it. */
void ij_sse_answer(struct ij_response *response);

/* Append the first lines of a stream: when to come back after it broke, and from where.
 */
void ij_sse_begin(struct ij_buf *out, const char *id);

/* Append one event. @param data a text without line breaks */
void ij_sse_event(struct ij_buf *out, const char *event, const char *id,
                  const char *data);

/* Append a sign of life, with the place reached. */
void ij_sse_ping(struct ij_buf *out, const char *id);

/* Send what was appended, and empty the buffer. @return false when the client does not
 * take it, or it is not whole: the stream is over */
bool ij_sse_send(const struct ij_request *request, struct ij_buf *out);

/*
 * Where a client that comes back has been: Last-Event-ID, else last_event_id of the
 * query, for those that cannot set a header.
 *
 * @param out "" when it has not been anywhere
 * @return 0, or IMGJOB_E_INVALID when it is no id that a stream may have had
 */
int ij_sse_last_id(const struct ij_request *request, char out[IJ_SSE_ID_SIZE],
                   struct imgjob_error *err);
