/* The contract of a job backend: what a submit may say, and when it is answered with a
 * job that is there already. One suite, run on each. */
#include "jobs_fixture.h"

static uint64_t row_count(struct store *store)
{
    struct ij_jobs_stats stats = stats_of(store);
    uint64_t count = 0;
    for (size_t i = 0; i < IJ_STATE_COUNT; i++)
        count += stats.by_state[i];
    return count;
}

/* `count` of them in one call, with consecutive numbers. */
static int submit_many(struct store *store, uint32_t first, struct ij_submit *submits,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        submits[i].id = test_id(first + (uint32_t)i);
        if (!submits[i].spec)
            submits[i].spec = "{}";
    }
    return store->jobs->ops->submit(store->jobs, submits, count, &test_err);
}

/* ---- many at once ---- */

static void many_jobs_are_taken_in_their_order(void **state)
{
    struct store *store = *state;
    struct ij_submit submits[5] = { 0 };
    expect_code(0, submit_many(store, 1, submits, 5));
    assert_int_equal(store->told, 5);
    for (uint32_t i = 1; i <= 5; i++) {
        struct ij_id id = test_id(i);
        assert_int_equal(submits[i - 1].outcome, IJ_SUBMIT_NEW);
        assert_true(ij_id_equal(&submits[i - 1].job, &id));
        assert_int_equal(job_of(store, i).seq, i);
        (void)claim_number(store, i);
    }
}

static void of_many_jobs_all_are_taken_or_none(void **state)
{
    struct store *store = *state;
    struct ij_submit done = { .has_dedup = true, .dedup = "seen" };
    expect_code(0, submit_with(store, 50, &done));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    struct ij_job before = job_of(store, 50);
    uint64_t told = store->told;
    store->now++;

    struct ij_submit submits[] = {
        { .queue = "new", .tenant = "somebody", .idempotency_key = "k" },
        { .has_dedup = true, .dedup = "seen" },
        { .idempotency_key = "k", .tenant = "somebody", .fingerprint = "other" },
    };
    expect_code(IMGJOB_E_CONFLICT, submit_many(store, 1, submits, 3));
    assert_int_equal(row_count(store), 1);
    assert_int_equal(store->told, told);
    struct ij_job after = job_of(store, 50);
    assert_int_equal(after.ver, before.ver);
    assert_true(after.result_expires == before.result_expires);
    assert_int_equal(stats_of(store).change, before.change);
    struct ij_queue_stats queues[IJ_QUEUES_MAX];
    size_t count = 0;
    expect_code(0, store->jobs->ops->queues(store->jobs, queues, &count, &test_err));
    assert_int_equal(count, 1); /* nor is the queue there */

    /* the key was not kept either */
    memset(submits[2].fingerprint, 0, sizeof(submits[2].fingerprint));
    expect_code(0, submit_many(store, 1, submits, 3));
    assert_int_equal(submits[1].outcome, IJ_SUBMIT_DEDUPLICATED);
    assert_int_equal(submits[2].outcome, IJ_SUBMIT_REPLAYED);
    struct ij_id first = test_id(1);
    assert_true(ij_id_equal(&submits[2].job, &first));
    struct ij_job job = job_of(store, 1);
    assert_int_equal(job.seq, 2);
    assert_int_equal(job.fair, 1);
    assert_int_equal(fault_count(store), 0);
}

static void many_jobs_must_have_room_together(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 0; i < 98; i++)
        expect_code(0, submit(store, i));
    struct ij_submit submits[3] = { 0 };
    expect_code(IMGJOB_E_BUSY, submit_many(store, 200, submits, 3));
    expect_words("the queue has no room for all of the jobs: 98 wait or run, 2 more fit, "
                 "max_queued_jobs is 100");
    assert_int_equal(row_count(store), 98);
    expect_code(0, submit_many(store, 200, submits, 2));
}

static void no_jobs_at_all_are_taken_as_well(void **state)
{
    struct store *store = *state;
    expect_code(0, submit_many(store, 1, NULL, 0));
    assert_int_equal(row_count(store), 0);
}

/* ---- when and in what order ---- */

