/* The contract of a job backend: submit, claim, and what a lease holder may do. One
 * suite, written against the vtable, run on each. */
#include <pthread.h>

#include "jobs_fixture.h"

/* ---- submit ---- */

static void a_submitted_job_is_ready_and_can_be_read(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct ij_record record = record_of(store, 1);
    assert_int_equal(record.job.state, IMGJOB_STATE_READY);
    assert_int_equal(record.job.seq, 1);
    assert_int_equal(record.job.fair, 1);
    assert_int_equal(record.job.created, store->now);
    assert_string_equal(record.spec, "{\"width\":1}");
    assert_string_equal(record.input, "{\"bytes\":3}");
    assert_null(record.result);
    assert_null(record.failure);
    ij_record_done(&record);
    assert_int_equal(store->told, 1);
}

static void an_unknown_job_is_not_found(void **state)
{
    struct store *store = *state;
    struct ij_id id = test_id(5);
    struct ij_record record = { 0 };
    expect_code(IMGJOB_E_NOTFOUND,
                store->jobs->ops->get(store->jobs, &id, &record, &test_err));
    expect_words("there is no job 018c0000-0000-7000-8000-000000000005");
    assert_null(record.spec);
}

static void the_same_submit_again_is_success_and_another_is_a_conflict(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    expect_code(0, submit(store, 1));
    assert_int_equal(store->told, 1);
    expect_code(IMGJOB_E_CONFLICT, submit_into(store, 1, "{\"width\":2}", &test_err));
    expect_words("job 018c0000-0000-7000-8000-000000000001 exists and has another spec");
}

static void a_full_queue_is_busy_until_a_job_ends(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 0; i < 100; i++)
        expect_code(0, submit(store, i));
    expect_code(IMGJOB_E_BUSY, submit(store, 100));
    expect_words("the queue is full: 100 jobs wait or run, max_queued_jobs is 100");
    expect_code(0, submit(store, 99)); /* a repeat needs no room */
    struct ij_lease lease = claim_lease(store);
    expect_code(IMGJOB_E_BUSY, submit(store, 100)); /* running has not ended */
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
    expect_code(0, submit(store, 100));
}

static void a_document_that_is_too_long_is_refused(void **state)
{
    struct store *store = *state;
    char *text = malloc(IJ_DOCUMENT_MAX + 2);
    assert_non_null(text);
    memset(text, 'x', IJ_DOCUMENT_MAX + 1);
    text[IJ_DOCUMENT_MAX + 1] = '\0';
    expect_code(IMGJOB_E_INVALID, submit_into(store, 1, text, &test_err));
    expect_words("a job's spec is over the limit of 262144 bytes");
    text[IJ_DOCUMENT_MAX] = '\0';
    expect_code(0, submit_into(store, 1, text, &test_err));
    struct ij_finish with = finish_with(claim_lease(store), IJ_FINISH_SUCCEEDED);
    text[IJ_DOCUMENT_MAX] = 'x';
    with.result = text;
    expect_code(IMGJOB_E_INVALID,
                store->jobs->ops->finish(store->jobs, &with, NULL, NULL, &test_err));
    expect_words("a job's result is over the limit");
    free(text);
}

static void a_row_may_hold_every_document_at_its_limit(void **state)
{
    struct store *store = *state;
    char *text = malloc(IJ_DOCUMENT_MAX + 1);
    assert_non_null(text);
    memset(text, 'x', IJ_DOCUMENT_MAX);
    text[IJ_DOCUMENT_MAX] = '\0';
    struct ij_submit with = {
        .id = test_id(1), .spec = text, .input = text, .keys = text, .max_attempts = 2
    };
    expect_code(0, store->jobs->ops->submit(store->jobs, &with, 1, &test_err));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_RETRY));
    store->now += 2000;
    struct ij_finish done = finish_with(claim_lease(store), IJ_FINISH_SUCCEEDED);
    done.result = done.keys = text;
    expect_code(0, store->jobs->ops->finish(store->jobs, &done, NULL, NULL, &test_err));
    struct ij_record record = record_of(store, 1);
    assert_string_equal(record.result, text);
    ij_record_done(&record);
    free(text);
}

/* ---- claim ---- */

static void claim_takes_the_oldest_first_with_its_documents(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 3; i > 0; i--)
        expect_code(0, submit(store, i));
    for (uint32_t i = 3; i > 0; i--) {
        struct ij_record record = claim(store);
        struct ij_id id = test_id(i);
        assert_true(ij_id_equal(&record.job.id, &id));
        assert_int_equal(record.job.state, IMGJOB_STATE_RUNNING);
        assert_int_equal(record.job.gen, 1);
        assert_int_equal(record.job.attempt, 1);
        assert_true(record.job.owner == store->jobs->ops->owner(store->jobs));
        assert_int_equal(record.job.lease_until, store->now + LEASE_MS);
        assert_true(record.job.token != 0);
        assert_string_equal(record.spec, "{\"width\":1}");
        assert_string_equal(record.input, "{\"bytes\":3}");
        ij_record_done(&record);
    }
    assert_int_equal(claim_nothing(store), 0);
}

