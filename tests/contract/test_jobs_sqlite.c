/* What is SQLite's own: the file, its lock, its settings, its plans, and what happens
 * when it is not ours or is damaged. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "jobs/sqlite_db.h"
#include "jobs/sqlite_sql.h"
#include "jobs_fixture.h"

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
    struct ij_suspect suspect = { .key = "some.key", .id = test_id(77) };
    expect_code(0, store->jobs->ops->condemn(store->jobs, &suspect, 1, &test_err));
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

static void expect_busy_by(struct store *store, const char *path)
{
    const char *own = store->config.path;
    store->config.path = path;
    expect_refused(store, IMGJOB_E_BUSY,
                   "/deep/er/jobs.db' is in use by another process");
    store->config.path = own;
}

static void one_file_is_one_database_by_any_name(void **state)
{
    struct store *store = *state;
    char *other = NULL, *way = NULL;
    assert_true(asprintf(&other, "%s/link.db", store->dir) > 0);
    assert_int_equal(symlink("deep/er/jobs.db", other), 0);
    assert_true(asprintf(&way, "%s/deep/../deep/er/jobs.db", store->dir) > 0);
    expect_busy_by(store, other);
    expect_busy_by(store, way);

    store->config.path = other; /* and by that name it is the same */
    expect_code(0, submit(store, 1));
    store_reopen(store);
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_READY);
    expect_busy_by(store, store->path);
    close_store(store);

    assert_int_equal(unlink(other), 0);
    assert_int_equal(link(store->path, other), 0);
    expect_refused(store, IMGJOB_E_INVALID, "has 2 names: remove its other hard links");
    assert_int_equal(unlink(other), 0);
    assert_int_equal(symlink("nowhere", other), 0);
    expect_refused(store, IMGJOB_E_STORE, "follow database path");
    store->config.path = store->dir;
    expect_refused(store, IMGJOB_E_INVALID, "is no path of a database file");
    free(other);
    free(way);
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
    raw_run(handle, "PRAGMA user_version=3");
    (void)sqlite3_close(handle);
    expect_refused(store, IMGJOB_E_INVALID,
                   "has schema version 3, this version of imgjob knows 2");
}

static void a_job_whose_times_cannot_be_is_damage(void **state)
{
    struct store *store = *state;
    static const char *const times[] = { "created", "updated", "started", "finished" };
    static const char *const values[] = { "-1", "1<<54", "-9223372036854775807-1",
                                          "9223372036854775807" };
    expect_code(0, submit(store, 1));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_SUCCEEDED));
    struct ij_id id = test_id(1);
    for (size_t i = 0; i < IJ_ARRAY_LEN(times) * IJ_ARRAY_LEN(values); i++) {
        const char *time = times[i % IJ_ARRAY_LEN(times)];
        char damage[96];
        close_store(store);
        sqlite3 *handle = raw_open(store->path);
        raw_run(handle, "CREATE TABLE whole AS SELECT * FROM job");
        (void)snprintf(damage, sizeof(damage), "UPDATE job SET %s=%s", time,
                       values[i / IJ_ARRAY_LEN(times)]);
        raw_run(handle, damage);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);

        expect_code(0, ij_sqlite_open(&store->config, &store->jobs, &test_err));
        struct ij_record record = { 0 };
        expect_code(IMGJOB_E_STORE,
                    store->jobs->ops->get(store->jobs, &id, &record, &test_err));
        expect_words("is damaged: the job in row 1 cannot be");
        close_store(store);

        handle = raw_open(store->path);
        (void)snprintf(damage, sizeof(damage),
                       "UPDATE job SET %s=(SELECT %s FROM whole); DROP TABLE whole", time,
                       time);
        raw_run(handle, damage);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
        expect_code(0, ij_sqlite_open(&store->config, &store->jobs, &test_err));
    }
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_SUCCEEDED);
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

/* ---- cost ---- */

/* Size and time of the log, which every commit that writes changes. */
static struct stat log_of(struct store *store)
{
    char *log = NULL;
    struct stat st;
    assert_true(asprintf(&log, "%s-wal", store->path) > 0);
    assert_int_equal(stat(log, &st), 0);
    free(log);
    return st;
}

