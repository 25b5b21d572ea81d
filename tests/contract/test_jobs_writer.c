/* What becomes of the writer's batches when something goes wrong in them. */
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "jobs/sqlite_owner.h"
#include "jobs/sqlite_writer.h"
#include "jobs_fixture.h"

static void a_failed_write_is_sticky_until_reopened(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    struct rlimit limit, none;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    none = (struct rlimit){ 1, limit.rlim_max };
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    int rc = submit(store, 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(rc, IMGJOB_E_STORE);
    expect_words("committing in database");

    expect_code(IMGJOB_E_STORE, submit(store, 3)); /* though the disk is well again */
    expect_words("committing in database");
    struct ij_id id = test_id(1);
    struct ij_record record = { 0 };
    expect_code(IMGJOB_E_STORE,
                store->jobs->ops->get(store->jobs, &id, &record, &test_err));
    expect_code(IMGJOB_E_STORE, store->jobs->ops->ping(store->jobs, &test_err));
    assert_int_equal(store->told, 1);
    assert_int_equal(store->failures, 1);
    assert_int_equal(store->errors_logged, 1);

    store_reopen(store);
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_READY);
    expect_code(0, submit(store, 2));
    assert_int_equal(job_of(store, 2).seq, 2);
}

/* As a store for one process has it. */
static struct ij_sqlite_owners alone = { .fd = -1 };

static void start(struct ij_sqlite_writer *writer, struct store *store)
{
    expect_code(0, ij_sqlite_writer_start(writer, &store->config, &alone, &test_err));
}

static int step_submit(struct ij_sqlite_writer *writer, uint32_t number, const char *spec)
{
    struct ij_submit submit = {
        .id = test_id(number), .spec = spec, .input = "{}", .keys = "k\n"
    };
    struct ij_submit_call call = { &submit, 1 };
    return ij_sqlite_writer_do(writer, ij_step_submit, &call, &test_err);
}

static void a_full_disk_refuses_and_works_again_when_there_is_room(void **state)
{
    struct store *store = *state;
    ij_jobs_close(ij_steal(&store->jobs));
    struct ij_sqlite_writer writer = { 0 };
    start(&writer, store);
    sqlite3 *handle = writer.batch.db.handle; /* the thread waits: nobody uses it */
    char room[64];                            /* for one of the two jobs */
    (void)snprintf(room, sizeof(room), "PRAGMA max_page_count=%lld",
                   (long long)raw_number(handle, "PRAGMA page_count") + 40);
    raw_run(handle, room);
    char *spec = malloc(100001);
    assert_non_null(spec);
    memset(spec, 'x', 100000);
    spec[100000] = '\0';
    expect_code(0, step_submit(&writer, 1, spec));
    expect_code(IMGJOB_E_FULL, step_submit(&writer, 2, spec));
    expect_words("database or disk is full");
    struct ij_jobs_stats stats;
    ij_sqlite_writer_stats(&writer, &stats);
    assert_int_equal(stats.by_state[IMGJOB_STATE_READY], 1);
    raw_run(handle, "PRAGMA max_page_count=1000");
    expect_code(0, step_submit(&writer, 2, spec));
    assert_int_equal(raw_number(handle, "SELECT count(*) FROM job"), 2);
    assert_int_equal(raw_number(handle, "SELECT max(seq) FROM job"), 2);
    assert_int_equal(
        raw_number(handle, "SELECT n FROM counter WHERE queue=1 AND state=2"), 2);
    ij_sqlite_writer_stop(&writer);
    free(spec);
}

/* ---- strangers in one batch ---- */

enum { STRANGERS = 8, CULPRIT = 3 };

/* Keeps the writer busy until `go`, so that a batch gathers behind it. */
struct hold {
    _Atomic bool is_held, go;
};

static int step_hold(struct ij_sqlite_batch *batch, void *call, struct imgjob_error *err)
{
    (void)batch;
    (void)err;
    struct hold *hold = call;
    hold->is_held = true;
    while (!hold->go)
        (void)sched_yield();
    return 0;
}

struct caller {
    struct ij_sqlite_writer *writer;
    ij_step_fn *step;
    void *call;
    struct imgjob_error err;
    pthread_t thread;
};

static void *call_writer(void *data)
{
    struct caller *caller = data;
    int rc =
        ij_sqlite_writer_do(caller->writer, caller->step, caller->call, &caller->err);
    return (void *)(intptr_t)rc;
}

static void caller_start(struct caller *caller)
{
    assert_int_equal(pthread_create(&caller->thread, NULL, call_writer, caller), 0);
}

static int caller_join(struct caller *caller)
{
    void *rc = NULL;
    assert_int_equal(pthread_join(caller->thread, &rc), 0);
    return (int)(intptr_t)rc;
}

static void await_queue(struct ij_sqlite_writer *writer, size_t len)
{
    size_t queued;
    do {
        (void)sched_yield();
        queued = 0;
        (void)pthread_mutex_lock(&writer->lock);
        for (struct ij_sqlite_request *at = writer->first; at; at = at->next)
            queued++;
        (void)pthread_mutex_unlock(&writer->lock);
    } while (queued != len);
}

/* Submit STRANGERS jobs, from `number`, in one batch; the CULPRIT's document is refused.
 */
