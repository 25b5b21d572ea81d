/** Telling a URL that a job has ended: Standard Webhooks 1.0. */
#ifndef IMGJOB_WEBHOOK_H
#define IMGJOB_WEBHOOK_H

#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>
#include <imgjob/log.h>
#include <imgjob/store.h>

IMGJOB_BEGIN_DECLS

/** Secrets that sign at the same time, at most. @since 0.1 */
#define IMGJOB_WEBHOOK_SECRETS_MAX 8

/** Zero or NULL means "default" in every field. @since 0.1 */
struct imgjob_webhook_options {
    size_t size; /**< sizeof(struct imgjob_webhook_options) */
    /** Each "whsec_" and base64 of 24 to 64 bytes. Every delivery is signed with all of
     * them, so that a secret can be changed without a pause. */
    const char *const *secrets;
    size_t secret_count; /**< 1..IMGJOB_WEBHOOK_SECRETS_MAX */
    uint32_t timeout_ms; /**< of one delivery, 100..60,000; 0 = 15,000 */
    /** Deliveries under way, 1..256; 0 = 64. To one host and port at most a quarter of
     * them, rounded up, so that a slow receiver leaves room for the others. */
    uint32_t concurrency;
    /** 1 = URLs may lead anywhere. Otherwise only to addresses of the public internet,
     * and there to ports 80 and 443; looked at when the connection is made. */
    uint32_t allow_private;
    uint32_t reserved; /**< 0 */
    imgjob_log_fn log; /**< NULL = silent */
    void *log_data;    /**< handed to `log` */
};

/** What delivers. Shared: any thread may use it. @since 0.1 */
struct imgjob_webhooks;

/**
 * Deliver what jobs with a callback_url have to tell, until imgjob_webhooks_close(). The
 * end of a job and the message about it are one commit; each message is sent at least
 * once and always with the same id and body: `type` is "job.completed", "job.failed" or
 * "job.cancelled", `data` the job as imgjob_job_json() gives it. An answer of 2xx ends
 * it, 410 ends all of the tenant's that wait for that URL. Anything else is tried again,
 * ten times within about a day, and later where Retry-After asks for it (12 hours at
 * most). No redirect is followed and no proxy used.
 *
 * @param store   must outlive it
 * @param options read during the call
 * @param out     the caller's, to end with imgjob_webhooks_close(); untouched on failure
 * @return 0, or IMGJOB_E_INVALID (no secret, or one that is none; this build has no
 *         webhooks), _ABI, _NOMEM, _INTERNAL
 * @since 0.1
 */
IMGJOB_API int imgjob_webhooks_open(struct imgjob_store *store,
                                    const struct imgjob_webhook_options *options,
                                    struct imgjob_webhooks **out,
                                    struct imgjob_error *err);

/** Sign with other secrets from the next delivery on; as in the options. @since 0.1 */
IMGJOB_API int imgjob_webhooks_set_secrets(struct imgjob_webhooks *webhooks,
                                           const char *const *secrets, size_t count,
                                           struct imgjob_error *err);

/** End; NULL is fine. Deliveries under way are cut off, and come again when webhooks are
 * next opened on the store. @since 0.1 */
IMGJOB_API void imgjob_webhooks_close(struct imgjob_webhooks *webhooks);

/** Which deliveries a list holds. Zero or NULL means "all". @since 0.1 */
struct imgjob_delivery_options {
    size_t size;        /**< sizeof(struct imgjob_delivery_options) */
    const char *tenant; /**< only this one's */
    const char *job;    /**< only about the job with this id */
    const char *status; /**< only "pending", "delivered" or "failed" */
    const char *cursor; /**< `next` of the page before */
    uint32_t limit;     /**< 1..100; 0 = 50 */
    uint32_t reserved;  /**< 0 */
};

/**
 * The delivery log, newest first, as a JSON object: `deliveries`, an array of {id,
 * job_id, type, url, status, attempts, created_at, updated_at, next_attempt_at, log: [{
 * at, status, error, duration_ms}]}, and `next`, a cursor or null.
 *
 * @param out the caller's, to free with imgjob_text_free(); untouched on failure
 * @return 0, or IMGJOB_E_INVALID, _ABI, _BUSY, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_delivery_list(struct imgjob_store *store,
                                    const struct imgjob_delivery_options *options,
                                    char **out, struct imgjob_error *err);

/**
 * Send a delivery again: the same id and body.
 *
 * @param id of the delivery: what the receiver saw as webhook-id
 * @return 0, or IMGJOB_E_NOTFOUND, _BUSY, _STORE
 * @since 0.1
 */
IMGJOB_API int imgjob_delivery_replay(struct imgjob_store *store, const char *id,
                                      struct imgjob_error *err);

IMGJOB_END_DECLS
#endif
