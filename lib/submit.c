/*
 * Owns the way in: an input arrives as a draft, and submit makes a job of it. The order
 * is the promise: the blob is durable under its name before the row that names it is
 * committed, and only then is the job acknowledged.
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/io.h"
#include "base/json.h"
#include "jobs/submit.h"
#include "spec/spec.h"
#include "store.h"

#define SPENT "draft %s: a write or submit of it has failed; only discard is allowed"

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
    draft->blob.fd = -1;
    rc = ij_id_new(ij_wall_ms(&store->clock), &draft->id, err);
    if (rc == 0)
        rc = ij_sha256_begin(&draft->sha, err);
    if (rc == 0) {
        ij_id_format(&draft->id, draft->id_text);
        ij_blob_input_key(&draft->id, 0, draft->key);
        draft_link(draft); /* before the file exists, so the collector spares it */
        rc = store->inputs->ops->draft_create(store->inputs, draft->key, &draft->blob,
                                              err);
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
        { 5, "%PDF-", "PDF" },
        { 4, "<svg", "SVG" },
        { 5, "<?xml", "SVG or XML" },
        { 5, "<!DOC", "HTML" },
        { 5, "<html", "HTML" },
        { 2, "BM", "BMP" },
        { 4, "8BPS", "Photoshop" },
        { 4, "PK\x03\x04", "ZIP" },
        { 4, "\0\0\1\0", "ICO" },
        { 2, "\xff\x0a", "JPEG XL" },
        { 7, "\0\0\0\x0cJXL", "JPEG XL" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(strangers); i++)
        if (len >= strangers[i].len &&
            memcmp(head, strangers[i].magic, strangers[i].len) == 0)
            return strangers[i].name;
    return NULL;
}

static int check_format(const struct imgjob_draft *draft, uint32_t *out_format,
                        struct imgjob_error *err)
{
    size_t len = draft->len < IJ_HEAD_SIZE ? (size_t)draft->len : IJ_HEAD_SIZE;
    if (len == 0)
        return ij_fail(err, IMGJOB_E_IMAGE, "the image is empty");
    *out_format = ij_format_sniff(draft->head, len);
    if (*out_format != IMGJOB_FORMAT_NONE)
        return 0;
    const char *name = known_stranger(draft->head, len);
    if (name)
        return ij_fail(
            err, IMGJOB_E_IMAGE,
            "this is %s, which is not read here; jpeg, png, webp, gif, tiff, avif "
            "and heic are",
            name);
    return ij_fail(
        err, IMGJOB_E_IMAGE,
        "not an image that is read here: its first bytes are none of jpeg, png, "
        "webp, gif, tiff, avif, heic");
}

static int append(struct imgjob_draft *draft, const void *data, size_t len,
                  struct imgjob_error *err)
{
    uint64_t max = draft->store->config.max_upload_size;
    if (len > max || draft->len > max - len)
        return ij_fail(err, IMGJOB_E_LIMIT,
                       "the image is larger than %llu bytes (max_upload_size)",
                       (unsigned long long)max);
    if (draft->len < IJ_HEAD_SIZE && len > 0) {
        size_t room = IJ_HEAD_SIZE - (size_t)draft->len;
        memcpy(draft->head + draft->len, data, len < room ? len : room);
    }
    int rc = ij_sha256_add(&draft->sha, data, len, err);
    if (rc < 0)
        return rc;
    if (ij_write_all(draft->blob.fd, data, len) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "write %zu bytes of the input of job %s",
                             len, draft->id_text);
    bool was_short = draft->len < IJ_HEAD_SIZE;
    draft->len += len;
    uint32_t format;
    /* refused as soon as it can be told, not after ten megabytes */
    return was_short && draft->len >= IJ_HEAD_SIZE ? check_format(draft, &format, err)
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

const char *imgjob_draft_id(const struct imgjob_draft *draft)
{
    return draft->id_text;
}

void imgjob_draft_discard(struct imgjob_draft *draft)
{
    if (!draft)
        return;
    ij_draft_discard(&draft->blob);
    draft_unlink(draft);
    ij_sha256_done(&draft->sha);
    free(draft);
}

/* What is known of an input without decoding it, for the row. */
static char *describe_input(const struct imgjob_draft *draft, uint32_t format,
                            const char *sha256)
{
    struct ij_buf buf = { 0 };
    struct ij_json_out out = { .buf = &buf };
    ij_json_open(&out, NULL, '{');
    ij_json_put_str(&out, "format", imgjob_format_name(format));
    ij_json_put_int(&out, "bytes", (int64_t)draft->len);
    ij_json_put_str(&out, "sha256", sha256);
    ij_json_close(&out, '}');
    return ij_buf_take(&buf);
}

/*
 * Commit the row. When the store says that nothing happened, the blob goes at once; when
 * it failed, the row may be there all the same, and the blob stays for the collector.
 */
static int commit(struct imgjob_draft *draft, const struct imgjob_spec *spec,
                  const char *input, uint32_t max_attempts, struct imgjob_error *err)
{
    struct imgjob_store *store = draft->store;
    struct ij_submit submit = {
        .id = draft->id,
        .spec = spec->text,
        .input = input,
        .key = draft->key,
        .max_attempts = max_attempts,
    };
    int rc = store->jobs->ops->submit(store->jobs, &submit, err);
    if (rc < 0 && rc != IMGJOB_E_STORE)
        (void)store->inputs->ops->remove(store->inputs, draft->key,
                                         NULL); /* else swept */
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
    if (draft->store != store)
        return ij_fail(err, IMGJOB_E_INVALID, "draft %s: is another store's",
                       draft->id_text);
    if (draft->is_spent)
        return ij_fail(err, IMGJOB_E_INVALID, SPENT, draft->id_text);
    if (spec->wants_info) /* or the job would end without what was asked for */
        return ij_fail(err, IMGJOB_E_SPEC,
                       "/info: must be false: this version reports nothing on an image");
    uint32_t format;
    rc = check_format(draft, &format, err);
    if (rc < 0)
        return rc;
    draft->is_spent = true;
    char sha256[IJ_SHA256_HEX_SIZE];
    rc = ij_sha256_end(&draft->sha, sha256, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_free) char *input = describe_input(draft, format, sha256);
    if (!input)
        return ij_fail_nomem(err, "describing an input");
    rc = store->inputs->ops->draft_publish(&draft->blob, err);
    if (rc < 0)
        return rc;
    rc = commit(draft, spec, input, attempts, err);
    if (rc < 0)
        return rc;
    ij_log(&store->config.log, IMGJOB_LOG_INFO, "store", draft->id_text,
           "pending: %s of %llu bytes", imgjob_format_name(format),
           (unsigned long long)draft->len);
    imgjob_draft_discard(draft); /* its blob is done: only the memory goes */
    return 0;
}
