/* Owns the slots of the memory backend's outbox. */
#include "jobs/memory.h"

#include <string.h>

#include "base/auto.h"
#include "jobs/record.h"

static struct ij_memory_delivery *find_delivery(struct ij_memory *memory,
                                                const struct ij_id *id)
{
    for (size_t i = 0; i < memory->delivery_count; i++)
        if (ij_id_equal(&memory->deliveries[i]->delivery.id, id))
            return memory->deliveries[i];
    return NULL;
}

static int copy_delivery(const struct ij_delivery *delivery, struct ij_delivery *out,
                         struct imgjob_error *err)
{
    IJ_AUTO(ij_delivery_done) struct ij_delivery copy = *delivery;
    copy.url = strdup(delivery->url);
    copy.body = strdup(delivery->body);
    copy.log = strdup(delivery->log);
    if (!copy.url || !copy.body || !copy.log)
        return ij_fail_nomem(err, "copying what a callback is told");
    *out = copy;
    copy = (struct ij_delivery){ 0 };
    return 0;
}

/* The one that is due first, beside those that were claimed; what has to be passed over
 * does not count. NULL = none waits. */
static struct ij_delivery *first_due(const struct ij_memory_hold *hold,
                                     const struct ij_delivery_claim *claim,
                                     const struct ij_delivery *claimed, size_t count)
{
    struct ij_delivery *first = NULL;
    for (size_t i = 0; i < hold->memory->delivery_count; i++) {
        struct ij_delivery *delivery = &hold->memory->deliveries[i]->delivery;
        if (delivery->state == IJ_DELIVERY_WAITING &&
            (!first || delivery->due < first->due) &&
            (delivery->due > hold->now ||
             ij_delivery_has_room(claim, claimed, count, delivery->url)))
            first = delivery;
    }
    return first;
}

int ij_memory_delivery_claim(struct ij_jobs *jobs, const struct ij_delivery_claim *claim,
                             struct ij_delivery *out, size_t *out_count,
                             int64_t *next_due, struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_delivery *first = first_due(&hold, claim, out, 0);
    size_t count = 0;
    for (; count < claim->max && first && first->due <= hold.now; count++) {
        uint64_t token = 0;
        int rc = ij_token_new(&token, err);
        if (rc == 0)
            rc = copy_delivery(first, &out[count], err);
        if (rc < 0 && count == 0)
            return rc;
        if (rc < 0)
            break; /* those that were claimed are handed out */
        struct ij_delivery *copy = &out[count];
        (void)ij_delivery_claim(copy, claim->lease_ms, token, hold.now); /* it is due */
        first->attempt = copy->attempt;
        first->token = copy->token;
        first->due = copy->due;
        first->updated = copy->updated;
        first = first_due(&hold, claim, out, count + 1);
    }
    *out_count = count;
    *next_due = first ? first->due : 0;
    return 0;
}

int ij_memory_delivery_finish(struct ij_jobs *jobs,
                              const struct ij_delivery_finish *finish,
                              struct imgjob_error *err)
{
    int rc = ij_delivery_finish_check(finish, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_memory *memory = hold.memory;
    struct ij_memory_delivery *found = find_delivery(memory, &finish->id);
    struct ij_delivery after = found ? found->delivery : (struct ij_delivery){ 0 };
    if (!found || !ij_delivery_finish(&after, finish, hold.now))
        return 1;
    rc = ij_delivery_log(found->delivery.log, finish->line, &after.log, err);
    if (rc < 0)
        return rc;
    ij_free(&found->delivery.log);
    found->delivery = after;
    for (size_t i = 0; i < memory->delivery_count && finish->is_url_gone; i++) {
        struct ij_delivery *other = &memory->deliveries[i]->delivery;
        if (strcmp(other->tenant, after.tenant) == 0 &&
            strcmp(other->url, after.url) == 0)
            (void)ij_delivery_give_up(other, hold.now); /* or it does not wait */
    }
    return 0;
}

static bool is_listed(const struct ij_memory_delivery *entry,
                      const struct ij_delivery_list *list)
{
    const struct ij_delivery *delivery = &entry->delivery;
    if (list->before != 0 && entry->number >= list->before)
        return false;
    if (list->states != 0 && !(list->states & (1u << delivery->state)))
        return false;
    if (!ij_id_equal(&list->job, &ij_id_none) && !ij_id_equal(&list->job, &delivery->job))
        return false;
    return !list->tenant || strcmp(list->tenant, delivery->tenant) == 0;
}

int ij_memory_delivery_list(struct ij_jobs *jobs, const struct ij_delivery_list *list,
                            struct ij_delivery *out, size_t *out_count,
                            uint64_t *out_next, struct imgjob_error *err)
{
    int rc = ij_page_limit_check(list->limit, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    size_t count = 0;
    uint64_t last = 0, next = 0;
    for (size_t i = hold.memory->delivery_count; i-- > 0 && rc == 0 && next == 0;) {
        const struct ij_memory_delivery *entry = hold.memory->deliveries[i];
        if (!is_listed(entry, list))
            continue;
        if (count == list->limit) {
            next = last; /* there is more */
        } else {
            rc = copy_delivery(&entry->delivery, &out[count], err);
            count += rc == 0;
            last = entry->number;
        }
    }
    if (rc < 0) {
        while (count > 0)
            ij_delivery_done(&out[--count]);
        return rc;
    }
    *out_count = count;
    *out_next = next;
    return 0;
}

int ij_memory_delivery_replay(struct ij_jobs *jobs, const struct ij_id *id,
                              struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_memory_delivery *found = find_delivery(hold.memory, id);
    if (!found)
        return ij_fail_unknown_delivery(id, err);
    ij_delivery_replay(&found->delivery, hold.now);
    return 0;
}
