/* Owns the description of the API: a document made beforehand, into which the schema of a
 * spec, which the library alone knows, is put where it is asked for; and that schema. */
#include "server/app.h"

#include <string.h>

#include "server/problem.h"

extern const char ij_openapi_json[]; /* made by embed.py from openapi.json */

enum { DOCUMENT_MAX = 4 << 20 };

/* What stands in the place of the schema, and how its references are to be read there. */
static const char place[] = "\"@spec\"";
static const char inner[] = "\"#/$defs/", outer[] = "\"#/components/schemas/Spec/$defs/";

static void put_schema(struct ij_buf *out, const char *schema)
{
    const char *at;
    while ((at = strstr(schema, inner))) {
        ij_buf_add(out, schema, (size_t)(at - schema));
        ij_buf_add_str(out, outer);
        schema = at + strlen(inner);
    }
    ij_buf_add_str(out, schema);
}

/* @return to end with imgjob_text_free(); NULL: `response` then says why */
static char *read_schema(const struct ij_app *app, struct ij_response *response)
{
    struct imgjob_error err;
    char *schema = NULL;
    if (imgjob_spec_schema(&schema, &err) < 0)
        ij_problem_of_error(response, &app->log, &err);
    return schema;
}

void ij_handle_operations(struct ij_app *app, struct ij_request *request,
                          struct ij_response *response)
{
    (void)request;
    char *schema = read_schema(app, response);
    if (!schema)
        return;
    response->status = 200;
    response->content_type = "application/schema+json";
    ij_buf_add_str(&response->body, schema);
    imgjob_text_free(schema);
}

void ij_handle_openapi(struct ij_app *app, struct ij_request *request,
                       struct ij_response *response)
{
    (void)request;
    char *schema = read_schema(app, response);
    if (!schema)
        return;
    response->status = 200;
    response->content_type = "application/json";
    struct ij_buf *body = &response->body;
    body->max = DOCUMENT_MAX;
    const char *at = strstr(ij_openapi_json, place); /* a test holds it to be there */
    if (at) {
        ij_buf_add(body, ij_openapi_json, (size_t)(at - ij_openapi_json));
        put_schema(body, schema);
        ij_buf_add_str(body, at + strlen(place));
    }
    imgjob_text_free(schema);
}
