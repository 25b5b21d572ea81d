/* Owns the stores that the contract tests run on. */
#include "jobs_fixture.h"

#include <sqlite3.h>

#include "jobs/memory.h"

static int64_t read_now(void *data)
{
    return ((struct store *)data)->now;
}

/* FNV-1a; the token is random and left out. */
static void add_to_sum(uint64_t *sum, uint64_t value)
{
    *sum = (*sum ^ value) * 1099511628211u;
}

static void note_change(void *data, const struct ij_job *job)
{
    struct store *store = data;
    (void)pthread_mutex_lock(&store->lock);
    store->told++;
    add_to_sum(&store->told_sum, job->seq);
    add_to_sum(&store->told_sum, job->state);
    add_to_sum(&store->told_sum, job->ver);
    add_to_sum(&store->told_sum, (uint64_t)job->result_expires);
    (void)pthread_mutex_unlock(&store->lock);
}

static void note_failed(void *data)
{
    struct store *store = data;
    (void)pthread_mutex_lock(&store->lock);
    store->failures++;
    (void)pthread_mutex_unlock(&store->lock);
}

static void note_event(void *data, const struct imgjob_log_event *event)
{
    struct store *store = data;
    (void)pthread_mutex_lock(&store->lock);
    store->errors_logged += event->level == IMGJOB_LOG_ERROR;
    (void)pthread_mutex_unlock(&store->lock);
}

sqlite3 *raw_open(const char *path)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    return handle;
}

void raw_run(sqlite3 *handle, const char *sql)
{
    char *words = NULL;
    int rc = sqlite3_exec(handle, sql, NULL, NULL, &words);
    if (rc != SQLITE_OK)
        print_error("%s: %s\n", sql, words);
    assert_int_equal(rc, SQLITE_OK);
}

int64_t raw_number(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return number;
}

static void memory_set_deadline(struct ij_jobs *jobs, const char *path,
                                const struct ij_id *id, int64_t deadline)
{
    (void)path;
    ij_memory_find((struct ij_memory *)jobs, id)->record.job.deadline = deadline;
}

