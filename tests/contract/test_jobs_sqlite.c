/* What is SQLite's own: the file, its lock, its settings, its plans, and what happens
 * when it is not ours, is damaged, or cannot be written. */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "jobs/sqlite_db.h"
#include "jobs/sqlite_sql.h"
#include "jobs/sqlite_writer.h"
#include "jobs_fixture.h"

static sqlite3 *raw_open(const char *path)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    return handle;
}

static void raw_run(sqlite3 *handle, const char *sql)
{
    char *words = NULL;
    int rc = sqlite3_exec(handle, sql, NULL, NULL, &words);
    if (rc != SQLITE_OK)
        print_error("%s: %s\n", sql, words);
    assert_int_equal(rc, SQLITE_OK);
}

static int64_t raw_number(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return number;
}

/* Close the store, so that the file may be changed, and expect the next open to fail. */
static void expect_refused(struct store *store, int code, const char *words)
{
    struct ij_jobs *jobs = NULL;
    expect_code(code, ij_sqlite_open(&store->config, &jobs, &test_err));
    expect_words(words);
    assert_null(jobs);
}

static void close_store(struct store *store)
{
    ij_jobs_close(store->jobs);
    store->jobs = NULL;
}

/* ---- one process, one file ---- */

static void a_second_opener_is_told_who_has_it(void **state)
{
    struct store *store = *state;
    char words[64];
    (void)snprintf(words, sizeof(words), "is in use by another process (pid %ld)",
                   (long)getpid());
    expect_refused(store, IMGJOB_E_BUSY, words);
    expect_words("/deep/er/jobs.db");
    expect_code(0, submit(store, 1)); /* the first one has not lost its lock */
    expect_refused(store, IMGJOB_E_BUSY, words);
    store_reopen(store);
}

static void reopening_keeps_everything(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i <= 4; i++)
        expect_code(0, submit(store, i));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_FAILED));
    struct ij_lease lease = claim_lease(store);
    struct ij_suspect suspect = { "some.key", test_id(77), true, 0, 0 };
    size_t count = 0;
    expect_code(0,
                store->jobs->ops->condemn(store->jobs, &suspect, 1, &count, &test_err));
    char *id = strdup(store->jobs->ops->store_id(store->jobs));
    struct ij_jobs_stats before, after;
    expect_code(0, store->jobs->ops->stats(store->jobs, &before, &test_err));

    store_reopen(store);
    assert_string_equal(store->jobs->ops->store_id(store->jobs), id);
    free(id);
    expect_code(0, store->jobs->ops->stats(store->jobs, &after, &test_err));
    assert_memory_equal(&before, &after, sizeof(before));
    struct ij_record record = record_of(store, 1);
    assert_string_equal(record.result, "{\"outputs\":[]}");
    ij_record_done(&record);
    assert_int_equal(gc_count(store, NULL), 1);
    expect_code(0, finish(store, lease, IJ_FINISH_SUCCEEDED)); /* the lease still holds */
    expect_code(0, submit(store, 5));
    assert_int_equal(job_of(store, 5).seq, 5);
}

static void what_was_answered_survives_without_a_close(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i <= 20; i++)
        expect_code(0, submit(store, i));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));

    struct store *copy = store_new(&sqlite_backend); /* what a killed process leaves */
    close_store(copy);
    char command[1024];
    int len = snprintf(command, sizeof(command), "cp '%s' '%s-wal' '%s/deep/er/'",
                       store->path, store->path, copy->dir);
    assert_true(len > 0 && len < (int)sizeof(command));
    assert_int_equal(system(command), 0);
    expect_code(0, ij_sqlite_open(&copy->config, &copy->jobs, &test_err));
    for (uint32_t i = 1; i <= 20; i++)
        assert_int_equal(job_of(copy, i).state,
                         i == 1 ? IMGJOB_STATE_SUCCEEDED : IMGJOB_STATE_READY);
    store_free(copy);
}

static void odd_names_are_plain_file_names(void **state)
{
    struct store *store = *state;
    static const char *const names[] = { "a?mode=memory", "b%20c", "file:d?cache=shared",
                                         ":memory:" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++) {
        char *path = NULL;
        assert_true(asprintf(&path, "%s/%s", store->dir, names[i]) > 0);
        struct ij_jobs_config config = store->config;
        struct ij_jobs *jobs = NULL;
        config.path = path;
        expect_code(0, ij_sqlite_open(&config, &jobs, &test_err));
        ij_jobs_close(jobs);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size > 0);
        assert_int_equal(st.st_mode & 0777, 0600); /* what users sent is in it */
        free(path);
    }
    struct ij_jobs_config config = store->config;
    struct ij_jobs *jobs = NULL;
    config.path = "";
    expect_code(IMGJOB_E_INVALID, ij_sqlite_open(&config, &jobs, &test_err));
    expect_words("'' is no path of a database file");
}

/* ---- files that are not ours ---- */

