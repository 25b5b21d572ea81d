/* One HTTP request as the gate let it through. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/job.h>

#include "base/error.h"

/* civetweb keeps 64 headers and drops the rest without a word, so fewer are allowed. */
enum { IJ_HEADERS_MAX = 60 };

/* What stands in a path for {id} and {name}; one more than an output's name may have, so
 * that a name that was cut is none. */
enum { IJ_PATH_PARAMETERS_MAX = 2, IJ_PATH_PARAMETER_SIZE = 66 };
enum { IJ_PATH_ID, IJ_PATH_NAME };

struct ij_header {
    const char *name;
    const char *value;
};

/* Owned by the thread that serves it. All strings are borrowed until it is answered. */
struct ij_request {
    const char *method;
    const char *path;   /* as sent: percent signs are not decoded */
    const char *query;  /* as sent, without the question mark; "" when there is none */
    const char *remote; /* the client's address */
    uint16_t remote_port;
    bool is_http10;
    struct ij_header headers[IJ_HEADERS_MAX];
    size_t header_count;

    bool is_understood;    /* it passed the gate */
    bool has_length;       /* Content-Length was given */
    bool expects_continue; /* the client sends its body only when told to */
    bool body_begun;
    uint64_t length;   /* bytes of body promised */
    uint64_t received; /* bytes of body read so far */

    char id[IMGJOB_ID_SIZE]; /* in the log and in X-Request-Id */
    const char *route;       /* the pattern that the path matched; NULL = none */
    char parameters[IJ_PATH_PARAMETERS_MAX][IJ_PATH_PARAMETER_SIZE]; /* cut */
    int64_t began_ms;                                                /* monotonic */
    struct ij_wire *wire;                                            /* of http.c alone */
};

/* The value of the first header of that name, in any case; NULL when there is none. */
const char *ij_request_header(const struct ij_request *request, const char *name);

/*
 * Refuse what civetweb's parser lets through and what could be read in two ways. Fills
 * `has_length`, `length` and `expects_continue` of `request`; `offered` is how many
 * headers came, which may be more than `request` holds.
 *
 * @return 0, or the HTTP status of the refusal, with its words in `err`
 */
int ij_gate_check(struct ij_request *request, size_t offered, struct imgjob_error *err);
