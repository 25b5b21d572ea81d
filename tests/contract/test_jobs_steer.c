/* The contract of a job backend: cancel, retry and purge, and who comes next among queues
 * and tenants. One suite, run on each. */
#include "jobs_fixture.h"

static int cancel(struct store *store, uint32_t number, struct ij_job *out)
{
    struct ij_id id = test_id(number);
    return store->jobs->ops->cancel(store->jobs, &id, out, &test_err);
}

static int retry(struct store *store, uint32_t number)
{
    struct ij_id id = test_id(number);
    return store->jobs->ops->retry(store->jobs, &id, &test_err);
}

static int purge(struct store *store, uint32_t number)
{
    struct ij_id id = test_id(number);
    return store->jobs->ops->purge(store->jobs, &id, &test_err);
}

static bool beat_is_canceled(struct store *store, struct ij_lease lease)
{
    struct ij_beat beat = { .lease = lease };
    expect_code(0,
                store->jobs->ops->heartbeat(store->jobs, &beat, 1, LEASE_MS, &test_err));
    assert_false(beat.lost);
    return beat.cancel_asked;
}

/* ---- cancel ---- */

static void a_waiting_job_is_canceled_at_once(void **state)
{
    struct store *store = *state;
    struct ij_submit later = { .delay_ms = 1000 };
    struct ij_job job;
    expect_code(0, submit(store, 1));
    expect_code(0, submit_with(store, 2, &later));
    for (uint32_t i = 1; i <= 2; i++) {
        expect_code(0, cancel(store, i, &job));
        assert_int_equal(number_of(&job.id), i);
        assert_int_equal(job.state, IMGJOB_STATE_CANCELED);
        assert_int_equal(job.finished, store->now);
        assert_int_equal(job.result_expires, store->now + RESULT_TTL_MS);
        assert_true(job.change == stats_of(store).change);
        assert_int_equal(store->last.job.state, IMGJOB_STATE_CANCELED);
        assert_int_equal(job_of(store, i).state, IMGJOB_STATE_CANCELED);
        expect_code(IMGJOB_E_CONFLICT, cancel(store, i, &job));
        expect_words("job 018c0000-0000-7000-8000-00000000000");
        expect_words(" has ended");
    }
    assert_int_equal(claim_nothing(store), 0);
    expect_code(IMGJOB_E_NOTFOUND, cancel(store, 3, &job));
    assert_int_equal(store->told, 4);
}

static void a_running_job_is_asked_to_end(void **state)
{
    struct store *store = *state;
    struct ij_job job;
    expect_code(0, submit(store, 1));
    struct ij_lease lease = claim_lease(store);
    assert_false(beat_is_canceled(store, lease));
    expect_code(0, cancel(store, 1, &job));
    assert_int_equal(job.state, IMGJOB_STATE_RUNNING);
    assert_true(job.cancel_asked);
    assert_int_equal(store->told, 3);
    assert_int_equal(store->last.from, IMGJOB_STATE_RUNNING);
    assert_true(store->last.job.cancel_asked);
    uint64_t ver = job.ver;
    expect_code(0, cancel(store, 1, &job)); /* once more changes nothing */
    assert_int_equal(job.ver, ver);
    assert_int_equal(store->told, 3);
    if (store->backend->is_durable)
        store_reopen(store);
    assert_true(beat_is_canceled(store, lease));
    expect_code(0, finish(store, lease, IJ_FINISH_CANCELED));
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_CANCELED);
}

static void a_canceled_job_is_not_tried_again_and_a_success_wins(void **state)
{
    struct store *store = *state;
    static const enum ij_finish_kind kinds[] = { IJ_FINISH_RETRY, IJ_FINISH_RELEASED,
                                                 IJ_FINISH_CRASHED, IJ_FINISH_FAILED,
                                                 IJ_FINISH_SUCCEEDED };
    static const enum imgjob_state ends[] = { IMGJOB_STATE_CANCELED,
                                              IMGJOB_STATE_CANCELED,
                                              IMGJOB_STATE_CANCELED, IMGJOB_STATE_FAILED,
                                              IMGJOB_STATE_SUCCEEDED };
    struct ij_job job;
    for (uint32_t i = 0; i < IJ_ARRAY_LEN(kinds); i++) {
        expect_code(0, submit(store, i));
        struct ij_lease lease = claim_lease(store);
        expect_code(0, cancel(store, i, &job));
        expect_code(0, finish(store, lease, kinds[i]));
        assert_int_equal(job_of(store, i).state, ends[i]);
    }
    expect_code(0, submit(store, 9));
    (void)claim_lease(store);
    expect_code(0, cancel(store, 9, &job));
    store->now += LEASE_MS + 1;
    assert_int_equal(sweep(store, 10).losses, 1); /* its node died */
    assert_int_equal(job_of(store, 9).state, IMGJOB_STATE_CANCELED);
    assert_int_equal(fault_count(store), 0);
}