static void submit_together(struct ij_sqlite_writer *writer, uint32_t number)
{
    struct hold hold = { false, false };
    struct caller holder = { .writer = writer, .step = step_hold, .call = &hold };
    struct caller callers[STRANGERS] = { 0 };
    struct ij_submit submits[STRANGERS];
    struct ij_submit_call calls[STRANGERS];
    caller_start(&holder);
    while (!hold.is_held)
        (void)sched_yield();
    for (uint32_t i = 0; i < STRANGERS; i++) {
        submits[i] = (struct ij_submit){ .id = test_id(number + i),
                                         .spec = i == CULPRIT ? "bad" : "{}",
                                         .input = "{}",
                                         .keys = "k\n" };
        calls[i] = (struct ij_submit_call){ &submits[i], 1 };
        callers[i] = (struct caller){ writer, ij_step_submit, &calls[i], { 0 }, 0 };
        caller_start(&callers[i]);
    }
    await_queue(writer, STRANGERS);
    hold.go = true;
    assert_int_equal(caller_join(&holder), 0);
    for (uint32_t i = 0; i < STRANGERS; i++)
        assert_int_equal(caller_join(&callers[i]), i == CULPRIT ? IMGJOB_E_INTERNAL : 0);
    assert_non_null(strstr(callers[CULPRIT].err.text, "as the test wants"));
}

static void one_requests_failure_is_no_strangers(void **state)
{
    struct store *store = *state;
    /* the first leaves half a submit in the transaction, the second ends it, as SQLite
     * does when it is out of memory */
    static const char *const ways[] = { "ABORT", "ROLLBACK" };
    for (uint32_t i = 0; i < IJ_ARRAY_LEN(ways); i++) {
        ij_jobs_close(ij_steal(&store->jobs));
        sqlite3 *handle = raw_open(store->path);
        char sql[256];
        (void)snprintf(sql, sizeof(sql),
                       "DROP TRIGGER IF EXISTS refuse; CREATE TRIGGER refuse BEFORE"
                       " INSERT ON job_doc WHEN new.spec='bad'"
                       " BEGIN SELECT RAISE(%s, 'as the test wants'); END",
                       ways[i]);
        raw_run(handle, sql);
        struct ij_sqlite_writer writer = { 0 };
        start(&writer, store);
        submit_together(&writer, i * STRANGERS);
        uint64_t jobs = (i + 1) * (STRANGERS - 1);
        struct ij_jobs_stats stats;
        ij_sqlite_writer_stats(&writer, &stats);
        ij_sqlite_writer_stop(&writer);
        assert_int_equal(stats.by_state[IMGJOB_STATE_READY], jobs);
        assert_int_equal(store->told, jobs);
        assert_int_equal(raw_number(handle, "SELECT count(*) FROM job"), jobs);
        assert_int_equal(raw_number(handle, "SELECT count(*) FROM job_doc"), jobs);
        assert_int_equal(
            raw_number(handle, "SELECT n FROM counter WHERE queue=1 AND state=2"), jobs);
        assert_int_equal(raw_number(handle, "SELECT max(seq) FROM job"), jobs);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
        store_reopen(store);
        assert_int_equal(store->failures, 0);
    }
}

static void a_claim_that_fails_leaves_its_finish_alone(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    expect_code(0, submit(store, 2));
    struct ij_lease lease = claim_lease(store);
    sqlite3 *handle = raw_open(store->path);
    raw_run(handle, "CREATE TRIGGER refuse BEFORE UPDATE ON job WHEN new.state=3"
                    " BEGIN SELECT RAISE(ABORT, 'as the test wants'); END");
    struct ij_claim next = { .lease_ms = LEASE_MS };
    struct ij_finish with = finish_with(lease, IJ_FINISH_SUCCEEDED);
    struct ij_record record = { 0 };
    expect_code(0,
                store->jobs->ops->finish(store->jobs, &with, &next, &record, &test_err));
    assert_null(record.spec);
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_SUCCEEDED);
    assert_int_equal(job_of(store, 2).state, IMGJOB_STATE_READY);
    int64_t due;
    expect_code(IMGJOB_E_INTERNAL,
                store->jobs->ops->claim(store->jobs, &next, &record, &due, &test_err));
    expect_words("as the test wants");
    raw_run(handle, "DROP TRIGGER refuse");
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    record = claim(store);
    ij_record_done(&record);
    assert_int_equal(store->failures, 0);
}

static uint64_t observed(const struct ij_histogram *histogram)
{
    uint64_t count = 0;
    for (int i = 0; i < IJ_HISTOGRAM_BUCKETS; i++)
        count += histogram->buckets[i];
    return count;
}

static void each_commit_is_measured_and_what_writes_nothing_is_none(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i <= 3; i++)
        expect_code(0, submit(store, i));
    expect_code(IMGJOB_E_CONFLICT, submit_into(store, 1, "{}", &test_err));
    assert_int_equal(observed(&store->metrics.commit_seconds), 3);
    assert_int_equal(observed(&store->metrics.batch_size), 3);
    struct ij_lease lease = claim_lease(store);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED));
    assert_int_equal(observed(&store->metrics.commit_seconds), 5);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED)); /* again */
    (void)sweep(store, 10);
    assert_int_equal(observed(&store->metrics.commit_seconds), 5);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        ON_STORE(a_failed_write_is_sticky_until_reopened),
        ON_STORE(a_full_disk_refuses_and_works_again_when_there_is_room),
        ON_STORE(one_requests_failure_is_no_strangers),
        ON_STORE(a_claim_that_fails_leaves_its_finish_alone),
        ON_STORE(each_commit_is_measured_and_what_writes_nothing_is_none),
    };
    return run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
