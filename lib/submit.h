/* What a submit asks for beside images and spec, and what it is known by. */
#pragma once

#include "store.h"

/* Options as they were checked. Texts are borrowed from the caller of submit. */
struct ij_submit_request {
    struct imgjob_submit_options options; /* its tags are those below */
    const char *tags[IJ_TAGS_MAX];        /* in the order of their bytes, none twice */
    struct ij_id batch;                   /* ij_id_none = of none */
};

/* The id of a batch, as an option of whatever call gives it. @return 0 or INVALID */
int ij_batch_id_read(const char *text, struct ij_id *out, struct imgjob_error *err);

/* @return 0, or IMGJOB_E_INVALID with field, value and range, or _ABI */
int ij_submit_request_read(const struct imgjob_submit_options *options,
                           struct ij_submit_request *out, struct imgjob_error *err);

/* Whether it is a URL that a webhook can be sent to: http: or https:, a host, no user.
 * @return 0 or IMGJOB_E_INVALID */
int ij_callback_check(const char *url, struct imgjob_error *err);

/* Whether it is the header of W3C Trace Context, level 1, §3.2. @return 0 or
 * IMGJOB_E_INVALID */
int ij_traceparent_check(const char *text, struct imgjob_error *err);

/* The document that a row keeps of the options: what has no column. */
int ij_submit_document(const struct ij_submit_request *request, struct ij_buf *out,
                       struct imgjob_error *err);

/* A job to be: its draft, whose inputs were hashed, and its spec. */
struct ij_submit_item {
    struct imgjob_draft *draft;
    const struct imgjob_spec *spec;
};

/* What an idempotency key stands for: all that makes these jobs what they are. Their
 * batch and traceparent are left out, since a client that tries again has new ones. */
int ij_submit_fingerprint(const struct ij_submit_request *request,
                          const struct ij_submit_item *items, size_t count,
                          unsigned char out[IJ_DIGEST_SIZE], struct imgjob_error *err);

/* What a job is found by when another one is submitted with `dedup`. */
int ij_submit_dedup(const struct ij_submit_request *request,
                    const struct ij_submit_item *item, unsigned char out[IJ_DIGEST_SIZE],
                    struct imgjob_error *err);
