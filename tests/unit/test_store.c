/* The store and the pool as a program sees them: real database, real directories, real
 * workers. */
#include "place.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* Submit some bytes; the id goes to `id`. @return what submit returned */
static int submit(struct place *place, const void *data, size_t len, char *id)
{
    struct imgjob_draft *draft = NULL;
    struct imgjob_spec *spec =
        spec_of("{\"operation\":\"resize\",\"width\":20,\"height\":10}");
    int rc = imgjob_draft_open(place->store, &draft, &test_err);
    if (rc == 0)
        rc = imgjob_draft_write(draft, data, len, &test_err);
    if (rc == 0) {
        memcpy(id, imgjob_draft_id(draft), IMGJOB_ID_SIZE);
        rc = imgjob_store_submit(place->store, draft, spec, NULL, NULL, &test_err);
    }
    if (rc < 0)
        imgjob_draft_discard(draft);
    imgjob_spec_free(spec);
    return rc;
}

static void a_job_goes_in_and_comes_out(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    expect_code(0, submit(place, tiny_png, sizeof(tiny_png), id));
    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    struct imgjob_job *job = NULL;
    expect_code(0, imgjob_store_wait(place->store, id, 60000, &job, &test_err));
    assert_string_equal(imgjob_job_error(job), "");
    assert_string_equal(imgjob_job_status_name(job), "completed");
    assert_int_equal(imgjob_job_output_count(job), 1);
    assert_string_equal(imgjob_job_output_name(job, 0), "image");
    assert_non_null(
        strstr(imgjob_job_json(job), "\"operation\":\"resize\",\"width\":20"));
    imgjob_job_free(job);

    struct imgjob_download *download = NULL;
    unsigned char head[24];
    size_t len = 0;
    expect_code(0,
                imgjob_store_open_output(place->store, id, NULL, &download, &test_err));
    assert_int_equal(imgjob_download_format(download), IMGJOB_FORMAT_PNG);
    expect_code(0,
                imgjob_download_read(download, 0, head, sizeof(head), &len, &test_err));
    assert_int_equal(len, sizeof(head));
    assert_int_equal(head[19], 20); /* IHDR: width, height */
    assert_int_equal(head[23], 10);
    imgjob_download_close(download);
    imgjob_pool_close(pool);
}

static void what_was_acknowledged_is_there_after_a_restart(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    expect_code(0, submit(place, tiny_png, sizeof(tiny_png), id));
    imgjob_store_close(place->store);
    place_open(place);
    struct imgjob_job *job = NULL;
    expect_code(0, imgjob_store_get(place->store, id, &job, &test_err));
    assert_string_equal(imgjob_job_status_name(job), "pending");
    imgjob_job_free(job);
    assert_int_equal(count_blobs(place, "in"), 1);
}

static void a_refused_submit_leaves_nothing_behind(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    expect_code(IMGJOB_E_IMAGE, submit(place, "<svg>", 5, id));
    expect_words("svg, which is not read here");
    expect_code(IMGJOB_E_IMAGE, submit(place, "hello", 5, id));
    expect_words("none of jpeg, png");
    expect_code(IMGJOB_E_IMAGE, submit(place, "", 0, id));
    expect_words("empty");
    assert_int_equal(count_blobs(place, "in"), 0);
}

static void an_input_over_the_limit_is_refused_while_it_arrives(void **state)
{
    struct place *place = *state;
    imgjob_store_close(place->store);
    place->options.max_upload_size = 100;
    place_open(place);
    struct imgjob_draft *draft = NULL;
    char bytes[60] = { 0 };
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    expect_code(0, imgjob_draft_write(draft, bytes, 60, &test_err));
    expect_code(IMGJOB_E_LIMIT, imgjob_draft_write(draft, bytes, 60, &test_err));
    expect_words("100 bytes (max_upload_size)");
    imgjob_draft_discard(draft);
    assert_int_equal(count_blobs(place, "in"), 0);
}

