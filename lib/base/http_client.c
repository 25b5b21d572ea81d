/*
 * Owns what we ask of libcurl. An answer counts once its header is there: what becomes of
 * the rest of it, which nobody looks at, changes nothing.
 */
#include "base/http_client.h"

#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/address.h"
#include "base/auto.h"
#include "base/clock.h"

struct ij_http_client {
    CURLM *multi;
    char *user_agent;
    uint32_t timeout_ms;
    bool allow_private;
    _Atomic bool is_woken;
    struct transfer *transfers; /* under way */
};

/* One request. */
struct transfer {
    struct ij_http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    void *data;
    int64_t began_ms; /* monotonic */
    size_t received;  /* bytes of its answer */
    bool is_answered; /* the header of its answer is whole */
    bool is_refused;  /* an address it led to was */
    char error[CURL_ERROR_SIZE];
    struct transfer *next, **link;
};

static CURLcode global_code;

static void init_curl(void)
{
    global_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int ij_http_open(const struct ij_http_options *options, struct ij_http_client **out,
                 struct imgjob_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, init_curl); /* fails for a bad `once` only */
    if (global_code != CURLE_OK)
        return ij_fail(err, IMGJOB_E_INTERNAL, "start libcurl: %s",
                       curl_easy_strerror(global_code));
    struct ij_http_client *client = calloc(1, sizeof(*client));
    if (!client)
        return ij_fail_nomem(err, "making an HTTP client");
    client->timeout_ms = options->timeout_ms;
    client->allow_private = options->allow_private;
    client->user_agent = strdup(options->user_agent);
    client->multi = curl_multi_init();
    if (!client->user_agent || !client->multi) {
        ij_http_close(client);
        return ij_fail_nomem(err, "making an HTTP client");
    }
    *out = client;
    return 0;
}

static void transfer_free(struct transfer *transfer)
{
    if (transfer->link) {
        *transfer->link = transfer->next;
        if (transfer->next)
            transfer->next->link = transfer->link;
        (void)curl_multi_remove_handle(transfer->client->multi, transfer->easy);
    }
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    free(transfer);
}

/* For IJ_AUTO. */
static void transfer_freep(struct transfer **transfer)
{
    if (*transfer)
        transfer_free(*transfer);
}

void ij_http_close(struct ij_http_client *client)
{
    if (!client)
        return;
    while (client->transfers)
        transfer_free(client->transfers);
    if (client->multi)
        (void)curl_multi_cleanup(client->multi); /* nothing is left in it */
    free(client->user_agent);
    free(client);
}

/* ---- what libcurl asks of us ---- */

static bool is_web_port(const struct sockaddr *address)
{
    enum { HTTP_PORT = 80, HTTPS_PORT = 443 };
    struct sockaddr_in in; /* the port is at the same place in sockaddr_in6 */
    memcpy(&in, address, sizeof(in));
    in_port_t port = ntohs(in.sin_port);
    return port == HTTP_PORT || port == HTTPS_PORT;
}

/* The one place that every connection passes, with the address it really goes to. */
static curl_socket_t open_socket(void *data, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    (void)purpose; /* there is only one that clients have */
    struct transfer *transfer = data;
    if (!transfer->client->allow_private &&
        (!ij_address_is_public(&address->addr) || !is_web_port(&address->addr))) {
        transfer->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Whether an answer may grow by that much; libcurl ends it when we take less. */
static size_t take(struct transfer *transfer, size_t len)
{
    if (len > IJ_HTTP_ANSWER_MAX - transfer->received)
        return 0;
    transfer->received += len;
    return len;
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    size_t len = size * count;
    bool is_end = len <= 2 && (line[0] == '\r' || line[0] == '\n');
    long status = 0;
    if (is_end &&
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
        status >= 200) /* below, another header follows */
        transfer->is_answered = true;
    return take(transfer, len);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    (void)bytes;
    return take(data, size * count);
}

/* ---- requests ---- */

static bool add_header(struct transfer *transfer, const char *line)
{
    struct curl_slist *more = curl_slist_append(transfer->headers, line);
    if (more)
        transfer->headers = more;
    return more != NULL;
}

/* Every option is needed: one that this libcurl does not know is a failure. */
static CURLcode set_options(struct transfer *transfer,
                            const struct ij_http_request *request)
{
    const struct ij_http_client *client = transfer->client;
    long timeout = (long)client->timeout_ms;
    long connect = timeout < IJ_HTTP_CONNECT_MS ? timeout : IJ_HTTP_CONNECT_MS;
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;
#define SET(option, value) \
    (code = code == CURLE_OK ? curl_easy_setopt(easy, (option), (value)) : code)
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, ""); /* nor one that the environment names */
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->len);
    SET(CURLOPT_POSTFIELDS, request->body);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    SET(CURLOPT_USERAGENT, client->user_agent);
    SET(CURLOPT_NOSIGNAL, 1L);
    /* a name that takes long to resolve must not hold up all the others: its thread ends
     * by itself */
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_TIMEOUT_MS, timeout);
    SET(CURLOPT_CONNECTTIMEOUT_MS, connect);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->error);
    SET(CURLOPT_PRIVATE, transfer);
