/*
 * Owns the sending of webhooks. One thread claims what is due and has up to `concurrency`
 * transfers under way; a second one sleeps on the store's outbox and rings when there is
 * something new, since the first sleeps on sockets. A delivery is written off only by a
 * finish under its claim: what is cut off or cannot be finished comes again.
 */
#include "webhook.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/thread.h"
#include "store.h"

enum {
    TIMEOUT_DEFAULT_MS = 15000,
    TIMEOUT_MIN_MS = 100,
    TIMEOUT_MAX_MS = 60000,
    CONCURRENCY_DEFAULT = 64,
    CONCURRENCY_MAX = 256,
    STUCK_MS = 900, /* without the begin or end of a try */
    LEASE_MORE_MS =
        10000,           /* a claim beyond the timeout: for what comes before and after */
    TROUBLE_MS = 1000,   /* until the store is asked again after a failure */
    SLEEP_MAX_MS = 60000 /* until the store's clock, which may jump, is looked at */
};

/* A delivery under way. Zeroed = free. */
struct slot {
    bool is_taken;
    bool has_ended; /* its finish is to be written */
    struct ij_delivery delivery;
    struct ij_delivery_finish finish;
    struct ij_buf line;
};

struct imgjob_webhooks {
    struct imgjob_store *store;
    struct ij_log log;
    struct ij_http_client *client;
    uint32_t lease_ms;
    pthread_t sender, bell;
    bool has_sender, has_bell, has_waiter;
    struct ij_waiter waiter; /* the bell's */
    _Atomic bool is_closing;
    _Atomic bool has_news; /* something may be due that the sender does not know of */

    pthread_mutex_t lock;
    struct ij_webhook_secrets secrets; /* guarded by lock */

    /* the sender's */
    struct slot *slots;
    size_t slot_count, taken_count;
    int64_t moved_at; /* when a try last began or ended, by the store's clock */
    int64_t look_at;  /* when to claim, by the store's clock; 0 = once there is news */
    bool is_troubled; /* the last call of the store failed, and that was logged */
};

/* ---- the store ---- */

static int64_t now_of(const struct imgjob_webhooks *webhooks)
{
    return ij_wall_ms(&webhooks->store->clock);
}

static void look_by(struct imgjob_webhooks *webhooks, int64_t wall_ms)
{
    if (webhooks->look_at == 0 || wall_ms < webhooks->look_at)
        webhooks->look_at = wall_ms;
}

/* The store could not be asked: said once, until it works again. */
static void complain(struct imgjob_webhooks *webhooks, const char *doing,
                     const struct imgjob_error *why)
{
    if (!webhooks->is_troubled)
        ij_log(&webhooks->log, IMGJOB_LOG_WARN, "webhook", NULL, "%s: %s", doing,
               why->text);
    webhooks->is_troubled = true;
}

static void slot_free(struct imgjob_webhooks *webhooks, struct slot *slot)
{
    ij_delivery_done(&slot->delivery);
    ij_buf_done(&slot->line);
    *slot = (struct slot){ 0 };
    webhooks->taken_count--;
}

static void log_finish(struct imgjob_webhooks *webhooks, const struct slot *slot)
{
    static const enum imgjob_log_level levels[] = {
        [IJ_DELIVERY_WAITING] = IMGJOB_LOG_INFO,
        [IJ_DELIVERY_DELIVERED] = IMGJOB_LOG_DEBUG,
        [IJ_DELIVERY_FAILED] = IMGJOB_LOG_WARN,
    };
    char id[IMGJOB_ID_SIZE], job[IMGJOB_ID_SIZE], next[64] = "";
    ij_id_format(&slot->delivery.id, id);
    ij_id_format(&slot->delivery.job, job);
    if (slot->finish.state == IJ_DELIVERY_WAITING)
        (void)snprintf(next, sizeof(next), ", again in %" PRIu64 " s",
                       slot->finish.delay_ms / 1000);
    else if (slot->finish.state == IJ_DELIVERY_FAILED)
        (void)snprintf(next, sizeof(next), ", given up");
    ij_log(&webhooks->log, levels[slot->finish.state], "webhook", job,
           "delivery %s, try %u: %s%s", id, slot->delivery.attempt,
           slot->line.data ? slot->line.data : "", next);
}

