/* Owns what the options of a submit may be; their defaults are the job store's. */
#include "submit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

enum { ATTEMPTS_MAX = 20, TIMEOUT_MIN_MS = 10, TIMEOUT_MAX_MS = 3600000 };

/* the end of the year 9999, as far as RFC 3339 goes */
static const int64_t time_max_ms = 253402300799999;

static int check_flag(const char *field, uint32_t value, struct imgjob_error *err)
{
    if (value <= 1)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID, "%s: must be 0 or 1, not %u", field, value);
}

/* ---- numbers ---- */

static int check_numbers(const struct imgjob_submit_options *options,
                         struct imgjob_error *err)
{
    if (options->reserved != 0)
        return ij_fail(err, IMGJOB_E_ABI, "reserved: must be 0, not %u",
                       options->reserved);
    if (options->max_attempts > ATTEMPTS_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "max_attempts: must be 1..%d, not %u",
                       ATTEMPTS_MAX, options->max_attempts);
    if (options->priority > IJ_PRIO_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "priority: must be 0..%d, not %u",
                       IJ_PRIO_MAX, options->priority);
    if (options->priority && !options->has_priority)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "has_priority: must be 1 for a priority of %u to be meant",
                       options->priority);
    if (options->timeout_ms != 0 &&
        (options->timeout_ms < TIMEOUT_MIN_MS || options->timeout_ms > TIMEOUT_MAX_MS))
        return ij_fail(err, IMGJOB_E_INVALID, "timeout_ms: must be %d..%d, not %u",
                       TIMEOUT_MIN_MS, TIMEOUT_MAX_MS, options->timeout_ms);
    int rc = check_flag("has_priority", options->has_priority, err);
    return rc < 0 ? rc : check_flag("dedup", options->dedup, err);
}

/* ---- times ---- */

static int check_moment(const char *field, int64_t value, struct imgjob_error *err)
{
    if (value >= 0 && value <= time_max_ms)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID,
                   "%s: must be 0..%" PRId64 " (the year 9999), not %" PRId64, field,
                   time_max_ms, value);
}

static int check_length(const char *field, uint64_t value, struct imgjob_error *err)
{
    if (value <= IJ_TTL_MAX_DAYS * IJ_DAY_MS)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID,
                   "%s: must be at most %d days, not %" PRIu64 " ms", field,
                   IJ_TTL_MAX_DAYS, value);
}

static int check_times(const struct imgjob_submit_options *options,
                       struct imgjob_error *err)
{
    int rc = check_moment("run_at_ms", options->run_at_ms, err);
    if (rc == 0)
        rc = check_moment("deadline_ms", options->deadline_ms, err);
    if (rc == 0)
        rc = check_length("delay_ms", options->delay_ms, err);
    if (rc == 0)
        rc = check_length("result_ttl_ms", options->result_ttl_ms, err);
    if (rc == 0)
        rc = check_length("job_ttl_ms", options->job_ttl_ms, err);
    if (rc == 0 && options->run_at_ms && options->delay_ms)
        rc = ij_fail(err, IMGJOB_E_INVALID,
                     "run_at_ms, delay_ms: only one of them can be given");
    if (rc == 0 && options->job_ttl_ms && options->job_ttl_ms < options->result_ttl_ms)
        rc =
            ij_fail(err, IMGJOB_E_INVALID,
                    "job_ttl_ms: must be at least result_ttl_ms: the row knows where the "
                    "images are");
    return rc;
}

/* ---- texts ---- */

static int check_key(const char *key, struct imgjob_error *err)
{
    size_t len = strnlen(key, IJ_IDEMPOTENCY_KEY_MAX + 1);
    if (len == 0 || len > IJ_IDEMPOTENCY_KEY_MAX)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "idempotency_key: must have 1..%d characters",
                       IJ_IDEMPOTENCY_KEY_MAX);
    for (size_t i = 0; i < len; i++)
        if (key[i] < 0x20 || key[i] > 0x7e)
            return ij_fail(err, IMGJOB_E_INVALID,
                           "idempotency_key: byte %zu is no printable ASCII character",
                           i);
    return 0;
}

