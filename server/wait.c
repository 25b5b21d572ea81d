/* Owns how long a request waits, and the places of those that do. Waiters hold threads;
 * some must be left for everyone else. */
#include "server/wait.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "server/http.h"
#include "server/problem.h"
#include "server/query.h"

enum { QUERY_MAX_S = 60 };

/* Seconds written in `text`; -1 when it is no whole number. Large ones are cut. */
static int seconds_of(const char *text, size_t len)
{
    int seconds = 0;
    if (len == 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        if (seconds < 100000)
            seconds = seconds * 10 + (text[i] - '0');
    }
    return seconds;
}

/* The wait=N in the value of one header; -1 when there is none that can be read. */
static int wait_among(const char *at)
{
    while (*at) {
        at += strspn(at, " \t,;");
        size_t len = strcspn(at, " \t,;");
        if (len > 5 && strncasecmp(at, "wait=", 5) == 0)
            return seconds_of(at + 5, len - 5);
        at += len;
    }
    return -1;
}

int ij_wait_preferred_s(const struct ij_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "Prefer") != 0)
            continue;
        int seconds = wait_among(request->headers[i].value);
        if (seconds >= 0) /* the first one counts (RFC 7240 §2) */
            return seconds < IJ_WAIT_PREFER_MAX_S ? seconds : IJ_WAIT_PREFER_MAX_S;
    }
    return 0;
}

int ij_wait_queried_s(const struct ij_request *request, int *out,
                      struct imgjob_error *err)
{
    const char *at = request->query;
    struct ij_query_pair pair;
    int rc;
    *out = 0;
    while ((rc = ij_query_next(&at, &pair, err)) == 0) {
        if (strcmp(pair.name, "wait") != 0)
            continue;
        *out = seconds_of(pair.value, strlen(pair.value));
        if (*out < 0 || *out > QUERY_MAX_S)
            return ij_fail(err, IMGJOB_E_INVALID,
                           "wait: must be a whole number of seconds, 0 to %d",
                           QUERY_MAX_S);
    }
    return rc < 0 ? rc : 0;
}

bool ij_wait_begin(struct ij_app *app)
{
    if (atomic_fetch_add(&app->waiters, 1) < app->max_waiters)
        return true;
    (void)atomic_fetch_sub(&app->waiters, 1);
    return false;
}

void ij_wait_end(struct ij_app *app)
{
    (void)atomic_fetch_sub(&app->waiters, 1);
}

void ij_wait_refuse(const struct ij_app *app, struct ij_response *response)
{
    ij_problem(response, 503, "busy", "%" PRIu32 " requests wait already: ask again",
               app->max_waiters);
}

bool ij_wait_is_wanted(struct ij_app *app, const struct ij_request *request)
{
    return !atomic_load(&app->draining) && !ij_http_is_gone(request);
}

/* @param version NULL = until the job ends */
static int wait_until(struct ij_app *app, const struct ij_request *request,
                      const char *id, const char *version, int64_t until,
                      struct imgjob_job **out, struct imgjob_error *err)
{
    for (;;) {
        int64_t left = until - ij_mono_ms(&ij_clock_system);
        uint32_t slice = left <= 0                 ? 0
                         : left < IJ_WAIT_SLICE_MS ? (uint32_t)left
                                                   : IJ_WAIT_SLICE_MS;
        int rc = version
                     ? imgjob_store_wait_change(app->store, id, version, slice, out, err)
                     : imgjob_store_wait(app->store, id, slice, out, err);
        if (rc < 0 || imgjob_job_is_ended(*out) || left <= slice ||
            (version && strcmp(imgjob_job_version(*out), version) != 0) ||
            !ij_wait_is_wanted(app, request))
            return rc;
        imgjob_job_free(*out);
        *out = NULL;
    }
}

static int64_t moment_after(int seconds)
{
    return ij_mono_ms(&ij_clock_system) + (int64_t)seconds * 1000;
}

int ij_wait_for_job(struct ij_app *app, const struct ij_request *request, const char *id,
                    int seconds, struct imgjob_job **out, struct imgjob_error *err)
{
    return wait_until(app, request, id, NULL, moment_after(seconds), out, err);
}

int ij_wait_for_change(struct ij_app *app, const struct ij_request *request,
                       const char *id, const char *version, int seconds,
                       struct imgjob_job **out, struct imgjob_error *err)
{
    return wait_until(app, request, id, version, moment_after(seconds), out, err);
}
