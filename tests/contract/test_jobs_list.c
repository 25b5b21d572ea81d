/* The contract of a job backend: pages of rows, the feed of changes, batches. One suite,
 * run on each. */
#include "jobs_fixture.h"

static struct ij_page page; /* too large for a stack */

/* The numbers of a page's jobs as text, "3 2 1", which is then freed. */
static const char *numbers_of_page(void)
{
    static char text[1024];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < page.count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i ? " " : "",
                                 number_of(&page.records[i].job.id));
    ij_page_done(&page);
    return text;
}

static void expect_list(struct store *store, struct ij_list list, const char *numbers)
{
    if (!list.limit)
        list.limit = IJ_LIST_MAX;
    page.count = 0;
    page.next = 0;
    expect_code(0, store->jobs->ops->list(store->jobs, &list, &page, &test_err));
    assert_int_equal(page.next, 0);
    assert_string_equal(numbers_of_page(), numbers);
}

/* Nine jobs: of two tenants by turns, in three queues, with tags and a batch, and in
 * several states. */
static void fill(struct store *store)
{
    static const char *const tags[] = { "third", "all" }, *const all[] = { "all" };
    static const char *const queues[] = { "x", "y", "z" };
    for (uint32_t i = 1; i <= 9; i++) {
        struct ij_submit with = {
            .tenant = i % 2 ? "odd" : "even",
            .queue = queues[i % 3],
            .tags = i % 3 ? all : tags,
            .tag_count = i % 3 ? 1 : 2,
            .batch = i >= 8 ? test_id(500) : ij_id_none,
            .delay_ms = i == 9 ? 1000 : 0,
            .has_prio = true,
            .prio = i, /* claimed in their order */
        };
        expect_code(0, submit_with(store, i, &with));
    }
    for (uint32_t i = 1; i <= 3; i++) {
        struct ij_queue_set set = { .what = IJ_QUEUE_PAUSED, .is_paused = true };
        for (size_t k = 0; k < 3; k++) {
            set.name = queues[k];
            set.is_paused = k != i % 3;
            expect_code(0, store->jobs->ops->queue_set(store->jobs, &set, &test_err));
        }
        struct ij_lease lease = claim_number(store, i);
        if (i < 3)
            expect_code(
                0, finish(store, lease, i == 1 ? IJ_FINISH_SUCCEEDED : IJ_FINISH_FAILED));
    }
}

static void every_filter_alone_and_together(void **state)
{
    struct store *store = *state;
    enum {
        SCHEDULED = 1 << IMGJOB_STATE_SCHEDULED,
        READY = 1 << IMGJOB_STATE_READY,
        RUNNING = 1 << IMGJOB_STATE_RUNNING,
        ENDED = 1 << IMGJOB_STATE_SUCCEEDED | 1 << IMGJOB_STATE_FAILED
    };
    fill(store);
    for (int i = 0; i < 2; i++) {
        expect_list(store, (struct ij_list){ 0 }, "9 8 7 6 5 4 3 2 1");
        expect_list(store, (struct ij_list){ .before = 4 }, "3 2 1");
        expect_list(store, (struct ij_list){ .tenant = "odd" }, "9 7 5 3 1");
        expect_list(store, (struct ij_list){ .queue = "x" }, "9 6 3");
        expect_list(store, (struct ij_list){ .tag = "third" }, "9 6 3");
        expect_list(store, (struct ij_list){ .tag = "all", .before = 3 }, "2 1");
        expect_list(store, (struct ij_list){ .batch = test_id(500) }, "9 8");
        expect_list(store, (struct ij_list){ .states = READY }, "8 7 6 5 4");
        expect_list(store, (struct ij_list){ .states = SCHEDULED | RUNNING }, "9 3");
        expect_list(store, (struct ij_list){ .states = ENDED }, "2 1");
        expect_list(store, (struct ij_list){ .tenant = "even", .states = READY | ENDED },
                    "8 6 4 2");
        expect_list(store,
                    (struct ij_list){ .tenant = "even", .tag = "third", .queue = "x" },
                    "6");
        expect_list(store,
                    (struct ij_list){
                        .tenant = "odd", .batch = test_id(500), .states = SCHEDULED },
                    "9");
        expect_list(store,
                    (struct ij_list){ .tenant = "odd", .states = READY, .before = 7 },
                    "5");
        expect_list(store, (struct ij_list){ .tenant = "nobody" }, "");
        expect_list(store, (struct ij_list){ .queue = "default" }, "");
        expect_list(store, (struct ij_list){ .tag = "thir" }, "");
        expect_list(store, (struct ij_list){ .batch = test_id(501) }, "");
        if (store->backend->is_durable)
            store_reopen(store);
    }
}

