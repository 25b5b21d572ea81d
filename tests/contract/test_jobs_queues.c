/* How many queues there may be, and which of them makes room for another. */
#include "jobs_fixture.h"

static int set_queue(struct store *store, const char *name, uint32_t what)
{
    const struct ij_queue_set set = {
        .name = name, .what = what, .is_paused = true, .limit = 3, .weight = 2
    };
    return store->jobs->ops->queue_set(store->jobs, &set, &test_err);
}

static const char *queue_name(int number)
{
    static char name[16];
    (void)snprintf(name, sizeof(name), "q%d", number);
    return name;
}

/* As many queues as there may be, "default" and "q1" to "q255". */
static void make_all_queues(struct store *store, uint32_t what)
{
    for (int i = 1; i < IJ_QUEUES_MAX; i++)
        expect_code(0, set_queue(store, queue_name(i), what));
}

static int submit_to(struct store *store, uint32_t number, const char *queue)
{
    struct ij_submit with = { .queue = queue };
    return submit_with(store, number, &with);
}

static bool has_queue(struct store *store, const char *name)
{
    struct ij_queue_stats queues[IJ_QUEUES_MAX];
    size_t count = 0;
    bool found = false;
    expect_code(0, store->jobs->ops->queues(store->jobs, queues, &count, &test_err));
    for (size_t i = 0; i < count; i++)
        found = found || strcmp(queues[i].name, name) == 0;
    assert_int_equal(count, IJ_QUEUES_MAX);
    return found;
}

static void queues_have_a_limit(void **state)
{
    struct store *store = *state;
    make_all_queues(store, IJ_QUEUE_LIMIT);
    expect_code(IMGJOB_E_INVALID, submit_to(store, 1, "more"));
    expect_words("the queue 'more' cannot be made: a store has at most 256 queues, and "
                 "all of them have jobs or settings");
    expect_code(IMGJOB_E_INVALID, set_queue(store, "more", 0));
    expect_code(0, submit_to(store, 1, "q255"));
}

static void a_queue_that_is_paused_or_has_a_limit_or_weight_keeps_its_place(void **state)
{
    struct store *store = *state;
    make_all_queues(store, 0);
    for (int i = 1; i < IJ_QUEUES_MAX; i++)
        expect_code(0, set_queue(store, queue_name(i), 1U << i % 3));
    expect_code(IMGJOB_E_INVALID, submit_to(store, 1, "more"));
    const struct ij_queue_set resume = { .name = "q3", .what = IJ_QUEUE_PAUSED };
    expect_code(0, store->jobs->ops->queue_set(store->jobs, &resume, &test_err));
    expect_code(0, submit_to(store, 1, "more"));
    assert_false(has_queue(store, "q3"));
}

/* "default" had no job either, and stays. */
static void the_last_job_of_a_queue_leaves_its_place_to_another(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i < IJ_QUEUES_MAX; i++) {
        expect_code(0, submit_to(store, i, queue_name((int)i)));
        if (i > 1) { /* the queues are many, the jobs that may wait are not */
            struct ij_id id = test_id(i);
            struct ij_job job;
            expect_code(0, store->jobs->ops->cancel(store->jobs, &id, &job, &test_err));
        }
    }
    expect_code(IMGJOB_E_INVALID, submit_to(store, 300, "more"));
    expect_code(0, finish(store, claim_number(store, 1), IJ_FINISH_SUCCEEDED));
    expect_code(IMGJOB_E_INVALID, submit_to(store, 300, "more")); /* it is still there */
    struct ij_id first = test_id(1);
    expect_code(0, store->jobs->ops->purge(store->jobs, &first, &test_err));
    expect_code(0, submit_to(store, 300, "more"));
    assert_false(has_queue(store, "q1"));
    assert_true(has_queue(store, "more"));
    assert_true(has_queue(store, IJ_NAME_DEFAULT));
    expect_code(IMGJOB_E_INVALID, submit_to(store, 301, "q1"));
    if (store->backend->is_durable)
        store_reopen(store);
    struct ij_record record = record_of(store, 300);
    assert_string_equal(record.queue, "more");
    ij_record_done(&record);
    expect_code(0, finish(store, claim_number(store, 300), IJ_FINISH_SUCCEEDED));
    assert_int_equal(fault_count(store), 0);
}

static void a_queue_in_anothers_place_begins_anew(void **state)
{
    struct store *store = *state;
    make_all_queues(store, 0);
    struct ij_submit of_tenant = { .queue = "q1", .tenant = "busy" };
    for (uint32_t i = 1; i <= 3; i++) { /* its next one would be the fourth */
        expect_code(0, submit_with(store, i, &of_tenant));
        struct ij_id id = test_id(i);
        struct ij_job job;
        expect_code(0, store->jobs->ops->cancel(store->jobs, &id, &job, &test_err));
        expect_code(0, store->jobs->ops->purge(store->jobs, &id, &test_err));
    }
    of_tenant.queue = "more";
    expect_code(0, submit_with(store, 4, &of_tenant));
    assert_false(has_queue(store, "q1"));
    assert_int_equal(job_of(store, 4).fair, 1);
}

static void a_place_is_kept_when_the_list_that_took_it_fails(void **state)
{
    struct store *store = *state;
    expect_code(0, submit_into(store, 7, "{\"width\":7}", &test_err));
    make_all_queues(store, 0);
    struct ij_submit list[2] = {
        { .id = test_id(1), .spec = "{}", .queue = "more" },
        { .id = test_id(7), .spec = "{}" }, /* has another spec */
    };
    expect_code(IMGJOB_E_CONFLICT,
                store->jobs->ops->submit(store->jobs, list, 2, &test_err));
    assert_true(has_queue(store, "q1"));
    assert_false(has_queue(store, "more"));
    expect_code(0, submit_to(store, 1, "more"));
    assert_false(has_queue(store, "q1"));
    assert_int_equal(fault_count(store), 0);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        ON_STORE(queues_have_a_limit),
        ON_STORE(a_queue_that_is_paused_or_has_a_limit_or_weight_keeps_its_place),
        ON_STORE(the_last_job_of_a_queue_leaves_its_place_to_another),
        ON_STORE(a_queue_in_anothers_place_begins_anew),
        ON_STORE(a_place_is_kept_when_the_list_that_took_it_fails),
    };
    int failed = run_on(&memory_backend, tests, IJ_ARRAY_LEN(tests));
    return failed + run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
