/*
 * Owns what is told while it happens: the events of one job, and of all of them. Each
 * stream holds a thread and a place among the waiters, and reads the store at the pace of
 * its client: nothing is collected for one that is slow. A client that is cut off comes
 * back with the id of the last event it had, and misses nothing.
 */
#include "server/app.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/auto.h"
#include "server/job.h"
#include "server/options.h"
#include "server/problem.h"
#include "server/query.h"
#include "server/sse.h"
#include "server/wait.h"

enum {
    JOB_DEPTH = 16,
    WRITE_LEN = 65536, /* bytes of events that are collected for one write */
    OUT_MAX = 8 << 20, /* and those with the one that goes beyond */
    ROUND_JOBS = 256,  /* looked at before the client and the server are */
    ROUND_MS = 250     /* a feed is read so often: many jobs a second, and many who follow
                          them, must not leave the store without time for new ones */
};

/* One stream. Owned by the thread that serves it. */
struct stream {
    struct ij_app *app;
    struct ij_buf out; /* to be told */
    int64_t spoke_ms;  /* when the client was last told anything */

    /* of one job */
    char id[IMGJOB_ID_SIZE];
    char version[IJ_SSE_ID_SIZE]; /* that the client has seen */

    /* of all */
    struct imgjob_feed *feed;
    bool is_lost; /* the client has been at a place that this store does not know */
    /* "" = any */
    char queue[IMGJOB_NAME_SIZE], tag[IMGJOB_NAME_SIZE], batch[IMGJOB_ID_SIZE];
};

static void stream_close(void *data)
{
    struct stream *stream = data;
    imgjob_feed_close(stream->feed);
    ij_buf_done(&stream->out);
    ij_wait_end(stream->app);
    free(stream);
}

/* Take a place and begin to answer. @return NULL when it is refused */
static struct stream *stream_open(struct ij_app *app, struct ij_response *response)
{
    if (atomic_load(&app->draining)) {
        ij_problem(response, 503, "draining", "the server is about to end");
        return NULL;
    }
    if (!ij_wait_begin(app)) {
        ij_wait_refuse(app, response);
        return NULL;
    }
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream) {
        ij_wait_end(app);
        ij_problem(response, 503, imgjob_code_name(IMGJOB_E_NOMEM), "out of memory");
        return NULL;
    }
    stream->app = app;
    stream->out.max = OUT_MAX;
    response->stream.close = stream_close;
    response->stream.data = stream;
    return stream;
}

static void stream_start(struct ij_response *response,
                         void (*run)(void *data, const struct ij_request *request))
{
    ij_sse_answer(response);
    response->stream.run = run;
}

static void tell(struct stream *stream, const char *id, const struct imgjob_job *job)
{
    ij_sse_event(&stream->out, "job", id, imgjob_job_json(job));
}

/* Send what is to be told. If that is nothing, say so now and then, or nobody knows that
 * the line is alive. @return false when the stream is over */
static bool speak(struct stream *stream, const struct ij_request *request, const char *id)
{
    int64_t now = ij_mono_ms(&ij_clock_system);
    if (stream->out.len == 0 && now - stream->spoke_ms >= IJ_SSE_PING_MS)
        ij_sse_ping(&stream->out, id);
    if (stream->out.len > 0)
        stream->spoke_ms = now;
    return ij_sse_send(request, &stream->out);
}

static void log_end(const struct stream *stream, const struct ij_request *request,
                    const struct imgjob_error *err)
{
    ij_log(&stream->app->log, IMGJOB_LOG_ERROR, "http", NULL,
           "request %s: the stream of events ends: %s", request->id, err->text);
}

/* ---- one job ---- */

/* Tell what is new about the job. @return whether there is more to come */
static bool follow_job(struct stream *stream, const struct ij_request *request,
                       const struct imgjob_job *job)
{
    const char *version = imgjob_job_version(job);
    bool is_new = strcmp(version, stream->version) != 0;
    if (is_new)
        tell(stream, version, job);
    (void)snprintf(stream->version, sizeof(stream->version), "%s", version);
    return speak(stream, request, version) && !(is_new && imgjob_job_is_ended(job));
}

static void run_job(void *data, const struct ij_request *request)
{
    struct stream *stream = data;
    ij_sse_begin(&stream->out, stream->version);
    bool goes_on = speak(stream, request, stream->version);
    while (goes_on && ij_wait_is_wanted(stream->app, request)) {
        IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
        struct imgjob_error err;
        int rc = imgjob_store_wait_change(stream->app->store, stream->id, stream->version,
                                          IJ_WAIT_SLICE_MS, &job, &err);
        if (rc < 0 && rc != IMGJOB_E_NOTFOUND) /* that one was removed meanwhile */
            log_end(stream, request, &err);
        goes_on = rc == 0 && follow_job(stream, request, job);
    }
}

void ij_handle_job_events(struct ij_app *app, struct ij_request *request,
                          struct ij_response *response)
{
    const char *id = request->parameters[IJ_PATH_ID];
    IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
    struct imgjob_error err;
    char last[IJ_SSE_ID_SIZE];
    if (ij_sse_last_id(request, last, &err) < 0) {
        ij_problem_of_error(response, &app->log, &err);
        return;
    }
    if (imgjob_store_get(app->store, id, &job, &err) < 0) {
        ij_job_answer_failure(app, response, &err);
        return;
    }
    if (imgjob_job_is_ended(job) && strcmp(last, imgjob_job_version(job)) == 0) {
        ij_response_empty(response, 204); /* that is how a client is told to stay away */
        return;
    }
    struct stream *stream = stream_open(app, response);
    if (!stream)
        return;
    (void)snprintf(stream->id, sizeof(stream->id), "%s", imgjob_job_id(job));
    (void)snprintf(stream->version, sizeof(stream->version), "%s", last);
    stream_start(response, run_job);
}