/* ---- retry ---- */

static void a_failed_job_can_be_tried_again(void **state)
{
    struct store *store = *state;
    struct ij_submit with = { .deadline = store->now };
    expect_code(0, submit_with(store, 1, &with));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    store->now += 50;
    expect_code(0, retry(store, 1));
    assert_int_equal(store->last.from, IMGJOB_STATE_FAILED);
    struct ij_record record = record_of(store, 1);
    assert_int_equal(record.job.state, IMGJOB_STATE_READY);
    assert_int_equal(record.job.attempt, 0);
    assert_int_equal(record.job.deadline, 0);
    assert_int_equal(record.job.gen, 1);
    assert_int_equal(record.job.finished, 0);
    assert_null(record.failure);
    ij_record_done(&record);
    struct ij_lease lease = claim_lease(store);
    assert_int_equal(lease.gen, 2);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
    record = record_of(store, 1);
    assert_non_null(record.result);
    assert_null(record.failure);
    ij_record_done(&record);
}

static void a_job_that_may_not_be_tried_again_says_why(void **state)
{
    struct store *store = *state;
    struct ij_job job;
    expect_code(IMGJOB_E_NOTFOUND, retry(store, 1));
    expect_code(0, submit(store, 1));
    expect_code(IMGJOB_E_CONFLICT, retry(store, 1));
    expect_words("job 018c0000-0000-7000-8000-000000000001 has neither failed nor been "
                 "cancelled");
    expect_code(0, cancel(store, 1, &job));
    expect_code(0, retry(store, 1));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    expect_code(IMGJOB_E_CONFLICT, retry(store, 1));
    expect_words("neither failed nor");

    expect_code(0, submit(store, 2));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    store->now += RESULT_TTL_MS;
    (void)sweep(store, 10);
    expect_code(IMGJOB_E_CONFLICT, retry(store, 2));
    expect_words("the images of job 018c0000-0000-7000-8000-000000000002 have expired");
}

static void a_retry_needs_room_in_the_queue(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 200));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    for (uint32_t i = 0; i < 100; i++)
        expect_code(0, submit(store, i));
    expect_code(IMGJOB_E_BUSY, retry(store, 200));
    expect_words("the queue is full: 100 jobs wait or run");
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    expect_code(0, retry(store, 200));
}

/* ---- purge ---- */

static void a_purged_job_is_gone_and_its_blobs_are_collected(void **state)
{
    struct store *store = *state;
    expect_code(IMGJOB_E_NOTFOUND, purge(store, 1));
    expect_code(0, submit(store, 1));
    expect_code(IMGJOB_E_CONFLICT, purge(store, 1));
    expect_words("job 018c0000-0000-7000-8000-000000000001 has not ended");
    struct ij_lease lease = claim_lease(store);
    expect_code(IMGJOB_E_CONFLICT, purge(store, 1));
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
    assert_int_equal(stats_of(store).bytes, INPUT_BYTES + OUTPUT_BYTES);
    uint64_t told = store->told;
    expect_code(0, purge(store, 1));
    assert_int_equal(gc_count(store, NULL), 2);
    assert_int_equal(stats_of(store).bytes, 0);
    assert_int_equal(stats_of(store).by_state[IMGJOB_STATE_SUCCEEDED], 0);
    assert_int_equal(store->told, told + 1); /* that its blobs went */
    assert_int_equal(store->last.from, IMGJOB_STATE_SUCCEEDED);
    assert_int_equal(store->last.job.result_expires, 0);
    expect_code(IMGJOB_E_NOTFOUND, purge(store, 1));

    expect_code(0, submit(store, 2));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    store->now += RESULT_TTL_MS;
    (void)sweep(store, 10);
    told = store->told;
    expect_code(0, purge(store, 2)); /* whose blobs went before */
    assert_int_equal(store->told, told);
    assert_int_equal(fault_count(store), 0);
}

/* ---- queues ---- */

static void set_queue(struct store *store, const char *name, uint32_t what,
                      bool is_paused, uint32_t limit, uint32_t weight)
{
    struct ij_queue_set set = { .name = name,
                                .what = what,
                                .is_paused = is_paused,
                                .limit = limit,
                                .weight = weight };
    expect_code(0, store->jobs->ops->queue_set(store->jobs, &set, &test_err));
}

