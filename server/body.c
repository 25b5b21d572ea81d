/*
 * Owns the way of a request's body into a draft: 64 KiB at a time, whatever its form.
 * What the bytes mean is left to json_scan.c and multipart.c, which hand image bytes
 * back; which image they belong to is told to the draft.
 */
#include "server/body.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/json.h"
#include "server/form.h"
#include "server/http.h"
#include "server/input.h"
#include "server/json_scan.h"
#include "server/multipart.h"
#include "server/query.h"
#include "server/spec.h"

enum {
    PIECE = IJ_SCAN_PIECE,
    ENVELOPE_MAX = IJ_SENT_SPEC_MAX, /* bytes of a body that are not images */
    PART_HEAD_MAX = 1024,            /* beside it, for each image of a batch */
    SPEC_TEXT_MAX = 2 * ENVELOPE_MAX /* of a spec that was written anew */
};

static bool media_type_is(const char *content_type, size_t len, const char *name)
{
    return len == strlen(name) && strncasecmp(content_type, name, len) == 0;
}

enum ij_body_kind ij_body_kind(const char *content_type)
{
    if (!content_type)
        return IJ_BODY_JSON;
    size_t len = strcspn(content_type, "; \t");
    /* the original read JSON whatever the header said, and "curl -d" says form */
    static const char *const json[] = { "application/json", "text/json", "",
                                        "application/x-www-form-urlencoded" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(json); i++)
        if (media_type_is(content_type, len, json[i]))
            return IJ_BODY_JSON;
    if (media_type_is(content_type, len, "multipart/form-data"))
        return IJ_BODY_MULTIPART;
    if (media_type_is(content_type, len, "application/octet-stream") ||
        (len > 6 && strncasecmp(content_type, "image/", 6) == 0))
        return IJ_BODY_RAW;
    return IJ_BODY_UNKNOWN;
}

uint64_t ij_body_limit(enum ij_body_kind kind, uint64_t max_upload, uint32_t jobs)
{
    switch (kind) {
    case IJ_BODY_JSON:
        return max_upload / 3 * 4 + 4 * (1 + IMGJOB_INPUTS_MAX) + ENVELOPE_MAX;
    case IJ_BODY_MULTIPART: /* of one job the envelope has room for the parts' heads */
        return (max_upload + (jobs > 1 ? PART_HEAD_MAX : 0)) * jobs + ENVELOPE_MAX;
    default:
        return max_upload;
    }
}

static struct imgjob_draft *last_draft(const struct ij_submission *submission)
{
    return submission->drafts[submission->draft_count - 1];
}

static int write_draft(void *data, unsigned input, const void *bytes, size_t len,
                       struct imgjob_error *err)
{
    struct imgjob_draft *draft = last_draft(data);
    int rc = imgjob_draft_select(draft, input, err);
    return rc < 0 ? rc : imgjob_draft_write(draft, bytes, len, err);
}

/* What is read belongs to the draft that was opened last. */
static int open_draft(struct imgjob_store *store, struct ij_submission *out,
                      struct imgjob_error *err)
{
    int rc = imgjob_draft_open(store, &out->drafts[out->draft_count], err);
    out->draft_count += rc == 0;
    return rc;
}

/* The body is whole: is there an image, and one only? @param missing the words when there
 * is none */
static int settle_inputs(struct imgjob_store *store, const struct ij_input_names *inputs,
                         const char *missing, struct ij_submission *out,
                         struct imgjob_error *err)
{
    bool is_copied = out->options.given[IJ_OPTION_SOURCE_JOB];
    for (size_t i = 0; is_copied && i < IJ_ARRAY_LEN(inputs->seen); i++)
        if (inputs->seen[i])
            return ij_fail(err, IMGJOB_E_INVALID,
                           "source_job: stands beside an image; either is enough");
    if (!is_copied)
        return inputs->seen[0] ? 0 : ij_fail(err, IMGJOB_E_INVALID, "%s", missing);
    imgjob_draft_discard(out->drafts[--out->draft_count]);
    int rc = imgjob_draft_open_from(store, out->options.source_job,
                                    &out->drafts[out->draft_count], err);
    out->draft_count += rc == 0;
    return rc;
}

/* ---- JSON ---- */

struct json_reader {
    struct ij_scan scan;
    char piece[PIECE];
};

static void json_reader_freep(struct json_reader **reader)
{
    if (*reader)
        ij_scan_done(&(*reader)->scan);
    free(*reader);
}