static void sqlite_set_deadline(struct ij_jobs *jobs, const char *path,
                                const struct ij_id *id, int64_t deadline)
{
    (void)jobs;
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, "UPDATE job SET deadline=?1 WHERE id=?2",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    (void)sqlite3_bind_int64(statement, 1, deadline);
    (void)sqlite3_bind_blob(statement, 2, id->bytes, sizeof(id->bytes), SQLITE_STATIC);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    assert_int_equal(sqlite3_changes(handle), 1);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

const struct backend memory_backend = { "memory", ij_memory_open, memory_set_deadline,
                                        false };
const struct backend sqlite_backend = { "sqlite", ij_sqlite_open, sqlite_set_deadline,
                                        true };

struct store *store_new(const struct backend *backend)
{
    struct store *store = calloc(1, sizeof(*store));
    assert_non_null(store);
    store->backend = backend;
    store->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    store->dir = test_dir_make();
    assert_true(asprintf(&store->path, "%s/deep/er/jobs.db", store->dir) > 0);
    store->now = 1700000000000;
    store->config = (struct ij_jobs_config){
        .path = store->path,
        .is_durability_normal = true,
        .max_queued = 100,
        .result_ttl_ms = RESULT_TTL_MS,
        .job_ttl_ms = JOB_TTL_MS,
        .clock = { read_now, read_now, store },
        .log = { note_event, store },
        .changed = note_change,
        .failed = note_failed,
        .changed_data = store,
    };
    expect_code(0, backend->open(&store->config, &store->jobs, &test_err));
    return store;
}

void store_reopen(struct store *store)
{
    ij_jobs_close(store->jobs);
    store->jobs = NULL;
    expect_code(0, store->backend->open(&store->config, &store->jobs, &test_err));
}

void store_free(struct store *store)
{
    ij_jobs_close(store->jobs);
    test_dir_remove(store->dir);
    free(store->path);
    free(store);
}

int store_setup(void **state)
{
    *state = store_new(*state);
    return 0;
}

int store_teardown(void **state)
{
    store_free(*state);
    return 0;
}

int run_on(const struct backend *backend, struct CMUnitTest *tests, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tests[i].initial_state = (void *)(uintptr_t)backend;
    return _cmocka_run_group_tests(backend->name, tests, count, NULL, NULL);
}

struct ij_id test_id(uint32_t number)
{
    struct ij_id id = { { 0x01, 0x8c, 0, 0, 0, 0, 0x70, 0, 0x80 } };
    for (int i = 0; i < 4; i++)
        id.bytes[12 + i] = (uint8_t)(number >> (24 - 8 * i));
    return id;
}

static int submit_keys(struct store *store, uint32_t number, uint32_t input_count,
                       const char *spec, struct imgjob_error *err)
{
    struct ij_id id = test_id(number);
    char text[IMGJOB_ID_SIZE], keys[INPUTS_MAX * (IMGJOB_ID_SIZE + 8)] = "";
    ij_id_format(&id, text);
    assert_true(input_count <= INPUTS_MAX);
    for (uint32_t i = 0; i < input_count; i++) {
        size_t used = strlen(keys);
        (void)snprintf(keys + used, sizeof(keys) - used, "%s.in%u\n", text, i);
    }
    struct ij_submit with = {
        .id = id,
        .spec = spec,
        .input = "{\"bytes\":3}",
        .keys = keys,
        .max_attempts = 3,
    };
    return store->jobs->ops->submit(store->jobs, &with, err);
}

int submit_into(struct store *store, uint32_t number, const char *spec,
                struct imgjob_error *err)
{
    return submit_keys(store, number, 1, spec, err);
}

int submit_inputs(struct store *store, uint32_t number, uint32_t input_count,
                  struct imgjob_error *err)
{
    return submit_keys(store, number, input_count, "{\"width\":1}", err);
}

struct ij_record claim(struct store *store)
{
    struct ij_claim with = { .owner = 7, .lease_ms = LEASE_MS };
    struct ij_record record = { 0 };
    int64_t due = -1;
    expect_code(0, store->jobs->ops->claim(store->jobs, &with, &record, &due, &test_err));
    return record;
}

int64_t claim_nothing(struct store *store)
{
    struct ij_claim with = { .owner = 7, .lease_ms = LEASE_MS };
    struct ij_record record = { 0 };
    int64_t due = -1;
    expect_code(1, store->jobs->ops->claim(store->jobs, &with, &record, &due, &test_err));
    assert_null(record.spec);
    assert_true(due >= 0);
    return due;
}

struct ij_lease claim_lease(struct store *store)
{
    struct ij_record record = claim(store);
    struct ij_lease lease = ij_lease_of(&record.job);
    ij_record_done(&record);
    return lease;
}

struct ij_finish finish_with(struct ij_lease lease, enum ij_finish_kind kind)
{
    static const struct ij_failure corrupt = {
        .error = { IMGJOB_E_IMAGE, "the image is broken" },
        .stage = IJ_STAGE_DECODE,
        .reason = IJ_REASON_CORRUPT,
    };
    static const struct ij_failure unlucky = {
        .error = { IMGJOB_E_BLOB, "the disk was away" },
        .stage = IJ_STAGE_PUBLISH,
        .reason = IJ_REASON_BLOB,
    };
    static const struct ij_failure crashed = {
        .error = { IMGJOB_E_CRASHED, "the worker got signal 11" },
        .stage = IJ_STAGE_DECODE,
        .reason = IJ_REASON_INTERNAL,
        .signal = 11,
    };
    return (struct ij_finish){
        .lease = lease,
        .kind = kind,
        .result = kind == IJ_FINISH_SUCCEEDED ? "{\"outputs\":[]}" : NULL,
        .keys = kind == IJ_FINISH_SUCCEEDED ? "some.output.key\n" : NULL,
        .failure = kind == IJ_FINISH_FAILED    ? &corrupt
                   : kind == IJ_FINISH_RETRY   ? &unlucky
                   : kind == IJ_FINISH_CRASHED ? &crashed
                                               : NULL,
        .random = 1500,
    };
}

struct ij_record record_of(struct store *store, uint32_t number)
{
    struct ij_id id = test_id(number);
    struct ij_record record = { 0 };
    expect_code(0, store->jobs->ops->get(store->jobs, &id, &record, &test_err));
    return record;
}

struct ij_job job_of(struct store *store, uint32_t number)
{
    struct ij_record record = record_of(store, number);
    struct ij_job job = record.job;
    ij_record_done(&record);
    return job;
}

struct ij_swept sweep(struct store *store, uint32_t budget)
{
    struct ij_sweep with = { .budget = budget, .is_clock_trusted = true };
    struct ij_swept swept = { 0 };
    expect_code(0, store->jobs->ops->sweep(store->jobs, &with, &swept, &test_err));
    return swept;
}

size_t gc_count(struct store *store, char **out_first)
{
    char *keys[64];
    size_t count = 0;
    expect_code(0, store->jobs->ops->gc_list(store->jobs, NULL, keys, IJ_ARRAY_LEN(keys),
                                             &count, &test_err));
    if (out_first)
        *out_first = count > 0 ? strdup(keys[0]) : NULL;
    for (size_t i = 0; i < count; i++)
        free(keys[i]);
    return count;
}
