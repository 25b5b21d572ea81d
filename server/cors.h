/* Which pages of other origins may call this server from a browser (Fetch standard, "CORS
 * protocol"). Never with credentials: keys go into a header of the page's own. */
#pragma once

#include <stdbool.h>

#include "server/request.h"
#include "server/response.h"

/* Whether a list of origins is one: "*", or "https://example.org", with a comma between.
 * @return 0 or IMGJOB_E_INVALID */
int ij_cors_check(const char *origins, struct imgjob_error *err);

/* Say in the head of an answer whether the page that asked may read it. @return whether
 * it may; false without an origin or without a list */
bool ij_cors_answer(const char *origins, const struct ij_request *request,
                    struct ij_response *response);

/* Beside it, in the answer to OPTIONS: what the page that may read it may ask for. */
void ij_cors_preflight(const struct ij_request *request, struct ij_response *response);
