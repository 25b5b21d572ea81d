/* The contract of a job backend: what callbacks are told, and what the sweeper does for
 * room. One suite, run on each. */
#include "jobs_fixture.h"

enum { CLAIM_MS = 20000, DELIVERIES_MAX = 8 };

static int submit_calling(struct store *store, uint32_t number, const char *tenant,
                          const char *url)
{
    struct ij_submit with = { .tenant = tenant, .callback_url = url };
    return submit_with(store, number, &with);
}

/* @return when the next is due */
static int64_t claim_beside(struct store *store, struct ij_delivery_claim claim,
                            struct ij_delivery *out, size_t *out_count)
{
    int64_t due = -1;
    claim.lease_ms = CLAIM_MS;
    expect_code(0, store->jobs->ops->delivery_claim(store->jobs, &claim, out, out_count,
                                                    &due, &test_err));
    assert_true(due >= 0);
    return due;
}

/* Claim up to `max`; the count must be right. @return when the next is due */
static int64_t claim_deliveries(struct store *store, struct ij_delivery *out, size_t max,
                                size_t count)
{
    size_t got = 99;
    int64_t due =
        claim_beside(store, (struct ij_delivery_claim){ .max = max }, out, &got);
    assert_int_equal(got, count);
    return due;
}

static int finish_delivery(struct store *store, const struct ij_delivery *delivery,
                           enum ij_delivery_state delivery_state, uint64_t delay_ms,
                           const char *line)
{
    struct ij_delivery_finish with = { .id = delivery->id,
                                       .token = delivery->token,
                                       .state = delivery_state,
                                       .delay_ms = delay_ms,
                                       .line = line };
    return store->jobs->ops->delivery_finish(store->jobs, &with, &test_err);
}

static size_t list_deliveries(struct store *store, struct ij_delivery_list list,
                              struct ij_delivery *out, uint64_t *out_next)
{
    size_t count = 99;
    if (!list.limit)
        list.limit = DELIVERIES_MAX;
    expect_code(0, store->jobs->ops->delivery_list(store->jobs, &list, out, &count,
                                                   out_next, &test_err));
    return count;
}

static void done_with(struct ij_delivery *deliveries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ij_delivery_done(&deliveries[i]);
}

/* All that there are, the newest first. */
static size_t all_deliveries(struct store *store, struct ij_delivery *out)
{
    uint64_t next = 99;
    size_t count = list_deliveries(store, (struct ij_delivery_list){ 0 }, out, &next);
    assert_int_equal(next, 0);
    return count;
}

/* The type of the newest, of `count`. */
static void expect_newest(struct store *store, size_t count, uint32_t number,
                          const char *type)
{
    struct ij_delivery deliveries[DELIVERIES_MAX];
    assert_int_equal(all_deliveries(store, deliveries), count);
    assert_int_equal(number_of(&deliveries[0].job), number);
    assert_string_equal(deliveries[0].type, type);
    assert_int_equal(deliveries[0].state, IJ_DELIVERY_WAITING);
    assert_int_equal(stats_of(store).deliveries, count);
    done_with(deliveries, count);
}

/* ---- when ---- */

static void every_end_of_a_job_with_a_callback_is_told_once(void **state)
{
    struct store *store = *state;
    struct ij_job job;
    expect_code(0, submit(store, 100)); /* without one: nothing is told */
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));

    static const struct {
        enum ij_finish_kind kind;
        const char *type;
    } ends[] = { { IJ_FINISH_SUCCEEDED, "job.completed" },
                 { IJ_FINISH_FAILED, "job.failed" },
                 { IJ_FINISH_CANCELED, "job.cancelled" } };
    for (uint32_t i = 1; i <= IJ_ARRAY_LEN(ends); i++) {
        expect_code(0, submit_calling(store, i, NULL, "http://a/"));
        struct ij_lease lease = claim_lease(store);
        for (int again = 0; again < 2; again++) /* a repeat tells nothing */
            expect_code(0, finish(store, lease, ends[i - 1].kind));
        expect_newest(store, i, i, ends[i - 1].type);
    }
    expect_code(0, submit_calling(store, 4, NULL, "http://a/"));
    struct ij_id id = test_id(4);
    expect_code(0, store->jobs->ops->cancel(store->jobs, &id, &job, &test_err)); /* T11 */
    expect_newest(store, 4, 4, "job.cancelled");

    struct ij_submit late = { .callback_url = "http://a/", .deadline = store->now };
    expect_code(0, submit_with(store, 5, &late));
    expect_code(0, submit_with(store, 6, &late));
    store->now++;
    assert_int_equal(sweep(store, 1).overdue, 1); /* T13, by the sweeper */
    expect_newest(store, 5, 5, "job.failed");
    assert_int_equal(claim_nothing(store), 0); /* … and on a claim's way */
    expect_newest(store, 6, 6, "job.failed");
    store->now += RESULT_TTL_MS;
    (void)sweep(store, 100); /* that blobs go is no end */
    expect_newest(store, 6, 6, "job.failed");
}

