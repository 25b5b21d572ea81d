/* How a job looks in an answer; shared by all calls that answer with one. */
#pragma once

#include "server/app.h"

/* Answer with the view of a job; while it is live, with when to ask again. */
void ij_job_answer(struct ij_response *response, int status,
                   const struct imgjob_job *job);

/* Answer with what kept a job from being read; the original's words when there is none.
 */
void ij_job_answer_failure(const struct ij_app *app, struct ij_response *response,
                           const struct imgjob_error *err);

/* Add Location: a path of this server, absolute where public_url is set. */
void ij_job_locate(const struct ij_app *app, struct ij_response *response,
                   const char *id);
