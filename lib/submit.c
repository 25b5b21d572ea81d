/*
 * Owns how a job is made of a draft, or several at once. The order is the promise: the
 * blobs are durable under their names before the rows that name them are committed, and
 * only then is anything acknowledged. What was answered with a job that is there already
 * leaves nothing of its draft; of a crash in between the collector clears up.
 */
#include "submit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/json.h"
#include "draft.h"

/* One job as it is made. */
struct making {
    struct ij_buf input, keys; /* documents of the row */
    char key[IJ_IDEMPOTENCY_KEY_MAX + 1];
};

/* A submit of `count` jobs as it is made; end with batch_done(). */
struct batch {
    struct imgjob_store *store;
    struct ij_submit_request request;
    size_t count;
    struct making *makings;
    struct ij_submit_item *items; /* what the fingerprint is made of */
    struct ij_submit *submits;
    struct ij_buf options;
};

static void batch_done(struct batch *batch)
{
    for (size_t i = 0; batch->makings && i < batch->count; i++) {
        ij_buf_done(&batch->makings[i].input);
        ij_buf_done(&batch->makings[i].keys);
    }
    ij_buf_done(&batch->options);
    free(batch->makings);
    free(batch->items);
    free(batch->submits);
}

/* ---- documents ---- */

static int describe_input(struct imgjob_draft *draft, uint32_t index,
                          struct ij_json_out *out, struct imgjob_error *err)
{
    struct ij_draft_input *input = &draft->inputs[index];
    int rc = ij_sha256_end(&input->sha, input->sha256, err);
    if (rc < 0)
        return rc;
    ij_json_put_str(out, "format", imgjob_format_name(input->format));
    ij_json_put_int(out, "bytes", (int64_t)input->len);
    ij_json_put_str(out, "sha256", input->sha256);
    return 0;
}

/* What is known of the inputs without decoding them, for the row: the image's, and of
 * those that there are beside it a list. */
static int describe_inputs(struct imgjob_draft *draft, uint32_t count, struct ij_buf *buf,
                           struct imgjob_error *err)
{
    struct ij_json_out out = { .buf = buf };
    ij_json_open(&out, NULL, '{');
    int rc = describe_input(draft, 0, &out, err);
    if (count > 1)
        ij_json_open(&out, "further", '[');
    for (uint32_t i = 1; i < count && rc == 0; i++) {
        ij_json_open(&out, NULL, '{');
        rc = describe_input(draft, i, &out, err);
        ij_json_close(&out, '}');
    }
    if (count > 1)
        ij_json_close(&out, ']');
    ij_json_close(&out, '}');
    return rc == 0 && buf->failed ? ij_fail_nomem(err, "describing an input") : rc;
}

static int list_keys(const struct imgjob_draft *draft, uint32_t count, struct ij_buf *buf,
                     struct imgjob_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        char key[IJ_BLOB_KEY_SIZE];
        ij_blob_input_key(&draft->id, i, key);
        ij_buf_printf(buf, "%s\n", key);
    }
    return buf->failed ? ij_fail_nomem(err, "listing the inputs of a job") : 0;
}

/* ---- blobs ---- */

/* Take published inputs back, the first `count`. */
static void withdraw(struct imgjob_draft *draft, uint32_t count)
{
    struct ij_blobs *place = draft->store->inputs;
    for (uint32_t i = 0; i < count; i++) {
        char key[IJ_BLOB_KEY_SIZE];
        ij_blob_input_key(&draft->id, i, key);
        (void)place->ops->remove(place, key, NULL); /* else swept */
    }
}

/* Make the inputs durable under their names, all or none. */
static int publish(struct imgjob_draft *draft, uint32_t count, struct imgjob_error *err)
{
    struct ij_blobs *place = draft->store->inputs;
    for (uint32_t i = 0; i < count; i++) {
        int rc = place->ops->draft_publish(&draft->inputs[i].blob, err);
        if (rc < 0) {
            withdraw(draft, i);
            return rc;
        }
    }
    return 0;
}

static void withdraw_item(const struct ij_submit_item *item)
{
    withdraw(item->draft, item->spec->inputs);
}

static int publish_all(const struct batch *batch, struct imgjob_error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct ij_submit_item *item = &batch->items[i];
        int rc = publish(item->draft, item->spec->inputs, err);
        if (rc < 0) {
            while (i-- > 0)
                withdraw_item(&batch->items[i]);
            return rc;
        }
    }
    return 0;
}

/* ---- rows ---- */

/* The key of each job of a list: the caller's for the first one, which the others follow
 * since a fingerprint stands for the whole list. No caller can give theirs. */