static void claim_skips_jobs_not_due_yet(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_RETRY));
    int64_t due = job_of(store, 1).run_at;
    assert_int_equal(due, store->now + 1500);
    assert_int_equal(claim_nothing(store), due);
    store->now = due;
    struct ij_record record = claim(store);
    assert_int_equal(record.job.attempt, 2);
    assert_int_equal(record.job.gen, 2);
    assert_non_null(strstr(record.failure, "the disk was away"));
    ij_record_done(&record);
}

static void claim_fails_overdue_jobs_on_its_way(void **state)
{
    struct store *store = *state;
    struct ij_submit late = { .deadline = store->now };
    expect_code(0, submit_with(store, 1, &late));
    expect_code(0, submit(store, 2));
    store->now++;
    struct ij_record record = claim(store);
    struct ij_id second = test_id(2);
    assert_true(ij_id_equal(&record.job.id, &second));
    ij_record_done(&record);
    record = record_of(store, 1);
    assert_int_equal(record.job.state, IMGJOB_STATE_FAILED);
    assert_int_equal(record.job.reason, IJ_REASON_DEADLINE);
    assert_non_null(
        strstr(record.failure, "the deadline passed before the job could run"));
    ij_record_done(&record);
}

static void claim_fails_a_bounded_number_of_overdue_jobs(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 0; i < IJ_CLAIM_SIDE_MAX + 2; i++) {
        struct ij_submit late = { .deadline = store->now };
        expect_code(0, submit_with(store, i, &late));
    }
    store->now++;
    assert_int_equal(claim_nothing(store), store->now); /* ask again at once */
    struct ij_jobs_stats stats = stats_of(store);
    assert_int_equal(stats.by_state[IMGJOB_STATE_FAILED], IJ_CLAIM_SIDE_MAX);
    assert_int_equal(claim_nothing(store), 0);
    assert_int_equal(sweep(store, 10).overdue, 0);
}

struct claimer {
    struct store *store;
    pthread_t thread;
    uint32_t claimed;
    _Atomic int *taken; /* by number of the job */
};

static void *claim_all(void *data)
{
    struct claimer *claimer = data;
    struct ij_jobs *jobs = claimer->store->jobs;
    struct ij_claim with = { .lease_ms = LEASE_MS };
    struct ij_record record = { 0 };
    int64_t due;
    int rc = jobs->ops->claim(jobs, &with, &record, &due, NULL);
    while (rc == 0 && record.spec) {
        claimer->claimed++;
        claimer->taken[record.job.id.bytes[15]]++;
        struct ij_finish done =
            finish_with(ij_lease_of(&record.job), IJ_FINISH_SUCCEEDED);
        ij_record_done(&record);
        rc = jobs->ops->finish(jobs, &done, &with, &record, NULL);
    }
    return (void *)(intptr_t)(rc == 0 || rc == 1 ? 0 : rc);
}

static void many_threads_never_claim_the_same_job(void **state)
{
    struct store *store = *state;
    static _Atomic int taken[100];
    for (uint32_t i = 0; i < IJ_ARRAY_LEN(taken); i++) {
        taken[i] = 0;
        expect_code(0, submit(store, i));
    }
    struct claimer claimers[8] = { 0 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(claimers); i++) {
        claimers[i].store = store;
        claimers[i].taken = taken;
        assert_int_equal(
            pthread_create(&claimers[i].thread, NULL, claim_all, &claimers[i]), 0);
    }
    uint32_t claimed = 0;
    for (size_t i = 0; i < IJ_ARRAY_LEN(claimers); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(claimers[i].thread, &failed), 0);
        assert_null(failed);
        claimed += claimers[i].claimed;
    }
    assert_int_equal(claimed, IJ_ARRAY_LEN(taken));
    for (size_t i = 0; i < IJ_ARRAY_LEN(taken); i++)
        assert_int_equal(taken[i], 1);
    struct ij_jobs_stats stats = stats_of(store);
    assert_int_equal(stats.by_state[IMGJOB_STATE_SUCCEEDED], IJ_ARRAY_LEN(taken));
    assert_int_equal(store->told, 3 * IJ_ARRAY_LEN(taken));
}

/* ---- lease holders ---- */