static void a_page_has_whole_records(void **state)
{
    struct store *store = *state;
    fill(store);
    struct ij_list list = { .limit = 9 };
    page.count = 0;
    page.next = 0;
    expect_code(0, store->jobs->ops->list(store->jobs, &list, &page, &test_err));
    assert_int_equal(page.count, 9);
    const struct ij_record *failed = &page.records[7], *done = &page.records[8];
    assert_string_equal(done->result, "{\"outputs\":[]}");
    assert_string_equal(done->tenant, "odd");
    assert_string_equal(done->queue, "y");
    assert_non_null(strstr(failed->failure, "the image is broken"));
    assert_string_equal(failed->spec, "{\"width\":1}");
    assert_string_equal(failed->options, "{}");
    ij_page_done(&page);
    assert_int_equal(page.count, 0);
}

/* Walk over all pages; each row's `seen` is raised. @return how many pages */
static uint32_t walk(struct store *store, struct ij_list list, uint32_t *seen)
{
    uint32_t pages = 0;
    do {
        uint64_t last = list.before;
        page.count = 0;
        page.next = 0;
        expect_code(0, store->jobs->ops->list(store->jobs, &list, &page, &test_err));
        assert_true(page.count <= list.limit);
        for (size_t i = 0; i < page.count; i++) {
            assert_true(last == 0 || page.records[i].job.seq < last);
            last = page.records[i].job.seq;
            seen[number_of(&page.records[i].job.id)]++;
        }
        list.before = page.next;
        ij_page_done(&page);
        pages++;
    } while (list.before != 0);
    return pages;
}

static void a_cursor_finds_each_row_once_while_others_come(void **state)
{
    struct store *store = *state;
    uint32_t seen[100] = { 0 };
    for (uint32_t i = 0; i < 30; i++)
        expect_code(0, submit(store, i));
    struct ij_list list = { .limit = 7 };
    page.count = 0;
    page.next = 0;
    expect_code(0, store->jobs->ops->list(store->jobs, &list, &page, &test_err));
    assert_int_equal(page.next, 24);
    list.before = page.next;
    assert_string_equal(numbers_of_page(), "29 28 27 26 25 24 23");
    for (uint32_t i = 40; i < 50; i++)
        expect_code(0, submit(store, i));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    assert_int_equal(walk(store, list, seen), 4);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(seen[i], i < 23);

    memset(seen, 0, sizeof(seen));
    assert_int_equal(walk(store, (struct ij_list){ .limit = 20 }, seen), 2); /* exactly */
    memset(seen, 0, sizeof(seen));
    (void)walk(store, (struct ij_list){ .limit = 1, .states = 1 << IMGJOB_STATE_READY },
               seen);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(seen[i], (i > 0 && i < 30) || (i >= 40 && i < 50));
}

static void a_page_has_one_to_a_hundred_rows(void **state)
{
    struct store *store = *state;
    struct ij_list list = { .limit = 0 };
    page.count = 0;
    expect_code(IMGJOB_E_INVALID,
                store->jobs->ops->list(store->jobs, &list, &page, &test_err));
    expect_words("a page holds 1 to 100 rows, not 0");
    list.limit = IJ_LIST_MAX + 1;
    expect_code(IMGJOB_E_INVALID,
                store->jobs->ops->list(store->jobs, &list, &page, &test_err));
    expect_code(IMGJOB_E_INVALID,
                store->jobs->ops->changes(store->jobs, NULL, 0, 0, &page, &test_err));
    expect_words("a page holds 1 to 100 rows, not 0");
}

/* ---- changes ---- */

static uint64_t expect_changes(struct store *store, const char *tenant, uint64_t after,
                               uint32_t limit, const char *numbers)
{
    page.count = 0;
    page.next = 99999;
    expect_code(0, store->jobs->ops->changes(store->jobs, tenant, after, limit, &page,
                                             &test_err));
    uint64_t next = page.next, last = after;
    for (size_t i = 0; i < page.count; i++) {
        assert_true(page.records[i].job.change > last);
        last = page.records[i].job.change;
    }
    assert_true(next == last);
    assert_string_equal(numbers_of_page(), numbers);
    return next;
}