static void losses_and_crashes_are_told_when_they_end_the_job(void **state)
{
    struct store *store = *state;
    struct ij_delivery none[1];
    uint64_t count = 0;
    expect_code(0, submit_calling(store, 1, NULL, "http://a/"));
    for (int i = 0; i <= IJ_LOSSES_MAX; i++) {
        assert_int_equal(all_deliveries(store, none), 0);
        (void)claim_lease(store);
        expect_code(0, store->jobs->ops->reclaim_all(store->jobs, &count, &test_err));
    }
    expect_newest(store, 1, 1, "job.failed"); /* T12 */
    expect_code(0, submit_calling(store, 2, NULL, "http://a/"));
    for (int i = 0; i < IJ_CRASHES_MAX; i++) {
        expect_code(0, finish(store, claim_lease(store), IJ_FINISH_CRASHED));
        store->now += 15 * 60 * 1000;
    }
    expect_newest(store, 2, 2, "job.failed"); /* T16 */
    assert_int_equal(fault_count(store), 0);
}

static void a_job_that_ends_again_is_told_again(void **state)
{
    struct store *store = *state;
    struct ij_id id = test_id(1);
    expect_code(0, submit_calling(store, 1, NULL, "http://a/"));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    expect_code(0, store->jobs->ops->retry(store->jobs, &id, &test_err));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    struct ij_delivery deliveries[DELIVERIES_MAX];
    assert_int_equal(all_deliveries(store, deliveries), 2);
    assert_string_equal(deliveries[0].type, "job.completed");
    assert_string_equal(deliveries[1].type, "job.failed");
    assert_false(ij_id_equal(&deliveries[0].id, &deliveries[1].id));
    done_with(deliveries, 2);
}

static void the_body_is_the_job_as_it_ended(void **state)
{
    struct store *store = *state;
    struct ij_submit with = { .tenant = "t",
                              .queue = "q",
                              .options = "{\"o\":2}",
                              .callback_url = "http://a/b?c" };
    struct ij_delivery deliveries[DELIVERIES_MAX];
    expect_code(0, submit_with(store, 1, &with));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    int64_t ended = store->now;
    expect_code(0, submit_calling(store, 2, NULL, "http://a/"));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    store->now += RESULT_TTL_MS;
    (void)sweep(store, 100); /* what comes later does not change it */
    if (store->backend->is_durable)
        store_reopen(store);
    assert_int_equal(all_deliveries(store, deliveries), 2);
    const struct ij_delivery *delivery = &deliveries[1];
    assert_string_equal(delivery->url, "http://a/b?c");
    assert_string_equal(delivery->tenant, "t");
    assert_int_equal(delivery->created, ended);
    assert_int_equal(delivery->due, ended);
    assert_int_equal(delivery->attempt, 0);
    assert_string_equal(delivery->log, "");
    assert_string_equal(delivery->body,
                        "{\"state\":4,\"ver\":3,\"change\":3,\"tenant\":\"t\","
                        "\"queue\":\"q\",\"spec\":{\"width\":1},\"options\":{\"o\":2},"
                        "\"result\":{\"outputs\":[]},\"failure\":null}");
    assert_non_null(strstr(deliveries[0].body, "the image is broken"));
    done_with(deliveries, 2);
}

/* ---- claim and finish ---- */

static void end_calling(struct store *store, uint32_t number, const char *tenant,
                        const char *url)
{
    expect_code(0, submit_calling(store, number, tenant, url));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
}