static void heartbeat_keeps_the_lease_and_tells_of_lost_ones(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct ij_lease lease = claim_lease(store), stale = lease, gone = lease;
    stale.token++;
    gone.id = test_id(99);
    store->now += 10000;
    struct ij_beat beats[] = { { .lease = lease },
                               { .lease = stale },
                               { .lease = gone } };
    expect_code(0,
                store->jobs->ops->heartbeat(store->jobs, beats, 3, LEASE_MS, &test_err));
    assert_false(beats[0].lost);
    assert_false(beats[0].cancel_asked);
    assert_true(beats[1].lost);
    assert_true(beats[2].lost);
    struct ij_job job = job_of(store, 1);
    assert_int_equal(job.lease_until, store->now + LEASE_MS);
    assert_int_equal(store->told, 2); /* a heartbeat is not told */
}

static void progress_is_kept_and_told_and_is_no_new_version(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct ij_lease lease = claim_lease(store);
    struct ij_job before = job_of(store, 1);
    struct ij_beat beat = { .lease = lease, .progress = { 40, IJ_STAGE_ENCODE, 2 } };
    for (int i = 0; i < 2; i++) /* what was told already is not told again */
        expect_code(
            0, store->jobs->ops->heartbeat(store->jobs, &beat, 1, LEASE_MS, &test_err));
    assert_int_equal(store->told, 3);
    assert_int_equal(store->last.from, IMGJOB_STATE_RUNNING);
    assert_int_equal(store->last.job.progress.percent, 40);
    beat.progress.percent = 39; /* it came late */
    expect_code(0,
                store->jobs->ops->heartbeat(store->jobs, &beat, 1, LEASE_MS, &test_err));
    assert_int_equal(store->told, 3);
    if (store->backend->is_durable)
        store_reopen(store);
    struct ij_job job = job_of(store, 1);
    assert_int_equal(job.ver, before.ver);
    assert_int_equal(job.change, before.change);
    assert_int_equal(job.progress.percent, 40);
    assert_int_equal(job.progress.stage, IJ_STAGE_ENCODE);
    assert_int_equal(job.progress.output, 2);
}

static void stale_writes_are_counted(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct ij_lease stale = claim_lease(store);
    stale.token++;
    struct ij_beat beat = { .lease = stale };
    expect_code(0,
                store->jobs->ops->heartbeat(store->jobs, &beat, 1, LEASE_MS, &test_err));
    expect_code(1, finish(store, stale, IJ_FINISH_SUCCEEDED));
    assert_int_equal(store->metrics.stale_writes.value, 2);
}

static void a_success_stores_the_result(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    struct ij_record record = record_of(store, 1);
    assert_int_equal(record.job.state, IMGJOB_STATE_SUCCEEDED);
    assert_int_equal(record.job.finished, store->now);
    assert_string_equal(record.result, "{\"outputs\":[]}");
    assert_null(record.failure);
    ij_record_done(&record);
}

static void a_failure_is_told_with_stage_reason_and_input(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    struct ij_record record = record_of(store, 1);
    assert_int_equal(record.job.state, IMGJOB_STATE_FAILED);
    assert_int_equal(record.job.reason, IJ_REASON_CORRUPT);
    assert_string_equal(record.failure,
                        "{\"error\":\"the image is broken\",\"stage\":\"decode\","
                        "\"reason\":\"corrupt\"}");
    ij_record_done(&record);
}

static void a_finish_may_claim_the_next_job_in_the_same_step(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    expect_code(0, submit(store, 2));
    struct ij_claim next = { .lease_ms = LEASE_MS };
    struct ij_finish with = finish_with(claim_lease(store), IJ_FINISH_SUCCEEDED);
    struct ij_record record = { 0 };
    expect_code(0,
                store->jobs->ops->finish(store->jobs, &with, &next, &record, &test_err));
    struct ij_id second = test_id(2);
    assert_true(ij_id_equal(&record.job.id, &second));
    with = finish_with(ij_lease_of(&record.job), IJ_FINISH_SUCCEEDED);
    ij_record_done(&record);
    expect_code(0,
                store->jobs->ops->finish(store->jobs, &with, &next, &record, &test_err));
    assert_null(record.spec); /* nothing is left */
}

static void a_finish_may_be_repeated(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct ij_lease lease = claim_lease(store);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
    struct ij_job before = job_of(store, 1);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
    expect_code(1, finish(store, lease, IJ_FINISH_FAILED));
    assert_int_equal(job_of(store, 1).ver, before.ver);
    store->now += RESULT_TTL_MS;
    assert_int_equal(sweep(store, 10).purged, 1);
    assert_int_equal(gc_count(store, NULL), 2); /* the keys were not added twice */
}

