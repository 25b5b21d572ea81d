/* Owns the moves of clients, operators and whoever delivers. */
#include "jobs/outbox.h"
#include "walk.h"

const char *any_queue(struct walk *walk)
{
    static const char *const names[] = { NULL, "default", "a", "b", "c" };
    return names[roll(walk, IJ_ARRAY_LEN(names))];
}

const char *any_tenant(struct walk *walk)
{
    static const char *const names[] = { NULL, "default", "small", "big", "big" };
    return names[roll(walk, IJ_ARRAY_LEN(names))];
}

const char *any_tag(struct walk *walk)
{
    static const char *const names[] = { NULL, NULL, "red", "green", "blue" };
    return names[roll(walk, IJ_ARRAY_LEN(names))];
}

void move_cancel(struct walk *walk)
{
    struct ij_id id = test_id((uint32_t)roll(walk, IDS));
    struct imgjob_error errs[2] = { 0 };
    struct ij_job after[2];
    int rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = ops(walk, i)->cancel(jobs(walk, i), &id, &after[i], &errs[i]);
    assert_same_outcome(rc[0], rc[1], errs);
    if (rc[0] == 0) {
        assert_true(after[0].ver == after[1].ver && after[0].state == after[1].state);
        walk->canceled++;
    }
}

void move_retry(struct walk *walk)
{
    struct ij_id id = test_id((uint32_t)roll(walk, IDS));
    struct imgjob_error errs[2] = { 0 };
    int rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = ops(walk, i)->retry(jobs(walk, i), &id, &errs[i]);
    assert_same_outcome(rc[0], rc[1], errs);
    walk->retried += rc[0] == 0;
}

void move_purge(struct walk *walk)
{
    struct ij_id id = test_id((uint32_t)roll(walk, IDS));
    struct imgjob_error errs[2] = { 0 };
    int rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = ops(walk, i)->purge(jobs(walk, i), &id, &errs[i]);
    assert_same_outcome(rc[0], rc[1], errs);
    walk->purged += rc[0] == 0;
}

void move_queue_set(struct walk *walk)
{
    const char *name = any_queue(walk);
    struct ij_queue_set set = {
        .name = name ? name : IJ_NAME_DEFAULT,
        .what = (uint32_t)roll(walk, 8),
        .is_paused = one_in(walk, 8),
        .limit = one_in(walk, 3) ? 1 + (uint32_t)roll(walk, 10) : 0,
        .weight = (uint32_t)roll(walk, 102),
    };
    struct imgjob_error errs[2] = { 0 };
    int rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = ops(walk, i)->queue_set(jobs(walk, i), &set, &errs[i]);
    assert_same_outcome(rc[0], rc[1], errs);
    compare_queues(walk);
}

void move_list(struct walk *walk)
{
    struct ij_list list = {
        .tenant = any_tenant(walk),
        .queue = any_queue(walk),
        .tag = any_tag(walk),
        .states =
            (uint32_t)(roll(walk, 1 << IJ_STATE_COUNT) & roll(walk, 1 << IJ_STATE_COUNT)),
        .batch = one_in(walk, 4) ? test_id(1000 + (uint32_t)roll(walk, 4)) : ij_id_none,
        .limit = 1 + (uint32_t)roll(walk, 12),
    };
    int max = (int)roll(walk, 4);
    for (int i = 0; i <= max && (i == 0 || list.before != 0); i++)
        list.before = compare_list(walk, &list);
    walk->pages += list.before != 0;
    struct ij_id batch = test_id(1000 + (uint32_t)roll(walk, 5));
    compare_batch(walk, &batch);
}

void move_changes(struct walk *walk)
{
    uint64_t change = walk->stores[0]->last.job.change, back = roll(walk, 40);
    uint64_t after = change > back ? change - back : 0;
    uint32_t limit = 1 + (uint32_t)roll(walk, 20);
    (void)compare_changes(walk, any_tenant(walk), after, limit);
}

/* ---- deliveries ---- */

void move_delivery_claim(struct walk *walk)
{
    struct ij_delivery claimed[2][CLAIMS_MAX];
    size_t count[2], max = 1 + roll(walk, CLAIMS_MAX);
    int64_t due[2];
    struct ij_delivery_claim claim = { .lease_ms = 20000,
                                       .max = max,
                                       .receiver_max = roll(walk, CLAIMS_MAX) };
    struct ij_jobs_stats stats;
    assert_int_equal(ops(walk, 0)->stats(jobs(walk, 0), &stats, NULL), 0);
    if (stats.deliveries > IJ_DELIVERY_PASSED_MAX) /* one of the two may not see all */
        claim.receiver_max = 0;
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops(walk, i)->delivery_claim(jobs(walk, i), &claim, claimed[i],
                                                      &count[i], &due[i], NULL),
                         0);
    assert_int_equal(count[0], count[1]);
    assert_true(due[0] == due[1]);
    for (size_t k = 0; k < count[0]; k++) {
        size_t at = roll(walk, LEASES);
        assert_same_delivery(&claimed[0][k], &claimed[1][k]);
        for (int i = 0; i < 2; i++) {
            walk->sent[at][i] =
                (struct ij_delivery_finish){ .id = claimed[i][k].id,
                                             .token = claimed[i][k].token };
            ij_delivery_done(&claimed[i][k]);
        }
        walk->has_sent[at] = true;
        walk->deliveries++;
    }
}

void move_delivery_finish(struct walk *walk)
{
    size_t at = roll(walk, LEASES);
    if (!walk->has_sent[at])
        return;
    enum ij_delivery_state to = (enum ij_delivery_state)roll(walk, 3);
    uint64_t delay_ms = roll(walk, 20000);
    bool is_gone = to == IJ_DELIVERY_FAILED && one_in(walk, 4);
    bool is_stale = one_in(walk, 10);
    char line[400];
    memset(line, 'l', sizeof(line));
    line[roll(walk, sizeof(line))] = '\0';
    line[sizeof(line) - 1] = '\0';
    int rc[2];
    for (int i = 0; i < 2; i++) {
        struct ij_delivery_finish with = walk->sent[at][i];
        with.token ^= is_stale;
        with.state = to;
        with.delay_ms = delay_ms;
        with.is_url_gone = is_gone;
        with.line = line;
        rc[i] = ops(walk, i)->delivery_finish(jobs(walk, i), &with, NULL);
    }
    assert_int_equal(rc[0], rc[1]);
}

void move_delivery_replay(struct walk *walk)
{
    size_t at = roll(walk, LEASES);
    if (!walk->has_sent[at])
        return;
    int rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = ops(walk, i)->delivery_replay(jobs(walk, i), &walk->sent[at][i].id, NULL);
    assert_int_equal(rc[0], rc[1]);
}

void move_delivery_list(struct walk *walk)
{
    struct ij_delivery_list list = {
        .tenant = any_tenant(walk),
        .job = one_in(walk, 2) ? test_id((uint32_t)roll(walk, IDS)) : ij_id_none,
        .states = (uint32_t)roll(walk, 8),
        .limit = 1 + (uint32_t)roll(walk, 12),
    };
    uint64_t before[2] = { 0, 0 };
    if (compare_deliveries(walk, &list, before))
        (void)compare_deliveries(walk, &list, before);
}