static void what_is_due_is_claimed_by_one(void **state)
{
    struct store *store = *state;
    struct ij_delivery first[DELIVERIES_MAX], rest[DELIVERIES_MAX];
    assert_int_equal(claim_deliveries(store, first, 4, 0), 0);
    for (uint32_t i = 1; i <= 3; i++) {
        end_calling(store, i, NULL, "http://a/");
        store->now++;
    }
    int64_t due = store->now - 1; /* of the third */
    assert_int_equal(claim_deliveries(store, first, 2, 2), due);
    for (uint32_t i = 0; i < 2; i++) { /* the oldest first */
        assert_int_equal(number_of(&first[i].job), i + 1);
        assert_int_equal(first[i].attempt, 1);
        assert_true(first[i].token != 0);
        assert_int_equal(first[i].due, store->now + CLAIM_MS);
        assert_non_null(first[i].body);
    }
    int64_t ends = store->now + CLAIM_MS;
    store->now++;
    assert_int_equal(claim_deliveries(store, rest, 4, 1), ends);
    assert_int_equal(number_of(&rest[0].job), 3);
    done_with(rest, 1);
    assert_int_equal(claim_deliveries(store, rest, 4, 0), ends);
    if (store->backend->is_durable)
        store_reopen(store);
    store->now = ends; /* who claimed them is gone */
    (void)claim_deliveries(store, rest, 4, 2);
    assert_int_equal(rest[0].attempt, 2);
    assert_true(rest[0].token != first[0].token);
    assert_true(ij_id_equal(&rest[0].id, &first[0].id));
    assert_string_equal(rest[0].body, first[0].body);
    expect_code(1, finish_delivery(store, &first[0], IJ_DELIVERY_DELIVERED, 0, "late"));
    expect_code(0, finish_delivery(store, &rest[0], IJ_DELIVERY_DELIVERED, 0, "sent"));
    expect_code(1, finish_delivery(store, &rest[0], IJ_DELIVERY_FAILED, 0, "again"));
    assert_int_equal(stats_of(store).deliveries, 2);
    done_with(first, 2);
    done_with(rest, 2);
}

static void what_is_beyond_the_bound_of_its_receiver_is_passed_over(void **state)
{
    struct store *store = *state;
    static const char *const urls[] = { "http://slow/1",  "https://SLOW?2",
                                        "http://slow/3",  "http://slow:81/",
                                        "http://slower/", "http://slow" };
    static const char *const under_way[] = { "http://slow#0", "http://other/" };
    struct ij_delivery_claim claim = { .max = DELIVERIES_MAX,
                                       .under_way = under_way,
                                       .receiver_max = 2 };
    struct ij_delivery got[DELIVERIES_MAX];
    size_t count = 99;
    for (uint32_t i = 0; i < IJ_ARRAY_LEN(urls); i++)
        end_calling(store, i, NULL, urls[i]);
    claim.under_way_count = IJ_ARRAY_LEN(under_way);
    int64_t ends = store->now + CLAIM_MS;
    assert_int_equal(claim_beside(store, claim, got, &count), ends);
    static const uint32_t claimed[] = { 0, 3, 4 };
    assert_int_equal(count, IJ_ARRAY_LEN(claimed));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(number_of(&got[i].job), claimed[i]);
    done_with(got, count);
    claim.receiver_max = 1; /* nothing to wait for but the end of those */
    assert_int_equal(claim_beside(store, claim, got, &count), ends);
    assert_int_equal(count, 0);
    claim.under_way_count = 0;
    assert_int_equal(claim_beside(store, claim, got, &count), ends);
    assert_int_equal(count, 1);
    assert_int_equal(number_of(&got[0].job), 1);
    assert_int_equal(got[0].attempt, 1); /* that it was passed over is no try */
    assert_string_equal(got[0].log, "");
    done_with(got, count);
}

static void however_many_are_passed_over_none_behind_them_starves(void **state)
{
    enum { MANY = 1100 };
    struct store *store = *state;
    static const char *const under_way[] = { "http://slow/" };
    struct ij_delivery_claim claim = {
        .max = 4, .under_way = under_way, .under_way_count = 1, .receiver_max = 1
    };
    struct ij_delivery got[4];
    size_t count = 0;
    for (uint32_t i = 0; i < MANY; i++)
        end_calling(store, i, NULL, "http://slow/");
    store->now++;
    end_calling(store, MANY, NULL, "http://other/");
    int64_t next = store->now;
    for (int i = 0; i < 4 && count == 0 && next != 0; i++) {
        claim.is_stuck = i > 0;
        next = claim_beside(store, claim, got, &count);
    }
    assert_int_equal(count, 1);
    assert_int_equal(number_of(&got[0].job), MANY);
    expect_code(0, finish_delivery(store, &got[0], IJ_DELIVERY_DELIVERED, 0, "{}"));
    done_with(got, count);
    store->now += 60 * 1000;
    claim.receiver_max = 0;
    for (size_t left = MANY; left > 0; left -= count) { /* nor do they */
        (void)claim_beside(store, claim, got, &count);
        assert_int_equal(count, 4);
        assert_int_equal(got[0].attempt, 1);
        done_with(got, count);
    }
    assert_int_equal(fault_count(store), 0);
}