#undef SET
    return code;
}

int ij_http_start(struct ij_http_client *client, const struct ij_http_request *request,
                  struct imgjob_error *err)
{
    IJ_AUTO(transfer_freep) struct transfer *transfer = calloc(1, sizeof(*transfer));
    if (!transfer)
        return ij_fail_nomem(err, "making an HTTP request");
    transfer->client = client;
    transfer->data = request->data;
    transfer->easy = curl_easy_init();
    bool has_room = transfer->easy && add_header(transfer, "Expect:"); /* never waits */
    for (size_t i = 0; has_room && i < request->header_count; i++)
        has_room = add_header(transfer, request->headers[i]);
    if (!has_room)
        return ij_fail_nomem(err, "making an HTTP request");
    CURLcode code = set_options(transfer, request);
    if (code != CURLE_OK)
        return ij_fail(err, IMGJOB_E_INTERNAL, "make an HTTP request: %s",
                       curl_easy_strerror(code));
    transfer->began_ms = ij_mono_ms(&ij_clock_system);
    CURLMcode added = curl_multi_add_handle(client->multi, transfer->easy);
    if (added != CURLM_OK)
        return ij_fail(err, IMGJOB_E_INTERNAL, "start an HTTP request: %s",
                       curl_multi_strerror(added));
    transfer->next = client->transfers;
    transfer->link = &client->transfers;
    if (transfer->next)
        transfer->next->link = &transfer->next;
    client->transfers = ij_steal(&transfer);
    return 0;
}

/* Why there was no answer. */
static void explain(const struct transfer *transfer, CURLcode code,
                    char out[IJ_HTTP_ERROR_SIZE])
{
    if (transfer->is_refused && code == CURLE_COULDNT_CONNECT)
        (void)snprintf(out, IJ_HTTP_ERROR_SIZE,
                       "the URL leads to an address that is not public, or to a port "
                       "other than 80 and 443");
    else
        (void)snprintf(out, IJ_HTTP_ERROR_SIZE, "%.*s", IJ_HTTP_ERROR_SIZE - 1,
                       transfer->error[0] ? transfer->error : curl_easy_strerror(code));
}

static struct ij_http_answer answer_of(const struct transfer *transfer, CURLcode code)
{
    struct ij_http_answer answer = {
        .data = transfer->data,
        .duration_ms = ij_mono_ms(&ij_clock_system) - transfer->began_ms,
    };
    long status = 0;
    curl_off_t seconds = 0;
    if (transfer->is_answered &&
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        answer.status = (int)status;
    if (answer.status == 0)
        explain(transfer, code, answer.error);
    else if (curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds) ==
                 CURLE_OK &&
             seconds > 0)
        answer.retry_after_ms = seconds < INT32_MAX ? seconds * 1000 : INT64_MAX;
    return answer;
}

bool ij_http_next(struct ij_http_client *client, struct ij_http_answer *out)
{
    int left = 0;
    CURLMsg *message = curl_multi_info_read(client->multi, &left);
    struct transfer *transfer = NULL;
    if (!message || message->msg != CURLMSG_DONE ||
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) != CURLE_OK)
        return false;
    *out = answer_of(transfer, message->data.result);
    transfer_free(transfer);
    return true;
}

int ij_http_run(struct ij_http_client *client, int64_t mono_ms, struct imgjob_error *err)
{
    int count = 0; /* under way */
    for (struct transfer *at = client->transfers; at; at = at->next)
        count++;
    for (;;) {
        int running = 0;
        CURLMcode code = curl_multi_perform(client->multi, &running);
        int64_t left = mono_ms - ij_mono_ms(&ij_clock_system);
        if (code == CURLM_OK &&
            (running < count || left <= 0 || atomic_exchange(&client->is_woken, false)))
            return 0;
        if (code == CURLM_OK)
            code = curl_multi_poll(client->multi, NULL, 0,
                                   left < INT_MAX ? (int)left : INT_MAX, NULL);
        if (code != CURLM_OK)
            return ij_fail(
                err, code == CURLM_OUT_OF_MEMORY ? IMGJOB_E_NOMEM : IMGJOB_E_INTERNAL,
                "run HTTP requests: %s", curl_multi_strerror(code));
    }
}

void ij_http_wake(struct ij_http_client *client)
{
    atomic_store(&client->is_woken, true);
    (void)curl_multi_wakeup(client->multi); /* fails only when it has been woken anyway */
}