static int name_key(const struct batch *batch, size_t index,
                    char out[IJ_IDEMPOTENCY_KEY_MAX + 1], struct imgjob_error *err)
{
    const char *key = batch->request.options.idempotency_key;
    if (index == 0) {
        (void)snprintf(out, IJ_IDEMPOTENCY_KEY_MAX + 1, "%s", key);
        return 0;
    }
    unsigned char digest[IJ_SHA256_SIZE];
    int rc = ij_sha256_of(key, strlen(key), digest, err);
    if (rc < 0)
        return rc;
    int used = snprintf(out, IJ_IDEMPOTENCY_KEY_MAX + 1, "\001%zu:", index);
    for (size_t i = 0; i < sizeof(digest); i++)
        used += snprintf(out + used, 3, "%02x", digest[i]);
    return 0;
}

/* Who wants the job gone early wants its images gone by then. */
static uint64_t result_ttl_ms(const struct batch *batch)
{
    const struct imgjob_submit_options *options = &batch->request.options;
    bool is_short = options->job_ttl_ms > 0 &&
                    options->job_ttl_ms < batch->store->config.result_ttl_ms;
    return options->result_ttl_ms == 0 && is_short ? options->job_ttl_ms
                                                   : options->result_ttl_ms;
}

static int describe_item(struct batch *batch, size_t index, struct imgjob_error *err)
{
    struct making *making = &batch->makings[index];
    const struct ij_submit_item *item = &batch->items[index];
    const struct imgjob_submit_options *options = &batch->request.options;
    int rc = describe_inputs(item->draft, item->spec->inputs, &making->input, err);
    if (rc == 0)
        rc = list_keys(item->draft, item->spec->inputs, &making->keys, err);
    if (rc == 0 && options->idempotency_key)
        rc = name_key(batch, index, making->key, err);
    if (rc < 0)
        return rc;
    struct ij_submit *submit = &batch->submits[index];
    *submit = (struct ij_submit){
        .id = item->draft->id,
        .tenant = options->tenant,
        .queue = options->queue,
        .spec = item->spec->text,
        .input = making->input.data,
        .options = batch->options.data,
        .keys = making->keys.data,
        .bytes = item->draft->len,
        .has_prio = options->has_priority,
        .prio = options->priority,
        .max_attempts = options->max_attempts,
        .timeout_ms = options->timeout_ms,
        .run_at = options->run_at_ms,
        .delay_ms = options->delay_ms,
        .deadline = options->deadline_ms,
        .result_ttl_ms = result_ttl_ms(batch),
        .job_ttl_ms = options->job_ttl_ms,
        .batch = batch->request.batch,
        .tags = batch->request.tags,
        .tag_count = options->tag_count,
        .callback_url = options->callback_url,
        .idempotency_key = options->idempotency_key ? making->key : NULL,
        .has_dedup = options->dedup,
    };
    return options->dedup ? ij_submit_dedup(&batch->request, item, submit->dedup, err)
                          : 0;
}

static int describe_all(struct batch *batch, struct imgjob_error *err)
{
    int rc = ij_submit_document(&batch->request, &batch->options, err);
    for (size_t i = 0; i < batch->count && rc == 0; i++)
        rc = describe_item(batch, i, err);
    if (rc < 0 || !batch->request.options.idempotency_key)
        return rc;
    unsigned char digest[IJ_DIGEST_SIZE];
    rc = ij_submit_fingerprint(&batch->request, batch->items, batch->count, digest, err);
    for (size_t i = 0; i < batch->count; i++)
        memcpy(batch->submits[i].fingerprint, digest, sizeof(digest));
    return rc;
}

/*
 * Commit the rows of jobs whose inputs are there. When the store says that nothing
 * happened, they go at once; when it failed, the rows may be there all the same, and they
 * stay for the collector.
 */
static int commit(struct batch *batch, struct imgjob_error *err)
{
    int rc = publish_all(batch, err);
    if (rc < 0)
        return rc;
    struct ij_jobs *jobs = batch->store->jobs;
    rc = jobs->ops->submit(jobs, batch->submits, batch->count, err);
    if (rc == IMGJOB_E_STORE)
        return rc;
    for (size_t i = 0; i < batch->count; i++)
        if (rc < 0 || batch->submits[i].outcome != IJ_SUBMIT_NEW)
            withdraw_item(&batch->items[i]);
    return rc;
}

/* ---- before and after ---- */

/* What refuses a submit before anything is done. @return 0, or a code */
static int check_item(struct imgjob_store *store, const struct ij_submit_item *item,
                      struct imgjob_error *err)
{
    struct imgjob_draft *draft = item->draft;
    if (draft->store != store)
        return ij_fail(err, IMGJOB_E_INVALID, "draft %s: is another store's",
                       draft->id_text);
    int rc = ij_draft_check_whole(draft, err);
    if (rc == 0)
        rc = ij_spec_check_inputs(item->spec, draft->begun, err);
    for (uint32_t i = 0; i < item->spec->inputs && rc == 0; i++)
        rc = ij_draft_check_format(draft, i, err);
    return rc;
}

