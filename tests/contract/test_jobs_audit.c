/* Looking at a whole database, mending it, copying it. */
#include <sqlite3.h>
#include <sys/stat.h>

#include "jobs_fixture.h"

static struct ij_jobs *open_viewer(struct store *store)
{
    struct ij_jobs_config config = store->config;
    config.is_read_only = true;
    struct ij_jobs *jobs = NULL;
    expect_code(0, ij_sqlite_open(&config, &jobs, &test_err));
    return jobs;
}

/* A job in each state but canceled, each with a tag and a callback; the images of the
 * first have expired. */
static int setup(void **state)
{
    struct store *store = store_new(&sqlite_backend);
    const char *tag = "t";
    for (uint32_t i = 1; i <= 6; i++) {
        struct ij_submit with = { .tags = &tag,
                                  .tag_count = 1,
                                  .callback_url = "http://localhost/" };
        expect_code(0, submit_with(store, i, &with));
    }
    expect_code(0, finish(store, claim_number(store, 1), IJ_FINISH_SUCCEEDED));
    store->now += RESULT_TTL_MS;
    assert_int_equal(sweep(store, 100).purged, 1);
    expect_code(0, finish(store, claim_number(store, 2), IJ_FINISH_SUCCEEDED));
    expect_code(0, finish(store, claim_number(store, 3), IJ_FINISH_FAILED));
    expect_code(0, finish(store, claim_number(store, 4), IJ_FINISH_RETRY));
    (void)claim_number(store, 5);
    *state = store;
    return 0;
}

/* ---- only looking ---- */

static void a_viewer_sees_and_changes_nothing(void **state)
{
    struct store *store = *state;
    struct ij_jobs *viewer = open_viewer(store);
    struct ij_jobs_stats stats;
    expect_code(0, viewer->ops->stats(viewer, &stats, &test_err));
    assert_int_equal(stats.by_state[IMGJOB_STATE_SUCCEEDED], 2);
    expect_code(0, submit(store, 7)); /* who writes goes on, and is seen */
    expect_code(0, viewer->ops->stats(viewer, &stats, &test_err));
    assert_int_equal(stats.by_state[IMGJOB_STATE_READY], 2);
    struct ij_id id = test_id(7);
    struct ij_record record = { 0 };
    expect_code(0, viewer->ops->get(viewer, &id, &record, &test_err));
    ij_record_done(&record);
    static struct ij_page page;
    struct ij_list list = { .limit = 100 };
    expect_code(0, viewer->ops->list(viewer, &list, &page, &test_err));
    assert_int_equal(page.count, 7);
    ij_page_done(&page);
    struct ij_audit audit = { .report = NULL };
    expect_code(0, viewer->ops->audit(viewer, &audit, &test_err));
    assert_int_equal(audit.rows, 7);
    assert_int_equal(audit.faults, 0);

    struct ij_job job;
    expect_code(IMGJOB_E_INVALID, viewer->ops->cancel(viewer, &id, &job, &test_err));
    expect_words("was opened read only");
    struct ij_submit with = { .id = id, .spec = "{}" };
    expect_code(IMGJOB_E_INVALID, viewer->ops->submit(viewer, &with, 1, &test_err));
    expect_words("was opened read only");
    audit.is_repair = true;
    expect_code(IMGJOB_E_INVALID, viewer->ops->audit(viewer, &audit, &test_err));
    expect_words("was opened read only");
    ij_jobs_close(viewer);
    expect_code(0, submit(store, 8));
}

static void a_viewer_of_nobodys_database_leaves_it_as_it_is(void **state)
{
    struct store *store = *state;
    ij_jobs_close(ij_steal(&store->jobs));
    struct stat before, after;
    assert_int_equal(stat(store->path, &before), 0);
    ij_jobs_close(open_viewer(store));
    assert_int_equal(stat(store->path, &after), 0);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);

    struct ij_jobs_config config = store->config;
    config.is_read_only = true;
    struct ij_jobs *jobs = NULL;
    assert_int_equal(unlink(store->path), 0);
    expect_code(IMGJOB_E_INVALID, ij_sqlite_open(&config, &jobs, &test_err));
    expect_words("No such file or directory");
    assert_int_equal(access(store->path, F_OK), -1); /* nor is one made */
}

/* ---- faults ---- */

#define JOB "018c0000-0000-7000-8000-00000000000"