static void a_file_that_is_no_database_is_refused_and_left_alone(void **state)
{
    struct store *store = *state;
    static const char text[] =
        "a letter to grandmother, longer than sqlite's own header: "
        "it must be left alone, whatever happens here, so it must";
    close_store(store);
    int fd = open(store->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
    (void)close(fd);
    expect_refused(store, IMGJOB_E_INVALID, "is not a database: give another path");
    char back[sizeof(text)] = "";
    fd = open(store->path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, back, sizeof(back)), sizeof(back));
    (void)close(fd);
    assert_memory_equal(back, text, sizeof(text));
}

static void another_programs_database_is_refused(void **state)
{
    struct store *store = *state;
    close_store(store);
    assert_int_equal(unlink(store->path), 0);
    sqlite3 *handle = raw_open(store->path);
    raw_run(handle, "CREATE TABLE recipe(name TEXT)");
    expect_refused(store, IMGJOB_E_INVALID,
                   "belongs to another program (application id 0");
    assert_int_equal(raw_number(handle, "SELECT count(*) FROM sqlite_schema"), 1);
    (void)sqlite3_close(handle);
}

static void a_newer_schema_is_refused(void **state)
{
    struct store *store = *state;
    close_store(store);
    sqlite3 *handle = raw_open(store->path);
    raw_run(handle, "PRAGMA user_version=2");
    (void)sqlite3_close(handle);
    expect_refused(store, IMGJOB_E_INVALID,
                   "has schema version 2, this version of imgjob knows 1");
}

static void a_damaged_database_says_so_and_refuses_work(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i <= 50; i++)
        expect_code(0, submit(store, i));
    close_store(store);
    struct stat st;
    assert_int_equal(stat(store->path, &st), 0);
    int fd = open(store->path, O_WRONLY | O_CLOEXEC);
    char noise[4096];
    memset(noise, 0x5a, sizeof(noise));
    for (off_t at = 2 * 4096; at < st.st_size;
         at += 4096) /* all but schema and pointers */
        assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
    (void)close(fd);
    expect_refused(store, IMGJOB_E_STORE, "is damaged");
    expect_words("restore a backup");
}

/* ---- failing writes ---- */

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

    store_reopen(store);
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_READY);
    expect_code(0, submit(store, 2));
    assert_int_equal(job_of(store, 2).seq, 2);
}

static int step_submit(struct ij_sqlite_writer *writer, uint32_t number, const char *spec)
{
    struct ij_submit submit = {
        .id = test_id(number), .spec = spec, .input = "{}", .key = "k"
    };
    struct ij_submit_call call = { &submit };
    return ij_sqlite_writer_do(writer, ij_step_submit, &call, &test_err);
}

static void a_full_disk_refuses_and_works_again_when_there_is_room(void **state)
{
    struct store *store = *state;
    close_store(store);
    struct ij_sqlite_writer writer = { 0 };
    expect_code(0, ij_sqlite_writer_start(&writer, &store->config, &test_err));
    sqlite3 *handle = writer.batch.db.handle; /* the thread waits: nobody uses it */
    raw_run(handle, "PRAGMA max_page_count=60");
    char *spec = malloc(100001);
    assert_non_null(spec);
    memset(spec, 'x', 100000);
    spec[100000] = '\0';
    expect_code(0, step_submit(&writer, 1, spec));
    expect_code(IMGJOB_E_FULL, step_submit(&writer, 2, spec));
    expect_words("database or disk is full");
    uint64_t counts[IJ_STATE_COUNT];
    ij_sqlite_writer_counts(&writer, counts);
    assert_int_equal(counts[IMGJOB_STATE_READY], 1);
    raw_run(handle, "PRAGMA max_page_count=1000");
    expect_code(0, step_submit(&writer, 2, spec));
    assert_int_equal(raw_number(handle, "SELECT count(*) FROM job"), 2);
    assert_int_equal(raw_number(handle, "SELECT max(seq) FROM job"), 2);
    assert_int_equal(raw_number(handle, "SELECT n FROM counter WHERE state=2"), 2);
    ij_sqlite_writer_stop(&writer);
    free(spec);
}

/* ---- cost ---- */

static void claiming_nothing_writes_nothing(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_RETRY));
    char *log = NULL;
    assert_true(asprintf(&log, "%s-wal", store->path) > 0);
    struct stat before, after;
    assert_int_equal(stat(log, &before), 0);
    for (int i = 0; i < 50; i++)
        assert_true(claim_nothing(store) > 0);
    assert_int_equal(stat(log, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    free(log);
}

static void no_statement_scans_a_table(void **state)
{
    struct store *store = *state;
    sqlite3 *handle = raw_open(store->path);
    int plans = 0;
    for (int i = 0; i < IJ_SQL_COUNT; i++) {
        char sql[2048];
        sqlite3_stmt *plan = NULL;
        int len = snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", ij_sqlite_sql[i]);
        assert_true(len > 0 && len < (int)sizeof(sql));
        if (strncmp(ij_sqlite_sql[i], "PRAGMA", 6) == 0)
            continue;
        assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &plan, NULL), SQLITE_OK);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(plan, 3);
            /* the first row of a partial index is one probe, whatever it is called */
            bool is_probe = strstr(step, "SCAN job USING INDEX job_") != NULL;
            if ((strstr(step, "SCAN") && !is_probe) || strstr(step, "TEMP B-TREE")) {
                print_error("%s\n    %s\n", ij_sqlite_sql[i], step);
                assert_true(0);
            }
            plans++;
        }
        (void)sqlite3_finalize(plan);
    }
    assert_true(plans > 15);
    (void)sqlite3_close(handle);
}

