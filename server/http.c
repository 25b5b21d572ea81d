/*
 * Owns civetweb: its settings, its callbacks, and how an answer goes over the wire. Every
 * request is answered here, by the gate or by the handlers, on a connection that is
 * closed afterwards: civetweb's own file, CGI, form and keep-alive code is never reached.
 * What a request means is left to the callbacks.
 */
#include "server/http.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <civetweb.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/thread.h"
#include "server/problem.h"
#include "server/socket.h"

enum {
    PIECE = 65536,           /* bytes of a body that are sent or read at once */
    HEAD_MAX = 16384,        /* bytes of our own header lines */
    STALL_MS = 10000,        /* a client that takes nothing for so long has left */
    STREAM_WRITE_MS = 10000, /* to take one event, whole */
    STREAM_BUFFER = 131072,  /* bytes the kernel keeps for a slow reader of a stream */
    REQUEST_MAX_MS = 120000, /* to read a whole body */
    DRAINERS_MAX = 16,       /* at a time */
    DRAIN_MAX = 32 << 20,    /* bytes of a refused body that are read and dropped */
    DRAIN_MS = 2000,         /* and for how long */
    STOP_GRACE_MS = 5000,
    KNOCK_MS = 20,
    THREAD_STACK = 256 << 10 /* civetweb's own deepest frame is below 20 KiB */
};

struct ij_http {
    struct mg_context *context;
    struct ij_http_callbacks callbacks;
    struct ij_log log;
    char bind[16];
    uint16_t port;
    char start_words[160]; /* civetweb's first complaint while it starts */
    atomic_uint drainers;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    uint32_t active; /* requests being served */
    bool has_stopped;
};

/* One connection as long as its request is served. Owned by the thread that serves it. */
struct ij_wire {
    struct mg_connection *connection;
    struct ij_http *http;
    uint16_t port; /* ours */
    int fd;        /* civetweb's; -1 = not known */
    bool is_sought;
    uint64_t sent; /* bytes of a stream */
};

/* ---- the socket ---- */

/* Looking for it costs a call for every descriptor there is, so most requests do not. */
static int socket_of(const struct ij_request *request)
{
    struct ij_wire *wire = request->wire;
    if (!wire->is_sought)
        wire->fd = ij_socket_find(wire->port, request->remote, request->remote_port);
    wire->is_sought = true;
    return wire->fd;
}

bool ij_http_is_gone(const struct ij_request *request)
{
    int fd = socket_of(request);
    return fd >= 0 && ij_socket_is_closed(fd);
}

/* civetweb gives up a client that takes nothing for request_timeout_ms. */
static bool send_all(const struct ij_wire *wire, const void *data, size_t len)
{
    return mg_write(wire->connection, data, len) == (int)len;
}

bool ij_http_write(const struct ij_request *request, const void *data, size_t len)
{
    int fd = socket_of(request);
    bool is_sent = fd >= 0 ? ij_socket_send(fd, data, len, STALL_MS, STREAM_WRITE_MS)
                           : send_all(request->wire, data, len);
    request->wire->sent += is_sent ? len : 0;
    return is_sent;
}

/* ---- answering ---- */

static void log_cut(const struct ij_wire *wire, const struct ij_response *response,
                    uint64_t sent, const char *why)
{
    ij_log(&wire->http->log, IMGJOB_LOG_ERROR, "http", NULL,
           "request %s: cut off after %" PRIu64 " of %" PRIu64 " bytes: %s",
           response->request_id, sent, response->source.length, why);
}

/* The head already stands in `piece`; the first bytes of the image join it, since every
 * write is a packet. @return bytes of the body that were sent */
static uint64_t send_source(const struct ij_wire *wire,
                            const struct ij_response *response, const struct ij_buf *head)
{
    const struct ij_body_source *source = &response->source;
    IJ_AUTO(ij_free) char *piece = malloc(PIECE);
    if (!piece)
        return 0;
    size_t used = head->len; /* at most HEAD_MAX, far below PIECE */
    memcpy(piece, head->data, used);
    uint64_t sent = 0;
    while (sent < source->length) {
        struct imgjob_error err;
        uint64_t left = source->length - sent;
        size_t wanted = left < PIECE - used ? (size_t)left : PIECE - used, len = 0;
        int rc = source->read(source->data, source->offset + sent, piece + used, wanted,
                              &len, &err);
        if (rc < 0 || len == 0) {
            log_cut(wire, response, sent,
                    rc < 0 ? err.text : "the image is shorter than it was");
            return sent;
        }
        if (!send_all(wire, piece, used + len))
            return sent;
        sent += len;
        used = 0;
    }
    return sent;
}

