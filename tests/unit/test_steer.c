/* What is done to jobs and queues by hand. */
#include "hand.h"

/* What a listener heard. */
struct heard {
    struct ij_listener listener;
    struct ij_id last;
    int count;
};

static void on_asked(void *data, const struct ij_id *id)
{
    struct heard *heard = data;
    heard->last = *id;
    heard->count++;
}

static void submit(struct place *place, char id[IMGJOB_ID_SIZE])
{
    struct imgjob_submitted out;
    expect_code(0, place_submit(place, NULL, NULL, &out));
    memcpy(id, out.id, IMGJOB_ID_SIZE);
}

static void a_waiting_job_is_cancelled_at_once(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    submit(place, id);
    expect_code(0, imgjob_store_cancel(place->store, id, &job, &test_err));
    assert_string_equal(imgjob_job_status_name(job), "cancelled");
    assert_true(imgjob_job_is_ended(job));
    assert_non_null(strstr(imgjob_job_json(job), "\"cancel_requested\":false"));
    imgjob_job_free(job);
    expect_code(IMGJOB_E_CONFLICT,
                imgjob_store_cancel(place->store, id, NULL, &test_err));
}

static void a_running_job_is_asked_to_stop_and_who_runs_it_is_told(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    struct heard heard = { .count = 0 };
    heard.listener = (struct ij_listener){ .asked = on_asked, .data = &heard };
    ij_store_listen(place->store, &heard.listener);
    submit(place, id);
    struct ij_lease lease = hand_claim(place);
    assert_int_equal(heard.count, 0);
    for (int i = 0; i < 2; i++) { /* again is fine */
        expect_code(0, imgjob_store_cancel(place->store, id, &job, &test_err));
        assert_string_equal(imgjob_job_status_name(job), "processing");
        assert_non_null(strstr(imgjob_job_json(job), "\"cancel_requested\":true"));
        imgjob_job_free(job);
    }
    assert_true(heard.count >= 1);
    assert_true(ij_id_equal(&heard.last, &lease.id));
    ij_store_unlisten(place->store, &heard.listener);
    ij_store_unlisten(place->store, &heard.listener); /* is not listening: fine */
    const struct ij_finish finish = { .lease = lease, .kind = IJ_FINISH_CANCELED };
    hand_finish(place, &finish);
    expect_status(place, id, "cancelled");
    expect_view(place, id, "\"cancel_requested\":false");
}

static void a_failed_job_is_run_again_with_all_its_attempts(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    submit(place, id);
    expect_code(IMGJOB_E_CONFLICT, imgjob_store_retry(place->store, id, NULL, &test_err));
    hand_fail(place, hand_claim(place));
    expect_status(place, id, "failed");
    expect_code(0, imgjob_store_retry(place->store, id, &job, &test_err));
    assert_string_equal(imgjob_job_status_name(job), "pending");
    assert_string_equal(imgjob_job_error(job), "");
    assert_non_null(strstr(imgjob_job_json(job), "\"attempt\":0"));
    imgjob_job_free(job);
    hand_succeed(place, hand_claim(place));
    expect_status(place, id, "completed");
    expect_code(IMGJOB_E_CONFLICT, imgjob_store_retry(place->store, id, NULL, &test_err));
}

static void a_purged_job_takes_its_images_along(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE], other[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    submit(place, id);
    submit(place, other);
    expect_code(IMGJOB_E_CONFLICT, imgjob_store_purge(place->store, id, &test_err));
    hand_succeed(place, hand_claim(place));
    assert_int_equal(count_blobs(place, "out"), 1);
    expect_code(0, imgjob_store_purge(place->store, id, &test_err));
    assert_int_equal(count_blobs(place, "in"), 1); /* that of the other one */
    assert_int_equal(count_blobs(place, "out"), 0);
    expect_code(IMGJOB_E_NOTFOUND, imgjob_store_get(place->store, id, &job, &test_err));
    char *left[1];
    size_t count = 1;
    struct ij_jobs *jobs = place->store->jobs;
    expect_code(0, jobs->ops->gc_list(jobs, NULL, left, 1, &count, &test_err));
    assert_int_equal(count, 0);
    expect_status(place, other, "pending");
}