/* Where the members of an object go. */
struct taking {
    struct ij_submission *out;
    struct ij_json_out spec;
    struct imgjob_error *err;
};

static int take_member(void *data, const char *key, const struct ij_json *value)
{
    struct taking *taking = data;
    const struct ij_submission *out = taking->out;
    struct ij_input_names inputs = { .image_name = "image_data" };
    unsigned input;
    if (ij_input_names_take(&inputs, key, &input, NULL) <= 0)
        return out->is_imageless
                   ? ij_fail(
                         taking->err, IMGJOB_E_INVALID,
                         "%.60s: a list takes no images but those of earlier jobs, as "
                         "source_job; others are sent as multipart/form-data",
                         key)
                   : 0;
    int option = ij_option_named(key);
    if (option >= 0)
        return ij_options_add_json(&taking->out->options, (enum ij_option)option, value,
                                   taking->err);
    ij_json_put(&taking->spec, key, value);
    taking->out->has_spec = true;
    return ij_sent_spec_check_member(key, out->is_long, out->is_imageless, taking->err);
}

int ij_submission_take_json(struct ij_submission *out, const struct ij_json *object,
                            struct imgjob_error *err)
{
    out->spec.max = SPEC_TEXT_MAX;
    out->is_long = ij_sent_spec_is_long(object);
    struct taking taking = { out, { .buf = &out->spec }, err };
    ij_json_open(&taking.spec, NULL, '{');
    int rc = ij_json_each(object, take_member, &taking);
    ij_json_close(&taking.spec, '}');
    return rc;
}

static int read_json(struct imgjob_store *store, struct ij_request *request,
                     struct ij_submission *out, struct imgjob_error *err)
{
    /* not zeroed: a small body shall not touch all of it */
    IJ_AUTO(json_reader_freep) struct json_reader *reader = malloc(sizeof(*reader));
    if (!reader)
        return ij_fail_nomem(err, "reading a JSON body");
    ij_scan_init(&reader->scan, write_draft, out);
    reader->scan.is_image_only = out->is_image_only;
    long len;
    while ((len = ij_http_read(request, reader->piece, PIECE, err)) > 0) {
        int rc = ij_scan_feed(&reader->scan, reader->piece, (size_t)len, err);
        if (rc < 0)
            return rc;
    }
    if (len < 0)
        return (int)len;
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    int rc = ij_scan_end(&reader->scan, &root, err);
    if (rc == 0)
        rc = ij_submission_take_json(out, root, err);
    return rc < 0 ? rc
                  : settle_inputs(store, &reader->scan.inputs,
                                  "image_data is missing: the image in base64", out, err);
}

/* ---- the raw image ---- */

static int read_raw(struct imgjob_store *store, struct ij_request *request,
                    struct ij_submission *out, struct imgjob_error *err)
{
    struct ij_form form = { .count = 0 };
    int rc = ij_form_add_query(&form, &out->options, request->query, err);
    if (rc < 0)
        return rc;
    ij_form_write(&form, &out->spec);
    out->has_spec = form.count > 0;
    const struct ij_input_names inputs = { .seen = { request->length > 0 } };
    rc = settle_inputs(store, &inputs, "the body is empty", out, err);
    if (rc < 0 || request->length == 0)
        return rc;
    IJ_AUTO(ij_free) char *piece = malloc(PIECE);
    if (!piece)
        return ij_fail_nomem(err, "reading an image");
    long len;
    while ((len = ij_http_read(request, piece, PIECE, err)) > 0) {
        rc = imgjob_draft_write(last_draft(out), piece, (size_t)len, err);
        if (rc < 0)
            return rc;
    }
    return (int)len;
}

/* ---- multipart ---- */

enum part { PART_INPUT, PART_SPEC, PART_FIELD };

struct form_reader {
    struct imgjob_store *store;
    struct ij_submission *out;
    struct ij_multipart multipart;
    struct ij_form form;
    enum part part; /* under way */
    char name[IJ_PART_NAME_SIZE];
    unsigned input;      /* under way */
    bool is_empty;       /* no byte of it has come */
    struct ij_buf value; /* of a field under way */
    struct ij_input_names inputs;
    uint32_t images; /* of a batch, so far */
    bool has_spec;
    size_t held; /* bytes in `piece` that are not understood yet */
    char piece[PIECE + IJ_PART_HEADERS_MAX];
};

