/*
 * Owns what makes two submits the same: a digest over a JSON text, in which nothing can
 * be taken for something else. Images count by their digests, specs in their canonical
 * form, tags in the order of their bytes, defaults as what they stand for.
 */
#include "submit.h"

#include "base/auto.h"
#include "base/json.h"

enum { TEXT_MAX = 16 * 1024 * 1024 }; /* IMGJOB_SUBMIT_MAX specs, quoted */

static void put_item(struct ij_json_out *out, const struct ij_submit_item *item)
{
    ij_json_open(out, "inputs", '[');
    for (uint32_t i = 0; i < item->spec->inputs; i++)
        ij_json_put_str(out, NULL, item->draft->inputs[i].sha256);
    ij_json_close(out, ']');
    ij_json_put_str(out, "spec", item->spec->text);
}

/* What tells jobs from each other in a queue. */
static void put_place(struct ij_json_out *out, const struct ij_submit_request *request)
{
    const struct imgjob_submit_options *options = &request->options;
    ij_json_put_str(out, "tenant", options->tenant ? options->tenant : IJ_NAME_DEFAULT);
    ij_json_put_str(out, "queue", options->queue ? options->queue : IJ_NAME_DEFAULT);
    ij_json_put_int(out, "priority",
                    options->has_priority ? options->priority : IJ_PRIO_DEFAULT);
    ij_json_open(out, "tags", '[');
    for (size_t i = 0; i < options->tag_count; i++)
        ij_json_put_str(out, NULL, request->tags[i]);
    ij_json_close(out, ']');
}

static void put_rest(struct ij_json_out *out, const struct imgjob_submit_options *options)
{
    ij_json_put_int(out, "max_attempts",
                    options->max_attempts ? options->max_attempts : IJ_ATTEMPTS_DEFAULT);
    ij_json_put_int(out, "timeout_ms", options->timeout_ms);
    ij_json_put_int(out, "run_at_ms", options->run_at_ms);
    ij_json_put_int(out, "delay_ms", (int64_t)options->delay_ms);
    ij_json_put_int(out, "deadline_ms", options->deadline_ms);
    ij_json_put_int(out, "result_ttl_ms", (int64_t)options->result_ttl_ms);
    ij_json_put_int(out, "job_ttl_ms", (int64_t)options->job_ttl_ms);
    ij_json_put_str(out, "callback_url", options->callback_url);
    ij_json_put_bool(out, "dedup", options->dedup);
}

static int digest(struct ij_buf *text, unsigned char out[IJ_DIGEST_SIZE],
                  struct imgjob_error *err)
{
    _Static_assert((int)IJ_DIGEST_SIZE == (int)IJ_SHA256_SIZE, "a digest is a SHA-256");
    if (text->failed)
        return ij_fail_nomem(err, "making the fingerprint of a submit");
    return ij_sha256_of(text->data, text->len, out, err);
}

int ij_submit_fingerprint(const struct ij_submit_request *request,
                          const struct ij_submit_item *items, size_t count,
                          unsigned char out[IJ_DIGEST_SIZE], struct imgjob_error *err)
{
    IJ_AUTO(ij_buf_done) struct ij_buf text = { .max = TEXT_MAX };
    struct ij_json_out json = { .buf = &text };
    ij_json_open(&json, NULL, '{');
    put_place(&json, request);
    put_rest(&json, &request->options);
    /* which batch is new each time, that it is one is not */
    ij_json_put_bool(&json, "in_batch", request->options.batch != NULL);
    ij_json_open(&json, "jobs", '[');
    for (size_t i = 0; i < count; i++) {
        ij_json_open(&json, NULL, '{');
        put_item(&json, &items[i]);
        ij_json_close(&json, '}');
    }
    ij_json_close(&json, ']');
    ij_json_close(&json, '}');
    return digest(&text, out, err);
}

int ij_submit_dedup(const struct ij_submit_request *request,
                    const struct ij_submit_item *item, unsigned char out[IJ_DIGEST_SIZE],
                    struct imgjob_error *err)
{
    IJ_AUTO(ij_buf_done) struct ij_buf text = { .max = TEXT_MAX };
    struct ij_json_out json = { .buf = &text };
    ij_json_open(&json, NULL, '{');
    put_place(&json, request);
    put_item(&json, item);
    ij_json_close(&json, '}');
    return digest(&text, out, err);
}
