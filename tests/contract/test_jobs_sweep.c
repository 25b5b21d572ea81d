/* The contract of a job backend: the sweeper, blobs to be collected, and what can be
 * asked of a whole store. One suite, run on each. */
#include "jobs_fixture.h"

/* ---- the sweeper ---- */

static void a_dead_owners_jobs_are_ready_again_at_once(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i <= 3; i++)
        expect_code(0, submit(store, i));
    struct ij_lease lease = claim_lease(store);
    (void)claim_lease(store);
    uint64_t count = 0;
    expect_code(0, store->jobs->ops->reclaim_all(store->jobs, &count, &test_err));
    assert_int_equal(count, 2);
    struct ij_job job = job_of(store, 1);
    assert_int_equal(job.state, IMGJOB_STATE_READY);
    assert_int_equal(job.losses, 1);
    assert_int_equal(job.attempt, 0);
    expect_code(1, finish(store, lease, IJ_FINISH_SUCCEEDED));
    expect_code(1, finish(store, lease, IJ_FINISH_RELEASED)); /* no repeat either */
}

static void the_twenty_first_loss_is_told_as_lost(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    uint64_t count = 0;
    for (int i = 0; i <= IJ_LOSSES_MAX; i++) {
        (void)claim_lease(store);
        expect_code(0, store->jobs->ops->reclaim_all(store->jobs, &count, &test_err));
    }
    struct ij_record record = record_of(store, 1);
    assert_int_equal(record.job.state, IMGJOB_STATE_FAILED);
    assert_int_equal(record.job.crashes, 0);
    assert_string_equal(
        record.failure,
        "{\"error\":\"the process that ran the job died under it more than "
        "20 times\",\"stage\":\"\",\"reason\":\"lost\"}");
    ij_record_done(&record);
}

static void sweep_leaves_leases_alone_when_the_clock_is_not_trusted(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    (void)claim_lease(store);
    store->now += 10 * LEASE_MS;
    struct ij_sweep with = { .budget = 10, .is_clock_trusted = false };
    struct ij_swept swept = { 0 };
    expect_code(0, store->jobs->ops->sweep(store->jobs, &with, &swept, &test_err));
    assert_int_equal(swept.losses, 0);
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_RUNNING);
}

static void sweep_keeps_to_its_budget(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i <= 5; i++)
        expect_code(0, submit(store, i));
    struct ij_lease leases[5];
    for (size_t i = 0; i < 5; i++)
        leases[i] = claim_lease(store);
    for (size_t i = 0; i < 5; i++)
        expect_code(0, finish(store, leases[i], IJ_FINISH_RETRY));
    assert_int_equal(sweep(store, 2).promoted, 0);
    store->now += 1500;
    assert_int_equal(sweep(store, 2).promoted, 2);
    assert_int_equal(sweep(store, 2).promoted, 2);
    assert_int_equal(sweep(store, 2).promoted, 1);
}

static void an_ended_job_loses_its_blobs_and_then_its_row(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    store->now += RESULT_TTL_MS - 1;
    assert_int_equal(sweep(store, 10).purged, 0);
    store->now++;
    assert_int_equal(sweep(store, 10).purged, 1);
    char *first = NULL;
    assert_int_equal(gc_count(store, &first), 2); /* input and output */
    assert_string_equal(first, "018c0000-0000-7000-8000-000000000001.in0");
    assert_int_equal(job_of(store, 1).result_expires, 0);
    store->now += JOB_TTL_MS - RESULT_TTL_MS;
    struct ij_swept swept = sweep(store, 10);
    assert_int_equal(swept.purged, 0);
    assert_int_equal(swept.forgotten, 1);
    struct ij_id id = test_id(1);
    struct ij_record record = { 0 };
    expect_code(IMGJOB_E_NOTFOUND,
                store->jobs->ops->get(store->jobs, &id, &record, &test_err));

    expect_code(IMGJOB_E_BUSY, submit(store, 1));
    expect_words("images of job 018c0000-0000-7000-8000-000000000001 are just being "
                 "removed");
    const char *drop[] = { first, "never stood there" };
    expect_code(0, store->jobs->ops->gc_drop(store->jobs, drop, 2, &test_err));
    assert_int_equal(gc_count(store, NULL), 1);
    expect_code(0, submit(store, 1));
    free(first);
}

