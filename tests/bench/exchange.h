/* One HTTP/1.1 request and its answer over a connection of its own. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Owned by one thread; zeroed = empty, end with exchange_done(). Reused from one request
 * to the next, so that a client allocates only when an answer is the longest so far. */
struct exchange {
    char *bytes; /* the answer as it came, terminated */
    size_t cap;
    int status;
    const char *body; /* borrowed until the next exchange */
    size_t body_len;
};

/* Send `request` to 127.0.0.1:`port` and read the answer.
 * @return 0 whatever the status; −1 after a line on stderr when there was no answer */
int exchange_run(struct exchange *exchange, uint16_t port, const void *request,
                 size_t len);
void exchange_done(struct exchange *exchange);

/* The text of the JSON member `key` in the answer's body: good for the flat, known
 * answers of imgjobd, not for any JSON. `out` is "" when there is none. */
void exchange_member(const struct exchange *exchange, const char *key, char *out,
                     size_t size);
