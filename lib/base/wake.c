/* Owns who sleeps for what. One short lock: wakers and sleepers hold it for a list walk.
 */
#include "base/wake.h"

#include "base/thread.h"

int ij_wake_init(struct ij_wake *wake, struct imgjob_error *err)
{
    *wake = (struct ij_wake){ 0 };
    if (pthread_mutex_init(&wake->lock, NULL) != 0)
        return ij_fail_nomem(err, "making a lock");
    return 0;
}

void ij_wake_done(struct ij_wake *wake)
{
    (void)pthread_mutex_destroy(&wake->lock);
}

/* The last byte of an id is random. */
static struct ij_waiter **bucket_of(struct ij_wake *wake, const struct ij_id *key)
{
    return &wake->buckets[key->bytes[15] % IJ_WAKE_BUCKETS];
}

int ij_wake_add(struct ij_wake *wake, struct ij_waiter *waiter, const struct ij_id *key,
                struct imgjob_error *err)
{
    *waiter = (struct ij_waiter){ .key = *key };
    int rc = ij_cond_init(&waiter->cond, err);
    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&wake->lock);
    struct ij_waiter **head = bucket_of(wake, key);
    waiter->next = *head;
    waiter->link = head;
    if (*head)
        (*head)->link = &waiter->next;
    *head = waiter;
    (void)pthread_mutex_unlock(&wake->lock);
    return 0;
}

bool ij_wake_remove(struct ij_wake *wake, struct ij_waiter *waiter)
{
    (void)pthread_mutex_lock(&wake->lock);
    bool was_woken = waiter->is_woken;
    *waiter->link = waiter->next;
    if (waiter->next)
        waiter->next->link = waiter->link;
    (void)pthread_mutex_unlock(&wake->lock);
    (void)pthread_cond_destroy(&waiter->cond);
    return was_woken;
}

bool ij_wake_sleep(struct ij_wake *wake, struct ij_waiter *waiter, int64_t mono_ms)
{
    bool in_time = true;
    (void)pthread_mutex_lock(&wake->lock);
    while (!waiter->is_woken && !wake->is_over && in_time)
        in_time = ij_cond_wait_until(&waiter->cond, &wake->lock, mono_ms);
    bool woken = waiter->is_woken;
    waiter->is_woken = false;
    bool over = wake->is_over;
    (void)pthread_mutex_unlock(&wake->lock);
    return woken && !over;
}

static void wake_matching(struct ij_wake *wake, const struct ij_id *key, bool only_one)
{
    (void)pthread_mutex_lock(&wake->lock);
    for (struct ij_waiter *at = *bucket_of(wake, key); at; at = at->next) {
        if (at->is_woken || !ij_id_equal(&at->key, key))
            continue;
        at->is_woken = true;
        (void)pthread_cond_signal(&at->cond);
        if (only_one)
            break;
    }
    (void)pthread_mutex_unlock(&wake->lock);
}

void ij_wake_all_of(struct ij_wake *wake, const struct ij_id *key)
{
    wake_matching(wake, key, false);
}

void ij_wake_one_of(struct ij_wake *wake, const struct ij_id *key)
{
    wake_matching(wake, key, true);
}

static void wake_everybody(struct ij_wake *wake, bool is_end)
{
    (void)pthread_mutex_lock(&wake->lock);
    wake->is_over |= is_end;
    for (int i = 0; i < IJ_WAKE_BUCKETS; i++)
        for (struct ij_waiter *at = wake->buckets[i]; at; at = at->next) {
            at->is_woken = true;
            (void)pthread_cond_signal(&at->cond);
        }
    (void)pthread_mutex_unlock(&wake->lock);
}

void ij_wake_all(struct ij_wake *wake)
{
    wake_everybody(wake, false);
}

void ij_wake_end(struct ij_wake *wake)
{
    wake_everybody(wake, true);
}
