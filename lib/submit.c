/*
 * Owns the way in: inputs arrive as a draft, and submit makes a job of them. The order is
 * the promise: the blobs are durable under their names before the row that names them is
 * committed, and only then is the job acknowledged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/io.h"
#include "base/json.h"
#include "jobs/submit.h"
#include "spec/spec.h"
#include "store.h"

#define SPENT \
    "draft %s: a select, write or submit of it has failed; only discard is allowed"

static void draft_link(struct imgjob_draft *draft)
{
    struct imgjob_store *store = draft->store;
    (void)pthread_mutex_lock(&store->drafts_lock);
    draft->next = store->drafts;
    draft->link = &store->drafts;
    if (draft->next)
        draft->next->link = &draft->next;
    store->drafts = draft;
    (void)pthread_mutex_unlock(&store->drafts_lock);
}

static void draft_unlink(struct imgjob_draft *draft)
{
    if (!draft->link)
        return;
    struct imgjob_store *store = draft->store;
    (void)pthread_mutex_lock(&store->drafts_lock);
    *draft->link = draft->next;
    if (draft->next)
        draft->next->link = draft->link;
    (void)pthread_mutex_unlock(&store->drafts_lock);
}

bool ij_store_has_draft(struct imgjob_store *store, const struct ij_id *id)
{
    bool found = false;
    (void)pthread_mutex_lock(&store->drafts_lock);
    for (struct imgjob_draft *at = store->drafts; at && !found; at = at->next)
        found = ij_id_equal(&at->id, id);
    (void)pthread_mutex_unlock(&store->drafts_lock);
    return found;
}

/* What would refuse the submit whatever the input is, before any byte is taken. */
static int check_room(struct imgjob_store *store, struct imgjob_error *err)
{
    struct ij_jobs_stats stats;
    int rc = store->jobs->ops->stats(store->jobs, &stats, err);
    if (rc < 0)
        return rc;
    rc = ij_submit_capacity(&stats, store->config.max_queued_jobs, err);
    if (rc < 0)
        return rc;
    struct ij_store_space space;
    rc = ij_store_space(store, &space, err);
    if (rc < 0)
        return rc;
    if (space.free_bytes < space.floor_bytes)
        return ij_fail(
            err, IMGJOB_E_FULL,
            "too little disk space: %llu bytes are free, min_free_bytes is %llu",
            (unsigned long long)space.free_bytes, (unsigned long long)space.floor_bytes);
    return 0;
}

/* Select an input, which begins with it. */
static int begin_input(struct imgjob_draft *draft, uint32_t index,
                       struct imgjob_error *err)
{
    struct ij_draft_input *input = &draft->inputs[index];
    struct ij_blobs *place = draft->store->inputs;
    int rc = ij_sha256_begin(&input->sha, err);
    if (rc < 0)
        return rc;
    char key[IJ_BLOB_KEY_SIZE];
    ij_blob_input_key(&draft->id, index, key);
    rc = place->ops->draft_create(place, key, &input->blob, err);
    if (rc < 0)
        return rc;
    draft->begun |= UINT32_C(1) << index;
    draft->selected = index;
    return 0;
}

int imgjob_draft_open(struct imgjob_store *store, struct imgjob_draft **out,
                      struct imgjob_error *err)
{
    int rc = check_room(store, err);
    if (rc < 0)
        return rc;
    struct imgjob_draft *draft = calloc(1, sizeof(*draft));
    if (!draft)
        return ij_fail_nomem(err, "opening a draft");
    draft->store = store;
    rc = ij_id_new(ij_wall_ms(&store->clock), &draft->id, err);
    if (rc == 0) {
        ij_id_format(&draft->id, draft->id_text);
        draft_link(draft); /* before the file exists, so the collector spares it */
        rc = begin_input(draft, 0, err);
    }
    if (rc < 0) {
        imgjob_draft_discard(draft);
        return rc;
    }
    *out = draft;
    return 0;
}

/* Name what people send most of what we do not read, so that they need not guess. */
static const char *known_stranger(const unsigned char *head, size_t len)
{
    static const struct {
        size_t len;
        const char *magic, *name;
    } strangers[] = {
        { 2, "BM", "BMP" },
        { 4, "8BPS", "Photoshop" },
        { 4, "PK\x03\x04", "ZIP" },
        { 4, "\0\0\1\0", "ICO" },
    };
    const char *text = (const char *)head;
    if (len >= 5 &&
        (strncasecmp(text, "<!doc", 5) == 0 || strncasecmp(text, "<html", 5) == 0))
        return "HTML";
    for (size_t i = 0; i < IJ_ARRAY_LEN(strangers); i++)
        if (len >= strangers[i].len &&
            memcmp(head, strangers[i].magic, strangers[i].len) == 0)
            return strangers[i].name;
    return NULL;
}