/* Write what became of a delivery. What fails for now is kept, to be tried again: it has
 * been sent, and must not be sent again for a store that was busy. */
static void slot_finish(struct imgjob_webhooks *webhooks, struct slot *slot)
{
    struct imgjob_store *store = webhooks->store;
    struct imgjob_error why;
    slot->finish.line = slot->line.data;
    int rc = store->jobs->ops->delivery_finish(store->jobs, &slot->finish, &why);
    if (rc < 0) {
        complain(webhooks, "finish a delivery", &why);
        if (rc == IMGJOB_E_BUSY || rc == IMGJOB_E_NOMEM || rc == IMGJOB_E_FULL)
            return;
    } else {
        webhooks->is_troubled = false;
    }
    if (rc == 0) {
        ij_count(&store->metrics.deliveries[slot->finish.state]);
        log_finish(webhooks, slot);
        if (slot->finish.state == IJ_DELIVERY_WAITING)
            look_by(webhooks, now_of(webhooks) + (int64_t)slot->finish.delay_ms);
    }
    slot_free(webhooks, slot);
}

static void slot_end(struct imgjob_webhooks *webhooks, struct slot *slot,
                     const struct ij_http_answer *answer)
{
    uint64_t random = 0;
    (void)ij_random(&random, sizeof(random), NULL); /* without it, all come a bit early */
    slot->finish = ij_webhook_judge(&slot->delivery, answer, random);
    ij_webhook_write_line(&slot->line, answer, now_of(webhooks));
    slot->has_ended = true;
    webhooks->moved_at = now_of(webhooks);
    look_by(webhooks, webhooks->moved_at); /* its receiver has room for another one */
}

static void finish_ended(struct imgjob_webhooks *webhooks)
{
    for (size_t i = 0; i < webhooks->slot_count; i++)
        if (webhooks->slots[i].has_ended)
            slot_finish(webhooks, &webhooks->slots[i]);
}

/* ---- sending ---- */

static int sign(struct imgjob_webhooks *webhooks, const struct ij_delivery *delivery,
                const char *id, int64_t timestamp_s, char out[IJ_WEBHOOK_SIGNATURES_SIZE],
                struct imgjob_error *err)
{
    (void)pthread_mutex_lock(&webhooks->lock);
    struct ij_webhook_secrets secrets = webhooks->secrets;
    (void)pthread_mutex_unlock(&webhooks->lock);
    int rc = ij_webhook_sign(&secrets, id, timestamp_s, delivery->body, out, err);
    ij_webhook_secrets_done(&secrets);
    return rc;
}

static int start(struct imgjob_webhooks *webhooks, struct slot *slot,
                 struct imgjob_error *err)
{
    enum { NAME_MAX_LEN = 32 };
    char id[IMGJOB_ID_SIZE], signatures[IJ_WEBHOOK_SIGNATURES_SIZE];
    char id_line[NAME_MAX_LEN + IMGJOB_ID_SIZE], timestamp_line[NAME_MAX_LEN + 24];
    char signature_line[NAME_MAX_LEN + IJ_WEBHOOK_SIGNATURES_SIZE];
    int64_t timestamp_s = now_of(webhooks) / 1000; /* of this attempt */
    ij_id_format(&slot->delivery.id, id);
    int rc = sign(webhooks, &slot->delivery, id, timestamp_s, signatures, err);
    if (rc < 0)
        return rc;
    (void)snprintf(id_line, sizeof(id_line), "webhook-id: %s", id);
    (void)snprintf(timestamp_line, sizeof(timestamp_line), "webhook-timestamp: %" PRId64,
                   timestamp_s);
    (void)snprintf(signature_line, sizeof(signature_line), "webhook-signature: %s",
                   signatures);
    const char *const headers[] = { "Content-Type: application/json", id_line,
                                    timestamp_line, signature_line };
    const struct ij_http_request request = {
        .url = slot->delivery.url,
        .headers = headers,
        .header_count = IJ_ARRAY_LEN(headers),
        .body = slot->delivery.body,
        .len = strlen(slot->delivery.body),
        .data = slot,
    };
    return ij_http_start(webhooks->client, &request, err);
}

