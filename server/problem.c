/*
 * Owns how a failure looks to a client: the one table from the library's codes to HTTP,
 * and the body. What only the operator can mend is never told in detail.
 */
#include "server/problem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"

/* Seconds after which a client that was turned away may try again. */
enum { RETRY_AFTER_S = 2, SENTENCE_SIZE = 400 };

int ij_problem_status(int code)
{
    switch (code) {
    case IMGJOB_OK:
        return 200;
    case IMGJOB_E_INVALID:
    case IMGJOB_E_SPEC:
        return 400;
    case IMGJOB_E_NOTFOUND:
        return 404;
    case IMGJOB_E_CONFLICT:
        return 409;
    case IMGJOB_E_LIMIT:
        return 413;
    case IMGJOB_E_IMAGE:
        return 415;
    case IMGJOB_E_BUSY:
    case IMGJOB_E_STORE:
    case IMGJOB_E_BLOB:
    case IMGJOB_E_NOMEM:
        return 503;
    case IMGJOB_E_TIMEOUT:
        return 504;
    case IMGJOB_E_FULL:
        return 507;
    default:
        return 500;
    }
}

static struct ij_json_out begin(struct ij_response *response, int status,
                                const char *code, const char *sentence)
{
    struct ij_json_out out = ij_response_json(response, status);
    response->content_type = "application/problem+json";
    ij_json_put_str(&out, "error", sentence);
    ij_json_put_str(&out, "type", "about:blank");
    ij_json_put_str(&out, "title", ij_status_title(status));
    ij_json_put_int(&out, "status", status);
    ij_json_put_str(&out, "detail", sentence);
    ij_json_put_str(&out, "code", code);
    ij_json_put_str(&out, "request_id", response->request_id);
    if (status == 503)
        ij_response_header(response, "Retry-After", "%d", RETRY_AFTER_S);
    return out;
}

void ij_problem(struct ij_response *response, int status, const char *code,
                const char *fmt, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(sentence, sizeof(sentence), fmt, args) < 0)
        sentence[0] = '\0';
    va_end(args);
    struct ij_json_out out = begin(response, status, code, sentence);
    ij_json_close(&out, '}');
}

/* Whose words stay inside: who sent the request can do nothing about it. */
static bool is_ours(int code)
{
    switch (code) {
    case IMGJOB_E_STORE:
    case IMGJOB_E_BLOB:
    case IMGJOB_E_NOMEM:
    case IMGJOB_E_CRASHED:
    case IMGJOB_E_ABI:
    case IMGJOB_E_INTERNAL:
        return true;
    default:
        return false;
    }
}

void ij_problem_of_error(struct ij_response *response, const struct ij_log *log,
                         const struct imgjob_error *err)
{
    int status = ij_problem_status(err->code);
    const char *code = imgjob_code_name(err->code);
    if (!is_ours(err->code)) {
        ij_problem(response, status, code, "%s", err->text);
        return;
    }
    ij_log(log, IMGJOB_LOG_ERROR, "http", NULL, "request %s: %s: %s",
           response->request_id, code, err->text);
    ij_problem(response, status, code, "%s: the log has the cause under request %s",
               status == 503 ? "the server cannot do this now"
                             : "the server made a mistake",
               response->request_id);
}

/* The library begins its words with a JSON pointer to the place. */
static void put_place(struct ij_json_out *out, const char *text)
{
    const char *colon = strstr(text, ": ");
    if (text[0] != '/' || !colon)
        return;
    char pointer[sizeof(((struct imgjob_error *)NULL)->text)];
    (void)snprintf(pointer, sizeof(pointer), "%.*s", (int)(colon - text), text);
    ij_json_open(out, "errors", '[');
    ij_json_open(out, NULL, '{');
    ij_json_put_str(out, "pointer", pointer);
    ij_json_put_str(out, "detail", colon + 2);
    ij_json_close(out, '}');
    ij_json_close(out, ']');
}

void ij_problem_of_spec(struct ij_response *response, bool is_long,
                        const struct imgjob_error *err)
{
    const char *code = imgjob_code_name(IMGJOB_E_SPEC);
    if (!is_long) {
        const char *sentence = err->text + (err->text[0] == '/');
        ij_problem(response, 400, code, "%s", sentence);
        return;
    }
    struct ij_json_out out = begin(response, 422, code, err->text);
    put_place(&out, err->text);
    ij_json_close(&out, '}');
}
