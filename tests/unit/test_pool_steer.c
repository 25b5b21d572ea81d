/* A pool under those who steer it: cancels, pauses, resizes, its end. Workers sleep where
 * a job must certainly be running. */
#include "place.h"

#include <semaphore.h>

#include "base/buf.h"
#include "image_case.h"
#include "misbehaviour.h"
#include "pool/pool.h"

/* A log that posts for each job that is certainly with its worker. */
struct ear {
    const char *words; /* of the line that says so */
    sem_t heard;
};

static void listen_for(void *data, const struct imgjob_log_event *event)
{
    struct ear *ear = data;
    if (strstr(event->text, ear->words))
        (void)sem_post(&ear->heard);
}

static void await(struct ear *ear)
{
    while (sem_wait(&ear->heard) != 0)
        continue;
}

/* A pool of workers that sleep over a job of that width. */
static struct imgjob_pool *sleepers(struct place *place, struct ear *ear,
                                    struct imgjob_pool_options options)
{
    struct imgjob_pool *pool = NULL;
    *ear = (struct ear){ .words = "asleep" };
    (void)sem_init(&ear->heard, 0, 0);
    options.size = sizeof(options);
    options.worker_path = getenv("IJ_MISBEHAVING_WORKER");
    options.job_timeout_ms = 3600 * 1000;
    options.log = listen_for;
    options.log_data = ear;
    expect_code(0, imgjob_pool_open(place->store, &options, &pool, &test_err));
    return pool;
}

static void submit(struct place *place, int width, char id[IMGJOB_ID_SIZE])
{
    struct imgjob_submitted submitted;
    char spec[128];
    (void)snprintf(spec, sizeof(spec),
                   "{\"operation\":\"resize\",\"width\":%d,\"height\":4}", width);
    expect_code(0, place_submit(place, spec, NULL, &submitted));
    memcpy(id, submitted.id, IMGJOB_ID_SIZE);
}

static void expect_ends(struct place *place, const char *id, const char *status)
{
    struct imgjob_job *job = NULL;
    expect_code(0, imgjob_store_wait(place->store, id, 60000, &job, &test_err));
    assert_string_equal(imgjob_job_status_name(job), status);
    imgjob_job_free(job);
}

static void expect_is(struct place *place, const char *id, const char *status)
{
    struct imgjob_job *job = NULL;
    expect_code(0, imgjob_store_get(place->store, id, &job, &test_err));
    assert_string_equal(imgjob_job_status_name(job), status);
    imgjob_job_free(job);
}

static void cancel(struct place *place, const char *id)
{
    expect_code(0, imgjob_store_cancel(place->store, id, NULL, &test_err));
}

static struct imgjob_pool_stats stats_of(struct imgjob_pool *pool)
{
    struct imgjob_pool_stats stats = { .size = sizeof(stats) };
    expect_code(0, imgjob_pool_read_stats(pool, &stats, &test_err));
    return stats;
}

/* Whether a line is in the pool's metrics. */
static bool has_metric(struct imgjob_pool *pool, const char *line)
{
    struct ij_buf text = { .max = 1 << 20 };
    ij_pool_metrics_write(pool, &text);
    ij_buf_add(&text, "", 1); /* its end */
    assert_false(text.failed);
    bool is_there = strstr(text.data, line) != NULL;
    ij_buf_done(&text);
    return is_there;
}

static void expect_metric(struct imgjob_pool *pool, const char *line)
{
    if (!has_metric(pool, line))
        fail_msg("no '%s' in the metrics", line);
}