static struct slot *free_slot(struct imgjob_webhooks *webhooks)
{
    size_t i = 0;
    while (webhooks->slots[i].is_taken)
        i++;
    assert(i < webhooks->slot_count);
    return &webhooks->slots[i];
}

/* @param delivery taken */
static void send_one(struct imgjob_webhooks *webhooks, struct ij_delivery *delivery)
{
    struct slot *slot = free_slot(webhooks);
    *slot = (struct slot){ .is_taken = true, .delivery = *delivery };
    webhooks->taken_count++;
    webhooks->moved_at = now_of(webhooks);
    struct imgjob_error why;
    bool has_body = slot->delivery.body[0] != '\0';
    int rc = has_body ? start(webhooks, slot, &why)
                      : ij_fail(&why, IMGJOB_E_STORE,
                                "nothing to send: a document of the job was broken when "
                                "it ended");
    if (rc == 0)
        return;
    struct ij_http_answer none = { 0 };
    (void)snprintf(none.error, sizeof(none.error), "%.150s", why.text);
    slot_end(webhooks, slot, &none);
    if (!has_body) /* nor will there be */
        slot->finish.state = IJ_DELIVERY_FAILED;
}

/* The URLs of what is being sent. @return how many */
static size_t under_way(const struct imgjob_webhooks *webhooks, const char **out)
{
    size_t count = 0;
    for (size_t i = 0; i < webhooks->slot_count; i++)
        if (webhooks->slots[i].is_taken && !webhooks->slots[i].has_ended)
            out[count++] = webhooks->slots[i].delivery.url;
    return count;
}

/* Claim what is due, as far as there are free slots, and begin to send it. */
static void send_due(struct imgjob_webhooks *webhooks)
{
    if (atomic_exchange(&webhooks->has_news, false))
        look_by(webhooks, now_of(webhooks));
    size_t room = webhooks->slot_count - webhooks->taken_count;
    if (room == 0 || webhooks->look_at == 0 || webhooks->look_at > now_of(webhooks))
        return;
    struct ij_jobs *jobs = webhooks->store->jobs;
    const char *urls[CONCURRENCY_MAX];
    struct ij_delivery due[CONCURRENCY_MAX];
    const struct ij_delivery_claim claim = {
        .lease_ms = webhooks->lease_ms,
        .max = room,
        .under_way = urls,
        .under_way_count = under_way(webhooks, urls),
        .receiver_max = (webhooks->slot_count + 3) / 4, /* none holds up the others */
        .is_stuck = webhooks->taken_count > 0 &&
                    now_of(webhooks) - webhooks->moved_at >= STUCK_MS,
    };
    size_t count = 0;
    int64_t next_due = 0;
    struct imgjob_error why;
    int rc = jobs->ops->delivery_claim(jobs, &claim, due, &count, &next_due, &why);
    if (rc < 0) {
        complain(webhooks, "claim deliveries", &why);
        webhooks->look_at = now_of(webhooks) + TROUBLE_MS;
        return;
    }
    webhooks->is_troubled = false;
    webhooks->look_at = next_due;
    for (size_t i = 0; i < count; i++)
        send_one(webhooks, &due[i]);
}

