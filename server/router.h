/* Which handler answers which method and path. */
#pragma once

#include "server/app.h"

struct ij_route {
    const char *method;
    const char *path; /* "{id}" and "{name}", in this order, stand for one segment each
                       * that is not empty */
    ij_handler_fn *handle;
};

/* The server's own routes. */
extern const struct ij_route ij_routes[];
extern const size_t ij_route_count;

enum ij_routing { IJ_ROUTE_FOUND, IJ_ROUTE_NO_PATH, IJ_ROUTE_NO_METHOD };

struct ij_match {
    const struct ij_route *route; /* of IJ_ROUTE_FOUND */
    /* what stood for {id} and {name}, cut; "" if nothing */
    char parameters[IJ_PATH_PARAMETERS_MAX][IJ_PATH_PARAMETER_SIZE];
    char allow[64]; /* of IJ_ROUTE_NO_METHOD: "GET, HEAD" */
};

/* Where GET is served, so is HEAD. */
enum ij_routing ij_router_find(const struct ij_route *routes, size_t count,
                               const char *method, const char *path,
                               struct ij_match *out);

/* Let the right handler answer, or answer 404 or 405. */
void ij_router_serve(struct ij_app *app, struct ij_request *request,
                     struct ij_response *response);