/* ---- all jobs ---- */

static bool has_tag(const struct ij_json *job, const char *tag)
{
    const struct ij_json *tags = ij_json_member(job, "tags");
    for (size_t i = 0; i < ij_json_count(tags); i++)
        if (strcmp(ij_json_string(ij_json_at(tags, i)), tag) == 0)
            return true;
    return false;
}

/* Whether a job is one that the client asked for. */
static bool is_meant(const struct stream *stream, const struct imgjob_job *job)
{
    if (stream->queue[0] && strcmp(stream->queue, imgjob_job_queue(job)) != 0)
        return false;
    if (!stream->tag[0] && !stream->batch[0])
        return true;
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    const char *text = imgjob_job_json(job);
    if (ij_json_parse(text, strlen(text), JOB_DEPTH, &root, NULL) < 0)
        return true; /* no memory: rather one too many than one missed */
    if (stream->tag[0] && !has_tag(root, stream->tag))
        return false;
    return !stream->batch[0] ||
           strcmp(ij_json_string(ij_json_member(root, "batch")), stream->batch) == 0;
}

/* A client that lost its place begins anew: it has to look at its jobs itself. */
static bool begin_feed(struct stream *stream, const struct ij_request *request)
{
    const char *place = imgjob_feed_position(stream->feed);
    ij_sse_begin(&stream->out, place);
    if (stream->is_lost)
        ij_sse_event(&stream->out, "reset", place, "{}");
    return speak(stream, request, place);
}

/* Wait for a job that changed, and collect it and those that are there by then.
 * @param out_count jobs that were looked at
 * @return 0 when there may be more at once, 1 when there are none now, or a code */
static int collect(struct stream *stream, uint32_t *out_count, struct imgjob_error *err)
{
    int rc = 0;
    *out_count = 0;
    while (rc == 0 && *out_count < ROUND_JOBS && stream->out.len < WRITE_LEN) {
        IJ_AUTO(ij_job_freep) struct imgjob_job *job = NULL;
        uint32_t timeout_ms = *out_count == 0 ? IJ_WAIT_SLICE_MS : 0;
        rc = imgjob_feed_next(stream->feed, timeout_ms, &job, err);
        if (job && is_meant(stream, job))
            tell(stream, imgjob_feed_position(stream->feed), job);
        *out_count += job != NULL;
    }
    return rc;
}

static void run_feed(void *data, const struct ij_request *request)
{
    struct stream *stream = data;
    bool goes_on = begin_feed(stream, request);
    while (goes_on && ij_wait_is_wanted(stream->app, request)) {
        struct imgjob_error err;
        uint32_t count;
        int rc = collect(stream, &count, &err);
        if (rc < 0) {
            log_end(stream, request, &err);
            return;
        }
        goes_on = speak(stream, request, imgjob_feed_position(stream->feed));
        if (rc == 1 && count > 0)
            (void)usleep(ROUND_MS * 1000); /* what happens meanwhile comes together */
    }
}

static int read_filter(struct stream *stream, const char *query, struct imgjob_error *err)
{
    const struct {
        const char *name;
        char *value;
        int (*check)(const char *field, const char *text, struct imgjob_error *err);
    } filters[] = {
        { "queue", stream->queue, ij_option_check_name },
        { "tag", stream->tag, ij_option_check_name },
        { "batch", stream->batch, ij_option_check_id },
    };
    struct ij_query_pair pair;
    int rc;
    while ((rc = ij_query_next(&query, &pair, err)) == 0) {
        size_t i = 0;
        while (i < IJ_ARRAY_LEN(filters) && strcmp(filters[i].name, pair.name) != 0)
            i++;
        if (strcmp(pair.name, "last_event_id") == 0)
            continue;
        if (i == IJ_ARRAY_LEN(filters))
            return ij_fail(err, IMGJOB_E_INVALID,
                           "%s: no such parameter; there are queue, tag, batch and "
                           "last_event_id",
                           pair.name);
        rc = filters[i].check(pair.name, pair.value, err);
        if (rc < 0)
            return rc;
        memcpy(filters[i].value, pair.value, strlen(pair.value) + 1); /* a name fits */
    }
    return rc < 0 ? rc : 0;
}

/* From where the client has been, else from now on. */
static int open_feed(struct stream *stream, const char *last, struct imgjob_error *err)
{
    struct imgjob_store *store = stream->app->store;
    int rc = imgjob_feed_open(store, NULL, last[0] ? last : NULL, &stream->feed, err);
    if (rc != IMGJOB_E_INVALID)
        return rc;
    stream->is_lost = true; /* of another store, or of this one before a backup */
    return imgjob_feed_open(store, NULL, NULL, &stream->feed, err);
}

void ij_handle_events(struct ij_app *app, struct ij_request *request,
                      struct ij_response *response)
{
    struct stream *stream = stream_open(app, response);
    if (!stream)
        return;
    struct imgjob_error err;
    char last[IJ_SSE_ID_SIZE];
    int rc = ij_sse_last_id(request, last, &err);
    if (rc == 0)
        rc = read_filter(stream, request->query, &err);
    if (rc == 0)
        rc = open_feed(stream, last, &err);
    if (rc < 0)
        ij_problem_of_error(response, &app->log, &err);
    else
        stream_start(response, run_feed);
}