/* Until when, by the machine's clock, nothing needs to be done but what wakes us. */
static int64_t idle_until(const struct imgjob_webhooks *webhooks)
{
    int64_t now = ij_mono_ms(&ij_clock_system);
    int64_t wait = INT64_MAX;
    for (size_t i = 0; i < webhooks->slot_count; i++)
        if (webhooks->slots[i].has_ended)
            wait = TROUBLE_MS;
    bool has_room = webhooks->taken_count < webhooks->slot_count;
    if (has_room && webhooks->look_at != 0) {
        int64_t left = webhooks->look_at - now_of(webhooks);
        left = left < 0 ? 0 : left < SLEEP_MAX_MS ? left : SLEEP_MAX_MS;
        wait = left < wait ? left : wait;
    }
    return wait == INT64_MAX ? wait : now + wait;
}

static void take_answers(struct imgjob_webhooks *webhooks)
{
    struct ij_http_answer answer;
    while (ij_http_next(webhooks->client, &answer))
        slot_end(webhooks, answer.data, &answer);
}

/* We end, and what is under way comes again at once wherever the store is opened next:
 * a claim that stood until its lease is over would only hold it up. */
static void cut_off(struct imgjob_webhooks *webhooks)
{
    for (size_t i = 0; i < webhooks->slot_count; i++) {
        struct slot *slot = &webhooks->slots[i];
        if (!slot->is_taken)
            continue;
        if (!slot->has_ended) {
            struct ij_http_answer none = { .error = "cut off: the sender was closed" };
            slot_end(webhooks, slot, &none);
            slot->finish.state = IJ_DELIVERY_WAITING;
            slot->finish.delay_ms = 0;
        }
        slot_finish(webhooks, slot);
        if (slot->is_taken) /* it could not be written: its claim runs out */
            slot_free(webhooks, slot);
    }
}

static void *send_all(void *data)
{
    struct imgjob_webhooks *webhooks = data;
    while (!atomic_load(&webhooks->is_closing)) {
        send_due(webhooks);
        struct imgjob_error why;
        if (ij_http_run(webhooks->client, idle_until(webhooks), &why) < 0) {
            complain(webhooks, "send", &why);
            (void)poll(NULL, 0, TROUBLE_MS); /* no memory: nothing else to wait for */
        }
        take_answers(webhooks);
        finish_ended(webhooks);
    }
    cut_off(webhooks);
    return NULL;
}

static void *ring(void *data)
{
    struct imgjob_webhooks *webhooks = data;
    struct ij_wake *outbox = &webhooks->store->outbox;
    int64_t until = 0;
    do {
        atomic_store(&webhooks->has_news, true);
        ij_http_wake(webhooks->client);
        until = ij_mono_ms(&ij_clock_system) + INT_MAX;
    } while ((ij_wake_sleep(outbox, &webhooks->waiter, until) ||
              ij_mono_ms(&ij_clock_system) >= until) && /* else the outbox is over */
             !atomic_load(&webhooks->is_closing));
    return NULL;
}

/* ---- opening and closing ---- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value ? value : fallback;
}

static int check_range(const char *option, uint32_t value, uint32_t min, uint32_t max,
                       struct imgjob_error *err)
{
    if (value >= min && value <= max)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID, "%s: must be %u..%u, not %u", option, min, max,
                   value);
}

/* With every default filled in. */
static int read_options(const struct imgjob_webhook_options *options,
                        struct imgjob_webhook_options *out, struct imgjob_error *err)
{
    int rc = ij_options_read(out, sizeof(*out),
                             IJ_END_OF(struct imgjob_webhook_options, log_data), options,
                             "imgjob_webhook_options", err);
    if (rc < 0)
        return rc;
    out->timeout_ms = or_default(out->timeout_ms, TIMEOUT_DEFAULT_MS);
    out->concurrency = or_default(out->concurrency, CONCURRENCY_DEFAULT);
    rc = check_range("timeout_ms", out->timeout_ms, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS, err);
    if (rc == 0)
        rc = check_range("concurrency", out->concurrency, 1, CONCURRENCY_MAX, err);
    if (rc == 0)
        rc = check_range("allow_private", out->allow_private, 0, 1, err);
    return rc < 0 ? rc : check_range("reserved", out->reserved, 0, 0, err);
}