static const struct fault {
    const char *sql;   /* the damage */
    const char *words; /* that tell of it */
    bool is_mended;
} faults[] = {
    { "UPDATE counter SET n=n+2 WHERE queue=1 AND state=2",
      "jobs in state 2 of queue 'default': there are 1, and the counter says 3", true },
    { "DELETE FROM counter WHERE queue=1 AND state=4",
      "jobs in state 4 of queue 'default': there are 2, and the counter says 0", true },
    { "UPDATE counter SET n=7 WHERE queue=0 AND state=1",
      "bytes of images: there are 20, and the counter says 7", true },
    { "UPDATE counter SET n=0 WHERE queue=0 AND state=2",
      "deliveries that wait: there are 3, and the counter says 0", true },
    { "UPDATE counter SET n=1 WHERE queue=0 AND state=0", "and the counter says 1",
      true },
    { "UPDATE sqlite_sequence SET seq=2 WHERE name='job'",
      "a job has number 6, and the next one would get 3", true },
    { "DELETE FROM sqlite_sequence WHERE name='job'",
      "a job has number 6, and the next one would get 1", true },
    { "INSERT INTO tag VALUES(77,'lost')", "the tag 'lost' in row 77 belongs to no job",
      true },
    { "INSERT INTO job_doc(seq,spec,input,options,keys) VALUES(78,'{}','{}','{}','')",
      "documents 78 belong to no job", true },
    { "INSERT INTO idempotency VALUES(9,'k',zeroblob(32),zeroblob(16),1)",
      "an idempotency key belongs to tenant 9, which is not there", true },
    { "UPDATE job_doc SET keys='a.b'||char(10)||'c.d'||char(10) WHERE seq=1",
      "job " JOB "1: its images have expired, and it still names some", true },
    { "UPDATE job SET bytes=9 WHERE seq=1",
      "job " JOB "1: its images have expired, and it still names some", true },
    { "UPDATE delivery SET due=0 WHERE number=2",
      "delivery 2 waits without a time, or has one and does not wait", true },
    { "DELETE FROM job_doc WHERE seq=6", "job " JOB "6 has no documents", false },
    { "UPDATE job_doc SET spec='{' WHERE seq=6", "job " JOB "6: its spec is no JSON",
      false },
    { "UPDATE job_doc SET result='{' WHERE seq=2", "job " JOB "2: its result is no JSON",
      false },
    { "UPDATE job_doc SET result=NULL WHERE seq=2",
      "job " JOB "2 completed and has no result", false },
    { "UPDATE job SET token=0 WHERE seq=5", "job " JOB "5 runs, and nobody holds it",
      false },
    { "UPDATE job SET attempt=9 WHERE seq=5",
      "job " JOB "5 has had 9 attempts, and was claimed 1 times", false },
    { "UPDATE job_doc SET callback=NULL WHERE seq=5",
      "job " JOB "5 has a callback and no URL for it, or the reverse", false },
    { "UPDATE job SET change=(SELECT change FROM job WHERE seq=1) WHERE seq=2",
      "two jobs share the change number", false },
    { "UPDATE job SET queue=9 WHERE seq=6", "names a row of queue that is not there",
      false },
    { "PRAGMA ignore_check_constraints=ON; UPDATE job SET lease_until=NULL WHERE seq=5",
      "CHECK constraint failed in job", false },
};

/* What an audit is to find, and whether it did. */
struct search {
    const char *words;
    bool is_found;
};

static void look_for(void *data, const char *sentence)
{
    struct search *search = data;
    if (strstr(sentence, search->words))
        search->is_found = true;
}

static struct ij_audit audit_for(struct store *store, struct search *search,
                                 bool is_repair)
{
    struct ij_audit audit = { .is_repair = is_repair,
                              .report = look_for,
                              .data = search };
    expect_code(0, store->jobs->ops->audit(store->jobs, &audit, &test_err));
    return audit;
}

static void expect_fault(struct store *store, const struct fault *fault)
{
    struct search search = { .words = fault->words };
    struct ij_audit audit = audit_for(store, &search, false);
    if (!search.is_found)
        print_error("%s: nobody said '%s'\n", fault->sql, fault->words);
    assert_true(search.is_found);
    assert_int_equal(audit.repaired, 0);

    struct ij_audit mended = audit_for(store, &search, true);
    assert_true(mended.faults <= audit.faults); /* one remedy may mend two */
    uint64_t left = audit_for(store, &search, false).faults;
    if (fault->is_mended && left > 0)
        (void)fault_count(store);
    assert_int_equal(left == 0, fault->is_mended);
    if (fault->is_mended)
        assert_int_equal(mended.repaired, mended.faults);
}

static void each_fault_is_found_and_mended_where_it_can_be(void **state)
{
    for (size_t i = 0; i < IJ_ARRAY_LEN(faults); i++) {
        struct store *store = NULL;
        (void)setup((void **)&store);
        assert_int_equal(fault_count(store), 0);
        ij_jobs_close(ij_steal(&store->jobs));
        sqlite3 *handle = raw_open(store->path);
        raw_run(handle, "PRAGMA foreign_keys=OFF");
        raw_run(handle, faults[i].sql);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
        expect_code(0, ij_sqlite_open(&store->config, &store->jobs, &test_err));
        expect_fault(store, &faults[i]);
        store_free(store);
    }
    (void)state;
}

