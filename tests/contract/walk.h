/* A random walk on two stores at once, the memory backend being the model. */
#pragma once

#include "jobs_fixture.h"

enum { LEASES = 32, IDS = 150, CLAIMS_MAX = 8 };

/* The two stores and what the walk remembers. */
struct walk {
    uint64_t seed; /* xorshift64 */
    struct store *stores[2];
    struct ij_lease leases[LEASES][2]; /* the same claim in each store */
    bool has_lease[LEASES];
    struct ij_delivery_finish sent[LEASES][2]; /* the same delivery, id and token */
    bool has_sent[LEASES];
    /* so that it is seen to get around */
    uint32_t claims, refusals, replays, twins, losses, overdue, purged, forgotten;
    uint32_t canceled, retried, deliveries, dropped, pages;
};

static inline uint64_t roll(struct walk *walk, uint64_t sides)
{
    walk->seed ^= walk->seed << 13;
    walk->seed ^= walk->seed >> 7;
    walk->seed ^= walk->seed << 17;
    return (walk->seed >> 11) % sides;
}

static inline bool one_in(struct walk *walk, uint64_t sides)
{
    return roll(walk, sides) == 0;
}

static inline struct ij_jobs *jobs(const struct walk *walk, int which)
{
    return walk->stores[which]->jobs;
}

static inline const struct ij_jobs_ops *ops(const struct walk *walk, int which)
{
    return jobs(walk, which)->ops;
}

/* The words that a submit, a filter or a setting may say; NULL = says nothing. */
const char *any_queue(struct walk *walk);
const char *any_tenant(struct walk *walk);
const char *any_tag(struct walk *walk);

/* ---- comparing: walk_compare.c ---- */

void assert_same_outcome(int a, int b, const struct imgjob_error errs[2]);
/* All but what is random or of a process: token, owner. */
void assert_same_record(const struct ij_record *a, const struct ij_record *b);
void assert_same_delivery(const struct ij_delivery *a, const struct ij_delivery *b);

/* Ask both and compare what they answer. */
void compare_stats(struct walk *walk);
void compare_queues(struct walk *walk);
void compare_batch(struct walk *walk, const struct ij_id *batch);
/* @return `before` of the next page, 0 = no more; of changes, `after` */
uint64_t compare_list(struct walk *walk, const struct ij_list *list);
uint64_t compare_changes(struct walk *walk, const char *tenant, uint64_t after,
                         uint32_t limit);
/* `before` is each store's own, then that of the next page. @return whether there is one
 */
bool compare_deliveries(struct walk *walk, struct ij_delivery_list *list,
                        uint64_t before[2]);
/* Every row of every kind, by all ways to it, and what each finds wrong with itself. */
void compare_all(struct walk *walk);

/* ---- moves beside those of workers: walk_steer.c ---- */

void move_cancel(struct walk *walk);
void move_retry(struct walk *walk);
void move_purge(struct walk *walk);
void move_queue_set(struct walk *walk);
void move_list(struct walk *walk);
void move_changes(struct walk *walk);
void move_delivery_claim(struct walk *walk);
void move_delivery_finish(struct walk *walk);
void move_delivery_replay(struct walk *walk);
void move_delivery_list(struct walk *walk);