static void counters_are_those_of_the_rows(void **state)
{
    struct store *store = *state;
    for (uint32_t i = 1; i <= 60; i++) {
        expect_code(0, submit(store, i));
        if (i % 6 != 0)
            (void)finish(store, claim_lease(store), (enum ij_finish_kind)(i % 6));
        store->now += 1700;
        (void)sweep(store, 3);
    }
    sqlite3 *handle = raw_open(store->path);
    struct ij_jobs_stats stats;
    expect_code(0, store->jobs->ops->stats(store->jobs, &stats, &test_err));
    for (int i = 0; i < IJ_STATE_COUNT; i++) {
        char sql[64];
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM job WHERE state=%d", i);
        assert_int_equal(raw_number(handle, sql), stats.by_state[i]);
        (void)snprintf(sql, sizeof(sql), "SELECT n FROM counter WHERE state=%d", i);
        assert_int_equal(raw_number(handle, sql), stats.by_state[i]);
    }
    assert_int_equal(raw_number(handle, "SELECT count(*) FROM pragma_integrity_check"
                                        " WHERE integrity_check<>'ok'"),
                     0);
    (void)sqlite3_close(handle);
}

static void forgotten_jobs_leave_a_small_file(void **state)
{
    struct store *store = *state;
    char *spec = malloc(IJ_DOCUMENT_MAX + 1);
    assert_non_null(spec);
    memset(spec, ' ', IJ_DOCUMENT_MAX);
    spec[IJ_DOCUMENT_MAX] = '\0';
    for (uint32_t i = 1; i <= 40; i++) {
        expect_code(0, submit_into(store, i, spec, &test_err));
        expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    }
    free(spec);
    store->now += JOB_TTL_MS;
    for (int i = 0; i < 20; i++)
        (void)sweep(store, 100);
    close_store(store);
    struct stat st;
    assert_int_equal(stat(store->path, &st), 0);
    assert_true(st.st_size < 2 * 1024 * 1024); /* it was ten */
}

static void settings_are_those_that_were_promised(void **state)
{
    struct store *store = *state;
    close_store(store);
    static const struct {
        const char *sql;
        int64_t value;
    } promised[] = {
        { "SELECT journal_mode='wal' FROM pragma_journal_mode", 1 },
        { "PRAGMA auto_vacuum", 2 },
        { "PRAGMA foreign_keys", 1 },
        { "PRAGMA trusted_schema", 0 },
        { "PRAGMA user_version", IJ_SQLITE_SCHEMA_VERSION },
        { "PRAGMA application_id", IJ_SQLITE_APPLICATION_ID },
        { "PRAGMA journal_size_limit", 67108864 },
        { "PRAGMA busy_timeout", 5000 },
    };
    for (int is_normal = 0; is_normal < 2; is_normal++) {
        struct ij_sqlite_db db = { 0 };
        expect_code(0, ij_sqlite_db_open_writer(&db, store->path, is_normal, &test_err));
        assert_int_equal(raw_number(db.handle, "PRAGMA synchronous"), is_normal ? 1 : 2);
        for (size_t i = 0; i < IJ_ARRAY_LEN(promised); i++)
            assert_int_equal(raw_number(db.handle, promised[i].sql), promised[i].value);
        ij_sqlite_db_close(&db);
    }
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_opener_is_told_who_has_it),
        cmocka_unit_test(reopening_keeps_everything),
        cmocka_unit_test(what_was_answered_survives_without_a_close),
        cmocka_unit_test(odd_names_are_plain_file_names),
        cmocka_unit_test(a_file_that_is_no_database_is_refused_and_left_alone),
        cmocka_unit_test(another_programs_database_is_refused),
        cmocka_unit_test(a_newer_schema_is_refused),
        cmocka_unit_test(a_damaged_database_says_so_and_refuses_work),
        cmocka_unit_test(a_failed_write_is_sticky_until_reopened),
        cmocka_unit_test(a_full_disk_refuses_and_works_again_when_there_is_room),
        cmocka_unit_test(claiming_nothing_writes_nothing),
        cmocka_unit_test(no_statement_scans_a_table),
        cmocka_unit_test(counters_are_those_of_the_rows),
        cmocka_unit_test(forgotten_jobs_leave_a_small_file),
        cmocka_unit_test(settings_are_those_that_were_promised),
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(tests); i++) {
        tests[i].setup_func = store_setup;
        tests[i].teardown_func = store_teardown;
        tests[i].initial_state = (void *)(uintptr_t)&sqlite_backend;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
