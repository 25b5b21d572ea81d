/*
 * Who comes next, pure: between queues by their weight, between the tenants of a queue by
 * virtual time. Both are start-time fair queuing (Goyal, Vin, Cheng: "Start-time Fair
 * Queuing", SIGCOMM 1996): what waited has no claim to the time in which it had nothing
 * to run, and what ran much pays only against those that wait as well.
 */
#pragma once

#include "jobs/jobs.h"

/* ---- queues ---- */

/* A queue's place, kept by the backend while the store is open; zeroed at open. Not on
 * disk: after a restart all begin at the same place. */
struct ij_turn {
    uint64_t pass;
    uint32_t weight; /* 1..100 */
    bool may_run;    /* it has ready jobs, is not paused and under its limit */
};

/* Zeroed at open. */
struct ij_turn_clock {
    uint64_t pass; /* of the last queue that was taken */
};

/* The queue whose turn it is, of those that may run; the first of several that are equal.
 * The backends put queues in the order of their numbers. @return its index, or `count` */
size_t ij_turn_next(const struct ij_turn *turns, size_t count,
                    const struct ij_turn_clock *clock);

/* A job of it was claimed. */
void ij_turn_take(struct ij_turn *turn, struct ij_turn_clock *clock);

/* ---- tenants ---- */

/*
 * `fair` of a new job. There is a clock for each priority of each queue: the highest
 * `fair` that was claimed there, 0 at first; and `last` for each tenant in it: that of
 * its last job, 0 at first. Both are on disk; a `last` that is not above its clock may
 * be forgotten. Equal ones go by seq, so a single tenant's jobs go in their order.
 */
uint64_t ij_fair_new(uint64_t clock, uint64_t last);

/* The clock after the claim of a job. */
uint64_t ij_fair_claimed(uint64_t clock, const struct ij_job *job);

/* Whether `a` goes before `b`, both ready in the same queue: by prio, fair, seq. */
bool ij_fair_before(const struct ij_job *a, const struct ij_job *b);
