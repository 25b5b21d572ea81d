/* Owns secrets and signatures as Standard Webhooks 1.0 has them: HMAC-SHA256 over
 * `id.timestamp.body`, scheme v1. */
#include <inttypes.h>
#include <string.h>

#include "base/auto.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/digest.h"
#include "webhook.h"

#define PREFIX "whsec_"

void ij_webhook_secrets_done(struct ij_webhook_secrets *secrets)
{
    explicit_bzero(secrets, sizeof(*secrets));
}

/* @return whether it is one */
static bool read_secret(const char *text, struct ij_webhook_secret *out)
{
    enum {
        PREFIX_LEN = sizeof(PREFIX) - 1,
        CODE_MAX = (IJ_WEBHOOK_SECRET_MAX + 2) / 3 * 4
    };
    if (!text || strncmp(text, PREFIX, PREFIX_LEN) != 0)
        return false;
    const char *code = text + PREFIX_LEN;
    size_t len = strnlen(code, CODE_MAX + 1);
    if (len > CODE_MAX || strpbrk(code, "\r\n")) /* the decoder would pass over them */
        return false;
    struct ij_base64 state = { 0 };
    uint8_t bytes[CODE_MAX / 4 * 3 + 3];
    long count = ij_base64_decode(&state, code, len, bytes);
    bool is_one = ij_base64_is_whole(&state) && count >= IJ_WEBHOOK_SECRET_MIN &&
                  count <= IJ_WEBHOOK_SECRET_MAX;
    if (is_one) {
        memcpy(out->bytes, bytes, (size_t)count);
        out->len = (size_t)count;
    }
    explicit_bzero(bytes, sizeof(bytes));
    return is_one;
}

int ij_webhook_secrets_read(const char *const *texts, size_t count,
                            struct ij_webhook_secrets *out, struct imgjob_error *err)
{
    if (count < 1 || count > IMGJOB_WEBHOOK_SECRETS_MAX || !texts)
        return ij_fail(err, IMGJOB_E_INVALID, "secrets: there must be 1..%d, not %zu",
                       IMGJOB_WEBHOOK_SECRETS_MAX, texts ? count : 0);
    IJ_AUTO(ij_webhook_secrets_done)
    struct ij_webhook_secrets secrets = { .count = count };
    for (size_t i = 0; i < count; i++)
        if (!read_secret(texts[i], &secrets.list[i])) /* whose words are not repeated */
            return ij_fail(err, IMGJOB_E_INVALID,
                           "secrets: number %zu is not " PREFIX
                           " and base64 of %d to %d bytes",
                           i + 1, IJ_WEBHOOK_SECRET_MIN, IJ_WEBHOOK_SECRET_MAX);
    *out = secrets;
    return 0;
}

int ij_webhook_sign(const struct ij_webhook_secrets *secrets, const char *id,
                    int64_t timestamp_s, const char *body,
                    char out[IJ_WEBHOOK_SIGNATURES_SIZE], struct imgjob_error *err)
{
    enum { HEAD_MAX = 128 };
    IJ_AUTO(ij_buf_done) struct ij_buf signed_text = { .max = strlen(body) + HEAD_MAX };
    ij_buf_printf(&signed_text, "%s.%" PRId64 ".", id, timestamp_s);
    ij_buf_add_str(&signed_text, body);
    if (signed_text.failed)
        return ij_fail_nomem(err, "signing a webhook");
    char *at = out;
    for (size_t i = 0; i < secrets->count; i++) {
        const struct ij_webhook_secret *secret = &secrets->list[i];
        unsigned char mac[IJ_SHA256_SIZE];
        int rc = ij_hmac_sha256(secret->bytes, secret->len, signed_text.data,
                                signed_text.len, mac, err);
        if (rc < 0)
            return rc;
        if (i > 0)
            *at++ = ' ';
        memcpy(at, "v1,", 3);
        ij_base64_encode(mac, sizeof(mac), at + 3);
        at += strlen(at);
    }
    return 0;
}
