/* The body of a submit in any of its forms, read into drafts, a spec and options. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <imgjob/store.h>

#include "base/buf.h"
#include "server/options.h"
#include "server/request.h"

enum ij_body_kind { IJ_BODY_UNKNOWN, IJ_BODY_JSON, IJ_BODY_MULTIPART, IJ_BODY_RAW };

/* What kind a Content-Type promises; NULL = the header is missing. */
enum ij_body_kind ij_body_kind(const char *content_type);

/* How many bytes a body of that kind may have, so that the images of each of so many jobs
 * may have `max_upload`. */
uint64_t ij_body_limit(enum ij_body_kind kind, uint64_t max_upload, uint32_t jobs);

/* Owned; zeroed but for what is set before = empty; end with ij_submission_done(), which
 * discards what is left. */
struct ij_submission {
    struct imgjob_draft *drafts[IMGJOB_SUBMIT_MAX]; /* one for each job */
    size_t draft_count;
    struct ij_buf spec; /* JSON for imgjob_spec_parse(), of all jobs */
    struct ij_options options;
    bool has_spec; /* something of it was sent */
    bool is_long;  /* see ij_sent_spec_is_long() */

    /* set before */
    bool is_image_only; /* the body may hold nothing but the image */
    bool is_passing;    /* its job ends with the answer: no key is remembered for it */
    bool is_imageless;  /* of a list of jobs: JSON without images */
    uint32_t batch_max; /* so many parts named image at most, one for each job; 0 = it is
                           no batch */
};

/*
 * Read a body whose length has been accepted. Nothing is held whole: the images go to
 * the drafts piece by piece; those of a source_job are copied.
 *
 * @return 0, or what imgjob_draft_open(), _open_from(), _select() and _write() return, or
 * IMGJOB_E_INVALID, _SPEC, _LIMIT
 */
int ij_body_read(struct imgjob_store *store, struct ij_request *request,
                 enum ij_body_kind kind, struct ij_submission *out,
                 struct imgjob_error *err);

/* Take the members of a JSON object, but for those that are inputs, as options and spec.
 */
int ij_submission_take_json(struct ij_submission *out, const struct ij_json *object,
                            struct imgjob_error *err);

void ij_submission_done(struct ij_submission *submission);