static void submit_to(struct store *store, uint32_t number, const char *queue)
{
    struct ij_submit with = { .queue = queue };
    expect_code(0, submit_with(store, number, &with));
}

static void queues_are_told_by_name_with_their_settings(void **state)
{
    struct store *store = *state;
    struct ij_queue_stats queues[IJ_QUEUES_MAX];
    size_t count = 0;
    expect_code(0, store->jobs->ops->queues(store->jobs, queues, &count, &test_err));
    assert_int_equal(count, 1);
    assert_string_equal(queues[0].name, "default");
    assert_int_equal(queues[0].weight, IJ_WEIGHT_DEFAULT);
    assert_int_equal(queues[0].oldest_ready, 0);

    set_queue(store, "slow", IJ_QUEUE_LIMIT | IJ_QUEUE_WEIGHT, true, 3, 7);
    set_queue(store, "slow", IJ_QUEUE_PAUSED, true, 99, 99); /* only what is meant */
    submit_to(store, 1, "a");
    int64_t first = store->now;
    store->now += 10;
    submit_to(store, 2, "a");
    if (store->backend->is_durable)
        store_reopen(store);
    for (int i = 0; i < 2; i++) {
        expect_code(0, store->jobs->ops->queues(store->jobs, queues, &count, &test_err));
        assert_int_equal(count, 3);
        assert_string_equal(queues[0].name, "a");
        assert_string_equal(queues[1].name, "default");
        assert_string_equal(queues[2].name, "slow");
        assert_false(queues[0].is_paused);
        assert_int_equal(queues[0].limit, 0);
        assert_int_equal(queues[0].by_state[IMGJOB_STATE_READY], 2 - i);
        assert_int_equal(queues[0].by_state[IMGJOB_STATE_RUNNING], i);
        assert_int_equal(queues[0].oldest_ready, i == 0 ? first : first + 10);
        assert_true(queues[2].is_paused);
        assert_int_equal(queues[2].limit, 3);
        assert_int_equal(queues[2].weight, 7);
        if (i == 0)
            (void)claim_number(store, 1);
    }
}

static void a_queue_is_set_only_to_what_can_be(void **state)
{
    struct store *store = *state;
    struct ij_queue_set set = { .name = "a", .what = IJ_QUEUE_WEIGHT };
    expect_code(IMGJOB_E_INVALID,
                store->jobs->ops->queue_set(store->jobs, &set, &test_err));
    expect_words("a queue's weight is 1 to 100, not 0");
    set.weight = 101;
    expect_code(IMGJOB_E_INVALID,
                store->jobs->ops->queue_set(store->jobs, &set, &test_err));
    set.name = "a/b";
    set.weight = 1;
    expect_code(IMGJOB_E_INVALID,
                store->jobs->ops->queue_set(store->jobs, &set, &test_err));
    expect_words("a queue's name holds a character");
}

static void a_paused_queue_gives_nothing_until_it_goes_on(void **state)
{
    struct store *store = *state;
    submit_to(store, 1, "a");
    submit_to(store, 2, "b");
    set_queue(store, "a", IJ_QUEUE_PAUSED, true, 0, 0);
    (void)claim_number(store, 2);
    assert_int_equal(claim_nothing(store), 0);
    if (store->backend->is_durable)
        store_reopen(store);
    assert_int_equal(claim_nothing(store), 0);
    submit_to(store, 3, "a"); /* it still takes jobs */
    set_queue(store, "a", IJ_QUEUE_PAUSED, false, 0, 0);
    (void)claim_number(store, 1);
    (void)claim_number(store, 3);
}

static void a_queue_runs_no_more_than_its_limit(void **state)
{
    struct store *store = *state;
    set_queue(store, "a", IJ_QUEUE_LIMIT, false, 2, 0);
    for (uint32_t i = 1; i <= 4; i++)
        submit_to(store, i, "a");
    submit_to(store, 5, "b");
    (void)claim_number(store, 1);
    (void)claim_number(store, 5); /* the other queue had its turn */
    struct ij_lease lease = claim_number(store, 2);
    assert_int_equal(claim_nothing(store), 0);
    struct ij_claim next = { .lease_ms = LEASE_MS };
    struct ij_finish with = finish_with(lease, IJ_FINISH_SUCCEEDED);
    struct ij_record record = { 0 };
    expect_code(0,
                store->jobs->ops->finish(store->jobs, &with, &next, &record, &test_err));
    assert_int_equal(number_of(&record.job.id), 3); /* in the place that it left */
    ij_record_done(&record);
    assert_int_equal(claim_nothing(store), 0);
    set_queue(store, "a", IJ_QUEUE_LIMIT, false, 0, 0);
    (void)claim_number(store, 4);
}