static void a_job_for_later_waits_for_its_time(void **state)
{
    struct store *store = *state;
    struct ij_submit later = { .run_at = store->now + 500 };
    struct ij_submit delayed = { .delay_ms = 300 }, past = { .run_at = 1 };
    expect_code(0, submit_with(store, 1, &later));
    expect_code(0, submit_with(store, 2, &delayed));
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_SCHEDULED);
    assert_int_equal(job_of(store, 2).run_at, store->now + 300);
    assert_int_equal(claim_nothing(store), store->now + 300);
    store->now += 300;
    (void)claim_number(store, 2);
    assert_int_equal(claim_nothing(store), store->now + 200);
    expect_code(0, submit_with(store, 3, &past));
    (void)claim_number(store, 3);
    store->now += 200;
    assert_int_equal(sweep(store, 10).promoted, 1);
    (void)claim_number(store, 1);
}

static void a_delay_and_a_time_exclude_each_other(void **state)
{
    struct store *store = *state;
    struct ij_submit with = { .run_at = store->now + 500, .delay_ms = 500 };
    expect_code(IMGJOB_E_INVALID, submit_with(store, 1, &with));
    expect_words("a job has a time to run at and a delay");
}

static void the_more_urgent_goes_first(void **state)
{
    struct store *store = *state;
    static const uint32_t prios[] = { 9, 5, 0, 5, 1 };
    for (uint32_t i = 0; i < IJ_ARRAY_LEN(prios); i++) {
        struct ij_submit with = { .has_prio = true, .prio = prios[i] };
        expect_code(0, submit_with(store, i + 1, &with));
    }
    expect_code(0, submit(store, 6)); /* of the default, 5 */
    static const uint32_t order[] = { 3, 5, 2, 4, 6, 1 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(order); i++)
        (void)claim_number(store, order[i]);
    struct ij_submit with = { .has_prio = true, .prio = 10 };
    expect_code(IMGJOB_E_INVALID, submit_with(store, 7, &with));
    expect_words("a job's priority is 0 to 9, not 10");
}

static void a_deadline_fails_what_has_not_begun(void **state)
{
    struct store *store = *state;
    struct ij_submit late = { .deadline = store->now + 10, .delay_ms = 5000 };
    struct ij_submit running = { .deadline = store->now + 10 };
    expect_code(0, submit_with(store, 1, &late));
    expect_code(0, submit_with(store, 2, &running));
    struct ij_lease lease = claim_number(store, 2);
    store->now += 11;
    assert_int_equal(sweep(store, 10).overdue, 1);
    struct ij_job job = job_of(store, 1);
    assert_int_equal(job.state, IMGJOB_STATE_FAILED);
    assert_int_equal(job.reason, IJ_REASON_DEADLINE);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
}

static void a_job_may_stay_for_a_time_of_its_own(void **state)
{
    struct store *store = *state;
    struct ij_submit with = { .result_ttl_ms = 100, .job_ttl_ms = 250 };
    expect_code(0, submit_with(store, 1, &with));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    if (store->backend->is_durable)
        store_reopen(store);
    struct ij_job job = job_of(store, 1);
    assert_int_equal(job.result_expires, store->now + 100);
    assert_int_equal(job.expires, store->now + 250);
    store->now += 250;
    struct ij_swept swept = sweep(store, 10);
    assert_int_equal(swept.purged, 1);
    assert_int_equal(swept.forgotten, 1);
}

static void what_a_submit_says_is_kept(void **state)
{
    struct store *store = *state;
    static const char *const tags[] = { "b", "a" };
    struct ij_submit with = {
        .tenant = "t-1",
        .queue = "q.1",
        .options = "{\"o\":1}",
        .bytes = 77,
        .max_attempts = 4,
        .timeout_ms = 1234,
        .deadline = store->now + 99,
        .batch = test_id(900),
        .tags = tags,
        .tag_count = 2,
        .callback_url = "http://there/",
        .has_dedup = true,
        .dedup = "0123456789abcdef0123456789abcde",
    };
    expect_code(0, submit_with(store, 1, &with));
    if (store->backend->is_durable)
        store_reopen(store);
    for (int i = 0; i < 2; i++) { /* as it is read, and as it is claimed */
        struct ij_record record = i == 0 ? record_of(store, 1) : claim(store);
        assert_string_equal(record.tenant, "t-1");
        assert_string_equal(record.queue, "q.1");
        assert_string_equal(record.options, "{\"o\":1}");
        assert_string_equal(record.keys, "018c0000-0000-7000-8000-000000000001.in0\n");
        assert_int_equal(record.job.bytes, 77);
        assert_int_equal(record.job.max_attempts, 4);
        assert_int_equal(record.job.timeout_ms, 1234);
        assert_int_equal(record.job.deadline, store->now + 99);
        assert_true(ij_id_equal(&record.job.batch, &with.batch));
        assert_true(record.job.has_callback);
        assert_true(record.job.has_dedup);
        assert_memory_equal(record.job.dedup, with.dedup, IJ_DIGEST_SIZE);
        ij_record_done(&record);
    }
    struct ij_submit none = { 0 };
    expect_code(0, submit_with(store, 2, &none));
    struct ij_record record = record_of(store, 2);
    assert_string_equal(record.tenant, "default");
    assert_string_equal(record.queue, "default");
    assert_string_equal(record.options, "{}");
    assert_false(record.job.has_callback);
    assert_false(record.job.has_dedup);
    assert_true(ij_id_equal(&record.job.batch, &ij_id_none));
    ij_record_done(&record);
}