/* From the page cache to the socket, where both are known. @return as send_source() */
static uint64_t send_file(const struct ij_request *request,
                          const struct ij_response *response, const struct ij_buf *head)
{
    const struct ij_body_source *source = &response->source;
    int file = source->file ? source->file(source->data) : -1;
    int fd = file >= 0 && source->length > PIECE ? socket_of(request) : -1;
    if (fd < 0)
        return send_source(request->wire, response, head);
    uint64_t sent = 0;
    if (send_all(request->wire, head->data, head->len) &&
        ij_socket_send_file(fd, file, source->offset, source->length, STALL_MS, &sent) ==
            IJ_SOCKET_FILE_FAILED)
        log_cut(request->wire, response, sent, "the image cannot be read to its end");
    return sent;
}

static uint64_t send_stream(const struct ij_request *request,
                            const struct ij_response *response, const struct ij_buf *head)
{
    ij_socket_bound(socket_of(request), STREAM_BUFFER);
    if (!send_all(request->wire, head->data, head->len))
        return 0;
    response->stream.run(response->stream.data, request);
    return request->wire->sent;
}

/* The head and a body that is at hand; small ones in one packet. */
static uint64_t send_body(const struct ij_wire *wire, const struct ij_response *response,
                          struct ij_buf *head)
{
    const struct ij_buf *body = &response->body;
    bool is_small = body->len <= PIECE;
    if (is_small)
        ij_buf_add(head, body->data, body->len);
    if (head->failed || !send_all(wire, head->data, head->len))
        return 0;
    return is_small || send_all(wire, body->data, body->len) ? body->len : 0;
}

/* @return bytes of the body that were sent */
static uint64_t send_response(const struct ij_request *request,
                              struct ij_response *response)
{
    if (response->body.failed || response->head.failed) { /* out of memory */
        ij_response_done(response);
        ij_response_empty(response, 500);
    }
    bool has_source = response->source.read != NULL;
    if (!has_source && response->body.len > 0)
        ij_buf_add(&response->body, "\n", 1); /* for people with a terminal */
    uint64_t length = has_source ? response->source.length : response->body.len;
    IJ_AUTO(ij_buf_done) struct ij_buf head = { .max = HEAD_MAX + PIECE };
    ij_response_compose(response, length, &head);
    if (head.failed || head.len > HEAD_MAX)
        return 0;
    bool is_head = strcmp(request->method, "HEAD") == 0;
    if (!is_head && response->stream.run)
        return send_stream(request, response, &head);
    if (!is_head && has_source && length > 0)
        return send_file(request, response, &head);
    if (!is_head && !has_source)
        return send_body(request->wire, response, &head);
    (void)send_all(request->wire, head.data, head.len); /* a client that left is logged */
    return 0;
}

/*
 * Read and drop what is left of a body that nobody wanted: closing a socket with unread
 * bytes resets it, and the client might lose the answer. It is told first that nothing
 * more will come, so that it closes and this ends. Not for clients that wait to be told
 * to send, and for few at a time: it is a kindness that holds a thread.
 */
static void drain(struct ij_http *http, const struct ij_request *request)
{
    if (ij_request_header(request, "Expect") && !request->body_begun)
        return;
    if (atomic_fetch_add(&http->drainers, 1) < DRAINERS_MAX) {
        int fd = socket_of(request);
        if (fd >= 0)
            ij_socket_drain(fd, DRAIN_MS, DRAIN_MAX);
    }
    (void)atomic_fetch_sub(&http->drainers, 1);
}

static void answer(struct ij_http *http, struct ij_request *request,
                   struct ij_response *response)
{
    uint64_t bytes = send_response(request, response);
    http->callbacks.served(http->callbacks.data, request, response->status, bytes);
    /* of a request that was not understood nobody knows how much is to come */
    if (!request->is_understood || request->received < request->length)
        drain(http, request);
}

/* ---- requests ---- */

static void begin_request(struct ij_request *request, struct ij_wire *wire)
{
    request->wire = wire;
    request->began_ms = ij_mono_ms(&ij_clock_system);
    request->method = request->path = request->query = request->remote = "";
    struct ij_id id = { { 0 } };
    (void)ij_id_new(ij_wall_ms(&ij_clock_system), &id, NULL); /* else an id of zeros */
    ij_id_format(&id, request->id);
}

static void read_request(struct ij_request *request, const struct mg_request_info *info)
{
    request->method = info->request_method;
    request->path = info->local_uri_raw ? info->local_uri_raw : "";
    request->query = info->query_string ? info->query_string : "";
    request->remote = info->remote_addr;
    request->remote_port = (uint16_t)info->remote_port;
    request->is_http10 = strcmp(info->http_version, "1.0") == 0;
    for (int i = 0; i < info->num_headers && i < IJ_HEADERS_MAX; i++)
        request->headers[request->header_count++] = (struct ij_header){
            .name = info->http_headers[i].name,
            .value = info->http_headers[i].value,
        };
}

