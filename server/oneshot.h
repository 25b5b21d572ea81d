/* Jobs that live as long as their request: submitted, waited for, answered, removed. */
#pragma once

#include "server/app.h"
#include "server/submit.h"

/* Owned; zeroed = none; end with ij_oneshot_done(), which removes the job. */
struct ij_oneshot {
    struct ij_app *app;
    char id[IMGJOB_ID_SIZE]; /* "" = there is no job */
    struct imgjob_job *job;  /* ended */
};

/*
 * Read a request's body, make a job of it and wait for its end: as long as the request
 * prefers, or 30 s.
 *
 * @param submission what is to be set before is; the body is read into it
 * @param settle     NULL, or called once the body is read
 * @param undone     the words for a job that has not ended by then: "the job was not
 * done"
 * @return false when there is no ended job: `response` then says why, and nothing is left
 * of it
 */
bool ij_oneshot_run(struct ij_app *app, struct ij_request *request,
                    struct ij_submission *submission,
                    void (*settle)(struct ij_submission *submission), const char *undone,
                    struct ij_response *response, struct ij_oneshot *out);

/* Answer for a job that ended without what was asked for. */
void ij_oneshot_refuse(const struct ij_oneshot *oneshot, const char *what,
                       struct ij_response *response);

void ij_oneshot_done(struct ij_oneshot *oneshot);