static int check_all(const struct batch *batch, struct imgjob_error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        int rc = check_item(batch->store, &batch->items[i], err);
        if (rc < 0)
            return rc;
        for (size_t k = 0; k < i; k++)
            if (batch->items[k].draft == batch->items[i].draft)
                return ij_fail(err, IMGJOB_E_INVALID, "drafts[%zu]: is drafts[%zu] again",
                               i, k);
    }
    return 0;
}

/* The result structs may be those of an older or newer caller: they are as far apart as
 * the first one says. */
static void *result_at(struct imgjob_submitted *out, size_t index)
{
    return (char *)out + index * out->size;
}

static int check_results(struct imgjob_submitted *out, size_t count,
                         struct imgjob_error *err)
{
    if (!out)
        return 0;
    int rc = ij_result_check(out, "imgjob_submitted", err);
    for (size_t i = 1; i < count && rc == 0; i++) {
        size_t size;
        memcpy(&size, result_at(out, i), sizeof(size));
        if (size != out->size)
            rc = ij_fail(err, IMGJOB_E_ABI,
                         "struct imgjob_submitted: out[%zu].size is %zu, out[0].size %zu",
                         i, size, out->size);
    }
    return rc;
}

static void log_answer(const struct batch *batch, size_t index)
{
    const struct ij_submit *submit = &batch->submits[index];
    const struct imgjob_draft *draft = batch->items[index].draft;
    const struct ij_log *log = &batch->store->config.log;
    const char *trace = batch->request.options.traceparent;
    char id[IMGJOB_ID_SIZE];
    ij_id_format(&submit->job, id);
    if (submit->outcome == IJ_SUBMIT_NEW)
        ij_log(log, IMGJOB_LOG_INFO, "store", id,
               "pending: %s, %" PRIu64 " bytes of input%s%s",
               imgjob_format_name(draft->inputs[0].format), draft->len,
               trace ? ", traceparent " : "", trace ? trace : "");
    else
        ij_log(log, IMGJOB_LOG_INFO, "store", id, "answers another submit: %s%s%s",
               submit->outcome == IJ_SUBMIT_REPLAYED ? "the same key" : "the same job",
               trace ? ", traceparent " : "", trace ? trace : "");
}

/* The jobs are there: tell which, and let the drafts go. */
static void acknowledge(struct batch *batch, struct imgjob_submitted *out)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct imgjob_submitted told = { .outcome = batch->submits[i].outcome };
        ij_id_format(&batch->submits[i].job, told.id);
        if (out) /* cannot fail: the sizes were looked at */
            (void)ij_result_write(result_at(out, i), &told, sizeof(told),
                                  "imgjob_submitted", NULL);
        log_answer(batch, i);
        imgjob_draft_discard(batch->items[i].draft); /* only the memory goes */
    }
}

static int allocate(struct batch *batch, struct imgjob_draft *const *drafts,
                    const struct imgjob_spec *const *specs, struct imgjob_error *err)
{
    batch->makings = calloc(batch->count, sizeof(*batch->makings));
    batch->items = calloc(batch->count, sizeof(*batch->items));
    batch->submits = calloc(batch->count, sizeof(*batch->submits));
    if (!batch->makings || !batch->items || !batch->submits)
        return ij_fail_nomem(err, "submitting a job");
    for (size_t i = 0; i < batch->count; i++) {
        if (!drafts[i] || !specs[i])
            return ij_fail(err, IMGJOB_E_INVALID, "%s[%zu]: must not be NULL",
                           drafts[i] ? "specs" : "drafts", i);
        batch->items[i] = (struct ij_submit_item){ drafts[i], specs[i] };
    }
    return 0;
}

int imgjob_store_submit_many(struct imgjob_store *store,
                             struct imgjob_draft *const *drafts,
                             const struct imgjob_spec *const *specs,
                             const struct imgjob_submit_options *options,
                             struct imgjob_submitted *out, size_t count,
                             struct imgjob_error *err)
{
    if (count < 1 || count > IMGJOB_SUBMIT_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "count: must be 1..%d, not %zu",
                       IMGJOB_SUBMIT_MAX, count);
    IJ_AUTO(batch_done) struct batch batch = { .store = store, .count = count };
    int rc = ij_submit_request_read(options, &batch.request, err);
    if (rc == 0)
        rc = check_results(out, count, err);
    if (rc == 0)
        rc = allocate(&batch, drafts, specs, err);
    if (rc == 0)
        rc = check_all(&batch, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        drafts[i]->is_spent = true;
    rc = describe_all(&batch, err);
    if (rc == 0)
        rc = commit(&batch, err);
    if (rc == 0)
        acknowledge(&batch, out);
    return rc;
}

int imgjob_store_submit(struct imgjob_store *store, struct imgjob_draft *draft,
                        const struct imgjob_spec *spec,
                        const struct imgjob_submit_options *options,
                        struct imgjob_submitted *out, struct imgjob_error *err)
{
    return imgjob_store_submit_many(store, &draft, &spec, options, out, 1, err);
}
