/* Owns the table of routes and the matching of paths, byte by byte as they were sent. */
#include "server/router.h"

#include <stdio.h>
#include <string.h>

#include "server/cors.h"
#include "server/problem.h"

const struct ij_route ij_routes[] = {
    { "GET", "/", ij_handle_index },
    { "POST", "/jobs", ij_handle_submit },
    { "GET", "/jobs", ij_handle_jobs },
    { "GET", "/jobs/{id}", ij_handle_job },
    { "DELETE", "/jobs/{id}", ij_handle_delete_job },
    { "POST", "/jobs/{id}/retry", ij_handle_retry_job },
    { "GET", "/jobs/{id}/events", ij_handle_job_events },
    { "GET", "/jobs/{id}/download", ij_handle_download },
    { "GET", "/jobs/{id}/download/{name}", ij_handle_download },
    { "POST", "/process", ij_handle_process },
    { "POST", "/info", ij_handle_info },
    { "POST", "/batches", ij_handle_submit_batch },
    { "GET", "/batches/{id}", ij_handle_batch },
    { "DELETE", "/batches/{id}", ij_handle_cancel_batch },
    { "GET", "/events", ij_handle_events },
    { "GET", "/deliveries", ij_handle_deliveries },
    { "POST", "/deliveries/{id}/replay", ij_handle_replay_delivery },
    { "GET", "/pool", ij_handle_pool },
    { "PUT", "/pool", ij_handle_set_pool },
    { "GET", "/queues", ij_handle_queues },
    { "PUT", "/queues/{id}", ij_handle_set_queue },
    { "POST", "/queues/{id}/pause", ij_handle_pause_queue },
    { "POST", "/queues/{id}/resume", ij_handle_resume_queue },
    { "GET", "/stats", ij_handle_stats },
    { "GET", "/metrics", ij_handle_metrics },
    { "GET", "/operations", ij_handle_operations },
    { "GET", "/openapi.json", ij_handle_openapi },
    { "GET", "/health", ij_handle_health },
    { "GET", "/health/live", ij_handle_live },
    { "GET", "/health/ready", ij_handle_ready },
};
const size_t ij_route_count = sizeof(ij_routes) / sizeof(ij_routes[0]);

static bool path_matches(const char *pattern, const char *path, struct ij_match *out)
{
    size_t count = 0;
    memset(out->parameters, 0, sizeof(out->parameters));
    while (*pattern && *path) {
        if (*pattern == '{') {
            size_t len = strcspn(path, "/");
            if (len == 0 || count == IJ_PATH_PARAMETERS_MAX)
                return false;
            (void)snprintf(
                out->parameters[count++], IJ_PATH_PARAMETER_SIZE, "%.*s",
                len < IJ_PATH_PARAMETER_SIZE ? (int)len : IJ_PATH_PARAMETER_SIZE, path);
            path += len;
            pattern = strchr(pattern, '}') + 1;
        } else if (*pattern++ != *path++)
            return false;
    }
    return *pattern == *path;
}

static void allow(struct ij_match *out, const char *method)
{
    size_t used = strlen(out->allow);
    (void)snprintf(out->allow + used, sizeof(out->allow) - used, "%s%s%s",
                   used > 0 ? ", " : "", method,
                   strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

enum ij_routing ij_router_find(const struct ij_route *routes, size_t count,
                               const char *method, const char *path, struct ij_match *out)
{
    *out = (struct ij_match){ 0 };
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < count; i++) {
        if (!path_matches(routes[i].path, path, out))
            continue;
        if (strcmp(routes[i].method, wanted) == 0) {
            out->route = &routes[i];
            return IJ_ROUTE_FOUND;
        }
        allow(out, routes[i].method);
    }
    return out->allow[0] ? IJ_ROUTE_NO_METHOD : IJ_ROUTE_NO_PATH;
}

/* Every path answers to OPTIONS, with or without a page of another origin behind it. */
static void answer_no_method(const struct ij_request *request,
                             const struct ij_match *match, bool may_read,
                             struct ij_response *response)
{
    ij_response_header(response, "Allow", "%s", match->allow);
    if (strcmp(request->method, "OPTIONS") == 0) {
        ij_response_empty(response, 204);
        if (may_read)
            ij_cors_preflight(request, response);
        return;
    }
    ij_problem(response, 405, "method_not_allowed", "%s is not allowed here; allowed: %s",
               request->method, match->allow);
}

void ij_router_serve(struct ij_app *app, struct ij_request *request,
                     struct ij_response *response)
{
    struct ij_match match;
    enum ij_routing routing =
        ij_router_find(ij_routes, ij_route_count, request->method, request->path, &match);
    bool may_read = ij_cors_answer(app->config->cors_origins, request, response);
    switch (routing) {
    case IJ_ROUTE_FOUND:
        memcpy(request->parameters, match.parameters, sizeof(request->parameters));
        request->route = match.route->path;
        match.route->handle(app, request, response);
        break;
    case IJ_ROUTE_NO_METHOD:
        answer_no_method(request, &match, may_read, response);
        break;
    case IJ_ROUTE_NO_PATH:
        ij_problem(response, 404, "not_found", "no such path; GET / lists them");
        break;
    }
}