static void a_full_queue_refuses_before_a_byte_is_taken(void **state)
{
    struct place *place = *state;
    imgjob_store_close(place->store);
    place->options.max_queued_jobs = 2;
    place_open(place);
    char id[IMGJOB_ID_SIZE];
    struct imgjob_draft *draft = NULL;
    expect_code(0, submit(place, tiny_png, sizeof(tiny_png), id));
    expect_code(0, submit(place, tiny_png, sizeof(tiny_png), id));
    expect_code(IMGJOB_E_BUSY, imgjob_draft_open(place->store, &draft, &test_err));
    expect_words("max_queued_jobs is 2");
}

static void too_little_disk_refuses_before_a_byte_is_taken(void **state)
{
    struct place *place = *state;
    imgjob_store_close(place->store);
    place->options.min_free_bytes = UINT64_MAX / 2;
    place_open(place);
    struct imgjob_draft *draft = NULL;
    expect_code(IMGJOB_E_FULL, imgjob_draft_open(place->store, &draft, &test_err));
    expect_words("min_free_bytes");
}

static void a_second_store_on_the_same_place_is_refused(void **state)
{
    struct place *place = *state;
    struct imgjob_store *second = NULL;
    expect_code(IMGJOB_E_BUSY, imgjob_store_open(&place->options, &second, &test_err));
    expect_words("in use");
    char other[600];
    (void)snprintf(other, sizeof(other), "sqlite:%s/other.db", place->dir);
    struct imgjob_store_options options = place->options;
    options.jobs_url = other; /* the directories are still the first one's */
    int rc = imgjob_store_open(&options, &second, &test_err);
    assert_true(rc == IMGJOB_E_BUSY || rc == IMGJOB_E_INVALID);
}

static void one_directory_for_both_is_refused(void **state)
{
    struct place *place = *state;
    struct imgjob_store *second = NULL;
    struct imgjob_store_options options = place->options;
    options.jobs_url = "memory:";
    options.inputs_url = options.outputs_url;
    expect_code(IMGJOB_E_INVALID, imgjob_store_open(&options, &second, &test_err));
    expect_words("must differ");
}

static void options_out_of_range_are_refused(void **state)
{
    struct place *place = *state;
    const uint64_t century = UINT64_C(36500) * 24 * 60 * 60 * 1000;
    const struct {
        struct imgjob_store_options options;
        int code;
        const char *words;
    } cases[] = {
        { { .result_ttl_ms = century + 1 },
          IMGJOB_E_INVALID,
          "result_ttl_ms: must be at most 36500 days, not 3153600000001 ms" },
        { { .job_ttl_ms = UINT64_MAX }, IMGJOB_E_INVALID, "job_ttl_ms: must be" },
        { { .idempotency_ttl_ms = century + 1 },
          IMGJOB_E_INVALID,
          "idempotency_ttl_ms: must be at most 36500 days" },
        { { .max_stored_bytes = UINT64_MAX }, IMGJOB_E_INVALID, "max_stored_bytes" },
        { { .durability = 2 }, IMGJOB_E_INVALID, "durability: 2 is none" },
        { { .reserved = 1 }, IMGJOB_E_ABI, "reserved: must be 0, not 1" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct imgjob_store_options options = cases[i].options;
        struct imgjob_store *second = NULL;
        options.size = sizeof(options);
        options.jobs_url = place->jobs;
        expect_code(cases[i].code, imgjob_store_open(&options, &second, &test_err));
        expect_words(cases[i].words);
        assert_null(second);
    }
}

static void unknown_ids_are_not_found(void **state)
{
    struct place *place = *state;
    struct imgjob_job *job = NULL;
    static const char *const ids[] = { "",
                                       "x",
                                       "../../etc/passwd",
                                       "019abcde-0000-7000-8000-000000000000",
                                       "019ABCDE-0000-7000-8000-000000000000",
                                       "019abcde-0000-7000-8000-0000000000000" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(ids); i++)
        expect_code(IMGJOB_E_NOTFOUND,
                    imgjob_store_get(place->store, ids[i], &job, &test_err));
}

static void blobs_without_a_row_go_at_the_next_start(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE], path[700];
    expect_code(0, submit(place, tiny_png, sizeof(tiny_png), id));
    imgjob_store_close(place->store);
    static const char *const orphans[] = {
        "in/21/019abcde-0000-7000-8000-000000000021.in0",
        "out/21/019abcde-0000-7000-8000-000000000021.1-00000000000000ff.image.jpg",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(orphans); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", place->dir, orphans[i]);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        (void)close(fd);
    }
    assert_int_equal(count_blobs(place, "in"), 2);
    place_open(place);
    assert_int_equal(count_blobs(place, "in"), 1);
    assert_int_equal(count_blobs(place, "out"), 0);
}