static void a_running_job_is_cancelled_and_the_next_one_runs(void **state)
{
    struct place *place = *state;
    struct ear ear;
    char slow[IMGJOB_ID_SIZE], next[IMGJOB_ID_SIZE];
    struct imgjob_pool *pool =
        sleepers(place, &ear, (struct imgjob_pool_options){ .workers = 1 });
    submit(place, MISBEHAVE_SLEEP, slow);
    submit(place, 8, next);
    await(&ear);
    cancel(place, slow);
    expect_ends(place, slow, "cancelled");
    expect_ends(place, next, "completed");
    assert_int_equal(imgjob_pool_drain(pool, 60000), 0); /* all is counted by then */
    assert_int_equal(stats_of(pool).canceled, 1);
    assert_int_equal(stats_of(pool).finished, 2);
    assert_int_equal(count_blobs(place, "out"), 1);
    expect_metric(pool, "imgjob_worker_exits_total{cause=\"canceled\"} 1\n");
    expect_metric(pool, "imgjob_worker_exits_total{cause=\"crashed\"} 0\n");
    expect_metric(pool, "imgjob_lease_lost_total 0\n");
    expect_metric(pool,
                  "imgjob_process_seconds_count{op=\"resize\",stage=\"steps\"} 1\n");
    expect_metric(pool, "imgjob_workers{state=\"busy\"} 0\n");
    expect_metric(pool, "imgjob_workers{state=\"ready\"} 1\n");
    imgjob_pool_close(pool);
}

/* Noise, which no encoder is done with soon. */
static void submit_noise(struct place *place, const char *spec_json,
                         char id[IMGJOB_ID_SIZE])
{
    VipsImage *noise = NULL;
    expect_code(0, ij_image_start(&test_err));
    assert_int_equal(vips_gaussnoise(&noise, 2000, 2000, NULL), 0);
    struct bytes bytes = encoded(noise, ".jpg");
    g_object_unref(noise);
    struct imgjob_draft *draft = place_draft(place, bytes.data, bytes.len);
    struct imgjob_spec *spec = spec_of(spec_json);
    struct imgjob_submitted submitted = { .size = sizeof(submitted) };
    expect_code(
        0, imgjob_store_submit(place->store, draft, spec, NULL, &submitted, &test_err));
    memcpy(id, submitted.id, IMGJOB_ID_SIZE);
    imgjob_spec_free(spec);
    bytes_done(&bytes);
}

/* Look until the job's JSON has these words, which a running job can be awaited by. */
static void await_words(struct place *place, const char *id, const char *words)
{
    bool is_there = false;
    while (!is_there) {
        struct imgjob_job *job = NULL;
        expect_code(0, imgjob_store_wait(place->store, id, 20, &job, &test_err));
        is_there = strstr(imgjob_job_json(job), words) != NULL;
        assert_true(is_there || !imgjob_job_is_ended(job));
        imgjob_job_free(job);
    }
}

static void an_encoder_that_is_busy_for_long_is_stopped_too(void **state)
{
    struct place *place = *state;
    char slow[IMGJOB_ID_SIZE], next[IMGJOB_ID_SIZE];
    struct imgjob_pool *pool =
        pool_of(place, (struct imgjob_pool_options){ .job_timeout_ms = 3600 * 1000,
                                                     .job_cpu_ms = 3600 * 1000 });
    submit_noise(place, "{\"outputs\":[{\"format\":\"avif\",\"effort\":9}]}", slow);
    await_words(place, slow, "\"stage\":\"encode\"");
    cancel(place, slow);
    expect_ends(place, slow, "cancelled");
    submit(place, 8, next);
    expect_ends(place, next, "completed");
    imgjob_pool_close(pool);
}