static void a_stale_lease_changes_nothing(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct ij_lease stale = claim_lease(store);
    store->now += LEASE_MS + 1;
    assert_int_equal(sweep(store, 10).losses, 1);
    struct ij_lease lease = claim_lease(store);
    struct ij_job before = job_of(store, 1);
    for (int kind = IJ_FINISH_SUCCEEDED; kind <= IJ_FINISH_CRASHED; kind++)
        expect_code(1, finish(store, stale, (enum ij_finish_kind)kind));
    struct ij_job after = job_of(store, 1);
    assert_int_equal(after.ver, before.ver);
    assert_int_equal(after.lease_until, before.lease_until);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
}

static void a_late_finish_may_still_claim_the_next_job(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct ij_lease lease = claim_lease(store);
    store->now += LEASE_MS + 1;
    assert_int_equal(sweep(store, 10).losses, 1);
    struct ij_claim next = { .lease_ms = LEASE_MS };
    struct ij_finish with = finish_with(lease, IJ_FINISH_SUCCEEDED);
    struct ij_record record = { 0 };
    expect_code(1,
                store->jobs->ops->finish(store->jobs, &with, &next, &record, &test_err));
    assert_int_equal(record.job.gen, 2);
    ij_record_done(&record);
}

static void retries_end_with_the_last_attempt(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    for (int attempt = 1; attempt <= 3; attempt++) {
        expect_code(0, finish(store, claim_lease(store), IJ_FINISH_RETRY));
        store->now += 15 * 60 * 1000;
    }
    struct ij_job job = job_of(store, 1);
    assert_int_equal(job.state, IMGJOB_STATE_FAILED);
    assert_int_equal(job.reason, IJ_REASON_BLOB);
    assert_int_equal(job.attempt, 3);
}

static void the_third_crash_poisons_and_keeps_the_words_of_the_last(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    for (int crash = 1; crash <= 3; crash++) {
        expect_code(0, finish(store, claim_lease(store), IJ_FINISH_CRASHED));
        store->now += 15 * 60 * 1000;
    }
    struct ij_record record = record_of(store, 1);
    assert_int_equal(record.job.state, IMGJOB_STATE_FAILED);
    assert_int_equal(record.job.reason, IJ_REASON_POISON);
    assert_string_equal(
        record.failure,
        "{\"error\":\"the job ended its worker process 3 times: the worker "
        "got signal 11\",\"stage\":\"decode\",\"reason\":\"poison\","
        "\"signal\":11}");
    ij_record_done(&record);
}

static void a_release_gives_the_job_back_at_once(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct ij_lease lease = claim_lease(store);
    expect_code(0, finish(store, lease, IJ_FINISH_RELEASED));
    expect_code(0, finish(store, lease, IJ_FINISH_RELEASED)); /* a repeat */
    struct ij_job job = job_of(store, 1);
    assert_int_equal(job.state, IMGJOB_STATE_READY);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.releases, 1);
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_CANCELED));
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_CANCELED);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        ON_STORE(a_submitted_job_is_ready_and_can_be_read),
        ON_STORE(an_unknown_job_is_not_found),
        ON_STORE(the_same_submit_again_is_success_and_another_is_a_conflict),
        ON_STORE(a_full_queue_is_busy_until_a_job_ends),
        ON_STORE(a_document_that_is_too_long_is_refused),
        ON_STORE(a_row_may_hold_every_document_at_its_limit),
        ON_STORE(claim_takes_the_oldest_first_with_its_documents),
        ON_STORE(claim_skips_jobs_not_due_yet),
        ON_STORE(claim_fails_overdue_jobs_on_its_way),
        ON_STORE(claim_fails_a_bounded_number_of_overdue_jobs),
        ON_STORE(many_threads_never_claim_the_same_job),
        ON_STORE(heartbeat_keeps_the_lease_and_tells_of_lost_ones),
        ON_STORE(progress_is_kept_and_told_and_is_no_new_version),
        ON_STORE(stale_writes_are_counted),
        ON_STORE(a_success_stores_the_result),
        ON_STORE(a_failure_is_told_with_stage_reason_and_input),
        ON_STORE(a_finish_may_claim_the_next_job_in_the_same_step),
        ON_STORE(a_finish_may_be_repeated),
        ON_STORE(a_stale_lease_changes_nothing),
        ON_STORE(a_late_finish_may_still_claim_the_next_job),
        ON_STORE(retries_end_with_the_last_attempt),
        ON_STORE(the_third_crash_poisons_and_keeps_the_words_of_the_last),
        ON_STORE(a_release_gives_the_job_back_at_once),
    };
    int failed = run_on(&memory_backend, tests, IJ_ARRAY_LEN(tests));
    return failed + run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