static void a_delivery_waits_for_its_next_try(void **state)
{
    struct store *store = *state;
    struct ij_delivery delivery;
    end_calling(store, 1, NULL, "http://a/");
    (void)claim_deliveries(store, &delivery, 1, 1);
    expect_code(0,
                finish_delivery(store, &delivery, IJ_DELIVERY_WAITING, 500, "{\"n\":1}"));
    ij_delivery_done(&delivery);
    assert_int_equal(claim_deliveries(store, &delivery, 1, 0), store->now + 500);
    store->now += 500;
    (void)claim_deliveries(store, &delivery, 1, 1);
    assert_int_equal(delivery.attempt, 2);
    assert_string_equal(delivery.log, "{\"n\":1}\n");
    expect_code(0,
                finish_delivery(store, &delivery, IJ_DELIVERY_DELIVERED, 0, "{\"n\":2}"));
    ij_delivery_done(&delivery);
    assert_int_equal(claim_deliveries(store, &delivery, 1, 0), 0);
    assert_int_equal(all_deliveries(store, &delivery), 1);
    assert_int_equal(delivery.state, IJ_DELIVERY_DELIVERED);
    assert_int_equal(delivery.updated, store->now);
    assert_string_equal(delivery.log, "{\"n\":1}\n{\"n\":2}\n");
    ij_delivery_done(&delivery);
}

static void a_log_that_is_too_long_loses_its_oldest_lines(void **state)
{
    struct store *store = *state;
    char line[IJ_DELIVERY_LOG_MAX + 1];
    struct ij_delivery delivery;
    end_calling(store, 1, NULL, "http://a/");
    for (char digit = '1'; digit <= '4'; digit++) {
        memset(line, digit, sizeof(line));
        line[1500] = '\0';
        (void)claim_deliveries(store, &delivery, 1, 1);
        expect_code(0, finish_delivery(store, &delivery, IJ_DELIVERY_WAITING, 0, line));
        ij_delivery_done(&delivery);
    }
    (void)claim_deliveries(store, &delivery, 1, 1);
    assert_int_equal(strlen(delivery.log), 2 * 1501);
    assert_int_equal(delivery.log[0], '3');
    assert_int_equal(delivery.log[1501], '4');
    memset(line, '5', sizeof(line));
    line[IJ_DELIVERY_LOG_MAX] = '\0';
    expect_code(IMGJOB_E_INVALID,
                finish_delivery(store, &delivery, IJ_DELIVERY_WAITING, 0, line));
    expect_words("a line of a delivery's log is over the limit of 4095 bytes");
    line[IJ_DELIVERY_LOG_MAX - 1] = '\0';
    expect_code(0, finish_delivery(store, &delivery, IJ_DELIVERY_WAITING, 0, line));
    ij_delivery_done(&delivery);
    assert_int_equal(all_deliveries(store, &delivery), 1);
    assert_int_equal(strlen(delivery.log), IJ_DELIVERY_LOG_MAX);
    ij_delivery_done(&delivery);
}