static int open_parts(struct imgjob_webhooks *webhooks,
                      const struct imgjob_webhook_options *options,
                      struct imgjob_error *err)
{
    int rc = ij_webhook_secrets_read(options->secrets, options->secret_count,
                                     &webhooks->secrets, err);
    if (rc < 0)
        return rc;
    webhooks->slots = calloc(options->concurrency, sizeof(*webhooks->slots));
    if (!webhooks->slots)
        return ij_fail_nomem(err, "opening webhooks");
    webhooks->slot_count = options->concurrency;
    char user_agent[64];
    (void)snprintf(user_agent, sizeof(user_agent), "imgjob/%s", imgjob_version());
    const struct ij_http_options http = {
        .user_agent = user_agent,
        .timeout_ms = options->timeout_ms,
        .allow_private = options->allow_private != 0,
    };
    rc = ij_http_open(&http, &webhooks->client, err);
    if (rc < 0)
        return rc;
    rc = ij_wake_add(&webhooks->store->outbox, &webhooks->waiter, &ij_id_none, err);
    if (rc < 0)
        return rc;
    webhooks->has_waiter = true;
    rc = ij_thread_start(&webhooks->sender, "webhook", send_all, webhooks, err);
    webhooks->has_sender = rc == 0;
    if (rc < 0)
        return rc;
    rc = ij_thread_start(&webhooks->bell, "webhook-bell", ring, webhooks, err);
    webhooks->has_bell = rc == 0;
    return rc;
}

int imgjob_webhooks_open(struct imgjob_store *store,
                         const struct imgjob_webhook_options *options,
                         struct imgjob_webhooks **out, struct imgjob_error *err)
{
    struct imgjob_webhook_options ours = { 0 };
    int rc = read_options(options, &ours, err);
    if (rc < 0)
        return rc;
    struct imgjob_webhooks *webhooks = calloc(1, sizeof(*webhooks));
    if (!webhooks)
        return ij_fail_nomem(err, "opening webhooks");
    webhooks->store = store;
    webhooks->log = (struct ij_log){ ours.log, ours.log_data };
    webhooks->lease_ms = ours.timeout_ms + LEASE_MORE_MS;
    (void)pthread_mutex_init(&webhooks->lock, NULL); /* cannot fail on Linux */
    rc = open_parts(webhooks, &ours, err);
    if (rc < 0) {
        imgjob_webhooks_close(webhooks);
        return rc;
    }
    *out = webhooks;
    return 0;
}

int imgjob_webhooks_set_secrets(struct imgjob_webhooks *webhooks,
                                const char *const *secrets, size_t count,
                                struct imgjob_error *err)
{
    struct ij_webhook_secrets read;
    int rc = ij_webhook_secrets_read(secrets, count, &read, err);
    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&webhooks->lock);
    webhooks->secrets = read;
    (void)pthread_mutex_unlock(&webhooks->lock);
    ij_webhook_secrets_done(&read);
    return 0;
}

void imgjob_webhooks_close(struct imgjob_webhooks *webhooks)
{
    if (!webhooks)
        return;
    atomic_store(&webhooks->is_closing, true);
    if (webhooks->has_waiter)
        ij_wake_all_of(&webhooks->store->outbox, &ij_id_none);
    if (webhooks->has_bell)
        (void)pthread_join(webhooks->bell, NULL); /* fails for no thread only */
    if (webhooks->has_sender) {
        ij_http_wake(webhooks->client);
        (void)pthread_join(webhooks->sender, NULL);
    }
    if (webhooks->has_waiter)
        (void)ij_wake_remove(&webhooks->store->outbox, &webhooks->waiter);
    ij_http_close(webhooks->client);
    free(webhooks->slots);
    ij_webhook_secrets_done(&webhooks->secrets);
    (void)pthread_mutex_destroy(&webhooks->lock);
    free(webhooks);
}