static void a_cancel_that_races_with_the_end_has_one_winner(void **state)
{
    struct place *place = *state;
    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    for (int i = 0; i < 60; i++) {
        struct imgjob_job *job = NULL;
        char id[IMGJOB_ID_SIZE];
        submit(place, 8 + i, id);
        if (i % 3 > 0) /* else it has hardly begun; or it ends just now, or has */
            expect_code(0, imgjob_store_wait(place->store, id, (uint32_t)(i % 7), &job,
                                             &test_err));
        imgjob_job_free(job);
        job = NULL;
        int rc = imgjob_store_cancel(place->store, id, &job, &test_err);
        if (rc == IMGJOB_E_CONFLICT) {
            expect_is(place, id, "completed");
            continue;
        }
        assert_int_equal(rc, 0);
        bool was_waiting = imgjob_job_status(job) == IMGJOB_STATUS_CANCELLED;
        imgjob_job_free(job);
        expect_code(0, imgjob_store_wait(place->store, id, 60000, &job, &test_err));
        assert_true(imgjob_job_status(job) == IMGJOB_STATUS_CANCELLED ||
                    (!was_waiting && imgjob_job_status(job) == IMGJOB_STATUS_COMPLETED));
        size_t outputs = imgjob_job_status(job) == IMGJOB_STATUS_COMPLETED;
        assert_int_equal(imgjob_job_output_count(job), outputs);
        imgjob_job_free(job);
    }
    char last[IMGJOB_ID_SIZE];
    submit(place, 8, last);
    expect_ends(place, last, "completed");
    imgjob_pool_close(pool);
}

static void a_paused_pool_stops_what_is_cancelled_and_takes_nothing_new(void **state)
{
    struct place *place = *state;
    struct ear ear;
    char slow[IMGJOB_ID_SIZE], next[IMGJOB_ID_SIZE];
    struct imgjob_pool *pool =
        sleepers(place, &ear, (struct imgjob_pool_options){ .workers = 1 });
    submit(place, MISBEHAVE_SLEEP, slow);
    submit(place, 8, next);
    await(&ear);
    imgjob_pool_pause(pool);
    assert_int_equal(imgjob_pool_drain(pool, 0), 1);
    cancel(place, slow);
    assert_int_equal(imgjob_pool_drain(pool, 60000), 0);
    expect_is(place, slow, "cancelled");
    expect_is(place, next, "pending");
    imgjob_pool_resume(pool);
    expect_ends(place, next, "completed");
    imgjob_pool_close(pool);
}

static void a_worker_that_is_to_go_is_freed_by_a_cancel(void **state)
{
    struct place *place = *state;
    struct ear ear;
    char slow[2][IMGJOB_ID_SIZE], next[IMGJOB_ID_SIZE];
    struct imgjob_pool *pool =
        sleepers(place, &ear, (struct imgjob_pool_options){ .workers = 2 });
    for (int i = 0; i < 2; i++)
        submit(place, MISBEHAVE_SLEEP, slow[i]);
    await(&ear);
    await(&ear);
    expect_code(0, imgjob_pool_resize(pool, 1, &test_err));
    for (int i = 0; i < 2; i++)
        cancel(place, slow[i]);
    for (int i = 0; i < 2; i++)
        expect_ends(place, slow[i], "cancelled");
    submit(place, 8, next);
    expect_ends(place, next, "completed");
    assert_int_equal(stats_of(pool).workers, 1);
    expect_code(0, imgjob_pool_resize(pool, 2, &test_err)); /* waits for the one */
    expect_metric(pool, "imgjob_worker_exits_total{cause=\"canceled\"} 2\n");
    imgjob_pool_close(pool);
}

static void a_worker_that_is_not_wanted_any_more_is_counted(void **state)
{
    struct place *place = *state;
    struct imgjob_pool *pool =
        pool_of(place, (struct imgjob_pool_options){ .workers = 1 });
    static const char none[] = "imgjob_worker_exits_total{cause=\"resized\"} 0\n";
    expect_metric(pool, none);
    do { /* the second may be wanted again before it has decided to go */
        expect_code(0, imgjob_pool_resize(pool, 2, &test_err));
        while (stats_of(pool).ready < 2) /* until it has said hello */
            (void)imgjob_pool_drain(pool, 1);
        expect_code(0, imgjob_pool_resize(pool, 1, &test_err));
    } while (has_metric(pool, none));
    imgjob_pool_close(pool);
}