static void count_active(struct ij_http *http, int change)
{
    (void)pthread_mutex_lock(&http->lock);
    http->active += (uint32_t)change;
    if (http->active == 0)
        (void)pthread_cond_broadcast(&http->changed);
    (void)pthread_mutex_unlock(&http->lock);
}

/* civetweb hands every request here; a positive return says that it was answered. */
static int on_request(struct mg_connection *connection)
{
    mg_disable_connection_keep_alive(connection); /* before anything can be refused */
    const struct mg_request_info *info = mg_get_request_info(connection);
    struct ij_http *http = info->user_data;
    count_active(http, 1);
    struct ij_wire wire = { connection, http, (uint16_t)info->server_port, .fd = -1 };
    struct ij_request request = { .has_length = false };
    begin_request(&request, &wire);
    read_request(&request, info);
    IJ_AUTO(ij_response_done) struct ij_response response = { .request_id = request.id };
    struct imgjob_error err;
    int refusal = ij_gate_check(&request, (size_t)info->num_headers, &err);
    request.is_understood = refusal == 0;
    if (refusal != 0)
        ij_problem(&response, refusal, "invalid", "%s", err.text);
    else
        http->callbacks.serve(http->callbacks.data, &request, &response);
    answer(http, &request, &response);
    count_active(http, -1);
    return response.status;
}

/* What civetweb itself refuses, while it reads the head of a request. */
static int on_error(struct mg_connection *connection, int status, const char *text)
{
    const struct mg_request_info *info = mg_get_request_info(connection);
    struct ij_http *http = info->user_data;
    struct ij_wire wire = { connection, http, (uint16_t)info->server_port, .fd = -1 };
    struct ij_request request = { .has_length = false };
    begin_request(&request, &wire);
    request.remote = info->remote_addr;
    IJ_AUTO(ij_response_done) struct ij_response response = { .request_id = request.id };
    if (status == 411) /* civetweb's word for a length that is none */
        ij_problem(&response, 400, "invalid", "Content-Length must be 1 to 10 digits");
    else if (strcmp(text, "Malformed message") == 0) /* it does not tell these apart */
        ij_problem(&response, status, "invalid",
                   "the head of the request is malformed, over 16384 bytes, or did not "
                   "come within 10 s");
    else
        ij_problem(&response, status, "invalid", "malformed request: %s", text);
    answer(http, &request, &response);
    return 0;
}

static int on_log(const struct mg_connection *connection, const char *text)
{
    const struct mg_context *context = mg_get_context(connection);
    struct ij_http *http = context ? mg_get_user_data(context) : NULL;
    if (http && !http->context) { /* starting: the caller is told */
        if (!http->start_words[0])
            (void)snprintf(http->start_words, sizeof(http->start_words), "%s", text);
    } else if (http) {
        ij_log(&http->log, IMGJOB_LOG_WARN, "http", NULL, "civetweb: %s", text);
    }
    return 1;
}

long ij_http_read(struct ij_request *request, void *buffer, size_t len,
                  struct imgjob_error *err)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!request->body_begun && request->expects_continue &&
        !send_all(request->wire, go_on, sizeof(go_on) - 1))
        return ij_fail(err, IMGJOB_E_INVALID, "the client went away");
    request->body_begun = true;
    uint64_t left = request->length - request->received;
    size_t wanted = left < len ? (size_t)left : len;
    if (wanted == 0)
        return 0;
    int got = mg_read(request->wire->connection, buffer, wanted);
    if (got > 0)
        request->received += (uint64_t)got;
    if (got < (int)wanted)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "the body ends after %" PRIu64 " of %" PRIu64 " bytes",
                       request->received, request->length);
    if (ij_mono_ms(&ij_clock_system) - request->began_ms > REQUEST_MAX_MS)
        return ij_fail(err, IMGJOB_E_INVALID, "the body took longer than %d s",
                       REQUEST_MAX_MS / 1000);
    return got;
}

/* ---- life ---- */

/* Threads are many and their stacks shallow: keep the address space small. Only threads
 * that start meanwhile are meant, so the old size is put back. */
static struct mg_context *start_context(struct mg_init_data *init,
                                        struct mg_error_data *error)
{
    pthread_attr_t before, shallow;
    bool changed = pthread_getattr_default_np(&before) == 0 &&
                   pthread_attr_init(&shallow) == 0 &&
                   pthread_attr_setstacksize(&shallow, THREAD_STACK) == 0 &&
                   pthread_setattr_default_np(&shallow) == 0;
    struct mg_context *context = mg_start2(init, error);
    if (changed)
        (void)pthread_setattr_default_np(&before);
    return context;
}

