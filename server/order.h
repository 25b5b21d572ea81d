/* The small JSON bodies of calls that steer. */
#pragma once

#include "base/json.h"
#include "server/request.h"
#include "server/response.h"

enum { IJ_ORDER_MAX = 4096 /* bytes */ };

/* Read the body, which must be a JSON object. @param out the caller's, to end with
 * ij_json_free() @return false when it is refused: `response` then says why */
bool ij_order_read(struct ij_request *request, struct ij_json **out,
                   struct ij_response *response);

/* One member of an order, and where its value goes once it is there. */
struct ij_order_member {
    const char *name;
    enum ij_json_type type; /* INT or BOOL */
    int64_t min, max;       /* of an INT */
    int64_t *out;           /* untouched when the member is absent */
};

/* Take the members of an order; nothing but them may stand in it.
 * @return 0, or IMGJOB_E_INVALID, with nothing taken */
int ij_order_take(const struct ij_json *order, const struct ij_order_member *members,
                  size_t count, struct imgjob_error *err);