static void form_reader_freep(struct form_reader **reader)
{
    if (*reader)
        ij_buf_done(&(*reader)->value);
    free(*reader);
}

static int no_such_part(const char *name, bool is_image_only, struct imgjob_error *err)
{
    if (is_image_only)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: no such field; there is only image",
                       name);
    return ij_fail(err, IMGJOB_E_INVALID,
                   "%s: no such field; there are image, overlay1 to overlay%d, spec, "
                   "operation, width, height, output_format, enlarge, preset, "
                   "source_job and the options of jobs such as priority",
                   name, IMGJOB_INPUTS_MAX);
}

/* The words of a fault in an image of a batch, begun with its place. */
static int place(const struct form_reader *reader, int rc, struct imgjob_error *err)
{
    if (rc >= 0 || reader->out->batch_max == 0)
        return rc;
    const struct imgjob_error why = *err;
    return ij_fail(err, rc, "%s: %s", reader->name, why.text);
}

static int begin_spec(struct form_reader *reader, struct imgjob_error *err)
{
    if (reader->has_spec)
        return ij_fail(err, IMGJOB_E_INVALID, "spec: stands twice");
    reader->has_spec = true;
    reader->part = PART_SPEC;
    return 0;
}

/* Each image of a batch is a job, the first one that of the draft that is open. */
static int begin_batch_image(struct form_reader *reader, struct imgjob_error *err)
{
    uint32_t max = reader->out->batch_max;
    if (reader->images == max)
        return ij_fail(err, IMGJOB_E_LIMIT, "image: more than %u of them (batch_max)",
                       max);
    int rc = reader->images > 0 ? open_draft(reader->store, reader->out, err) : 0;
    (void)snprintf(reader->name, sizeof(reader->name), "image[%" PRIu32 "]",
                   reader->images); /* as refusals have it */
    reader->images += rc == 0;
    reader->inputs.seen[0] = true;
    reader->input = 0;
    return rc;
}

/* @return 0, 1 when a part of that name is no input, or IMGJOB_E_INVALID, … */
static int begin_input(struct form_reader *reader, const char *name,
                       struct imgjob_error *err)
{
    bool is_batch = reader->out->batch_max > 0;
    if (is_batch && strcmp(name, reader->inputs.image_name) == 0)
        return begin_batch_image(reader, err);
    int rc = ij_input_names_take(&reader->inputs, name, &reader->input, err);
    return rc == 0 && is_batch
               ? ij_fail(err, IMGJOB_E_INVALID, "%s: a batch takes no overlays", name)
               : rc;
}

static int part_begin(void *data, const char *name, struct imgjob_error *err)
{
    struct form_reader *reader = data;
    bool is_image_only = reader->out->is_image_only;
    memcpy(reader->name, name, strlen(name) + 1); /* multipart.c bounds it */
    ij_buf_clear(&reader->value);
    if (is_image_only && strcmp(name, reader->inputs.image_name) != 0)
        return no_such_part(name, is_image_only, err);
    int rc = begin_input(reader, name, err);
    if (rc <= 0) {
        reader->part = PART_INPUT;
        reader->is_empty = true;
        return rc;
    }
    if (strcmp(name, "spec") == 0)
        return begin_spec(reader, err);
    reader->part = PART_FIELD;
    bool is_field = ij_form_has(name) || ij_option_named(name) >= 0;
    return is_field ? 0 : no_such_part(name, is_image_only, err);
}

static int part_bytes(void *data, const void *bytes, size_t len, struct imgjob_error *err)
{
    struct form_reader *reader = data;
    if (reader->part == PART_INPUT) {
        reader->is_empty = false;
        int rc = write_draft(reader->out, reader->input, bytes, len, err);
        return place(reader, rc, err);
    }
    struct ij_buf *to = reader->part == PART_SPEC ? &reader->out->spec : &reader->value;
    ij_buf_add(to, bytes, len);
    if (to->failed)
        return ij_fail(err, IMGJOB_E_LIMIT, "%s: is longer than %d bytes", reader->name,
                       ENVELOPE_MAX);
    return 0;
}

static int part_end(void *data, struct imgjob_error *err)
{
    struct form_reader *reader = data;
    if (reader->part == PART_INPUT && reader->is_empty)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: is empty", reader->name);
    if (reader->part != PART_FIELD)
        return 0;
    const char *value = reader->value.data ? reader->value.data : "";
    if (strlen(value) != reader->value.len)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: holds a NUL byte", reader->name);
    int option = ij_option_named(reader->name);
    if (option >= 0)
        return ij_options_add_text(&reader->out->options, (enum ij_option)option, value,
                                   err);
    return ij_form_add(&reader->form, reader->name, value, err);
}

