/* Owns the histograms of requests: one for each combination that was seen, made when it
 * is first seen and kept. */
#include "server/http_metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/metrics.h"

/* Far more than routes × methods × statuses there are; the rest would not be counted. */
enum { SERIES_MAX = 1024 };

static const char other[] = "other";

/* What was asked and how it was answered. The texts are constants. */
struct key {
    const char *route, *method;
    int status;
};

struct series {
    struct key key;
    struct ij_histogram seconds;
};

struct ij_http_metrics {
    pthread_mutex_t lock;
    /* guarded by lock; an entry stays where it is once it is there */
    struct series *series[SERIES_MAX];
    size_t count;
};

int ij_http_metrics_new(struct ij_http_metrics **out, struct imgjob_error *err)
{
    struct ij_http_metrics *metrics = calloc(1, sizeof(*metrics));
    if (!metrics)
        return ij_fail_nomem(err, "starting the metrics of requests");
    (void)pthread_mutex_init(&metrics->lock, NULL); /* cannot fail on Linux */
    *out = metrics;
    return 0;
}

void ij_http_metrics_free(struct ij_http_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->count; i++)
        free(metrics->series[i]);
    (void)pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

/* The same text for the same method always, so that keys are compared by address. */
static const char *known_method(const char *method)
{
    static const char *const known[] = {
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(known); i++)
        if (strcmp(known[i], method) == 0)
            return known[i];
    return other;
}

static struct series *series_of(struct ij_http_metrics *metrics, const struct key *key)
{
    struct series *found = NULL;
    (void)pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->count && !found; i++) {
        const struct key *at = &metrics->series[i]->key;
        if (at->route == key->route && at->method == key->method &&
            at->status == key->status)
            found = metrics->series[i];
    }
    if (!found && metrics->count < SERIES_MAX &&
        (found = calloc(1, sizeof(*found))) != NULL) {
        found->key = *key;
        metrics->series[metrics->count++] = found;
    }
    (void)pthread_mutex_unlock(&metrics->lock);
    return found;
}

void ij_http_metrics_count(struct ij_http_metrics *metrics,
                           const struct ij_request *request, int status, int64_t ms)
{
    const struct key key = { request->route ? request->route : other,
                             known_method(request->method), status };
    struct series *series = series_of(metrics, &key);
    if (series) /* no memory for one more: it is not counted */
        ij_observe_ms(&series->seconds, ms);
}

static void write_series(const struct series *series, struct ij_buf *out)
{
    static const char name[] = "imgjob_http_request_duration_seconds";
    char code[16];
    (void)snprintf(code, sizeof(code), "%d", series->key.status);
    IJ_AUTO(ij_buf_done) struct ij_buf labels = { 0 };
    ij_metric_label(&labels, "route", series->key.route);
    ij_metric_label(&labels, "method", series->key.method);
    ij_metric_label(&labels, "code", code);
    if (labels.failed)
        out->failed = true;
    else
        ij_metric_put_histogram(out, name, labels.data, &series->seconds);
}

void ij_http_metrics_write(struct ij_http_metrics *metrics, struct ij_buf *out)
{
    ij_metric_head(out, "imgjob_http_request_duration_seconds", "histogram",
                   "From the head of a request to the end of its answer.");
    (void)pthread_mutex_lock(&metrics->lock);
    size_t count = metrics->count;
    (void)pthread_mutex_unlock(&metrics->lock);
    for (size_t i = 0; i < count; i++)
        write_series(metrics->series[i], out);
}
