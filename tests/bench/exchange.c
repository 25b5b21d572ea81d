/*
 * The smallest client that measures honestly: one connection a request, as curl does it,
 * one write, and reading until the length that the head promised. It shares the machine
 * with what it measures, so it does nothing else.
 */
#include "exchange.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 << 20, ANSWER_FIRST = 64 << 10 };

static int reach(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        (void)close(fd); /* the failure to connect is the one to tell */
        return -1;
    }
    return fd;
}

/* A server may answer before it has read all of a body it refuses, so a send that breaks
 * off is told by what comes back, or by nothing coming back. */
static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return;
        data += sent;
        len -= (size_t)sent;
    }
}

static int make_room(struct exchange *exchange, size_t needed)
{
    if (needed <= exchange->cap)
        return 0;
    size_t cap = exchange->cap ? exchange->cap : ANSWER_FIRST;
    while (cap < needed)
        cap *= 2;
    if (cap > ANSWER_MAX)
        return -1;
    char *bytes = realloc(exchange->bytes, cap);
    if (!bytes)
        return -1;
    exchange->bytes = bytes;
    exchange->cap = cap;
    return 0;
}

/* How long the answer is in all; 0 = its head is not whole yet, or names no length. */
static size_t whole_length(const struct exchange *exchange)
{
    const char *end = strstr(exchange->bytes, "\r\n\r\n");
    if (!end)
        return 0;
    size_t head = (size_t)(end - exchange->bytes) + 4;
    for (const char *line = exchange->bytes; line < end;) {
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            return head + strtoul(line + 15, NULL, 10);
        line = strstr(line, "\r\n") + 2;
    }
    return 0;
}

/* @return bytes read in all, or −1 */
static ssize_t read_answer(struct exchange *exchange, int fd)
{
    size_t len = 0, whole = 0;
    while (whole == 0 || len < whole) {
        if (make_room(exchange, (whole ? whole : len + 4096) + 1) < 0)
            return -1;
        ssize_t got = recv(fd, exchange->bytes + len, exchange->cap - len - 1, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
        exchange->bytes[len] = '\0';
        if (whole == 0)
            whole = whole_length(exchange);
    }
    return whole == 0 || len == whole ? (ssize_t)len : -1;
}

int exchange_run(struct exchange *exchange, uint16_t port, const void *request,
                 size_t len)
{
    int fd = reach(port);
    if (fd < 0) {
        fprintf(stderr, "connect to port %u: %s\n", port, strerror(errno));
        return -1;
    }
    send_all(fd, request, len);
    ssize_t got = read_answer(exchange, fd);
    (void)close(fd); /* the answer is in hand, or its lack is told below */
    const char *body = got > 0 ? strstr(exchange->bytes, "\r\n\r\n") : NULL;
    if (!body || strncmp(exchange->bytes, "HTTP/1.1 ", 9) != 0) {
        fprintf(stderr, "no whole answer from port %u to %.60s: %s\n", port,
                (const char *)request, got < 0 ? strerror(errno) : "closed");
        return -1;
    }
    exchange->status = (int)strtol(exchange->bytes + 9, NULL, 10);
    exchange->body = body + 4;
    exchange->body_len = (size_t)got - (size_t)(exchange->body - exchange->bytes);
    return 0;
}

void exchange_done(struct exchange *exchange)
{
    free(exchange->bytes);
    *exchange = (struct exchange){ 0 };
}

void exchange_member(const struct exchange *exchange, const char *key, char *out,
                     size_t size)
{
    char quoted[64];
    out[0] = '\0';
    snprintf(quoted, sizeof(quoted), "\"%s\"", key);
    const char *at = strstr(exchange->body, quoted);
    if (!at)
        return;
    at += strlen(quoted);
    at += strspn(at, ": \t\r\n");
    if (*at != '"')
        return;
    size_t len = strcspn(at + 1, "\"");
    if (len >= size)
        return;
    memcpy(out, at + 1, len);
    out[len] = '\0';
}
