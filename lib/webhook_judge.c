/* Owns what an answer to a webhook means: done, again and when, or given up. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/json.h"
#include "webhook.h"

enum { GONE = 410 };

#define MINUTE_MS (60 * UINT64_C(1000))
#define HOUR_MS   (60 * MINUTE_MS)

/* Mean delays behind one try after the other: 22 hours in all, and never less than
 * eleven, so that an outage of a night loses nothing. */
static const uint64_t delays_ms[] = {
    5000,    30000,       2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS,
    HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS,   6 * HOUR_MS,    8 * HOUR_MS,
};

/* A receiver may ask to be left alone for so long at most: a slip of one that names the
 * next century must not keep its messages from it. */
#define RETRY_AFTER_MAX_MS (12 * HOUR_MS)

/* Half to one and a half of the mean, so that those that failed together do not come
 * together again. Not from 0 on, as full jitter would have it: a series of short ones
 * would end too soon. */
static uint64_t jittered(uint64_t mean_ms, uint64_t random)
{
    return mean_ms / 2 + random % (mean_ms + 1);
}

struct ij_delivery_finish ij_webhook_judge(const struct ij_delivery *delivery,
                                           const struct ij_http_answer *answer,
                                           uint64_t random)
{
    struct ij_delivery_finish finish = {
        .id = delivery->id,
        .token = delivery->token,
        .state = IJ_DELIVERY_FAILED,
        .is_url_gone = answer->status == GONE,
    };
    uint32_t tries = delivery->attempt - delivery->replayed; /* this one included */
    if (answer->status >= 200 && answer->status <= 299) {
        finish.state = IJ_DELIVERY_DELIVERED;
    } else if (!finish.is_url_gone && tries <= IJ_ARRAY_LEN(delays_ms)) {
        uint64_t asked = answer->retry_after_ms < (int64_t)RETRY_AFTER_MAX_MS
                             ? (uint64_t)answer->retry_after_ms
                             : RETRY_AFTER_MAX_MS;
        finish.state = IJ_DELIVERY_WAITING;
        finish.delay_ms = jittered(delays_ms[tries > 0 ? tries - 1 : 0], random);
        if (finish.delay_ms < asked)
            finish.delay_ms = asked;
    }
    return finish;
}

void ij_webhook_write_line(struct ij_buf *out, const struct ij_http_answer *answer,
                           int64_t now_ms)
{
    struct ij_json_out json = { .buf = out };
    ij_json_open(&json, NULL, '{');
    ij_json_put_time(&json, "at", now_ms);
    if (answer->status > 0)
        ij_json_put_int(&json, "status", answer->status);
    else
        ij_json_put_str(&json, "status", NULL);
    ij_json_put_str(&json, "error", answer->error[0] ? answer->error : NULL);
    ij_json_put_int(&json, "duration_ms", answer->duration_ms);
    ij_json_close(&json, '}');
}