int ij_batch_id_read(const char *text, struct ij_id *out, struct imgjob_error *err)
{
    if (ij_id_of(text, out) && !ij_id_equal(out, &ij_id_none))
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID, "batch: '%.40s' is no UUID in lower case",
                   text);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_tags(struct ij_submit_request *request, struct imgjob_error *err)
{
    const struct imgjob_submit_options *options = &request->options;
    if (options->tag_count > IJ_TAGS_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "tag_count: must be 0..%d, not %zu",
                       IJ_TAGS_MAX, options->tag_count);
    if (options->tag_count > 0 && !options->tags)
        return ij_fail(err, IMGJOB_E_INVALID, "tags: must not be NULL");
    for (size_t i = 0; i < options->tag_count; i++) {
        if (!options->tags[i])
            return ij_fail(err, IMGJOB_E_INVALID, "tags[%zu]: must not be NULL", i);
        int rc = ij_name_check(options->tags[i], "tag", err);
        if (rc < 0)
            return rc;
        request->tags[i] = options->tags[i];
    }
    qsort(request->tags, options->tag_count, sizeof(request->tags[0]), compare_texts);
    for (size_t i = 1; i < options->tag_count; i++)
        if (strcmp(request->tags[i - 1], request->tags[i]) == 0)
            return ij_fail(err, IMGJOB_E_INVALID, "tags: '%s' stands there twice",
                           request->tags[i]);
    request->options.tags = request->tags;
    return 0;
}

static int read_texts(struct ij_submit_request *request, struct imgjob_error *err)
{
    const struct imgjob_submit_options *options = &request->options;
    int rc = options->tenant ? ij_name_check(options->tenant, "tenant", err) : 0;
    if (rc == 0 && options->queue)
        rc = ij_name_check(options->queue, "queue", err);
    if (rc == 0 && options->callback_url)
        rc = ij_callback_check(options->callback_url, err);
    if (rc == 0 && options->idempotency_key)
        rc = check_key(options->idempotency_key, err);
    if (rc == 0 && options->traceparent)
        rc = ij_traceparent_check(options->traceparent, err);
    if (rc == 0 && options->batch)
        rc = ij_batch_id_read(options->batch, &request->batch, err);
    return rc < 0 ? rc : read_tags(request, err);
}

int ij_submit_request_read(const struct imgjob_submit_options *options,
                           struct ij_submit_request *out, struct imgjob_error *err)
{
    *out = (struct ij_submit_request){ 0 };
    int rc = ij_options_read(&out->options, sizeof(out->options),
                             IJ_END_OF(struct imgjob_submit_options, has_priority),
                             options, "imgjob_submit_options", err);
    if (rc == 0)
        rc = check_numbers(&out->options, err);
    if (rc == 0)
        rc = check_times(&out->options, err);
    if (rc == 0)
        rc = read_texts(out, err);
    if (rc == 0 && out->options.dedup && out->options.callback_url)
        rc = ij_fail(err, IMGJOB_E_INVALID,
                     "dedup, callback_url: a job with a callback stands for no other; "
                     "only one of them can be given");
    return rc;
}

int ij_submit_document(const struct ij_submit_request *request, struct ij_buf *out,
                       struct imgjob_error *err)
{
    const struct imgjob_submit_options *options = &request->options;
    struct ij_json_out json = { .buf = out };
    ij_json_open(&json, NULL, '{');
    if (options->tag_count > 0) {
        ij_json_open(&json, "tags", '[');
        for (size_t i = 0; i < options->tag_count; i++)
            ij_json_put_str(&json, NULL, request->tags[i]);
        ij_json_close(&json, ']');
    }
    if (options->callback_url)
        ij_json_put_str(&json, "callback_url", options->callback_url);
    if (options->traceparent)
        ij_json_put_str(&json, "traceparent", options->traceparent);
    ij_json_close(&json, '}');
    return out->failed ? ij_fail_nomem(err, "writing the options of a job") : 0;
}
