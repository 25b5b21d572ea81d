/* Owns the order between queues and between tenants. */
#include "jobs/share.h"

enum { STRIDE = 1 << 20 }; /* divided by a weight of up to 100, little is cut off */

/* A queue that had nothing to run has not saved up its turns. */
static uint64_t place(const struct ij_turn *turn, const struct ij_turn_clock *clock)
{
    return turn->pass > clock->pass ? turn->pass : clock->pass;
}

size_t ij_turn_next(const struct ij_turn *turns, size_t count,
                    const struct ij_turn_clock *clock)
{
    size_t next = count;
    for (size_t i = 0; i < count; i++) {
        if (turns[i].may_run &&
            (next == count || place(&turns[i], clock) < place(&turns[next], clock)))
            next = i;
    }
    return next;
}

void ij_turn_take(struct ij_turn *turn, struct ij_turn_clock *clock)
{
    clock->pass = place(turn, clock);
    turn->pass = clock->pass + STRIDE / (turn->weight ? turn->weight : 1);
}

uint64_t ij_fair_new(uint64_t clock, uint64_t last)
{
    return (clock > last ? clock : last) + 1;
}

uint64_t ij_fair_claimed(uint64_t clock, const struct ij_job *job)
{
    return job->fair > clock ? job->fair : clock;
}

bool ij_fair_before(const struct ij_job *a, const struct ij_job *b)
{
    if (a->prio != b->prio)
        return a->prio < b->prio;
    return a->fair != b->fair ? a->fair < b->fair : a->seq < b->seq;
}
