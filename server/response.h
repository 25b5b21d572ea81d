/* One HTTP answer while it is being made. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

/* A body that is read piece by piece; zeroed = none. */
struct ij_body_source {
    /* Fill `buffer` from `offset`; `out_len` may be short only at the end. 0 or negative
     */
    int (*read)(void *data, uint64_t offset, void *buffer, size_t len, size_t *out_len,
                struct imgjob_error *err);
    void (*close)(void *data);
    void *data;
    uint64_t length;
};

/* Owned; zeroed but for `request_id` = begun; end with ij_response_done(). */
struct ij_response {
    int status;
    const char *request_id;   /* borrowed */
    const char *content_type; /* a constant */
    struct ij_buf head;       /* header lines beside those that every answer has */
    struct ij_buf body;
    struct ij_body_source source; /* instead of `body`; taken */
};

/* The reason phrase of a status, "Not Found". */
const char *ij_status_title(int status);

/* Add a header line. Values are ours, never a client's: they hold no line break. */
void ij_response_header(struct ij_response *response, const char *name, const char *fmt,
                        ...) IJ_PRINTF(3, 4);

/* Begin a JSON body: open its object, and later close it with ij_json_close(). */
struct ij_json_out ij_response_json(struct ij_response *response, int status);

void ij_response_done(struct ij_response *response);
