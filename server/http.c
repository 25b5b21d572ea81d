/*
 * Owns civetweb: its settings, its callbacks, and how an answer goes over the wire. Every
 * request is answered here, by the gate or by the handlers, on a connection that is
 * closed afterwards: civetweb's own file, CGI, form and keep-alive code is never reached.
 * What a request means is left to the callbacks.
 */
#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <civetweb.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/thread.h"
#include "server/problem.h"
#include "server/socket.h"

enum {
    PIECE = 65536,           /* bytes of a body that are sent or read at once */
    HEAD_MAX = 4096,         /* bytes of our own header lines */
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

/* ---- answering ---- */

static bool send_all(struct mg_connection *connection, const void *data, size_t len)
{
    return mg_write(connection, data, len) == (int)len;
}

static void compose_head(const struct ij_response *response, uint64_t length,
                         struct ij_buf *out)
{
    char date[64] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    ij_buf_printf(out,
                  "HTTP/1.1 %d %s\r\n"
                  "Date: %s\r\n"
                  "Connection: close\r\n"
                  "Content-Type: %s\r\n"
                  "Content-Length: %" PRIu64 "\r\n"
                  "X-Request-Id: %s\r\n"
                  "X-Content-Type-Options: nosniff\r\n",
                  response->status, ij_status_title(response->status), date,
                  response->content_type ? response->content_type : "text/plain", length,
                  response->request_id);
    ij_buf_add(out, response->head.data, response->head.len);
    ij_buf_add(out, "\r\n", 2);
}

/* The head already stands in `piece`; the first bytes of the image join it, since every
 * write is a packet. @return bytes of the body that were sent */
static uint64_t send_source(struct ij_http *http, struct mg_connection *connection,
                            const struct ij_response *response, struct ij_buf *head)
{
    const struct ij_body_source *source = &response->source;
    IJ_AUTO(ij_free) char *piece = malloc(PIECE);
    if (!piece)
        return 0;
    size_t used = head->len; /* below HEAD_MAX, far below PIECE */
    memcpy(piece, head->data, used);
    uint64_t offset = 0;
    while (offset < source->length) {
        struct imgjob_error err;
        size_t len = 0;
        int rc =
            source->read(source->data, offset, piece + used, PIECE - used, &len, &err);
        if (rc < 0 || len == 0) {
            ij_log(&http->log, IMGJOB_LOG_ERROR, "http", NULL,
                   "request %s: cut off after %" PRIu64 " of %" PRIu64 " bytes: %s",
                   response->request_id, offset, source->length,
                   rc < 0 ? err.text : "the image is shorter than it was");
            return offset;
        }
        if (!send_all(connection, piece, used + len))
            return offset;
        offset += len;
        used = 0;
    }
    return offset;
}

/* @return bytes of the body that were sent */
static uint64_t send_response(struct ij_http *http, const struct ij_request *request,
                              struct ij_response *response)
{
    struct mg_connection *connection = request->connection;
    bool streams = response->source.read != NULL;
    if (response->body.failed || response->head.failed) { /* out of memory */
        ij_buf_clear(&response->body);
        ij_buf_clear(&response->head);
        response->status = 500;
        streams = false;
    }
    if (!streams && response->body.len > 0)
        ij_buf_add(&response->body, "\n", 1); /* for people with a terminal */
    uint64_t length = streams ? response->source.length : response->body.len;
    bool has_body = strcmp(request->method, "HEAD") != 0 && length > 0;
    IJ_AUTO(ij_buf_done) struct ij_buf out = { .max = 4 << 20 };
    compose_head(response, length, &out);
    if (has_body && streams && out.len <= HEAD_MAX)
        return send_source(http, connection, response, &out);
    if (has_body && !streams)
        ij_buf_add(&out, response->body.data, response->body.len);
    if (out.failed || !send_all(connection, out.data, out.len))
        return 0;
    return has_body ? length : 0;
}

bool ij_http_is_gone(const struct ij_request *request)
{
    int fd = ij_socket_find(request->remote, request->remote_port);
    return fd >= 0 && ij_socket_is_closed(fd);
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
        int fd = ij_socket_find(request->remote, request->remote_port);
        if (fd >= 0)
            ij_socket_drain(fd, DRAIN_MS, DRAIN_MAX);
    }
    (void)atomic_fetch_sub(&http->drainers, 1);
}

static void answer(struct ij_http *http, struct ij_request *request,
                   struct ij_response *response)
{
    uint64_t bytes = send_response(http, request, response);
    http->callbacks.served(http->callbacks.data, request, response->status, bytes);
    /* of a request that was not understood nobody knows how much is to come */
    if (!request->is_understood || request->received < request->length)
        drain(http, request);
}

/* ---- requests ---- */

static void begin_request(struct ij_request *request, struct mg_connection *connection)
{
    request->connection = connection;
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
    struct ij_request request = { .has_length = false };
    begin_request(&request, connection);
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
    struct ij_request request = { .has_length = false };
    begin_request(&request, connection);
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

static bool tell_to_continue(struct ij_request *request)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    return send_all(request->connection, text, sizeof(text) - 1);
}

long ij_http_read(struct ij_request *request, void *buffer, size_t len,
                  struct imgjob_error *err)
{
    if (!request->body_begun && request->expects_continue && !tell_to_continue(request))
        return ij_fail(err, IMGJOB_E_INVALID, "the client went away");
    request->body_begun = true;
    uint64_t left = request->length - request->received;
    size_t wanted = left < len ? (size_t)left : len;
    if (wanted == 0)
        return 0;
    int got = mg_read(request->connection, buffer, wanted);
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

/* civetweb looks at its stop flag when a connection comes, else every two seconds. */
static void knock(const struct ij_http *http)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(http->port) };
    IJ_AUTO(ij_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && inet_pton(AF_INET, http->bind, &to.sin_addr) == 1)
        (void)connect(fd, (struct sockaddr *)&to,
                      sizeof(to)); /* refused once it is over */
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
        knock(http);
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