/* ---- blobs to be collected ---- */

static void expect_gc(struct store *store, const char *const *words, size_t count)
{
    char *keys[32];
    size_t got = 0;
    expect_code(0, store->jobs->ops->gc_list(store->jobs, NULL, keys, IJ_ARRAY_LEN(keys),
                                             &got, &test_err));
    assert_int_equal(got, count);
    for (size_t i = 0; i < got; i++) {
        assert_string_equal(keys[i], words[i]);
        free(keys[i]);
    }
}

static void every_input_of_an_ended_job_goes(void **state)
{
    struct store *store = *state;
    expect_code(0, submit_inputs(store, 1, 3, &test_err));
    expect_code(0, submit_inputs(store, 1, 3, &test_err)); /* the answer was lost */
    expect_code(0, submit_inputs(store, 2, 9, &test_err));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    if (store->backend->is_durable)
        store_reopen(store);
    store->now += RESULT_TTL_MS;
    assert_int_equal(sweep(store, 10).purged, 1);
    static const char *const keys[] = {
        "018c0000-0000-7000-8000-000000000001.in0",
        "018c0000-0000-7000-8000-000000000001.in1",
        "018c0000-0000-7000-8000-000000000001.in2",
        "some.output.key",
    };
    expect_gc(store, keys, 4);

    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    store->now += RESULT_TTL_MS;
    assert_int_equal(sweep(store, 10).purged, 1);
    assert_int_equal(gc_count(store, NULL), 4 + 9);
}

static void an_id_is_refused_while_any_of_its_inputs_is_collected(void **state)
{
    struct store *store = *state;
    static const char *const key[] = { "018c0000-0000-7000-8000-000000000001.in8" };
    struct ij_suspect suspect = { .key = key[0], .id = test_id(1), .is_input = true };
    expect_code(0, store->jobs->ops->condemn(store->jobs, &suspect, 1, &test_err));
    assert_true(suspect.is_condemned);
    expect_code(IMGJOB_E_BUSY, submit_inputs(store, 1, 9, &test_err));
    expect_code(0, store->jobs->ops->gc_drop(store->jobs, key, 1, &test_err));
    expect_code(0, submit_inputs(store, 1, 9, &test_err));
    expect_code(0, store->jobs->ops->condemn(store->jobs, &suspect, 1, &test_err));
    assert_false(suspect.is_condemned); /* a further input is the job's as the image is */
    expect_gc(store, NULL, 0);
}

static void condemn(struct store *store, struct ij_suspect *suspects, size_t count)
{
    expect_code(0, store->jobs->ops->condemn(store->jobs, suspects, count, &test_err));
}

static void condemn_takes_only_what_no_job_owns(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct ij_lease lease = claim_lease(store);
    struct ij_suspect suspects[] = {
        { .key = "a", .id = test_id(1), .is_input = true },
        { .key = "b", .id = test_id(1), .gen = lease.gen, .token = lease.token },
        { .key = "c", .id = test_id(1), .gen = lease.gen, .token = lease.token + 1 },
        { .key = "d", .id = test_id(2), .is_input = true },
    };
    for (int i = 0; i < 2; i++) { /* those that stand there already are told again */
        suspects[i].is_condemned = true;
        condemn(store, suspects, 4);
        assert_false(suspects[0].is_condemned);
        assert_false(suspects[1].is_condemned);
        assert_true(suspects[2].is_condemned);
        assert_true(suspects[3].is_condemned);
        char *first = NULL;
        assert_int_equal(gc_count(store, &first), 2);
        assert_string_equal(first, "c");
        free(first);
    }

    expect_code(0, finish(store, lease, IJ_FINISH_FAILED));
    condemn(store, suspects, 2);
    assert_false(suspects[0].is_condemned);
    assert_true(suspects[1].is_condemned); /* what a failed attempt left */
    assert_int_equal(gc_count(store, NULL), 3);
}

