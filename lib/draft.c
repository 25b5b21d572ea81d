/*
 * Owns inputs as they arrive: spooled beside their later places, counted, hashed, refused
 * as soon as it can be told. What becomes of them is for submit.c to say.
 */
#include "draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/io.h"
#include "jobs/submit.h"
#include "spec/spec.h"

enum { COPY_SIZE = 65536 };

int ij_draft_check_whole(const struct imgjob_draft *draft, struct imgjob_error *err)
{
    if (!draft->is_spent)
        return 0;
    return ij_fail(
        err, IMGJOB_E_INVALID,
        "draft %s: a select, write or submit of it has failed; only discard is allowed",
        draft->id_text);
}

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
    rc = ij_submit_capacity(ij_queued(stats.by_state), 0, store->config.max_queued_jobs,
                            err);
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

int ij_draft_check_format(struct imgjob_draft *draft, uint32_t index,
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
               ? ij_draft_check_format(draft, draft->selected, err)
               : 0;
}

int imgjob_draft_write(struct imgjob_draft *draft, const void *data, size_t len,
                       struct imgjob_error *err)
{
    int rc = ij_draft_check_whole(draft, err);
    if (rc < 0)
        return rc;
    rc = append(draft, data, len, err);
    draft->is_spent = rc < 0; /* file, length and digest may not agree any more */
    return rc;
}

int imgjob_draft_select(struct imgjob_draft *draft, uint32_t input,
                        struct imgjob_error *err)
{
    int rc = ij_draft_check_whole(draft, err);
    if (rc < 0)
        return rc;
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

/* Copy one input of an earlier job into the draft. */
static int copy_input(struct imgjob_draft *draft, const char *key,
                      struct imgjob_error *err)
{
    struct ij_blobs *place = draft->store->inputs;
    struct ij_blob_name name;
    if (!ij_blob_key_parse(key, &name))
        return ij_fail(err, IMGJOB_E_STORE, "a job names a blob '%.40s' that is none",
                       key);
    if (!name.is_input)
        return 0;
    IJ_AUTO(ij_close) int fd = -1;
    uint64_t len = 0, done = 0;
    int rc = place->ops->open(place, key, &fd, &len, err);
    if (rc == 0)
        rc = imgjob_draft_select(draft, name.input, err);
    IJ_AUTO(ij_free) char *bytes = malloc(COPY_SIZE); /* callers' stacks may be small */
    if (rc == 0 && !bytes)
        rc = ij_fail_nomem(err, "copying an image");
    while (rc == 0 && done < len) {
        size_t want = len - done < COPY_SIZE ? (size_t)(len - done) : COPY_SIZE;
        if (ij_pread_all(fd, bytes, want, done) < 0)
            return ij_fail_errno(err, IMGJOB_E_BLOB, "read %zu bytes of '%s'", want, key);
        rc = imgjob_draft_write(draft, bytes, want, err);
        done += want;
    }
    return rc;
}

static int copy_inputs(struct imgjob_draft *draft, const char *keys,
                       struct imgjob_error *err)
{
    int rc = 0;
    for (const char *at = keys; at && *at && rc == 0;) {
        char key[IJ_BLOB_KEY_SIZE];
        at = ij_blob_key_next(at, key);
        rc = copy_input(draft, key, err);
    }
    return rc;
}

/* The row of a job whose images are there. */
static int read_source(struct imgjob_store *store, const char *id,
                       struct ij_record *record, struct imgjob_error *err)
{
    int rc = ij_store_get_record(store, id, record, err);
    if (rc == 0 && record->job.finished && record->job.result_expires == 0)
        return ij_fail(err, IMGJOB_E_CONFLICT, "the images of job %s have expired", id);
    return rc;
}

int imgjob_draft_open_from(struct imgjob_store *store, const char *id,
                           struct imgjob_draft **out, struct imgjob_error *err)
{
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    struct imgjob_draft *draft = NULL;
    int rc = read_source(store, id, &record, err);
    if (rc == 0)
        rc = imgjob_draft_open(store, &draft, err);
    if (rc < 0)
        return rc;
    rc = copy_inputs(draft, record.keys, err);
    if (rc == IMGJOB_E_NOTFOUND) { /* expired since the row was read; else it is lost */
        ij_record_done(&record);
        rc = read_source(store, id, &record, err);
        if (rc == 0)
            rc = ij_fail(err, IMGJOB_E_BLOB, "an image of job %s is gone from the disk",
                         id);
    }
    if (rc < 0) {
        imgjob_draft_discard(draft);
        return rc;
    }
    *out = draft;
    return 0;
}