static void the_end_of_a_pool_gives_its_job_back_unless_it_was_cancelled(void **state)
{
    struct place *place = *state;
    struct ear ear;
    char kept[IMGJOB_ID_SIZE], dropped[IMGJOB_ID_SIZE];
    struct imgjob_pool *pool =
        sleepers(place, &ear, (struct imgjob_pool_options){ .workers = 2 });
    submit(place, MISBEHAVE_SLEEP, kept);
    await(&ear);
    submit(place, MISBEHAVE_SLEEP, dropped);
    await(&ear);
    cancel(place, dropped);
    imgjob_pool_close(pool);
    struct imgjob_job *job = NULL;
    expect_is(place, dropped, "cancelled");
    expect_code(0, imgjob_store_get(place->store, kept, &job, &test_err));
    assert_int_equal(imgjob_job_state(job), IMGJOB_STATE_READY);
    assert_non_null(strstr(imgjob_job_json(job), "\"attempt\":0"));
    imgjob_job_free(job);
    cancel(place, kept); /* with no pool there */
    expect_is(place, kept, "cancelled");
}

static void the_time_of_a_job_is_its_own_where_it_is_shorter(void **state)
{
    struct place *place = *state;
    struct ear ear;
    struct imgjob_pool *pool =
        sleepers(place, &ear, (struct imgjob_pool_options){ .workers = 1 });
    const struct imgjob_submit_options options = { .size = sizeof(options),
                                                   .timeout_ms = 30 };
    struct imgjob_submitted submitted;
    struct imgjob_job *job = NULL;
    char spec[128];
    (void)snprintf(spec, sizeof(spec),
                   "{\"operation\":\"resize\",\"width\":%d,\"height\":4}",
                   MISBEHAVE_SLEEP);
    expect_code(0, place_submit(place, spec, &options, &submitted));
    expect_code(0, imgjob_store_wait(place->store, submitted.id, 60000, &job, &test_err));
    assert_string_equal(imgjob_job_reason(job), "timeout");
    assert_string_equal(imgjob_job_error(job),
                        "stopped after 30 ms, the limit of one attempt (timeout_ms)");
    imgjob_job_free(job);
    imgjob_pool_close(pool);
}

static void trusted_images_are_cancelled_between_tiles(void **state)
{
    struct place *place = *state;
    struct imgjob_pool *pool = NULL;
    char id[IMGJOB_ID_SIZE];
    const struct imgjob_pool_options options = {
        .size = sizeof(options),
        .workers = 1,
        .isolation = IMGJOB_ISOLATION_INLINE,
        .job_timeout_ms = 3600 * 1000,
    };
    expect_code(0, imgjob_pool_open(place->store, &options, &pool, &test_err));
    submit_noise(place,
                 "{\"steps\":[{\"op\":\"median\",\"size\":15},{\"op\":\"resize\","
                 "\"width\":6000},{\"op\":\"median\",\"size\":15}]}",
                 id);
    await_words(place, id, "\"stage\":");
    cancel(place, id);
    expect_ends(place, id, "cancelled");
    imgjob_pool_close(pool);
}

#define ON_DATABASE(name) \
    cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
#define IN_MEMORY(name)                                                         \
    cmocka_unit_test_prestate_setup_teardown(name, place_setup, place_teardown, \
                                             (void *)(uintptr_t) "memory:")

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DATABASE(a_running_job_is_cancelled_and_the_next_one_runs),
        ON_DATABASE(an_encoder_that_is_busy_for_long_is_stopped_too),
        ON_DATABASE(a_cancel_that_races_with_the_end_has_one_winner),
        IN_MEMORY(a_cancel_that_races_with_the_end_has_one_winner),
        IN_MEMORY(a_paused_pool_stops_what_is_cancelled_and_takes_nothing_new),
        IN_MEMORY(a_worker_that_is_to_go_is_freed_by_a_cancel),
        IN_MEMORY(a_worker_that_is_not_wanted_any_more_is_counted),
        ON_DATABASE(the_end_of_a_pool_gives_its_job_back_unless_it_was_cancelled),
        IN_MEMORY(the_time_of_a_job_is_its_own_where_it_is_shorter),
        IN_MEMORY(trusted_images_are_cancelled_between_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
