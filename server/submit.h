/* From a request's body to a job, for every call that makes one. */
#pragma once

#include "server/app.h"
#include "server/body.h"

/* Read the body, whatever its form. @return false when it is refused: `response` then
 * says why */
bool ij_submit_read(struct ij_app *app, struct ij_request *request,
                    struct ij_submission *out, struct ij_response *response);

/* Make a job of what was read. @param id the job's
 * @return false when it is refused: `response` then says why */
bool ij_submit_make(struct ij_app *app, struct ij_submission *submission,
                    struct ij_response *response, char id[IMGJOB_ID_SIZE]);