/* Tell the format of an input, of those that are read here. */
static int check_format(struct imgjob_draft *draft, uint32_t index,
                        struct imgjob_error *err)
{
    struct ij_draft_input *input = &draft->inputs[index];
    size_t len = input->len < IJ_HEAD_SIZE ? (size_t)input->len : IJ_HEAD_SIZE;
    char what[24] = "the image";
    if (index > 0)
        (void)snprintf(what, sizeof(what), "input %u", index);
    if (len == 0)
        return ij_fail(err, IMGJOB_E_IMAGE, "%s is empty", what);
    uint32_t extra = draft->store->config.extra_formats;
    input->format = ij_format_sniff(input->head, len);
    if (ij_format_is_read(input->format, extra))
        return 0;
    char read[IJ_FORMATS_TEXT_SIZE];
    ij_formats_read(extra, read);
    if (input->format != IMGJOB_FORMAT_NONE)
        return ij_fail(err, IMGJOB_E_IMAGE,
                       "%s is %s, which is not read here (switch on with "
                       "extra_formats); %s are",
                       what, imgjob_format_name(input->format), read);
    const char *name = known_stranger(input->head, len);
    if (name)
        return ij_fail(err, IMGJOB_E_IMAGE, "%s is %s, which is not read here; %s are",
                       what, name, read);
    return ij_fail(err, IMGJOB_E_IMAGE,
                   "%s has no format that is read here: its first bytes are none of %s",
                   what, read);
}

static int append(struct imgjob_draft *draft, const void *data, size_t len,
                  struct imgjob_error *err)
{
    struct ij_draft_input *input = &draft->inputs[draft->selected];
    uint64_t max = draft->store->config.max_upload_size;
    if (len > max || draft->len > max - len)
        return ij_fail(err, IMGJOB_E_LIMIT, "%s larger than %llu bytes (max_upload_size)",
                       draft->begun == 1 ? "the image is" : "the images together are",
                       (unsigned long long)max);
    bool was_short = input->len < IJ_HEAD_SIZE;
    if (was_short && len > 0) {
        size_t room = IJ_HEAD_SIZE - (size_t)input->len;
        memcpy(input->head + input->len, data, len < room ? len : room);
    }
    int rc = ij_sha256_add(&input->sha, data, len, err);
    if (rc < 0)
        return rc;
    if (ij_write_all(input->blob.fd, data, len) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "write %zu bytes of input %u of job %s",
                             len, draft->selected, draft->id_text);
    input->len += len;
    draft->len += len;
    /* refused as soon as it can be told, not after ten megabytes */
    return was_short && input->len >= IJ_HEAD_SIZE
               ? check_format(draft, draft->selected, err)
               : 0;
}

int imgjob_draft_write(struct imgjob_draft *draft, const void *data, size_t len,
                       struct imgjob_error *err)
{
    if (draft->is_spent)
        return ij_fail(err, IMGJOB_E_INVALID, SPENT, draft->id_text);
    int rc = append(draft, data, len, err);
    draft->is_spent = rc < 0; /* file, length and digest may not agree any more */
    return rc;
}

int imgjob_draft_select(struct imgjob_draft *draft, uint32_t input,
                        struct imgjob_error *err)
{
    if (draft->is_spent)
        return ij_fail(err, IMGJOB_E_INVALID, SPENT, draft->id_text);
    int rc = 0;
    if (input > IMGJOB_INPUTS_MAX)
        rc = ij_fail(err, IMGJOB_E_INVALID, "input: must be 0..%d, not %u",
                     IMGJOB_INPUTS_MAX, input);
    else if (draft->begun >> input & 1)
        draft->selected = input;
    else
        rc = begin_input(draft, input, err);
    draft->is_spent = rc < 0; /* or what follows would go to another input */
    return rc;
}

const char *imgjob_draft_id(const struct imgjob_draft *draft)
{
    return draft->id_text;
}

