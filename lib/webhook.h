/* What a webhook is on its way: its body, its signatures, and what an answer means. Pure;
 * webhook.c sends. */
#pragma once

#include <stdint.h>

#include <imgjob/webhook.h>

#include "base/http_client.h"
#include "jobs/jobs.h"

enum {
    IJ_WEBHOOK_SECRET_MIN = 24, /* bytes; both by Standard Webhooks 1.0 */
    IJ_WEBHOOK_SECRET_MAX = 64,
    /* "v1,", base64 of 32 bytes and a blank, or the terminator, of each */
    IJ_WEBHOOK_SIGNATURES_SIZE = IMGJOB_WEBHOOK_SECRETS_MAX * (3 + 44 + 1)
};

struct ij_webhook_secret {
    unsigned char bytes[IJ_WEBHOOK_SECRET_MAX];
    size_t len;
};

/* A plain value; end with ij_webhook_secrets_done(). */
struct ij_webhook_secrets {
    struct ij_webhook_secret list[IMGJOB_WEBHOOK_SECRETS_MAX];
    size_t count;
};

/* @param texts "whsec_" and base64, `count` of them @param out untouched on failure
 * @return 0 or IMGJOB_E_INVALID */
int ij_webhook_secrets_read(const char *const *texts, size_t count,
                            struct ij_webhook_secrets *out, struct imgjob_error *err);
void ij_webhook_secrets_done(struct ij_webhook_secrets *secrets); /* forgets them */

/* The value of webhook-signature: one signature by each secret. @return 0, or _NOMEM,
 * _INTERNAL */
int ij_webhook_sign(const struct ij_webhook_secrets *secrets, const char *id,
                    int64_t timestamp_s, const char *body,
                    char out[IJ_WEBHOOK_SIGNATURES_SIZE], struct imgjob_error *err);

/*
 * What an answer means for a delivery. The finish has no line yet.
 *
 * @param random any random number: the jitter of the delay
 */
struct ij_delivery_finish ij_webhook_judge(const struct ij_delivery *delivery,
                                           const struct ij_http_answer *answer,
                                           uint64_t random);

/* An attempt as the log has it: a line of JSON, without its end. @param now_ms by the
 * store's clock */
void ij_webhook_write_line(struct ij_buf *out, const struct ij_http_answer *answer,
                           int64_t now_ms);
