/*
 * Sleeping until something happens to a job. A waiter registers first, then looks at the
 * state, then sleeps: so no change between look and sleep is missed. A wake-up is only a
 * hint to look again.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/id.h"

enum { IJ_WAKE_BUCKETS = 64 };

/* One sleeper, in the storage of its thread. Owned by that thread. */
struct ij_waiter {
    struct ij_id key;
    pthread_cond_t cond;
    /* guarded by the wake's lock */
    bool is_woken;
    struct ij_waiter *next, **link;
};

/* Shared. */
struct ij_wake {
    pthread_mutex_t lock;
    /* guarded by lock */
    struct ij_waiter *buckets[IJ_WAKE_BUCKETS];
    bool is_over; /* nobody sleeps any more */
};

int ij_wake_init(struct ij_wake *wake, struct imgjob_error *err); /* 0 or _NOMEM */
void ij_wake_done(struct ij_wake *wake);

int ij_wake_add(struct ij_wake *wake, struct ij_waiter *waiter, const struct ij_id *key,
                struct imgjob_error *err); /* 0 or _NOMEM */

/* @return whether it was woken since the last sleep: a hint that somebody else may need
 */
bool ij_wake_remove(struct ij_wake *wake, struct ij_waiter *waiter);

/* Sleep until woken, at the latest until `mono_ms` of the machine's clock; a wake-up
 * since ij_wake_add() or the last sleep counts. @return false when the time or the wake
 * is over */
bool ij_wake_sleep(struct ij_wake *wake, struct ij_waiter *waiter, int64_t mono_ms);

void ij_wake_all_of(struct ij_wake *wake, const struct ij_id *key);

/* One waiter that has not been woken yet, if there is one. */
void ij_wake_one_of(struct ij_wake *wake, const struct ij_id *key);

/* Everybody, whatever for. */
void ij_wake_all(struct ij_wake *wake);

/* Wake everybody; from now on no sleep lasts. */
void ij_wake_end(struct ij_wake *wake);