/* What gc_list() answers, in one word: the keys are letters. */
static void expect_list(struct store *store, const char *after, size_t max,
                        const char *letters)
{
    char *keys[8];
    size_t count = 99;
    expect_code(
        0, store->jobs->ops->gc_list(store->jobs, after, keys, max, &count, &test_err));
    assert_int_equal(count, strlen(letters));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(keys[i][0], letters[i]);
        assert_int_equal(keys[i][1], '\0');
        free(keys[i]);
    }
}

static void gc_list_goes_on_behind_a_key(void **state)
{
    struct store *store = *state;
    expect_list(store, NULL, 8, "");
    static const char *const keys[] = { "d", "b", "Z", "a", "c" };
    struct ij_suspect suspects[IJ_ARRAY_LEN(keys)] = { 0 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(keys); i++)
        suspects[i] = (struct ij_suspect){ .key = keys[i], .id = test_id(9) };
    condemn(store, suspects, IJ_ARRAY_LEN(keys));
    expect_list(store, NULL, 8, "Zabcd");
    expect_list(store, "", 2, "Za");
    expect_list(store, "a", 2, "bc");
    expect_list(store, "bb", 8, "cd"); /* which need not stand there */
    expect_list(store, "d", 8, "");
    expect_list(store, "a", 0, "");
    expect_code(0, store->jobs->ops->gc_drop(store->jobs, keys, 2, &test_err));
    expect_list(store, "Z", 8, "ac");
}

/* ---- the rest ---- */

static void stats_follow_every_transition(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i <= 4; i++)
        expect_code(0, submit(store, i));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_RETRY));
    (void)claim_lease(store);
    struct ij_jobs_stats stats = stats_of(store);
    static const uint64_t expected[IJ_STATE_COUNT] = { 0, 1, 0, 1, 1, 1, 0 };
    assert_memory_equal(stats.by_state, expected, sizeof(expected));
    assert_int_equal(stats.change, store->told);
    assert_int_equal(stats.bytes, 4 * INPUT_BYTES + OUTPUT_BYTES);
    assert_int_equal(stats.deliveries, 0);
    if (store->backend->is_durable)
        store_reopen(store);
    struct ij_jobs_stats again = stats_of(store);
    assert_memory_equal(&again, &stats, sizeof(stats));
    assert_int_equal(fault_count(store), 0);
}

static void a_store_has_an_id_and_answers_a_ping(void **state)
{
    struct store *store = *state;
    struct ij_id id;
    const char *text = store->jobs->ops->store_id(store->jobs);
    assert_int_equal(strlen(text), IMGJOB_ID_SIZE - 1);
    assert_true(ij_id_parse(text, strlen(text), &id));
    expect_code(0, store->jobs->ops->ping(store->jobs, &test_err));
}

static void space_is_that_of_the_file_system(void **state)
{
    struct store *store = *state;
    uint64_t free_bytes = 0, total = 0;
    expect_code(0, store->jobs->ops->space(store->jobs, &free_bytes, &total, &test_err));
    assert_true(total > 0 && free_bytes <= total);
    assert_int_equal(total == UINT64_MAX, !store->backend->is_durable);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        ON_STORE(a_dead_owners_jobs_are_ready_again_at_once),
        ON_STORE(the_twenty_first_loss_is_told_as_lost),
        ON_STORE(sweep_leaves_leases_alone_when_the_clock_is_not_trusted),
        ON_STORE(sweep_keeps_to_its_budget),
        ON_STORE(an_ended_job_loses_its_blobs_and_then_its_row),
        ON_STORE(every_input_of_an_ended_job_goes),
        ON_STORE(an_id_is_refused_while_any_of_its_inputs_is_collected),
        ON_STORE(condemn_takes_only_what_no_job_owns),
        ON_STORE(gc_list_goes_on_behind_a_key),
        ON_STORE(stats_follow_every_transition),
        ON_STORE(a_store_has_an_id_and_answers_a_ping),
        ON_STORE(space_is_that_of_the_file_system),
    };
    int failed = run_on(&memory_backend, tests, IJ_ARRAY_LEN(tests));
    return failed + run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
