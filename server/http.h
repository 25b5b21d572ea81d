/* The HTTP listener; the door to civetweb. */
#pragma once

#include "base/log.h"
#include "server/request.h"
#include "server/response.h"

/* A listening server. Shared. */
struct ij_http;

/* Called from many threads at once. */
struct ij_http_callbacks {
    /* Fill `response` for a request that the gate let through. */
    void (*serve)(void *data, struct ij_request *request, struct ij_response *response);
    /* The answer is out, as far as the client took it: one line for the log. */
    void (*served)(void *data, const struct ij_request *request, int status,
                   uint64_t bytes);
    void *data;
};

struct ij_http_options {
    const char *bind; /* IPv4 */
    uint32_t port;    /* 0 = any free one */
    uint32_t threads; /* requests served at the same time */
    struct ij_http_callbacks callbacks;
    struct ij_log log;
};

/* Listen. @param out the caller's, to end with ij_http_stop()
 * @return 0, or IMGJOB_E_INVALID with civetweb's words */
int ij_http_start(const struct ij_http_options *options, struct ij_http **out,
                  struct imgjob_error *err);

/* The port it listens on. */
uint32_t ij_http_port(const struct ij_http *http);

/* Whether the client has closed its side, and so does not care for an answer; one that
 * only half-closed looks the same. */
bool ij_http_is_gone(const struct ij_request *request);

/* Send the next bytes of a stream. @return false when the client has gone or does not
 * take them in time: the stream is over then */
bool ij_http_write(const struct ij_request *request, const void *data, size_t len);

/*
 * Read the next bytes of a request's body: `len` of them, fewer at its end. A client that
 * waits for "100 Continue" is told to go on by the first call.
 *
 * @return bytes read, 0 at the end, or IMGJOB_E_INVALID when the client stopped early
 */
long ij_http_read(struct ij_request *request, void *buffer, size_t len,
                  struct imgjob_error *err);

/* Stop: requests under way get a moment to be answered, then their sockets are closed.
 * NULL is fine. */
void ij_http_stop(struct ij_http *http);