static void what_is_no_job_cannot_be_steered(void **state)
{
    struct place *place = *state;
    static const char *const ids[] = { NULL, "", "x",
                                       "019abcde-0000-7000-8000-000000000000",
                                       "019abcde-0000-7000-8000-0000000000000" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(ids); i++) {
        expect_code(IMGJOB_E_NOTFOUND,
                    imgjob_store_cancel(place->store, ids[i], NULL, &test_err));
        expect_code(IMGJOB_E_NOTFOUND,
                    imgjob_store_retry(place->store, ids[i], NULL, &test_err));
        expect_code(IMGJOB_E_NOTFOUND,
                    imgjob_store_purge(place->store, ids[i], &test_err));
    }
}

/* ---- queues ---- */

/* The queue of that name; it must be there. */
static struct imgjob_queue queue_of(struct place *place, const char *name)
{
    static struct imgjob_queue queues[IMGJOB_QUEUES_MAX];
    size_t count = 0;
    expect_code(0, imgjob_queue_list(place->store, queues, &count, &test_err));
    for (size_t i = 0; i < count; i++)
        if (strcmp(queues[i].name, name) == 0)
            return queues[i];
    fail_msg("no queue '%s'", name);
    return queues[0];
}

static void queues_count_their_jobs(void **state)
{
    struct place *place = *state;
    struct imgjob_queue queue = queue_of(place, "default");
    assert_false(queue.paused);
    assert_int_equal(queue.limit, 0);
    assert_int_equal(queue.weight, 1);
    assert_int_equal(queue.oldest_ready_ms, 0);
    char id[IMGJOB_ID_SIZE];
    struct imgjob_submitted out;
    const struct imgjob_submit_options later = { .size = sizeof(later),
                                                 .queue = "later",
                                                 .delay_ms = 1000000 };
    for (int i = 0; i < 4; i++)
        submit(place, id);
    expect_code(0, place_submit(place, NULL, &later, &out));
    hand_succeed(place, hand_claim(place));
    hand_fail(place, hand_claim(place));
    (void)hand_claim(place);
    queue = queue_of(place, "default");
    assert_int_equal(queue.ready, 1);
    assert_int_equal(queue.running, 1);
    assert_int_equal(queue.succeeded, 1);
    assert_int_equal(queue.failed, 1);
    assert_true(queue.oldest_ready_ms > 0);
    assert_int_equal(queue_of(place, "later").scheduled, 1);
}

/* @return whether there was a job to claim */
static bool may_claim(struct place *place)
{
    const struct ij_claim claim = { .lease_ms = 60000 };
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    int64_t next_due = 0;
    struct ij_jobs *jobs = place->store->jobs;
    int rc = jobs->ops->claim(jobs, &claim, &record, &next_due, &test_err);
    assert_true(rc == 0 || rc == 1);
    return rc == 0;
}

static void a_paused_queue_begins_nothing(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct ij_waiter waiter;
    struct ij_wake *work = &place->store->work;
    for (int i = 0; i < 2; i++)
        expect_code(0, imgjob_queue_pause(place->store, "default", &test_err));
    assert_true(queue_of(place, "default").paused);
    submit(place, id);
    assert_false(may_claim(place));
    expect_code(0, ij_wake_add(work, &waiter, &ij_id_none, &test_err));
    expect_code(0, imgjob_queue_resume(place->store, "default", &test_err));
    assert_true(ij_wake_remove(work, &waiter)); /* a worker that slept was woken */
    assert_true(may_claim(place));
}