/* How many of the next `count` claims are of queue `name`. */
static uint32_t claims_of(struct store *store, const char *name, uint32_t count)
{
    uint32_t hits = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct ij_record record = claim(store);
        hits += strcmp(record.queue, name) == 0;
        ij_record_done(&record);
    }
    return hits;
}

static void queues_share_by_weight(void **state)
{
    struct store *store = *state;
    set_queue(store, "a", IJ_QUEUE_WEIGHT, false, 0, 3);
    for (uint32_t i = 0; i < 60; i++)
        submit_to(store, i, i % 2 ? "a" : "b");
    assert_int_equal(claims_of(store, "a", 20), 15);
    set_queue(store, "a", IJ_QUEUE_WEIGHT, false, 0, 1);
    assert_in_range(claims_of(store, "a", 20), 9, 11);
}

static void a_queue_that_was_empty_has_saved_nothing_up(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 0; i < 40; i++)
        submit_to(store, i, "a");
    submit_to(store, 40, "b");
    assert_int_equal(claims_of(store, "a", 20), 19);
    for (uint32_t i = 50; i < 70; i++)
        submit_to(store, i, "b");
    assert_in_range(claims_of(store, "a", 20), 9, 11);
}

/* ---- tenants ---- */

static void submit_of(struct store *store, uint32_t number, const char *tenant,
                      uint32_t prio)
{
    struct ij_submit with = { .tenant = tenant, .has_prio = true, .prio = prio };
    expect_code(0, submit_with(store, number, &with));
}

static void many_jobs_of_one_tenant_do_not_delay_anothers(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 0; i < 80; i++)
        submit_of(store, i, "big", 5);
    for (uint32_t i = 0; i < 10; i++)
        (void)claim_number(store, i);
    if (store->backend->is_durable)
        store_reopen(store);
    submit_of(store, 90, "small", 5);
    submit_of(store, 91, "small", 5);
    (void)claim_number(store, 10); /* at the same time, and was there first */
    (void)claim_number(store, 90);
    (void)claim_number(store, 11);
    (void)claim_number(store, 91);
    (void)claim_number(store, 12);
}

static void a_tenants_own_jobs_go_in_their_order(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 0; i < 12; i++)
        submit_of(store, i, i % 3 ? "a" : "b", 5);
    uint32_t last[2] = { 0, 0 };
    for (uint32_t i = 0; i < 12; i++) {
        struct ij_record record = claim(store);
        uint32_t number = number_of(&record.job.id) + 1;
        uint32_t *before = &last[strcmp(record.tenant, "a") == 0];
        assert_true(number > *before);
        *before = number;
        ij_record_done(&record);
    }
}

static void an_urgent_job_does_not_move_the_others_clock(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 0; i < 50; i++)
        submit_of(store, i, "big", 5);
    submit_of(store, 50, "big", 0);
    (void)claim_number(store, 50);
    submit_of(store, 60, "small", 5);
    (void)claim_number(store, 0);
    (void)claim_number(store, 60);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        ON_STORE(a_waiting_job_is_canceled_at_once),
        ON_STORE(a_running_job_is_asked_to_end),
        ON_STORE(a_canceled_job_is_not_tried_again_and_a_success_wins),
        ON_STORE(a_failed_job_can_be_tried_again),
        ON_STORE(a_job_that_may_not_be_tried_again_says_why),
        ON_STORE(a_retry_needs_room_in_the_queue),
        ON_STORE(a_purged_job_is_gone_and_its_blobs_are_collected),
        ON_STORE(queues_are_told_by_name_with_their_settings),
        ON_STORE(a_queue_is_set_only_to_what_can_be),
        ON_STORE(a_paused_queue_gives_nothing_until_it_goes_on),
        ON_STORE(a_queue_runs_no_more_than_its_limit),
        ON_STORE(queues_share_by_weight),
        ON_STORE(a_queue_that_was_empty_has_saved_nothing_up),
        ON_STORE(many_jobs_of_one_tenant_do_not_delay_anothers),
        ON_STORE(a_tenants_own_jobs_go_in_their_order),
        ON_STORE(an_urgent_job_does_not_move_the_others_clock),
    };
    int failed = run_on(&memory_backend, tests, IJ_ARRAY_LEN(tests));
    return failed + run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
