/* Owns what is the same in two stores. */
#include "walk.h"

static struct ij_page pages[2]; /* too large for a stack */

static void assert_same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a)
        assert_string_equal(a, b);
}

void assert_same_outcome(int a, int b, const struct imgjob_error errs[2])
{
    if (a != b)
        print_error("%d '%s' and %d '%s'\n", a, errs[0].text, b, errs[1].text);
    assert_int_equal(a, b);
    if (a < 0)
        assert_string_equal(errs[0].text, errs[1].text);
}

#define SAME(member)                                                         \
    do {                                                                     \
        if (!(a->member == b->member))                                       \
            print_error(#member ": %lld and %lld\n", (long long)(a->member), \
                        (long long)(b->member));                             \
        assert_true(a->member == b->member);                                 \
    } while (0)

static void assert_same_job(const struct ij_job *a, const struct ij_job *b)
{
    assert_true(ij_id_equal(&a->id, &b->id));
    SAME(seq);
    SAME(tenant);
    SAME(queue);
    SAME(state);
    SAME(reason);
    SAME(prio);
    SAME(fair);
    SAME(run_at);
    SAME(deadline);
    SAME(attempt);
    SAME(max_attempts);
    SAME(timeout_ms);
    SAME(crashes);
    SAME(losses);
    SAME(releases);
    SAME(gen);
    SAME(lease_until);
    SAME(cancel_asked);
    SAME(progress.percent);
    SAME(progress.stage);
    SAME(progress.output);
    SAME(ver);
    SAME(change);
    SAME(created);
    SAME(updated);
    SAME(started);
    SAME(finished);
    SAME(result_expires);
    SAME(expires);
    SAME(result_ttl_ms);
    SAME(job_ttl_ms);
    SAME(bytes);
    assert_true(ij_id_equal(&a->batch, &b->batch));
    SAME(has_callback);
    SAME(has_dedup);
    assert_memory_equal(a->dedup, b->dedup, sizeof(a->dedup));
    assert_int_equal(a->token == 0, b->token == 0);
}

void assert_same_record(const struct ij_record *a, const struct ij_record *b)
{
    assert_same_job(&a->job, &b->job);
    assert_same_text(a->spec, b->spec);
    assert_same_text(a->input, b->input);
    assert_same_text(a->result, b->result);
    assert_same_text(a->failure, b->failure);
    assert_same_text(a->options, b->options);
    assert_same_text(a->keys, b->keys);
    assert_string_equal(a->queue, b->queue);
    assert_string_equal(a->tenant, b->tenant);
}

void assert_same_delivery(const struct ij_delivery *a, const struct ij_delivery *b)
{
    assert_true(ij_id_equal(&a->job, &b->job));
    assert_string_equal(a->tenant, b->tenant);
    assert_string_equal(a->type, b->type);
    assert_string_equal(a->url, b->url);
    assert_string_equal(a->body, b->body);
    assert_string_equal(a->log, b->log);
    SAME(state);
    SAME(attempt);
    SAME(replayed);
    SAME(created);
    SAME(updated);
    SAME(due);
    assert_int_equal(a->token == 0, b->token == 0);
}

void compare_stats(struct walk *walk)
{
    struct ij_jobs_stats stats[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops(walk, i)->stats(jobs(walk, i), &stats[i], NULL), 0);
    const struct ij_jobs_stats *a = &stats[0], *b = &stats[1];
    for (size_t state = 0; state < IJ_STATE_COUNT; state++)
        SAME(by_state[state]);
    SAME(bytes);
    SAME(change);
    SAME(deliveries);
}

void compare_queues(struct walk *walk)
{
    static struct ij_queue_stats queues[2][IJ_QUEUES_MAX];
    size_t count[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops(walk, i)->queues(jobs(walk, i), queues[i], &count[i], NULL),
                         0);
    assert_int_equal(count[0], count[1]);
    for (size_t at = 0; at < count[0]; at++) {
        const struct ij_queue_stats *a = &queues[0][at], *b = &queues[1][at];
        assert_string_equal(a->name, b->name);
        SAME(is_paused);
        SAME(limit);
        SAME(weight);
        SAME(oldest_ready);
        for (size_t state = 0; state < IJ_STATE_COUNT; state++)
            SAME(by_state[state]);
    }
}

void compare_batch(struct walk *walk, const struct ij_id *batch)
{
    uint64_t by_state[2][IJ_STATE_COUNT];
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops(walk, i)->batch(jobs(walk, i), batch, by_state[i], NULL), 0);
    assert_memory_equal(by_state[0], by_state[1], sizeof(by_state[0]));
}

static uint64_t compare_pages(void)
{
    assert_int_equal(pages[0].count, pages[1].count);
    assert_true(pages[0].next == pages[1].next);
    uint64_t next = pages[0].next;
    for (size_t at = 0; at < pages[0].count; at++)
        assert_same_record(&pages[0].records[at], &pages[1].records[at]);
    for (int i = 0; i < 2; i++)
        ij_page_done(&pages[i]);
    return next;
}

uint64_t compare_list(struct walk *walk, const struct ij_list *list)
{
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops(walk, i)->list(jobs(walk, i), list, &pages[i], NULL), 0);
    return compare_pages();
}

uint64_t compare_changes(struct walk *walk, const char *tenant, uint64_t after,
                         uint32_t limit)
{
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            ops(walk, i)->changes(jobs(walk, i), tenant, after, limit, &pages[i], NULL),
            0);
    return compare_pages();
}

bool compare_deliveries(struct walk *walk, struct ij_delivery_list *list,
                        uint64_t before[2])
{
    static struct ij_delivery deliveries[2][IJ_LIST_MAX];
    size_t count[2];
    for (int i = 0; i < 2; i++) {
        list->before = before[i];
        assert_int_equal(ops(walk, i)->delivery_list(jobs(walk, i), list, deliveries[i],
                                                     &count[i], &before[i], NULL),
                         0);
    }
    assert_int_equal(count[0], count[1]);
    assert_int_equal(before[0] == 0, before[1] == 0);
    for (size_t at = 0; at < count[0]; at++) {
        assert_same_delivery(&deliveries[0][at], &deliveries[1][at]);
        for (int i = 0; i < 2; i++)
            ij_delivery_done(&deliveries[i][at]);
    }
    return before[0] != 0;
}

void compare_all(struct walk *walk)
{
    struct ij_list list = { .limit = IJ_LIST_MAX };
    uint64_t rows = 0, after = 0, last;
    do
        list.before = compare_list(walk, &list);
    while (list.before != 0);
    do {
        last = after;
        after = compare_changes(walk, NULL, last, IJ_LIST_MAX);
        rows++;
    } while (after != last);
    struct ij_delivery_list deliveries = { .limit = IJ_LIST_MAX };
    uint64_t before[2] = { 0, 0 };
    while (compare_deliveries(walk, &deliveries, before))
        continue;
    compare_queues(walk);
    for (int i = 0; i < 2; i++)
        assert_int_equal(fault_count(walk->stores[i]), 0);
}
