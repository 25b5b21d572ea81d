/* Owns the reading of orders: all of one is right, or nothing of it is done. */
#include "server/order.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/http.h"
#include "server/problem.h"

enum { DEPTH = 4 };

/* @return bytes read, or negative when the body is refused */
static long read_body(struct ij_request *request, char *out, struct ij_response *response)
{
    struct imgjob_error err;
    if (!request->has_length) {
        ij_problem(response, 411, "invalid", "a Content-Length is needed");
        return -1;
    }
    if (request->length > IJ_ORDER_MAX) {
        ij_problem(response, 413, "limit",
                   "the body has %" PRIu64 " bytes, more than the %d that are read here",
                   request->length, IJ_ORDER_MAX);
        return -1;
    }
    long len = ij_http_read(request, out, (size_t)request->length, &err);
    if (len < 0)
        ij_problem(response, 400, "invalid", "%s", err.text);
    return len;
}

bool ij_order_read(struct ij_request *request, struct ij_json **out,
                   struct ij_response *response)
{
    char body[IJ_ORDER_MAX];
    long len = read_body(request, body, response);
    if (len < 0)
        return false;
    struct ij_json *order = NULL;
    struct imgjob_error err;
    int rc = ij_json_parse(body, (size_t)len, DEPTH, &order, &err);
    if (rc == IMGJOB_E_NOMEM)
        ij_problem(response, 503, imgjob_code_name(rc), "the server is out of memory");
    else if (rc < 0)
        ij_problem(response, 400, "invalid", "body: %s", err.text);
    else if (ij_json_type(order) != IJ_JSON_OBJECT) {
        ij_problem(response, 400, "invalid", "body: must be an object, not %s",
                   ij_json_type_name(ij_json_type(order)));
        ij_json_free(order);
        rc = IMGJOB_E_INVALID;
    }
    if (rc == 0)
        *out = order;
    return rc == 0;
}

/* What the visits of the members share. */
struct check {
    const struct ij_order_member *members;
    size_t count;
    struct imgjob_error *err;
};

static int check_member(void *data, const char *key, const struct ij_json *value)
{
    const struct check *check = data;
    const struct ij_order_member *member = NULL;
    for (size_t i = 0; i < check->count && !member; i++)
        if (strcmp(check->members[i].name, key) == 0)
            member = &check->members[i];
    if (!member)
        return ij_fail(check->err, IMGJOB_E_INVALID, "%.60s: no such member", key);
    bool is_right = ij_json_type(value) == member->type;
    if (member->type == IJ_JSON_BOOL && !is_right)
        return ij_fail(check->err, IMGJOB_E_INVALID, "%s: must be true or false, not %s",
                       key, ij_json_type_name(ij_json_type(value)));
    int64_t number = ij_json_int(value);
    if (member->type == IJ_JSON_INT &&
        (!is_right || number < member->min || number > member->max))
        return ij_fail(check->err, IMGJOB_E_INVALID,
                       "%s: must be a whole number, %" PRId64 " to %" PRId64, key,
                       member->min, member->max);
    return 0;
}

int ij_order_take(const struct ij_json *order, const struct ij_order_member *members,
                  size_t count, struct imgjob_error *err)
{
    struct check check = { members, count, err };
    int rc = ij_json_each(order, check_member, &check);
    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct ij_json *value = ij_json_member(order, members[i].name);
        if (value)
            *members[i].out = members[i].type == IJ_JSON_BOOL ? ij_json_bool(value)
                                                              : ij_json_int(value);
    }
    return rc;
}
