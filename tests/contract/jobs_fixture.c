/* Owns the stores that the contract tests run on. */
#include "jobs_fixture.h"

#include <inttypes.h>
#include <sqlite3.h>

#include "jobs/memory.h"

static int64_t read_now(void *data)
{
    return ((struct store *)data)->now;
}

/* FNV-1a. */
static void add_to_sum(uint64_t *sum, uint64_t value)
{
    *sum = (*sum ^ value) * 1099511628211u;
}

static void add_text_to_sum(uint64_t *sum, const void *text, size_t len)
{
    const unsigned char *bytes = text;
    for (size_t i = 0; i < len; i++)
        add_to_sum(sum, bytes[i]);
}

/* All members but those that are random or of a process: token, owner. */
static void add_job_to_sum(uint64_t *sum, const struct ij_job *job)
{
    const uint64_t members[] = {
        job->seq,
        job->tenant,
        job->queue,
        job->state,
        job->reason,
        job->prio,
        job->fair,
        (uint64_t)job->run_at,
        (uint64_t)job->deadline,
        job->attempt,
        job->max_attempts,
        job->timeout_ms,
        job->crashes,
        job->losses,
        job->releases,
        job->gen,
        (uint64_t)job->lease_until,
        job->cancel_asked,
        job->progress.percent,
        job->progress.stage,
        job->progress.output,
        job->ver,
        job->change,
        (uint64_t)job->created,
        (uint64_t)job->updated,
        (uint64_t)job->started,
        (uint64_t)job->finished,
        (uint64_t)job->result_expires,
        (uint64_t)job->expires,
        job->result_ttl_ms,
        job->job_ttl_ms,
        job->bytes,
        job->has_callback,
        job->has_dedup,
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(members); i++)
        add_to_sum(sum, members[i]);
    add_text_to_sum(sum, job->id.bytes, sizeof(job->id.bytes));
    add_text_to_sum(sum, job->batch.bytes, sizeof(job->batch.bytes));
    add_text_to_sum(sum, job->dedup, sizeof(job->dedup));
}

static void note_change(void *data, const struct ij_change *change)
{
    struct store *store = data;
    (void)pthread_mutex_lock(&store->lock);
    store->told++;
    store->last = *change;
    add_job_to_sum(&store->told_sum, &change->job);
    add_to_sum(&store->told_sum, change->from);
    add_text_to_sum(&store->told_sum, change->queue, strlen(change->queue));
    (void)pthread_mutex_unlock(&store->lock);
}

static const char *or_null(const char *text)
{
    return text ? text : "null";
}

static char *describe(void *data, const struct ij_record *record)
{
    (void)data;
    char *body = NULL;
    int len = asprintf(&body,
                       "{\"state\":%d,\"ver\":%" PRIu64 ",\"change\":%" PRIu64
                       ",\"tenant\":\"%s\",\"queue\":\"%s\",\"spec\":%s,"
                       "\"options\":%s,\"result\":%s,\"failure\":%s}",
                       record->job.state, record->job.ver, record->job.change,
                       record->tenant, record->queue, record->spec, record->options,
                       or_null(record->result), or_null(record->failure));
    return len < 0 ? NULL : body;
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

const struct backend memory_backend = { "memory", ij_memory_open, false };
const struct backend sqlite_backend = { "sqlite", ij_sqlite_open, true };

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
        .idempotency_ttl_ms = KEY_TTL_MS,
        .metrics = &store->metrics,
        .clock = { read_now, read_now, store },
        .log = { note_event, store },
        .changed = note_change,
        .describe = describe,
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

uint32_t number_of(const struct ij_id *id)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++)
        number = number << 8 | id->bytes[12 + i];
    return number;
}

int submit_filled(struct store *store, uint32_t number, struct ij_submit *with,
                  struct imgjob_error *err)
{
    char text[IMGJOB_ID_SIZE], keys[IMGJOB_ID_SIZE + 8];
    struct ij_submit filled = *with;
    filled.id = test_id(number);
    ij_id_format(&filled.id, text);
    (void)snprintf(keys, sizeof(keys), "%s.in0\n", text);
    if (!filled.spec)
        filled.spec = "{\"width\":1}";
    if (!filled.input)
        filled.input = "{\"bytes\":3}";
    if (!filled.keys)
        filled.keys = keys;
    if (!filled.bytes)
        filled.bytes = INPUT_BYTES;
    int rc = store->jobs->ops->submit(store->jobs, &filled, 1, err);
    with->outcome = filled.outcome;
    with->job = filled.job;
    return rc;
}

int submit_into(struct store *store, uint32_t number, const char *spec,
                struct imgjob_error *err)
{
    struct ij_submit with = { .spec = spec };
    return submit_filled(store, number, &with, err);
}

int submit_inputs(struct store *store, uint32_t number, uint32_t input_count,
                  struct imgjob_error *err)
{
    struct ij_id id = test_id(number);
    char text[IMGJOB_ID_SIZE], keys[INPUTS_MAX * (IMGJOB_ID_SIZE + 8)] = "";
    ij_id_format(&id, text);
    assert_true(input_count <= INPUTS_MAX);
    for (uint32_t i = 0; i < input_count; i++) {
        size_t used = strlen(keys);
        (void)snprintf(keys + used, sizeof(keys) - used, "%s.in%u\n", text, i);
    }
    struct ij_submit with = { .keys = keys };
    return submit_filled(store, number, &with, err);
}

struct ij_record claim(struct store *store)
{
    struct ij_claim with = { .lease_ms = LEASE_MS };
    struct ij_record record = { 0 };
    int64_t due = -1;
    expect_code(0, store->jobs->ops->claim(store->jobs, &with, &record, &due, &test_err));
    return record;
}

int64_t claim_nothing(struct store *store)
{
    struct ij_claim with = { .lease_ms = LEASE_MS };
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

struct ij_lease claim_number(struct store *store, uint32_t number)
{
    struct ij_lease lease = claim_lease(store);
    assert_int_equal(number_of(&lease.id), number);
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
        .bytes = kind == IJ_FINISH_SUCCEEDED ? OUTPUT_BYTES : 0,
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

struct ij_jobs_stats stats_of(struct store *store)
{
    struct ij_jobs_stats stats;
    expect_code(0, store->jobs->ops->stats(store->jobs, &stats, &test_err));
    return stats;
}

static void print_fault(void *data, const char *sentence)
{
    (void)data;
    print_error("audit: %s\n", sentence);
}

uint64_t fault_count(struct store *store)
{
    struct ij_audit audit = { .report = print_fault };
    expect_code(0, store->jobs->ops->audit(store->jobs, &audit, &test_err));
    return audit.faults;
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