static void the_feed_tells_each_job_once_as_it_is_now(void **state)
{
    struct store *store = *state;
    struct ij_job job;
    (void)expect_changes(store, NULL, 0, 10, "");
    for (uint32_t i = 1; i <= 4; i++)
        expect_code(0, submit(store, i));
    uint64_t at = expect_changes(store, NULL, 0, 3, "1 2 3");
    at = expect_changes(store, NULL, at, 3, "4");
    assert_int_equal(at, stats_of(store).change);
    (void)expect_changes(store, NULL, at, 3, "");

    struct ij_lease lease = claim_number(store, 1);
    struct ij_id id = test_id(3);
    expect_code(0, store->jobs->ops->cancel(store->jobs, &id, &job, &test_err));
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
    if (store->backend->is_durable)
        store_reopen(store);
    (void)expect_changes(store, NULL, at, 100, "3 1");
    (void)expect_changes(store, NULL, 0, 100, "2 4 3 1");
    at = expect_changes(store, NULL, 0, 2, "2 4"); /* resumed at any place */
    (void)expect_changes(store, NULL, at, 2, "3 1");

    struct ij_beat beat = { .lease = claim_number(store, 2), .progress = { 10, 0, 0 } };
    at = stats_of(store).change;
    expect_code(0,
                store->jobs->ops->heartbeat(store->jobs, &beat, 1, LEASE_MS, &test_err));
    (void)expect_changes(store, NULL, at, 2, ""); /* progress is no change */
    store->now += RESULT_TTL_MS;
    (void)sweep(store, 100);
    (void)expect_changes(store, NULL, at, 9, "2 1 3"); /* that blobs went is one */
}

static void the_feed_is_of_one_tenant_or_of_all(void **state)
{
    struct store *store = *state;
    fill(store);
    (void)expect_changes(store, "even", 0, 100, "4 6 8 2");
    (void)expect_changes(store, "odd", 0, 100, "5 7 9 1 3");
    (void)expect_changes(store, NULL, 0, 100, "4 5 6 7 8 9 1 2 3");
    (void)expect_changes(store, "nobody", 3, 100, "");
}

static void a_row_that_is_gone_is_missing_in_the_feed(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i <= 3; i++)
        expect_code(0, submit(store, i));
    expect_code(0, finish(store, claim_number(store, 1), IJ_FINISH_SUCCEEDED));
    struct ij_id id = test_id(1);
    expect_code(0, store->jobs->ops->purge(store->jobs, &id, &test_err));
    (void)expect_changes(store, NULL, 0, 100, "2 3");
    uint64_t change = stats_of(store).change;
    if (store->backend->is_durable)
        store_reopen(store);
    assert_int_equal(stats_of(store).change, change); /* never given twice */
    expect_code(0, submit(store, 4));
    assert_int_equal(job_of(store, 4).change, change + 1);
}

/* ---- batches ---- */

static void a_batch_is_counted_by_state(void **state)
{
    struct store *store = *state;
    struct ij_id batch = test_id(700), other = test_id(701);
    for (uint32_t i = 1; i <= 5; i++) {
        struct ij_submit with = { .batch = i < 5 ? batch : other };
        expect_code(0, submit_with(store, i, &with));
    }
    expect_code(0, submit(store, 6));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    (void)claim_lease(store);
    uint64_t by_state[IJ_STATE_COUNT];
    static const uint64_t expected[IJ_STATE_COUNT] = { 0, 0, 1, 1, 1, 1, 0 };
    static const uint64_t none[IJ_STATE_COUNT] = { 0 };
    expect_code(0, store->jobs->ops->batch(store->jobs, &batch, by_state, &test_err));
    assert_memory_equal(by_state, expected, sizeof(expected));
    batch = test_id(702);
    expect_code(0, store->jobs->ops->batch(store->jobs, &batch, by_state, &test_err));
    assert_memory_equal(by_state, none, sizeof(none));
}

int main(void)
{
    struct CMUnitTest tests[] = {
        ON_STORE(every_filter_alone_and_together),
        ON_STORE(a_page_has_whole_records),
        ON_STORE(a_cursor_finds_each_row_once_while_others_come),
        ON_STORE(a_page_has_one_to_a_hundred_rows),
        ON_STORE(the_feed_tells_each_job_once_as_it_is_now),
        ON_STORE(the_feed_is_of_one_tenant_or_of_all),
        ON_STORE(a_row_that_is_gone_is_missing_in_the_feed),
        ON_STORE(a_batch_is_counted_by_state),
    };
    int failed = run_on(&memory_backend, tests, IJ_ARRAY_LEN(tests));
    return failed + run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
