/* One HTTP answer while it is being made. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

/* A body that is read piece by piece; zeroed = none. */
struct ij_body_source {
    /* A file that holds the same bytes at the same offsets, for sendfile(); -1 = none.
     * May be NULL. */
    int (*file)(void *data);
    /* Fill `buffer` from `offset`; `out_len` may be short only at the end. 0 or negative
     */
    int (*read)(void *data, uint64_t offset, void *buffer, size_t len, size_t *out_len,
                struct imgjob_error *err);
    void (*close)(void *data);
    void *data;
    void (*after)(void *owner); /* called behind close(): what goes with the body */
    void *owner;
    uint64_t offset; /* of the first byte that is sent */
    uint64_t length; /* how many are sent */
};

struct ij_request;

/* A body that is made while it is sent, and whose length nobody knows; zeroed = none. */
struct ij_body_stream {
    /* Write with ij_http_write() until that fails or there is no more to say. Holds the
     * thread; not called for HEAD. */
    void (*run)(void *data, const struct ij_request *request);
    void (*close)(void *data);
    void *data;
};

/* Owned; zeroed but for `request_id` = begun; end with ij_response_done(). */
struct ij_response {
    int status;
    const char *request_id;   /* borrowed */
    const char *content_type; /* a constant */
    struct ij_buf head;       /* header lines beside those that every answer has */
    struct ij_buf body;
    struct ij_body_source source; /* instead of `body`; taken */
    struct ij_body_stream stream; /* instead of both; taken */
};

/* The reason phrase of a status, "Not Found". */
const char *ij_status_title(int status);

/* Add a header line, of 2047 bytes at most. Values are ours, never a client's: they hold
 * no line break. */
void ij_response_header(struct ij_response *response, const char *name, const char *fmt,
                        ...) IJ_PRINTF(3, 4);

/* A moment as headers have it (RFC 9110 §5.6.7). @param wall_ms since 1970 UTC */
enum { IJ_DATE_SIZE = 40 };
void ij_response_date(char out[IJ_DATE_SIZE], int64_t wall_ms);

/* An answer without a body: 204, 304. */
void ij_response_empty(struct ij_response *response, int status);

/* Everything before the body, the empty line included. @param length of the body */
void ij_response_compose(const struct ij_response *response, uint64_t length,
                         struct ij_buf *out);

/* Begin a JSON body: open its object, and later close it with ij_json_close(). */
struct ij_json_out ij_response_json(struct ij_response *response, int status);

void ij_response_done(struct ij_response *response);
