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

/* The same until the job differs from what imgjob_job_version() said. */
int ij_wait_for_change(struct ij_app *app, const struct ij_request *request,
                       const char *id, const char *version, int seconds,
                       struct imgjob_job **out, struct imgjob_error *err);

/* How long a wait in the library may last before the client and the server are looked at:
 * a client that left keeps no place, and a server that drains is not kept. */
enum { IJ_WAIT_SLICE_MS = 1000 };

/* Whether a request that waits may go on with it. */
bool ij_wait_is_wanted(struct ij_app *app, const struct ij_request *request);