static void what_was_mended_is_what_is_counted_from_then_on(void **state)
{
    struct store *store = *state;
    struct ij_jobs_stats before = stats_of(store);
    ij_jobs_close(ij_steal(&store->jobs));
    sqlite3 *handle = raw_open(store->path);
    raw_run(handle, "UPDATE counter SET n=n+5; DELETE FROM counter WHERE state=2;"
                    "UPDATE job_doc SET keys='a.b'||char(10)||'c.d'||char(10)"
                    " WHERE seq=1");
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    expect_code(0, ij_sqlite_open(&store->config, &store->jobs, &test_err));
    struct search search = { .words = "" };
    (void)audit_for(store, &search, true);
    struct ij_jobs_stats after = stats_of(store);
    assert_memory_equal(before.by_state, after.by_state, sizeof(before.by_state));
    assert_int_equal(before.bytes, after.bytes);
    assert_int_equal(before.deliveries, after.deliveries);
    assert_int_equal(gc_count(store, NULL), 2 + 2); /* those of its end, and these */
    (void)claim_number(store, 6);
    expect_code(0, submit(store, 9));
    assert_int_equal(job_of(store, 9).seq, 7);
    store_reopen(store);
    assert_int_equal(fault_count(store), 0);
}

/* ---- copies ---- */

static void a_backup_is_a_store_of_that_moment(void **state)
{
    struct store *store = *state;
    char *path = NULL, *part = NULL;
    assert_true(asprintf(&path, "%s/copy.db", store->dir) > 0);
    assert_true(asprintf(&part, "%s.part", path) > 0);
    struct ij_jobs_stats before = stats_of(store), after;
    expect_code(0, store->jobs->ops->backup(store->jobs, path, &test_err));
    expect_code(0, submit(store, 51));
    assert_int_equal(access(part, F_OK), -1);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    struct ij_jobs_config config = store->config;
    config.path = path;
    struct ij_jobs *copy = NULL;
    expect_code(0, ij_sqlite_open(&config, &copy, &test_err));
    expect_code(0, copy->ops->stats(copy, &after, &test_err));
    assert_memory_equal(&before, &after, sizeof(before));
    struct ij_audit audit = { .report = NULL };
    expect_code(0, copy->ops->audit(copy, &audit, &test_err));
    assert_int_equal(audit.rows, 6);
    assert_int_equal(audit.faults, 0);
    assert_string_equal(copy->ops->store_id(copy),
                        store->jobs->ops->store_id(store->jobs));
    ij_jobs_close(copy);
    free(part);
    free(path);
}

static void a_backup_overwrites_nothing(void **state)
{
    struct store *store = *state;
    char *path = NULL, *part = NULL, *nowhere = NULL;
    assert_true(asprintf(&path, "%s/copy.db", store->dir) > 0);
    assert_true(asprintf(&part, "%s.part", path) > 0);
    assert_true(asprintf(&nowhere, "%s/no/copy.db", store->dir) > 0);
    struct ij_jobs *viewer = open_viewer(store); /* as `imgjobd --backup` does */
    expect_code(0, viewer->ops->backup(viewer, path, &test_err));
    expect_code(IMGJOB_E_INVALID, viewer->ops->backup(viewer, path, &test_err));
    expect_words("exists already: give another name");
    assert_int_equal(rename(path, part), 0); /* one that broke off */
    expect_code(IMGJOB_E_INVALID, viewer->ops->backup(viewer, path, &test_err));
    expect_words("copy.db.part': File exists");
    assert_int_equal(access(part, F_OK), 0);
    expect_code(IMGJOB_E_INVALID, viewer->ops->backup(viewer, nowhere, &test_err));
    expect_words("No such file or directory");
    expect_code(IMGJOB_E_INVALID, viewer->ops->backup(viewer, "", &test_err));
    expect_words("'' is no path of a backup");
    ij_jobs_close(viewer);
    free(nowhere);
    free(part);
    free(path);
}

#define ON_JOBS(test) cmocka_unit_test_setup_teardown(test, setup, store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_JOBS(a_viewer_sees_and_changes_nothing),
        ON_JOBS(a_viewer_of_nobodys_database_leaves_it_as_it_is),
        cmocka_unit_test(each_fault_is_found_and_mended_where_it_can_be),
        ON_JOBS(what_was_mended_is_what_is_counted_from_then_on),
        ON_JOBS(a_backup_is_a_store_of_that_moment),
        ON_JOBS(a_backup_overwrites_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
