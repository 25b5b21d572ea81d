/* The body of a submit in any of its forms, read into a draft and a spec. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <imgjob/store.h>

#include "base/buf.h"
#include "server/request.h"

enum ij_body_kind { IJ_BODY_UNKNOWN, IJ_BODY_JSON, IJ_BODY_MULTIPART, IJ_BODY_RAW };

/* What kind a Content-Type promises; NULL = the header is missing. */
enum ij_body_kind ij_body_kind(const char *content_type);

/* How many bytes a body of that kind may have, so that its images may have `max_upload`.
 */
uint64_t ij_body_limit(enum ij_body_kind kind, uint64_t max_upload);

/* Owned; zeroed but for `is_image_only` = empty; end with ij_submission_done(), which
 * discards what is left. */
struct ij_submission {
    struct imgjob_draft *draft;
    struct ij_buf spec; /* JSON for imgjob_spec_parse() */
    bool is_long;       /* see ij_sent_spec_is_long() */
    bool is_image_only; /* set before: the body may hold nothing but the image */
};

/*
 * Read a body whose length has been accepted. Nothing is held whole: the images go to
 * the draft piece by piece.
 *
 * @return 0, or what imgjob_draft_open(), _select() and _write() return, or
 * IMGJOB_E_INVALID, _SPEC, _LIMIT
 */
int ij_body_read(struct imgjob_store *store, struct ij_request *request,
                 enum ij_body_kind kind, struct ij_submission *out,
                 struct imgjob_error *err);

void ij_submission_done(struct ij_submission *submission);