static void a_queue_at_its_limit_goes_on_when_a_job_ends(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct ij_waiter waiter;
    struct ij_wake *work = &place->store->work;
    const struct imgjob_queue_settings settings = { .size = sizeof(settings),
                                                    .has_limit = 1,
                                                    .limit = 1 };
    expect_code(0, imgjob_queue_set(place->store, "default", &settings, &test_err));
    assert_int_equal(queue_of(place, "default").limit, 1);
    submit(place, id);
    submit(place, id);
    struct ij_lease lease = hand_claim(place);
    assert_false(may_claim(place));
    expect_code(0, ij_wake_add(work, &waiter, &ij_id_none, &test_err));
    hand_succeed(place, lease);
    assert_true(ij_wake_remove(work, &waiter));
    assert_true(may_claim(place));
}

static void a_queue_that_cannot_be_is_refused(void **state)
{
    struct place *place = *state;
    expect_code(IMGJOB_E_INVALID, imgjob_queue_pause(place->store, "a b", &test_err));
    expect_words("queue");
    expect_code(IMGJOB_E_INVALID, imgjob_queue_resume(place->store, NULL, &test_err));
    expect_code(0, imgjob_queue_pause(place->store, "new", &test_err));
    assert_true(queue_of(place, "new").paused);
}

static void expect_settings(struct place *place, const char *name, bool is_paused,
                            uint32_t limit, uint32_t weight)
{
    struct imgjob_queue queue = queue_of(place, name);
    assert_int_equal(queue.paused, is_paused);
    assert_int_equal(queue.limit, limit);
    assert_int_equal(queue.weight, weight);
}

static void a_queue_gets_all_of_its_settings_or_none(void **state)
{
    struct place *place = *state;
    struct imgjob_queue_settings settings = { .size = sizeof(settings),
                                              .has_paused = 1,
                                              .paused = 1,
                                              .has_limit = 1,
                                              .limit = 7,
                                              .has_weight = 1,
                                              .weight = 100 };
    expect_code(0, imgjob_queue_set(place->store, "q", &settings, &test_err));
    expect_settings(place, "q", true, 7, 100);
    settings.limit = 9;
    settings.weight = 101;
    expect_code(IMGJOB_E_INVALID,
                imgjob_queue_set(place->store, "q", &settings, &test_err));
    expect_words("a queue's weight is 1 to 100, not 101");
    settings.weight = 0;
    expect_code(IMGJOB_E_INVALID,
                imgjob_queue_set(place->store, "q", &settings, &test_err));
    settings.has_weight = 2;
    expect_code(IMGJOB_E_INVALID,
                imgjob_queue_set(place->store, "q", &settings, &test_err));
    expect_words("has_weight: must be 0 or 1, not 2");
    settings.has_weight = settings.has_limit = 0;
    expect_code(IMGJOB_E_INVALID,
                imgjob_queue_set(place->store, "q", &settings, &test_err));
    expect_words("has_limit: must be 1 for a limit of 9 to be meant");
    settings.limit = 0;
    settings.paused = 2;
    expect_code(IMGJOB_E_INVALID,
                imgjob_queue_set(place->store, "q", &settings, &test_err));
    expect_words("paused: must be 0 or 1, not 2");
    settings.size = 3;
    expect_code(IMGJOB_E_ABI, imgjob_queue_set(place->store, "q", &settings, &test_err));
    expect_settings(place, "q", true, 7, 100);
    settings.size = sizeof(settings);
    settings.paused = 0; /* what is not meant stays */
    expect_code(0, imgjob_queue_set(place->store, "q", &settings, &test_err));
    expect_settings(place, "q", false, 7, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_waiting_job_is_cancelled_at_once),
        ON_BOTH(a_running_job_is_asked_to_stop_and_who_runs_it_is_told),
        ON_BOTH(a_failed_job_is_run_again_with_all_its_attempts),
        ON_BOTH(a_purged_job_takes_its_images_along),
        ON_BOTH(what_is_no_job_cannot_be_steered),
        ON_BOTH(queues_count_their_jobs),
        ON_BOTH(a_paused_queue_begins_nothing),
        ON_BOTH(a_queue_at_its_limit_goes_on_when_a_job_ends),
        ON_BOTH(a_queue_that_cannot_be_is_refused),
        ON_BOTH(a_queue_gets_all_of_its_settings_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