/* Every setting that matters, so that no default of a civetweb build counts. */
static const char *const fixed_settings[][2] = {
    { "connection_queue", "256" },        /* accepted, waiting for a thread */
    { "listen_backlog", "512" },          /* not yet accepted */
    { "request_timeout_ms", "10000" },    /* for the head, and between bytes */
    { "max_request_size", "16384" },      /* bytes of the head */
    { "enable_keep_alive", "no" },        /* see gate.c */
    { "decode_url", "no" },               /* paths are matched as they were sent */
    { "tcp_nodelay", "1" },               /* answers are written whole */
    { "enable_directory_listing", "no" }, /* never reached */
    { "access_control_allow_origin", "" },
    /* or an absolute target gets no answer; of "OPTIONS *" and of targets that name
     * another server civetweb tells us nothing either way */
    { "enable_auth_domain_check", "no" },
};

static int listen_on(struct ij_http *http, const struct ij_http_options *options,
                     struct imgjob_error *err)
{
    char address[64], threads[16], words[200] = "";
    (void)snprintf(address, sizeof(address), "%s:%" PRIu32, options->bind, options->port);
    (void)snprintf(threads, sizeof(threads), "%" PRIu32, options->threads);
    const char *settings[2 * IJ_ARRAY_LEN(fixed_settings) + 5] = {
        "listening_ports",
        address,
        "num_threads",
        threads,
    };
    memcpy(settings + 4, fixed_settings, sizeof(fixed_settings)); /* NULL follows */
    const struct mg_callbacks callbacks = {
        .begin_request = on_request,
        .http_error = on_error,
        .log_message = on_log,
    };
    struct mg_init_data init = { &callbacks, http, settings };
    /* by name: its other members differ between 1.15 and 1.16 */
    struct mg_error_data error = { .text = words, .text_buffer_size = sizeof(words) };
    http->context = start_context(&init, &error);
    if (!http->context)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "listen on %s: %s; choose another port (0 = any free one)",
                       address, http->start_words[0] ? http->start_words : words);
    struct mg_server_port port;
    if (mg_get_server_ports(http->context, 1, &port) == 1)
        http->port = (uint16_t)port.port;
    return 0;
}

int ij_http_start(const struct ij_http_options *options, struct ij_http **out,
                  struct imgjob_error *err)
{
    struct ij_http *http = calloc(1, sizeof(*http));
    if (!http)
        return ij_fail_nomem(err, "starting the HTTP listener");
    http->callbacks = options->callbacks;
    http->log = options->log;
    (void)snprintf(http->bind, sizeof(http->bind), "%s", options->bind);
    (void)pthread_mutex_init(&http->lock, NULL); /* cannot fail without attributes */
    int rc = ij_cond_init(&http->changed, err);
    if (rc == 0) {
        (void)mg_init_library(0); /* no TLS: it is terminated in front */
        rc = listen_on(http, options, err);
    }
    if (rc < 0) {
        ij_http_stop(http);
        return rc;
    }
    *out = http;
    return 0;
}

uint32_t ij_http_port(const struct ij_http *http)
{
    return http->port;
}

static void *stop_context(void *data)
{
    struct ij_http *http = data;
    mg_stop(http->context); /* joins every thread */
    (void)pthread_mutex_lock(&http->lock);
    http->has_stopped = true;
    (void)pthread_cond_broadcast(&http->changed);
    (void)pthread_mutex_unlock(&http->lock);
    return NULL;
}

static void wait_for_requests(struct ij_http *http)
{
    int64_t until = ij_mono_ms(&ij_clock_system) + STOP_GRACE_MS;
    (void)pthread_mutex_lock(&http->lock);
    while (http->active > 0 && ij_cond_wait_until(&http->changed, &http->lock, until))
        continue;
    (void)pthread_mutex_unlock(&http->lock);
}

static void stop_knocking(struct ij_http *http)
{
    pthread_t stopper;
    if (ij_thread_start(&stopper, "http-stop", stop_context, http, NULL) < 0) {
        mg_stop(http->context);
        return;
    }
    (void)pthread_mutex_lock(&http->lock);
    while (!http->has_stopped) {
        (void)pthread_mutex_unlock(&http->lock);
        /* civetweb looks at its stop flag when a connection comes, else every 2 s */
        ij_socket_knock(http->bind, http->port);
        (void)pthread_mutex_lock(&http->lock);
        int64_t until = ij_mono_ms(&ij_clock_system) + KNOCK_MS;
        if (!http->has_stopped)
            (void)ij_cond_wait_until(&http->changed, &http->lock, until);
    }
    (void)pthread_mutex_unlock(&http->lock);
    (void)pthread_join(stopper, NULL);
}

void ij_http_stop(struct ij_http *http)
{
    if (!http)
        return;
    if (http->context) {
        wait_for_requests(http);
        stop_knocking(http);
    }
    (void)pthread_cond_destroy(&http->changed);
    (void)pthread_mutex_destroy(&http->lock);
    free(http);
}
