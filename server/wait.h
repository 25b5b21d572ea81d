/* Waiting for a job inside a request: who may, and for how long. */
#pragma once

#include "server/app.h"

enum { IJ_WAIT_PREFER_MAX_S = 30 };

/* The wait=N among the preferences (RFC 7240 §4.3), cut to that; 0 when there is none. A
 * preference that cannot be read is none. */
int ij_wait_preferred_s(const struct ij_request *request);

/* The wait=N of the query, 0 without one. @return 0, or IMGJOB_E_INVALID */
int ij_wait_queried_s(const struct ij_request *request, int *out,
                      struct imgjob_error *err);

/* Take a place among the waiters. @return false when none is free; else end with
 * ij_wait_end() */
bool ij_wait_begin(struct ij_app *app);
void ij_wait_end(struct ij_app *app);

/* Answer that no place is free. */
void ij_wait_refuse(const struct ij_app *app, struct ij_response *response);

/*
 * Wait with a place taken. Also comes back, with the job as it is, when the client has
 * left or the server drains.
 *
 * @param out the caller's, to end with imgjob_job_free()
 * @return 0, or what imgjob_store_wait() returns
 */
int ij_wait_for_job(struct ij_app *app, const struct ij_request *request, const char *id,
                    int seconds, struct imgjob_job **out, struct imgjob_error *err);
