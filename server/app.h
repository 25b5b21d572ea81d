/* What every handler works with: the server's objects, made by main.c. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <imgjob/imgjob.h>

#include "base/log.h"
#include "server/config.h"
#include "server/request.h"
#include "server/response.h"

/* Shared by all threads; all but the atomics is constant while the server listens. */
struct ij_app {
    const struct ij_config *config;
    struct imgjob_store *store;
    struct imgjob_pool *pool;
    struct ij_log log;
    uint32_t max_waiters; /* requests that may wait for a job at the same time */
    atomic_uint waiters;  /* that do */
    atomic_bool draining; /* no new jobs: the server is about to end */
};

/* A handler fills `response`; it never sends anything itself. */
typedef void (*ij_handler)(struct ij_app *app, struct ij_request *request,
                           struct ij_response *response);

/* handle_jobs.c */
void ij_handle_submit(struct ij_app *app, struct ij_request *request,
                      struct ij_response *response);
void ij_handle_job(struct ij_app *app, struct ij_request *request,
                   struct ij_response *response);
void ij_handle_download(struct ij_app *app, struct ij_request *request,
                        struct ij_response *response);

/* handle_info.c */
void ij_handle_info(struct ij_app *app, struct ij_request *request,
                    struct ij_response *response);

/* handle_health.c */
void ij_handle_index(struct ij_app *app, struct ij_request *request,
                     struct ij_response *response);
void ij_handle_health(struct ij_app *app, struct ij_request *request,
                      struct ij_response *response);
void ij_handle_live(struct ij_app *app, struct ij_request *request,
                    struct ij_response *response);
void ij_handle_operations(struct ij_app *app, struct ij_request *request,
                          struct ij_response *response);
void ij_handle_ready(struct ij_app *app, struct ij_request *request,
                     struct ij_response *response);