static void waiters_come_back_when_the_program_is_about_to_end(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    expect_code(0, submit(place, tiny_png, sizeof(tiny_png), id));
    imgjob_store_wake_waiters(place->store);
    expect_code(0, imgjob_store_wait(place->store, id, 600000, &job, &test_err));
    assert_false(imgjob_job_is_ended(job));
    imgjob_job_free(job);
}

static void a_result_outlives_the_spec_it_was_made_by(void **state)
{
    (void)state;
    struct imgjob_result *result = NULL;
    struct imgjob_spec *spec =
        spec_of("{\"operation\":\"resize\",\"width\":3,\"height\":2}");
    expect_code(0,
                imgjob_run(tiny_png, sizeof(tiny_png), spec, NULL, &result, &test_err));
    imgjob_spec_free(spec);
    const struct imgjob_output *output = imgjob_result_output(result, 0);
    assert_string_equal(output->name, "image");
    assert_int_equal(output->width, 3);
    assert_null(imgjob_result_output(result, 1));
    imgjob_result_free(result);
}

static void a_paused_pool_takes_nothing_until_it_is_resumed(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    struct imgjob_pool *pool =
        pool_of(place, (struct imgjob_pool_options){ .paused = true });
    expect_code(0, submit(place, tiny_png, sizeof(tiny_png), id));
    expect_code(0, imgjob_store_wait(place->store, id, 300, &job, &test_err));
    assert_string_equal(imgjob_job_status_name(job), "pending");
    imgjob_job_free(job);
    imgjob_pool_resume(pool);
    expect_code(0, imgjob_store_wait(place->store, id, 60000, &job, &test_err));
    assert_string_equal(imgjob_job_status_name(job), "completed");
    imgjob_job_free(job);
    assert_int_equal(imgjob_pool_drain(pool, 60000), 0);
    imgjob_pool_close(pool);
}

static void a_pool_grows_and_shrinks_while_it_works(void **state)
{
    struct place *place = *state;
    enum { JOBS = 60 };
    static char ids[JOBS][IMGJOB_ID_SIZE];
    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    for (int i = 0; i < JOBS; i++) {
        expect_code(0, submit(place, tiny_png, sizeof(tiny_png), ids[i]));
        if (i % 20 == 10)
            expect_code(0, imgjob_pool_resize(pool, 1 + (uint32_t)i % 3, &test_err));
    }
    for (int i = 0; i < JOBS; i++) {
        struct imgjob_job *job = NULL;
        expect_code(0, imgjob_store_wait(place->store, ids[i], 60000, &job, &test_err));
        assert_string_equal(imgjob_job_status_name(job), "completed");
        imgjob_job_free(job);
    }
    expect_code(IMGJOB_E_INVALID, imgjob_pool_resize(pool, 0, &test_err));
    expect_words("must be 1..256, not 0");
    imgjob_pool_close(pool);
    assert_int_equal(count_blobs(place, "out"), JOBS);
}

static void inline_isolation_runs_the_same_job(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    struct imgjob_pool *pool = pool_of(
        place, (struct imgjob_pool_options){ .isolation = IMGJOB_ISOLATION_INLINE });
    expect_code(0, submit(place, tiny_png, sizeof(tiny_png), id));
    expect_code(0, imgjob_store_wait(place->store, id, 60000, &job, &test_err));
    assert_string_equal(imgjob_job_error(job), "");
    assert_string_equal(imgjob_job_status_name(job), "completed");
    imgjob_job_free(job);
    imgjob_pool_close(pool);
}