void imgjob_draft_discard(struct imgjob_draft *draft)
{
    if (!draft)
        return;
    for (size_t i = 0; i < IJ_SPEC_INPUTS_MAX; i++) {
        ij_draft_discard(&draft->inputs[i].blob);
        ij_sha256_done(&draft->inputs[i].sha);
    }
    draft_unlink(draft);
    free(draft);
}

static int describe_input(struct imgjob_draft *draft, uint32_t index,
                          struct ij_json_out *out, struct imgjob_error *err)
{
    struct ij_draft_input *input = &draft->inputs[index];
    char sha256[IJ_SHA256_HEX_SIZE];
    int rc = ij_sha256_end(&input->sha, sha256, err);
    if (rc < 0)
        return rc;
    ij_json_put_str(out, "format", imgjob_format_name(input->format));
    ij_json_put_int(out, "bytes", (int64_t)input->len);
    ij_json_put_str(out, "sha256", sha256);
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

/*
 * Commit the row of a job whose inputs are there. When the store says that nothing
 * happened, they go at once; when it failed, the row may be there all the same, and they
 * stay for the collector.
 */
static int commit(struct imgjob_draft *draft, const struct ij_submit *submit,
                  uint32_t input_count, struct imgjob_error *err)
{
    struct imgjob_store *store = draft->store;
    int rc = publish(draft, input_count, err);
    if (rc < 0)
        return rc;
    rc = store->jobs->ops->submit(store->jobs, submit, err);
    if (rc < 0 && rc != IMGJOB_E_STORE)
        withdraw(draft, input_count);
    return rc;
}

/* Make a job of a draft whose inputs are those that the spec takes. */
static int make_job(struct imgjob_draft *draft, const struct imgjob_spec *spec,
                    uint32_t max_attempts, struct imgjob_error *err)
{
    IJ_AUTO(ij_buf_done) struct ij_buf input = { 0 };
    IJ_AUTO(ij_buf_done) struct ij_buf keys = { 0 };
    int rc = describe_inputs(draft, spec->inputs, &input, err);
    if (rc == 0)
        rc = list_keys(draft, spec->inputs, &keys, err);
    if (rc < 0)
        return rc;
    struct ij_submit submit = {
        .id = draft->id,
        .spec = spec->text,
        .input = input.data,
        .keys = keys.data,
        .max_attempts = max_attempts,
    };
    return commit(draft, &submit, spec->inputs, err);
}

/* What refuses a submit before anything is done. @return 0, or a code */
static int check_draft(struct imgjob_store *store, struct imgjob_draft *draft,
                       const struct imgjob_spec *spec, struct imgjob_error *err)
{
    if (draft->store != store)
        return ij_fail(err, IMGJOB_E_INVALID, "draft %s: is another store's",
                       draft->id_text);
    if (draft->is_spent)
        return ij_fail(err, IMGJOB_E_INVALID, SPENT, draft->id_text);
    int rc = ij_spec_check_inputs(spec, draft->begun, err);
    for (uint32_t i = 0; i < spec->inputs && rc == 0; i++)
        rc = check_format(draft, i, err);
    return rc;
}

int imgjob_store_submit(struct imgjob_store *store, struct imgjob_draft *draft,
                        const struct imgjob_spec *spec,
                        const struct imgjob_submit_options *options,
                        struct imgjob_error *err)
{
    struct imgjob_submit_options ours;
    int rc = ij_options_read(&ours, sizeof(ours),
                             IJ_END_OF(struct imgjob_submit_options, reserved), options,
                             "imgjob_submit_options", err);
    if (rc < 0)
        return rc;
    if (ours.reserved != 0)
        return ij_fail(err, IMGJOB_E_ABI, "reserved: must be 0, not %u", ours.reserved);
    uint32_t attempts = ours.max_attempts ? ours.max_attempts : IJ_ATTEMPTS_DEFAULT;
    if (attempts > 20)
        return ij_fail(err, IMGJOB_E_INVALID, "max_attempts: must be 1..20, not %u",
                       attempts);
    rc = check_draft(store, draft, spec, err);
    if (rc < 0)
        return rc;
    draft->is_spent = true;
    rc = make_job(draft, spec, attempts, err);
    if (rc < 0)
        return rc;
    ij_log(&store->config.log, IMGJOB_LOG_INFO, "store", draft->id_text,
           "pending: %s, %llu bytes of input",
           imgjob_format_name(draft->inputs[0].format), (unsigned long long)draft->len);
    imgjob_draft_discard(draft); /* its blobs are done: only the memory goes */
    return 0;
}