static void a_url_that_is_gone_fails_all_that_waits_for_it(void **state)
{
    struct store *store = *state;
    struct ij_delivery deliveries[DELIVERIES_MAX];
    static const char *const urls[] = { "http://a/", "http://a/", "http://b/",
                                        "http://a/", "http://a/" };
    for (uint32_t i = 0; i < IJ_ARRAY_LEN(urls); i++)
        end_calling(store, i, i == 3 ? "other" : "t", urls[i]);
    (void)claim_deliveries(store, deliveries, 2, 2);
    expect_code(0,
                finish_delivery(store, &deliveries[1], IJ_DELIVERY_DELIVERED, 0, "ok"));
    struct ij_delivery_finish gone = { .id = deliveries[0].id,
                                       .token = deliveries[0].token,
                                       .state = IJ_DELIVERY_FAILED,
                                       .is_url_gone = true,
                                       .line = "410" };
    store->now += 7;
    expect_code(0, store->jobs->ops->delivery_finish(store->jobs, &gone, &test_err));
    done_with(deliveries, 2);
    assert_int_equal(all_deliveries(store, deliveries), 5);
    static const enum ij_delivery_state states[] = {
        /* the newest first */
        IJ_DELIVERY_FAILED, IJ_DELIVERY_WAITING, IJ_DELIVERY_WAITING,
        IJ_DELIVERY_DELIVERED, IJ_DELIVERY_FAILED
    };
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(deliveries[i].state, states[i]);
    assert_int_equal(deliveries[0].updated, store->now);
    assert_int_equal(deliveries[0].attempt, 0);
    assert_string_equal(deliveries[0].log, ""); /* it was not tried */
    assert_string_equal(deliveries[4].log, "410\n");
    assert_int_equal(stats_of(store).deliveries, 2);
    done_with(deliveries, 5);
}

static void a_replay_sends_the_same_again(void **state)
{
    struct store *store = *state;
    struct ij_delivery sent, again;
    end_calling(store, 1, NULL, "http://a/");
    (void)claim_deliveries(store, &sent, 1, 1);
    expect_code(0, finish_delivery(store, &sent, IJ_DELIVERY_FAILED, 0, "no"));
    store->now += 5;
    expect_code(0, store->jobs->ops->delivery_replay(store->jobs, &sent.id, &test_err));
    assert_int_equal(stats_of(store).deliveries, 1);
    (void)claim_deliveries(store, &again, 1, 1);
    assert_true(ij_id_equal(&again.id, &sent.id));
    assert_string_equal(again.body, sent.body);
    assert_string_equal(again.log, "no\n");
    assert_int_equal(again.attempt, 2);
    assert_int_equal(again.replayed, 1);
    /* replayed once more while it is under way: that try counts for nothing */
    expect_code(0, store->jobs->ops->delivery_replay(store->jobs, &sent.id, &test_err));
    expect_code(1, finish_delivery(store, &again, IJ_DELIVERY_FAILED, 0, "no"));
    again.token = 0; /* nobody's claim */
    expect_code(1, finish_delivery(store, &again, IJ_DELIVERY_FAILED, 0, "no"));
    assert_int_equal(stats_of(store).deliveries, 1);
    struct ij_id unknown = test_id(77);
    expect_code(IMGJOB_E_NOTFOUND,
                store->jobs->ops->delivery_replay(store->jobs, &unknown, &test_err));
    expect_words("there is no webhook delivery 018c0000-0000-7000-8000-00000000004d");
    ij_delivery_done(&sent);
    ij_delivery_done(&again);
}

/* ---- lists ---- */

static void deliveries_are_listed_by_tenant_job_and_state(void **state)
{
    struct store *store = *state;
    struct ij_delivery deliveries[DELIVERIES_MAX];
    uint64_t next = 0;
    for (uint32_t i = 1; i <= 5; i++)
        end_calling(store, i, i % 2 ? "odd" : "even", "http://a/");
    (void)claim_deliveries(store, deliveries, 1, 1);
    expect_code(0,
                finish_delivery(store, &deliveries[0], IJ_DELIVERY_DELIVERED, 0, NULL));
    ij_delivery_done(&deliveries[0]);
    const struct {
        struct ij_delivery_list list;
        size_t count;
        uint32_t first;
    } cases[] = {
        { { .tenant = "odd" }, 3, 5 },
        { { .tenant = "even" }, 2, 4 },
        { { .tenant = "nobody" }, 0, 0 },
        { { .job = test_id(2) }, 1, 2 },
        { { .job = test_id(2), .tenant = "odd" }, 0, 0 },
        { { .states = 1 << IJ_DELIVERY_DELIVERED }, 1, 1 },
        { { .states = 1 << IJ_DELIVERY_WAITING, .tenant = "odd" }, 2, 5 },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        size_t count = list_deliveries(store, cases[i].list, deliveries, &next);
        assert_int_equal(count, cases[i].count);
        if (count > 0)
            assert_int_equal(number_of(&deliveries[0].job), cases[i].first);
        assert_int_equal(next, 0);
        done_with(deliveries, count);
    }
    struct ij_delivery_list list = { .limit = 2 };
    for (uint32_t left = 5; left > 0;) {
        size_t count = list_deliveries(store, list, deliveries, &next);
        assert_int_equal(count, left < 2 ? left : 2);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(number_of(&deliveries[i].job), left--);
        assert_int_equal(next != 0, left > 0);
        list.before = next;
        done_with(deliveries, count);
    }
    size_t count = 0;
    list.limit = IJ_LIST_MAX + 1;
    expect_code(IMGJOB_E_INVALID,
                store->jobs->ops->delivery_list(store->jobs, &list, deliveries, &count,
                                                &next, &test_err));
}