/* The spec part is JSON of a stranger: is it any, and which form has it? */
static int check_spec_part(struct ij_submission *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    const char *text = out->spec.data ? out->spec.data : "";
    struct imgjob_error why;
    int rc = ij_json_parse(text, out->spec.len, IJ_SENT_SPEC_DEPTH_MAX, &root, &why);
    if (rc < 0)
        return ij_fail(err, rc, "spec: %s", why.text);
    out->is_long = ij_sent_spec_is_long(root);
    return 0;
}

static int end_form(struct form_reader *reader, struct imgjob_error *err)
{
    struct ij_submission *out = reader->out;
    int rc = ij_multipart_end(&reader->multipart, err);
    if (rc == 0)
        rc = settle_inputs(reader->store, &reader->inputs,
                           "image is missing: a part of that name", out, err);
    if (rc < 0)
        return rc;
    if (reader->has_spec && reader->form.count > 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "spec: stands beside plain fields such as operation; "
                       "either is enough");
    out->has_spec = reader->has_spec || reader->form.count > 0;
    if (reader->has_spec)
        return check_spec_part(out, err);
    ij_form_write(&reader->form, &out->spec);
    return 0;
}

static int read_form(struct imgjob_store *store, struct ij_request *request,
                     struct ij_submission *out, struct imgjob_error *err)
{
    IJ_AUTO(form_reader_freep) struct form_reader *reader = malloc(sizeof(*reader));
    if (!reader)
        return ij_fail_nomem(err, "reading a multipart body");
    memset(reader, 0, offsetof(struct form_reader, piece));
    reader->store = store;
    reader->out = out;
    reader->inputs.image_name = "image";
    reader->value.max = ENVELOPE_MAX;
    struct ij_part_sink sink = { part_begin, part_bytes, part_end, reader };
    int rc = ij_multipart_init(&reader->multipart,
                               ij_request_header(request, "Content-Type"), &sink, err);
    if (rc < 0)
        return rc;
    reader->multipart.parts_max += out->batch_max;
    long len;
    while ((len = ij_http_read(request, reader->piece + reader->held, PIECE, err)) > 0) {
        size_t have = reader->held + (size_t)len, used = 0;
        rc = ij_multipart_feed(&reader->multipart, reader->piece, have, &used, err);
        if (rc < 0)
            return rc;
        reader->held = have - used;
        if (reader->held > IJ_PART_HEADERS_MAX) /* or the next piece would not fit */
            return ij_fail(err, IMGJOB_E_INTERNAL, "multipart body: %zu bytes held back",
                           reader->held);
        memmove(reader->piece, reader->piece + used, reader->held);
    }
    return len < 0 ? (int)len : end_form(reader, err);
}

/* ---- all of them ---- */

/* What stands in the query of any other body would be passed over in silence. */
static int refuse_query(const char *query, struct imgjob_error *err)
{
    struct ij_query_pair pair;
    int rc = ij_query_next(&query, &pair, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return ij_fail(err, IMGJOB_E_INVALID,
                   "%s: belongs in the body here; the query is read with a raw image",
                   pair.name);
}

int ij_body_read(struct imgjob_store *store, struct ij_request *request,
                 enum ij_body_kind kind, struct ij_submission *out,
                 struct imgjob_error *err)
{
    out->spec.max = ENVELOPE_MAX;
    int rc = kind == IJ_BODY_RAW ? 0 : refuse_query(request->query, err);
    if (rc == 0)
        rc = open_draft(store, out, err);
    if (rc < 0)
        return rc;
    switch (kind) {
    case IJ_BODY_JSON:
        return read_json(store, request, out, err);
    case IJ_BODY_MULTIPART:
        return read_form(store, request, out, err);
    case IJ_BODY_RAW:
        return read_raw(store, request, out, err);
    default:
        return ij_fail(err, IMGJOB_E_INTERNAL, "no body of kind %d can be read", kind);
    }
}

void ij_submission_done(struct ij_submission *submission)
{
    while (submission->draft_count > 0)
        imgjob_draft_discard(submission->drafts[--submission->draft_count]);
    ij_buf_done(&submission->spec);
}
