/* Refusals and failures as problem+json (RFC 9457), with the original's `error` member.
 */
#pragma once

#include <stdbool.h>

#include "base/log.h"
#include "server/response.h"

/* The HTTP status of a code of the library. */
int ij_problem_status(int code);

/* Answer with a problem. `code` is one word for programs, the sentence is for people. */
void ij_problem(struct ij_response *response, int status, const char *code,
                const char *fmt, ...) IJ_PRINTF(4, 5);

/*
 * Answer with what the library said. A fault of ours or of the operator's is logged with
 * its cause, and the client is told no more than that it is ours.
 */
void ij_problem_of_error(struct ij_response *response, const struct ij_log *log,
                         const struct imgjob_error *err);

/*
 * Answer for a spec that is refused. The long form is 422, with `errors` that point to
 * the place; the simple form, as in the original, 400 and a sentence that begins with the
 * field.
 */
void ij_problem_of_spec(struct ij_response *response, bool is_long,
                        const struct imgjob_error *err);
