/* Databases that older versions made: brought up to date, whole or not at all. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "jobs/sqlite_sql.h"
#include "jobs_fixture.h"

/* As version 1 made it, word for word. */
static const char schema_1[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE job("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id BLOB NOT NULL UNIQUE CHECK(length(id)=16),"
    " tenant INT NOT NULL, queue INT NOT NULL,"
    " state INT NOT NULL CHECK(state BETWEEN 0 AND 6), reason INT NOT NULL,"
    " prio INT NOT NULL, fair INT NOT NULL,"
    " run_at INT, deadline INT,"
    " attempt INT NOT NULL, max_attempts INT NOT NULL,"
    " crashes INT NOT NULL, losses INT NOT NULL, releases INT NOT NULL,"
    " gen INT NOT NULL, token INT NOT NULL, lease_until INT, owner INT NOT NULL,"
    " cancel_req INT NOT NULL, progress INT NOT NULL, ver INT NOT NULL,"
    " created INT NOT NULL, updated INT NOT NULL, started INT, finished INT,"
    " result_expires INT, expires INT, dedup BLOB, batch INT,"
    " CHECK((state=1)=(run_at IS NOT NULL)),"
    " CHECK((state=3)=(lease_until IS NOT NULL)),"
    " CHECK((state>=4)=(finished IS NOT NULL)),"
    " CHECK((state>=4)=(expires IS NOT NULL))) STRICT;"
    "CREATE INDEX job_ready ON job(queue,prio,fair) WHERE state=2;"
    "CREATE INDEX job_scheduled ON job(run_at) WHERE state=1;"
    "CREATE INDEX job_lease ON job(lease_until) WHERE state=3;"
    "CREATE INDEX job_deadline ON job(deadline)"
    " WHERE state<=2 AND deadline IS NOT NULL;"
    "CREATE INDEX job_purge ON job(result_expires)"
    " WHERE state>=4 AND result_expires IS NOT NULL;"
    "CREATE INDEX job_expires ON job(expires)"
    " WHERE state>=4 AND result_expires IS NULL;"
    "CREATE TABLE job_doc("
    " seq INTEGER PRIMARY KEY REFERENCES job(seq) ON DELETE CASCADE,"
    " spec TEXT NOT NULL, input TEXT NOT NULL, result TEXT, failure TEXT,"
    " keys TEXT NOT NULL) STRICT;"
    "CREATE TABLE counter(queue INT, state INT, n INT NOT NULL,"
    " PRIMARY KEY(queue,state)) STRICT, WITHOUT ROWID;"
    "INSERT INTO counter VALUES(1,0,0),(1,1,0),(1,2,0),(1,3,0),(1,4,0),(1,5,0),(1,6,0);"
    "CREATE TABLE gc(key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;";

/* One job in each state that version 1 had, one of them expired; the last number that was
 * given out is that of a job that is gone. */
static const char rows_1[] =
    "INSERT INTO meta VALUES('store_id','018c0000-0000-7000-8000-00000000000f');"
    "INSERT INTO job(seq,id,tenant,queue,state,reason,prio,fair,run_at,deadline,attempt,"
    "max_attempts,crashes,losses,releases,gen,token,lease_until,owner,cancel_req,"
    "progress,"
    "ver,created,updated,started,finished,result_expires,expires) VALUES"
    "(11,x'018c0000000070008000000000000001',1,1,1,18,5,11,9000,NULL,1,3,0,0,0,1,7,NULL,"
    "3,"
    "0,0,3,10,60,20,NULL,NULL,NULL),"
    "(12,x'018c0000000070008000000000000002',1,1,2,0,5,12,NULL,NULL,0,3,0,0,0,0,0,NULL,0,"
    "0,0,1,11,11,NULL,NULL,NULL,NULL),"
    "(13,x'018c0000000070008000000000000003',1,1,3,0,5,13,NULL,NULL,1,3,0,0,0,1,8,9999,3,"
    "0,0,2,12,30,30,NULL,NULL,NULL),"
    "(14,x'018c0000000070008000000000000004',1,1,4,0,5,14,NULL,NULL,1,3,0,0,0,1,9,NULL,3,"
    "0,100,3,13,40,31,40,4102444800000,4102444800000),"
    "(15,x'018c0000000070008000000000000005',1,1,5,3,5,15,NULL,NULL,1,3,0,0,0,1,9,NULL,3,"
    "0,0,3,14,50,32,50,4102444800000,4102444800000),"
    "(16,x'018c0000000070008000000000000006',1,1,4,0,5,16,NULL,NULL,1,3,0,0,0,1,9,NULL,3,"
    "0,100,4,15,41,33,41,NULL,4102444800000);"
    "INSERT INTO job_doc SELECT seq,'{\"width\":1}','{\"bytes\":100,\"further\":"
    "[{\"bytes\":20},{\"bytes\":3}]}',iif(state=4,'{\"outputs\":[{\"bytes\":1000},"
    "{\"bytes\":2000}]}',NULL),iif(state=5,'{\"error\":\"no\"}',NULL),"
    "iif(seq=16,'',lower(hex(id))||'.in0'||char(10)) FROM job;"
    "UPDATE counter SET n=(SELECT count(*) FROM job WHERE job.state=counter.state);"
    "INSERT INTO gc VALUES('a'),('b');"
    "UPDATE sqlite_sequence SET seq=99 WHERE name='job';"
    "PRAGMA application_id=1231712098; PRAGMA user_version=1";

static void make_version_1(struct store *store)
{
    ij_jobs_close(store->jobs);
    store->jobs = NULL;
    assert_int_equal(unlink(store->path), 0);
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open_v2(store->path, &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
                     SQLITE_OK);
    raw_run(handle, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL");
    raw_run(handle, schema_1);
    raw_run(handle, rows_1);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

/* The schema as text, in the order of names. The caller's. */
static char *schema_of(const char *path)
{
    sqlite3 *handle = raw_open(path);
    sqlite3_stmt *statement = NULL;
    const char *query = "SELECT group_concat(type||' '||name||': '||coalesce(sql,''),"
                        "char(10)) FROM (SELECT * FROM sqlite_schema ORDER BY name)";
    assert_int_equal(sqlite3_prepare_v2(handle, query, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    char *text = strdup((const char *)sqlite3_column_text(statement, 0));
    assert_non_null(text);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(handle);
    return text;
}

static void version_1_becomes_this_version(void **state)
{
    struct store *store = *state;
    store->now = 1000;
    char *fresh = schema_of(store->path);
    make_version_1(store);
    store_reopen(store);
    char *migrated = schema_of(store->path);
    assert_string_equal(migrated, fresh);
    free(migrated);
    free(fresh);
    assert_int_equal(fault_count(store), 0);
    assert_string_equal(store->jobs->ops->store_id(store->jobs),
                        "018c0000-0000-7000-8000-00000000000f");
    assert_int_equal(gc_count(store, NULL), 2);

    struct ij_jobs_stats stats;
    expect_code(0, store->jobs->ops->stats(store->jobs, &stats, &test_err));
    static const uint64_t expected[IJ_STATE_COUNT] = { 0, 1, 1, 1, 2, 1, 0 };
    assert_memory_equal(stats.by_state, expected, sizeof(expected));
    assert_int_equal(stats.bytes, 5 * 123 + 3000);
    assert_int_equal(stats.change, 6);
}

static void what_version_1_knew_is_kept(void **state)
{
    struct store *store = *state;
    store->now = 1000;
    make_version_1(store);
    store_reopen(store);
    struct ij_record record = record_of(store, 4);
    assert_int_equal(record.job.seq, 14);
    assert_int_equal(record.job.bytes, 3123);
    assert_int_equal(record.job.progress.percent, 100);
    assert_string_equal(record.queue, IJ_NAME_DEFAULT);
    assert_string_equal(record.tenant, IJ_NAME_DEFAULT);
    assert_string_equal(record.spec, "{\"width\":1}");
    assert_non_null(record.result);
    ij_record_done(&record);
    record = record_of(store, 5);
    assert_string_equal(record.failure, "{\"error\":\"no\"}");
    ij_record_done(&record);
    assert_int_equal(job_of(store, 6).bytes, 0);
}

static void work_goes_on_where_version_1_left_it(void **state)
{
    struct store *store = *state;
    store->now = 1000;
    make_version_1(store);
    store_reopen(store);
    uint64_t count = 0;
    expect_code(0, store->jobs->ops->reclaim_all(store->jobs, &count, &test_err));
    assert_int_equal(count, 1);
    expect_code(0, submit(store, 20));
    assert_int_equal(job_of(store, 20).seq, 100); /* 99 was given out */
    static const uint32_t order[] = { 2, 3, 20 }; /* new ones come behind the old */
    for (size_t i = 0; i < IJ_ARRAY_LEN(order); i++) {
        struct ij_record record = claim(store);
        struct ij_id id = test_id(order[i]);
        assert_true(ij_id_equal(&record.job.id, &id));
        expect_code(0, finish(store, ij_lease_of(&record.job), IJ_FINISH_SUCCEEDED));
        ij_record_done(&record);
    }
    assert_int_equal(claim_nothing(store), 9000);
    assert_int_equal(fault_count(store), 0);
}

static void what_changed_last_in_version_1_comes_last(void **state)
{
    struct store *store = *state;
    static struct ij_page page;
    make_version_1(store);
    store_reopen(store);
    static const uint32_t order[] = { 2, 3, 4, 6, 5, 1 }; /* by their `updated` */
    expect_code(0,
                store->jobs->ops->changes(store->jobs, NULL, 0, 100, &page, &test_err));
    assert_int_equal(page.count, IJ_ARRAY_LEN(order));
    for (size_t i = 0; i < page.count; i++)
        assert_int_equal(number_of(&page.records[i].job.id), order[i]);
    ij_page_done(&page);
}

/* ---- what goes wrong ---- */

static int die(void *data)
{
    (void)data;
    return raise(SIGKILL);
}

static int steps_to_live;

/* Each connection of this process ends it after so many steps of SQLite's machine. */
static int make_mortal(sqlite3 *handle, const char **words, const void *api)
{
    (void)words;
    (void)api;
    sqlite3_progress_handler(handle, steps_to_live, die, NULL);
    return SQLITE_OK;
}

/* @return whether it lived to the end of the open */
static bool open_in_a_child(struct store *store, int steps)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ij_jobs *jobs = NULL;
        steps_to_live = steps;
        if (sqlite3_auto_extension((void (*)(void))make_mortal) != SQLITE_OK)
            _exit(2);
        _exit(ij_sqlite_open(&store->config, &jobs, NULL) == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFEXITED(status);
}

static int64_t number_in(struct store *store, const char *sql)
{
    sqlite3 *handle = raw_open(store->path);
    int64_t number = raw_number(handle, sql);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return number;
}

static void a_kill_leaves_the_version_before_or_the_one_after(void **state)
{
    struct store *store = *state;
    make_version_1(store);
    int kills = 0;
    int64_t version = 1;
    for (int steps = 20; !open_in_a_child(store, steps); steps += steps / 4) {
        int64_t now = number_in(store, "PRAGMA user_version");
        assert_true(now == version || now == IJ_SQLITE_SCHEMA_VERSION); /* never back */
        version = now;
        assert_int_equal(number_in(store, "SELECT count(*) FROM job"), 6);
        assert_int_equal(number_in(store, "SELECT count(*) FROM pragma_integrity_check"
                                          " WHERE integrity_check<>'ok'"),
                         0);
        assert_int_equal(number_in(store, "SELECT count(*) FROM sqlite_schema"
                                          " WHERE name LIKE 'old_%'"),
                         0);
        kills += now == 1;
    }
    assert_true(kills > 10); /* in the midst of it */
    store_reopen(store);
    assert_int_equal(fault_count(store), 0);
    assert_int_equal(stats_of(store).bytes, 5 * 123 + 3000);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    struct store *store = *state;
    struct ij_jobs *jobs = NULL;
    make_version_1(store);
    sqlite3 *handle = raw_open(store->path);
    raw_run(handle, "CREATE TABLE queue(x)"); /* where a table of ours has to be */
    expect_code(IMGJOB_E_STORE, ij_sqlite_open(&store->config, &jobs, &test_err));
    expect_words("bringing the schema up to date");
    expect_words("table queue already exists");
    assert_int_equal(raw_number(handle, "PRAGMA user_version"), 1);
    assert_int_equal(raw_number(handle, "SELECT count(*) FROM job"), 6);
    raw_run(handle, "DROP TABLE queue");
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    store_reopen(store);
    assert_int_equal(fault_count(store), 0);
}

static void one_that_is_only_read_is_left_alone(void **state)
{
    struct store *store = *state;
    make_version_1(store);
    struct ij_jobs_config config = store->config;
    config.is_read_only = true;
    struct ij_jobs *jobs = NULL;
    expect_code(IMGJOB_E_INVALID, ij_sqlite_open(&config, &jobs, &test_err));
    expect_words("has schema version 1, not 2");
    store_reopen(store);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        ON_STORE(version_1_becomes_this_version),
        ON_STORE(what_version_1_knew_is_kept),
        ON_STORE(work_goes_on_where_version_1_left_it),
        ON_STORE(what_changed_last_in_version_1_comes_last),
        ON_STORE(a_kill_leaves_the_version_before_or_the_one_after),
        ON_STORE(a_migration_that_fails_changes_nothing),
        ON_STORE(one_that_is_only_read_is_left_alone),
    };
    return run_on(&sqlite_backend, tests, IJ_ARRAY_LEN(tests));
}