/* Submit a job that sleeps until it is killed. */
static void submit_sleeper(struct place *place, char *id)
{
    struct imgjob_draft *draft = NULL;
    struct imgjob_spec *spec =
        spec_of("{\"operation\":\"resize\",\"width\":4008,\"height\":10}");
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    expect_code(0, imgjob_draft_write(draft, tiny_png, sizeof(tiny_png), &test_err));
    memcpy(id, imgjob_draft_id(draft), IMGJOB_ID_SIZE);
    expect_code(0, imgjob_store_submit(place->store, draft, spec, NULL, NULL, &test_err));
    imgjob_spec_free(spec);
}

static void await_status(struct place *place, const char *id, uint32_t status)
{
    uint32_t now;
    do {
        struct imgjob_job *job = NULL;
        expect_code(0, imgjob_store_wait(place->store, id, 5, &job, &test_err));
        now = imgjob_job_status(job);
        imgjob_job_free(job);
    } while (now != status); /* the test runner ends a test that hangs */
}

static void closing_a_pool_gives_its_job_back(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    struct imgjob_pool *pool = NULL;
    struct imgjob_pool_options options = {
        .size = sizeof(options),
        .workers = 1,
        .worker_path = getenv("IJ_MISBEHAVING_WORKER"),
    };
    expect_code(0, imgjob_pool_open(place->store, &options, &pool, &test_err));
    submit_sleeper(place, id);
    await_status(place, id, IMGJOB_STATUS_PROCESSING);
    struct imgjob_pool_stats stats = { .size = sizeof(stats) };
    expect_code(0, imgjob_pool_read_stats(pool, &stats, &test_err));
    assert_int_equal(stats.busy, 1);
    assert_int_equal(imgjob_pool_drain(pool, 0), 1);
    imgjob_pool_close(pool);
    expect_code(0, imgjob_store_get(place->store, id, &job, &test_err));
    assert_string_equal(imgjob_job_status_name(job), "pending");
    assert_non_null(strstr(imgjob_job_json(job), "\"attempt\":0"));
    imgjob_job_free(job);
}

static void no_job_waits_beside_an_idle_worker(void **state)
{
    struct place *place = *state;
    struct imgjob_pool *pool = NULL;
    struct imgjob_pool_options options = {
        .size = sizeof(options),
        .workers = 2,
        .worker_path = getenv("IJ_MISBEHAVING_WORKER"),
    };
    expect_code(0, imgjob_pool_open(place->store, &options, &pool, &test_err));
    struct imgjob_pool_stats stats = { .size = sizeof(stats) };
    do
        expect_code(0, imgjob_pool_read_stats(pool, &stats, &test_err));
    while (stats.ready < 2);
    char first[IMGJOB_ID_SIZE], second[IMGJOB_ID_SIZE];
    submit_sleeper(place, first);
    submit_sleeper(place, second);
    await_status(place, first, IMGJOB_STATUS_PROCESSING);
    await_status(place, second, IMGJOB_STATUS_PROCESSING);
    imgjob_pool_close(pool);
}

static void a_pool_resized_down_and_up_at_once_has_all_its_workers(void **state)
{
    struct place *place = *state;
    struct imgjob_pool *pool =
        pool_of(place, (struct imgjob_pool_options){ .workers = 3 });
    struct imgjob_pool_stats stats = { .size = sizeof(stats) };
    for (int i = 0; i < 6; i++) {
        expect_code(0, imgjob_pool_resize(pool, 1, &test_err));
        (void)usleep((useconds_t)i * 500);
        expect_code(0, imgjob_pool_resize(pool, 3, &test_err));
        do
            expect_code(0, imgjob_pool_read_stats(pool, &stats, &test_err));
        while (stats.ready < 3);
    }
    imgjob_pool_close(pool);
}