static void what_changes_nothing_writes_nothing(void **state)
{
    struct store *store = *state;
    expect_code(0, submit(store, 1));
    expect_code(0, finish(store, claim_lease(store), IJ_FINISH_RETRY));
    struct ij_suspect suspects[] = { { .key = "a", .id = test_id(1), .is_input = true },
                                     { .key = "b", .id = test_id(2) } };
    expect_code(0, store->jobs->ops->condemn(store->jobs, suspects, 2, &test_err));
    struct stat before = log_of(store);
    for (int i = 0; i < 50; i++) {
        assert_true(claim_nothing(store) > 0);
        expect_code(0, store->jobs->ops->condemn(store->jobs, suspects, 2, &test_err));
        assert_false(suspects[0].is_condemned); /* a job owns it */
        assert_true(suspects[1].is_condemned);  /* it stands there already */
        (void)sweep(store, 10);
    }
    struct stat after = log_of(store);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

/* What a plan may walk through: the first row of a partial index is one probe, whatever
 * SQLite calls it; of the rest there is little, however many jobs there are. */
static bool is_short_walk(int statement, const char *step)
{
    static const char *const probed[] = { "job_scheduled", "job_lease", "job_purge",
                                          "delivery_due", "delivery_over" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(probed); i++)
        if (strstr(step, probed[i]) && strstr(ij_sqlite_sql[statement], "LIMIT 1"))
            return true;
    switch (statement) {
    case IJ_SQL_READ_QUEUES: /* at most IJ_QUEUES_MAX, as are their counters */
    case IJ_SQL_READ_COUNTERS:
        return strcmp(step, "SCAN queue") == 0 || strcmp(step, "SCAN counter") == 0;
    case IJ_SQL_LIST_TENANTS:
        return strcmp(step, "SCAN tenant") == 0;
    case IJ_SQL_LIST_OWNERS: /* of jobs that run: as many as there are workers */
        return strstr(step, "job_lease") || strstr(step, "TEMP B-TREE");
    case IJ_SQL_WALK_DELIVERIES: /* ended by a claim after so many */
        return strstr(step, "USING INDEX delivery_due");
    default:
        return false;
    }
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
            bool is_long = strstr(step, "SCAN") || strstr(step, "TEMP B-TREE");
            if (is_long && !is_short_walk(i, step)) {
                print_error("%s\n    %s\n", ij_sqlite_sql[i], step);
                assert_true(0);
            }
            plans++;
        }
        (void)sqlite3_finalize(plan);
    }
    assert_true(plans > 50);
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
        char sql[128];
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM job WHERE state=%d", i);
        assert_int_equal(raw_number(handle, sql), stats.by_state[i]);
        (void)snprintf(
            sql, sizeof(sql),
            "SELECT coalesce(sum(n),0) FROM counter WHERE queue=1 AND state=%d", i);
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
    assert_int_equal(sweep(store, 100).forgotten, 40);
    while (sweep(store, 100).can_shrink)
        continue;
    close_store(store);
    struct stat st;
    assert_int_equal(stat(store->path, &st), 0);
    assert_true(st.st_size < 3 * 1024 * 1024); /* it was ten */
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
        ON_STORE(a_second_opener_is_told_who_has_it),
        ON_STORE(reopening_keeps_everything),
        ON_STORE(what_was_answered_survives_without_a_close),
        ON_STORE(one_file_is_one_database_by_any_name),
        ON_STORE(odd_names_are_plain_file_names),
        ON_STORE(a_file_that_is_no_database_is_refused_and_left_alone),
        ON_STORE(another_programs_database_is_refused),
        ON_STORE(a_newer_schema_is_refused),
        ON_STORE(a_damaged_database_says_so_and_refuses_work),
        ON_STORE(a_job_whose_times_cannot_be_is_damage),
        ON_STORE(what_changes_nothing_writes_nothing),
        ON_STORE(no_statement_scans_a_table),
        ON_STORE(counters_are_those_of_the_rows),
        ON_STORE(forgotten_jobs_leave_a_small_file),
        ON_STORE(settings_are_those_that_were_promised),
    };
    return run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