/* ---- refusals ---- */

static void names_that_are_none_are_refused(void **state)
{
    struct store *store = *state;
    char limit[IJ_NAME_SIZE + 1];
    memset(limit, 'n', sizeof(limit));
    limit[IJ_NAME_SIZE] = '\0';
    const struct {
        const char *name, *words;
    } faults[] = {
        { "", "'s name is empty" },
        { limit, "'s name is over the limit of 64 bytes: 'nnnn" },
        { "a b", "holds a character that is none of A-Z a-z 0-9 _ . : -: 'a b'" },
        { "a\nb", "holds a character" },
        { "\xc3\xa4", "holds a character" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(faults); i++) {
        const char *const tags[] = { "fine", faults[i].name };
        struct ij_submit queue = { .queue = faults[i].name };
        struct ij_submit tenant = { .tenant = faults[i].name };
        struct ij_submit tag = { .tags = tags, .tag_count = 2 };
        expect_code(IMGJOB_E_INVALID, submit_with(store, 1, &queue));
        expect_words("a queue");
        expect_words(faults[i].words);
        expect_code(IMGJOB_E_INVALID, submit_with(store, 1, &tenant));
        expect_words("a tenant");
        expect_words(faults[i].words);
        expect_code(IMGJOB_E_INVALID, submit_with(store, 1, &tag));
        expect_words("a tag");
        expect_words(faults[i].words);
    }
    limit[IJ_NAME_SIZE - 1] = '\0';
    struct ij_submit with = { .queue = limit, .tenant = limit };
    expect_code(0, submit_with(store, 1, &with));
}

static void tags_have_a_limit_and_none_stands_there_twice(void **state)
{
    struct store *store = *state;
    static const char *const twice[] = { "a", "b", "a" };
    char names[IJ_TAGS_MAX + 1][4];
    const char *tags[IJ_TAGS_MAX + 1];
    for (size_t i = 0; i < IJ_ARRAY_LEN(tags); i++) {
        (void)snprintf(names[i], sizeof(names[i]), "t%zu", i);
        tags[i] = names[i];
    }
    struct ij_submit with = { .tags = twice, .tag_count = 3 };
    expect_code(IMGJOB_E_INVALID, submit_with(store, 1, &with));
    expect_words("the tag 'a' stands there twice");
    with = (struct ij_submit){ .tags = tags, .tag_count = IJ_TAGS_MAX + 1 };
    expect_code(IMGJOB_E_INVALID, submit_with(store, 1, &with));
    expect_words("17 tags are over the limit of 16");
    with.tag_count = IJ_TAGS_MAX;
    expect_code(0, submit_with(store, 1, &with));
}

static void keys_and_urls_have_a_limit(void **state)
{
    struct store *store = *state;
    char *text = malloc(IJ_URL_MAX + 2);
    assert_non_null(text);
    memset(text, 'u', IJ_URL_MAX + 1);
    text[IJ_URL_MAX + 1] = '\0';
    struct ij_submit with = { .callback_url = text };
    expect_code(IMGJOB_E_INVALID, submit_with(store, 1, &with));
    expect_words("a job's callback URL is over the limit of 2048 bytes");
    text[IJ_URL_MAX] = '\0';
    expect_code(0, submit_with(store, 1, &with));
    text[IJ_IDEMPOTENCY_KEY_MAX + 1] = '\0';
    with = (struct ij_submit){ .idempotency_key = text };
    expect_code(IMGJOB_E_INVALID, submit_with(store, 2, &with));
    expect_words("a job's idempotency key is over the limit of 255 bytes");
    text[IJ_IDEMPOTENCY_KEY_MAX] = '\0';
    expect_code(0, submit_with(store, 2, &with));
    with = (struct ij_submit){ .idempotency_key = "" };
    expect_code(IMGJOB_E_INVALID, submit_with(store, 3, &with));
    expect_words("a job's idempotency key is empty");
    free(text);
}

/* ---- idempotency keys ---- */

static struct ij_submit with_key(const char *fingerprint)
{
    struct ij_submit with = { .idempotency_key = "order-7" };
    (void)snprintf((char *)with.fingerprint, sizeof(with.fingerprint), "%s", fingerprint);
    return with;
}

static void expect_answer(struct store *store, uint32_t number, struct ij_submit *with,
                          enum ij_submit_outcome outcome, uint32_t answer)
{
    expect_code(0, submit_with(store, number, with));
    assert_int_equal(with->outcome, outcome);
    assert_int_equal(number_of(&with->job), answer);
}

static void a_key_is_answered_with_its_job(void **state)
{
    struct store *store = *state;
    struct ij_submit with = with_key("print");
    expect_answer(store, 1, &with, IJ_SUBMIT_NEW, 1);
    expect_answer(store, 2, &with, IJ_SUBMIT_REPLAYED, 1);
    expect_answer(store, 1, &with, IJ_SUBMIT_NEW, 1); /* its own answer was lost */
    struct ij_id second = test_id(2);
    struct ij_record record = { 0 };
    expect_code(IMGJOB_E_NOTFOUND,
                store->jobs->ops->get(store->jobs, &second, &record, &test_err));
    assert_int_equal(store->told, 1);
    struct ij_submit other = with_key("another");
    expect_code(IMGJOB_E_CONFLICT, submit_with(store, 2, &other));
    expect_words("the idempotency key 'order-7' was used for another job");
    other.tenant = "somebody"; /* whose keys are their own */
    expect_answer(store, 2, &other, IJ_SUBMIT_NEW, 2);
    if (store->backend->is_durable)
        store_reopen(store);
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    expect_answer(store, 3, &with, IJ_SUBMIT_REPLAYED, 1); /* whatever became of it */
}

static void a_key_is_answered_while_the_queue_is_full(void **state)
{
    struct store *store = *state;
    struct ij_submit with = with_key("print");
    expect_answer(store, 1, &with, IJ_SUBMIT_NEW, 1);
    for (uint32_t i = 2; i <= store->config.max_queued; i++)
        expect_code(0, submit(store, i));
    expect_code(IMGJOB_E_BUSY, submit(store, 500));
    expect_answer(store, 500, &with, IJ_SUBMIT_REPLAYED, 1);
}

static void a_key_is_free_again_after_its_time(void **state)
{
    struct store *store = *state;
    struct ij_submit with = with_key("print"), other = with_key("another");
    expect_answer(store, 1, &with, IJ_SUBMIT_NEW, 1);
    store->now += KEY_TTL_MS - 1;
    expect_answer(store, 2, &with, IJ_SUBMIT_REPLAYED, 1);
    assert_int_equal(sweep(store, 10).dropped, 0);
    store->now++; /* a replay does not extend it */
    expect_answer(store, 2, &other, IJ_SUBMIT_NEW, 2);
    assert_int_equal(sweep(store, 10).dropped, 0); /* it took the old one's place */
    store->now += KEY_TTL_MS;
    assert_int_equal(sweep(store, 10).dropped, 1);
    assert_int_equal(sweep(store, 10).dropped, 0);
}

static void a_key_whose_job_was_purged_is_free(void **state)
{
    struct store *store = *state;
    struct ij_submit with = with_key("print"), other = with_key("another");
    expect_answer(store, 1, &with, IJ_SUBMIT_NEW, 1);
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    struct ij_id first = test_id(1);
    expect_code(0, store->jobs->ops->purge(store->jobs, &first, &test_err));
    expect_answer(store, 2, &other, IJ_SUBMIT_NEW, 2);
    expect_answer(store, 3, &other, IJ_SUBMIT_REPLAYED, 2);
}

/* ---- deduplication ---- */

static struct ij_submit with_digest(const char *digest)
{
    struct ij_submit with = { .has_dedup = true };
    (void)snprintf((char *)with.dedup, sizeof(with.dedup), "%s", digest);
    return with;
}

static void a_live_or_succeeded_twin_is_the_answer(void **state)
{
    struct store *store = *state;
    struct ij_submit with = with_digest("a"), other = with_digest("b"), plain = { 0 };
    expect_answer(store, 1, &with, IJ_SUBMIT_NEW, 1);
    expect_answer(store, 2, &with, IJ_SUBMIT_DEDUPLICATED, 1);
    expect_answer(store, 2, &other, IJ_SUBMIT_NEW, 2);
    expect_answer(store, 3, &plain, IJ_SUBMIT_NEW, 3); /* opt-in */
    assert_int_equal(store->told, 3);
    struct ij_lease lease = claim_number(store, 1);
    expect_answer(store, 4, &with, IJ_SUBMIT_DEDUPLICATED, 1);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
    struct ij_job before = job_of(store, 1);
    store->now += RESULT_TTL_MS - 1;
    expect_answer(store, 4, &with, IJ_SUBMIT_DEDUPLICATED, 1);
    struct ij_job after = job_of(store, 1); /* it stays as long as a new one would */
    assert_int_equal(after.result_expires, store->now + RESULT_TTL_MS);
    assert_int_equal(after.expires, store->now + JOB_TTL_MS);
    assert_int_equal(after.ver, before.ver + 1);
    assert_true(after.change > before.change);
    assert_int_equal(store->last.from, IMGJOB_STATE_SUCCEEDED);
    if (store->backend->is_durable)
        store_reopen(store);
    store->now += RESULT_TTL_MS; /* its outputs can be fetched no more */
    expect_answer(store, 5, &with, IJ_SUBMIT_NEW, 5);
}

static void what_failed_or_is_given_up_is_no_twin(void **state)
{
    struct store *store = *state;
    struct ij_submit with = with_digest("a");
    struct ij_job job;
    expect_answer(store, 1, &with, IJ_SUBMIT_NEW, 1);
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    expect_answer(store, 2, &with, IJ_SUBMIT_NEW, 2);
    struct ij_id second = test_id(2);
    expect_code(0, store->jobs->ops->cancel(store->jobs, &second, &job, &test_err));
    expect_answer(store, 3, &with, IJ_SUBMIT_NEW, 3);
    struct ij_lease lease = claim_number(store, 3);
    struct ij_id third = test_id(3);
    expect_code(0, store->jobs->ops->cancel(store->jobs, &third, &job, &test_err));
    expect_answer(store, 4, &with, IJ_SUBMIT_NEW, 4);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED)); /* it won all the same */
    expect_answer(store, 5, &with, IJ_SUBMIT_DEDUPLICATED, 4); /* the newest of the two */
    assert_int_equal(fault_count(store), 0);
}

