/* HTTP requests that we make: many under way on one thread. The door to libcurl. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    IJ_HTTP_ANSWER_MAX = 64 * 1024, /* bytes of an answer that are read */
    IJ_HTTP_CONNECT_MS = 5000,      /* the longest that connecting may take */
    IJ_HTTP_ERROR_SIZE = 160
};

/* Owned by one thread at a time, but for ij_http_wake(). */
struct ij_http_client;

struct ij_http_options {
    const char *user_agent; /* copied */
    uint32_t timeout_ms;    /* of a whole request */
    /* false = only to addresses that ij_address_is_public(), and there to ports 80 and
     * 443. Looked at when a connection is made, so whatever name led there. */
    bool allow_private;
};

struct ij_http_request {
    const char *url;            /* http: or https:; copied */
    const char *const *headers; /* "name: value", `header_count` of them; copied */
    size_t header_count;
    const void *body; /* of the POST; borrowed until its answer was taken */
    size_t len;
    void *data; /* handed to the answer */
};

/* How a request ended. A plain value. */
struct ij_http_answer {
    void *data;             /* the request's */
    int status;             /* 0 = there was no answer: `error` says why */
    int64_t duration_ms;    /* from the start to the end of it */
    int64_t retry_after_ms; /* what the answer's Retry-After asks for; 0 = nothing */
    char error[IJ_HTTP_ERROR_SIZE]; /* "" = there was an answer */
};

/* @return 0, or _NOMEM, _INTERNAL */
int ij_http_open(const struct ij_http_options *options, struct ij_http_client **out,
                 struct imgjob_error *err);

/* Cut off what is under way, without an answer; NULL is fine. */
void ij_http_close(struct ij_http_client *client);

/* Begin a POST. No redirect is followed, no proxy used, and of the answer only what
 * struct ij_http_answer holds is kept. @return 0, or _NOMEM, _INTERNAL */
int ij_http_start(struct ij_http_client *client, const struct ij_http_request *request,
                  struct imgjob_error *err);

/* Let the requests go on until one has ended, ij_http_wake() is called or `mono_ms` of
 * the machine's monotonic clock has come. @return 0, or _NOMEM, _INTERNAL */
int ij_http_run(struct ij_http_client *client, int64_t mono_ms, struct imgjob_error *err);

/* Take the answer of one that has ended. @return false = none has */
bool ij_http_next(struct ij_http_client *client, struct ij_http_answer *out);

/* Let ij_http_run(), or the next one, come back. Any thread. */
void ij_http_wake(struct ij_http_client *client);