static void a_draft_whose_write_failed_cannot_be_submitted(void **state)
{
    struct place *place = *state;
    imgjob_store_close(place->store);
    place->options.max_upload_size = 80;
    place_open(place);
    struct imgjob_draft *draft = NULL;
    struct imgjob_spec *spec =
        spec_of("{\"operation\":\"resize\",\"width\":1,\"height\":1}");
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    expect_code(0, imgjob_draft_write(draft, tiny_png, sizeof(tiny_png), &test_err));
    expect_code(IMGJOB_E_LIMIT, imgjob_draft_write(draft, tiny_png, 20, &test_err));
    expect_code(IMGJOB_E_INVALID,
                imgjob_store_submit(place->store, draft, spec, NULL, NULL, &test_err));
    expect_words("only discard is allowed");
    imgjob_draft_discard(draft);
    imgjob_spec_free(spec);
    assert_int_equal(count_blobs(place, "in"), 0);
}

static void a_blob_that_cannot_be_removed_stops_nothing(void **state)
{
    struct place *place = *state;
    char path[700];
    imgjob_store_close(place->store);
    (void)snprintf(path, sizeof(path),
                   "%s/in/21/019abcde-0000-7000-8000-000000000021.in0", place->dir);
    assert_int_equal(mkdir(path, 0700), 0); /* not a file */
    (void)snprintf(path, sizeof(path),
                   "%s/in/22/019abcde-0000-7000-8000-000000000022.in0", place->dir);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    place_open(place);
    assert_int_equal(access(path, F_OK), -1);
}

static void results_expire_and_then_the_job(void **state)
{
    struct place *place = *state;
    imgjob_store_close(place->store);
    place->options.result_ttl_ms = 1;
    place_open(place);
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    expect_code(0, submit(place, tiny_png, sizeof(tiny_png), id));
    expect_code(0, imgjob_store_wait(place->store, id, 60000, &job, &test_err));
    assert_true(imgjob_job_is_ended(job));
    imgjob_job_free(job);
    imgjob_pool_close(pool);
    await_no_blobs(place);
    struct imgjob_download *download = NULL;
    int rc = imgjob_store_open_output(place->store, id, NULL, &download, &test_err);
    assert_int_equal(rc, IMGJOB_E_CONFLICT);
    expect_words("expired");
}

static void a_newer_program_is_told_what_this_library_does_not_know(void **state)
{
    struct place *place = *state;
    struct {
        struct imgjob_pool_options known;
        uint64_t unknown;
    } newer = { .known = { .size = sizeof(newer) }, .unknown = 1 };
    struct imgjob_pool *pool = NULL;
    expect_code(IMGJOB_E_ABI,
                imgjob_pool_open(place->store, &newer.known, &pool, &test_err));
    expect_words("imgjob_pool_options");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_job_goes_in_and_comes_out),
        TEST(what_was_acknowledged_is_there_after_a_restart),
        TEST(a_refused_submit_leaves_nothing_behind),
        TEST(an_input_over_the_limit_is_refused_while_it_arrives),
        TEST(a_full_queue_refuses_before_a_byte_is_taken),
        TEST(too_little_disk_refuses_before_a_byte_is_taken),
        TEST(a_second_store_on_the_same_place_is_refused),
        TEST(one_directory_for_both_is_refused),
        TEST(options_out_of_range_are_refused),
        TEST(unknown_ids_are_not_found),
        TEST(blobs_without_a_row_go_at_the_next_start),
        TEST(waiters_come_back_when_the_program_is_about_to_end),
        TEST(a_result_outlives_the_spec_it_was_made_by),
        TEST(a_paused_pool_takes_nothing_until_it_is_resumed),
        TEST(a_pool_grows_and_shrinks_while_it_works),
        TEST(inline_isolation_runs_the_same_job),
        TEST(closing_a_pool_gives_its_job_back),
        TEST(no_job_waits_beside_an_idle_worker),
        TEST(a_pool_resized_down_and_up_at_once_has_all_its_workers),
        TEST(a_draft_whose_write_failed_cannot_be_submitted),
        TEST(a_blob_that_cannot_be_removed_stops_nothing),
        TEST(results_expire_and_then_the_job),
        TEST(a_newer_program_is_told_what_this_library_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