static void a_deduplicated_submit_keeps_its_key(void **state)
{
    struct store *store = *state;
    struct ij_submit with = with_digest("a"), again = with_digest("b");
    expect_answer(store, 1, &with, IJ_SUBMIT_NEW, 1);
    with.idempotency_key = again.idempotency_key = "k";
    expect_answer(store, 2, &with, IJ_SUBMIT_DEDUPLICATED, 1);
    expect_answer(store, 3, &again, IJ_SUBMIT_REPLAYED, 1); /* keys go before digests */
}

int main(void)
{
    struct CMUnitTest tests[] = {
        ON_STORE(many_jobs_are_taken_in_their_order),
        ON_STORE(of_many_jobs_all_are_taken_or_none),
        ON_STORE(many_jobs_must_have_room_together),
        ON_STORE(no_jobs_at_all_are_taken_as_well),
        ON_STORE(a_job_for_later_waits_for_its_time),
        ON_STORE(a_delay_and_a_time_exclude_each_other),
        ON_STORE(the_more_urgent_goes_first),
        ON_STORE(a_deadline_fails_what_has_not_begun),
        ON_STORE(a_job_may_stay_for_a_time_of_its_own),
        ON_STORE(what_a_submit_says_is_kept),
        ON_STORE(names_that_are_none_are_refused),
        ON_STORE(tags_have_a_limit_and_none_stands_there_twice),
        ON_STORE(keys_and_urls_have_a_limit),
        ON_STORE(a_key_is_answered_with_its_job),
        ON_STORE(a_key_is_answered_while_the_queue_is_full),
        ON_STORE(a_key_is_free_again_after_its_time),
        ON_STORE(a_key_whose_job_was_purged_is_free),
        ON_STORE(a_live_or_succeeded_twin_is_the_answer),
        ON_STORE(what_failed_or_is_given_up_is_no_twin),
        ON_STORE(a_deduplicated_submit_keeps_its_key),
    };
    int failed = run_on(&memory_backend, tests, IJ_ARRAY_LEN(tests));
    return failed + run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