/* ---- the sweeper ---- */

static void deliveries_stay_as_long_as_an_ended_job(void **state)
{
    struct store *store = *state;
    struct ij_delivery deliveries[DELIVERIES_MAX];
    end_calling(store, 1, NULL, "http://a/");
    end_calling(store, 2, NULL, "http://a/");
    store->now += 10;
    (void)claim_deliveries(store, deliveries, 1, 1);
    expect_code(0,
                finish_delivery(store, &deliveries[0], IJ_DELIVERY_DELIVERED, 0, "ok"));
    ij_delivery_done(&deliveries[0]);
    store->now += JOB_TTL_MS - 1;
    assert_int_equal(sweep(store, 100).dropped, 0);
    store->now++;
    assert_int_equal(sweep(store, 100).dropped, 1);
    expect_newest(store, 1, 2, "job.completed"); /* what waits stays */
    assert_int_equal(fault_count(store), 0);
}

static void the_next_to_expire_go_early_when_there_are_too_many_bytes(void **state)
{
    struct store *store = *state;
    store->config.max_bytes = 2500;
    store_reopen(store); /* nothing is in it yet */
    static const uint64_t ttls[] = { 5000, 1000, 9000, 3000 };
    for (uint32_t i = 1; i <= 4; i++) {
        struct ij_submit with = { .bytes = 1000 - OUTPUT_BYTES,
                                  .result_ttl_ms = ttls[i - 1] };
        expect_code(0, submit_with(store, i, &with));
        expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    }
    assert_int_equal(stats_of(store).bytes, 4000);
    assert_int_equal(sweep(store, 1).purged, 1);
    assert_int_equal(sweep(store, 100).purged, 1);
    assert_int_equal(stats_of(store).bytes, 2000);
    static const bool is_kept[] = { true, false, true, false };
    for (uint32_t i = 1; i <= 4; i++) {
        struct ij_job job = job_of(store, i);
        assert_int_equal(job.result_expires != 0, is_kept[i - 1]);
        assert_int_equal(job.bytes, is_kept[i - 1] ? 1000 : 0);
    }
    struct ij_submit with = { .bytes = 9000 }; /* what runs is no reason to stop it */
    expect_code(0, submit_with(store, 5, &with));
    assert_int_equal(sweep(store, 100).purged, 2);
    assert_int_equal(sweep(store, 100).purged, 0);
    assert_int_equal(stats_of(store).bytes, 9000);
    assert_int_equal(fault_count(store), 0);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        ON_STORE(every_end_of_a_job_with_a_callback_is_told_once),
        ON_STORE(losses_and_crashes_are_told_when_they_end_the_job),
        ON_STORE(a_job_that_ends_again_is_told_again),
        ON_STORE(the_body_is_the_job_as_it_ended),
        ON_STORE(what_is_due_is_claimed_by_one),
        ON_STORE(what_is_beyond_the_bound_of_its_receiver_is_passed_over),
        ON_STORE(however_many_are_passed_over_none_behind_them_starves),
        ON_STORE(a_delivery_waits_for_its_next_try),
        ON_STORE(a_log_that_is_too_long_loses_its_oldest_lines),
        ON_STORE(a_url_that_is_gone_fails_all_that_waits_for_it),
        ON_STORE(a_replay_sends_the_same_again),
        ON_STORE(deliveries_are_listed_by_tenant_job_and_state),
        ON_STORE(deliveries_stay_as_long_as_an_ended_job),
        ON_STORE(the_next_to_expire_go_early_when_there_are_too_many_bytes),
    };
    int failed = run_on(&memory_backend, tests, IJ_ARRAY_LEN(tests));
    return failed + run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
