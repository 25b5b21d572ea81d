/* Counting, and how it is written down. */
#include "test.h"

#include <imgjob/operate.h>

#include "base/metrics.h"
#include "base/thread.h"
#include "metrics.h"

static void expect_text(struct ij_buf *buf, const char *text)
{
    assert_false(buf->failed);
    assert_string_equal(buf->data, text);
    ij_buf_done(buf);
}

static void value_is_counted_in_the_first_bucket_that_holds_it(void **state)
{
    (void)state;
    static const struct ij_bounds bounds = { { 1, 2.5 } };
    struct ij_histogram histogram = { .bounds = &bounds };
    ij_observe(&histogram, 1); /* the bound itself is in */
    ij_observe(&histogram, 1.5);
    ij_observe(&histogram, 2.25);
    ij_observe(&histogram, 100);
    ij_observe(&histogram, -7); /* a clock that went back */
    struct ij_buf buf = { 0 };
    ij_metric_put_histogram(&buf, "x", "", &histogram);
    expect_text(&buf, "x_bucket{le=\"1\"} 2\nx_bucket{le=\"2.5\"} 4\n"
                      "x_bucket{le=\"+Inf\"} 5\nx_sum 104.75\nx_count 5\n");
}

static void labels_stand_before_the_bound(void **state)
{
    (void)state;
    static const struct ij_bounds bounds = { { 1048576 } };
    struct ij_histogram histogram = { .bounds = &bounds };
    struct ij_buf buf = { 0 };
    ij_metric_put_histogram(&buf, "x", "a=\"b\"", &histogram);
    expect_text(&buf, "x_bucket{a=\"b\",le=\"1048576\"} 0\n"
                      "x_bucket{a=\"b\",le=\"+Inf\"} 0\n"
                      "x_sum{a=\"b\"} 0\nx_count{a=\"b\"} 0\n");
}

static void bounds_are_those_of_the_contract(void **state)
{
    (void)state;
    struct ij_histogram histogram = { .bounds = NULL };
    struct ij_buf buf = { 0 };
    ij_metric_put_histogram(&buf, "x", "", &histogram);
    static const char *const bounds[] = { "0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                          "0.5",   "1",    "2.5",   "5",    "10",  "30",
                                          "60",    "300",  "900",   "+Inf" };
    const char *at = buf.data;
    for (size_t i = 0; i < IJ_ARRAY_LEN(bounds); i++) {
        char line[64];
        (void)snprintf(line, sizeof(line), "x_bucket{le=\"%s\"} 0\n", bounds[i]);
        assert_memory_equal(at, line, strlen(line));
        at += strlen(line);
    }
    ij_buf_done(&buf);
}

static void value_of_a_label_is_escaped(void **state)
{
    (void)state;
    struct ij_buf labels = { 0 };
    ij_metric_label(&labels, "a", "one\n\"two\" \\ three");
    ij_metric_label(&labels, "b", "");
    expect_text(&labels, "a=\"one\\n\\\"two\\\" \\\\ three\",b=\"\"");
}

static void numbers_are_written_whole(void **state)
{
    (void)state;
    struct ij_buf buf = { 0 };
    ij_metric_head(&buf, "x_total", "counter", "What it is.");
    ij_metric_put(&buf, "x_total", "", 1234567890123.0);
    ij_metric_put(&buf, "x_total", "a=\"b\"", 1700000000.125);
    expect_text(&buf, "# HELP x_total What it is.\n# TYPE x_total counter\n"
                      "x_total 1234567890123\nx_total{a=\"b\"} 1700000000.125\n");
}

enum { OBSERVATIONS = 20000, THREADS = 4 };
static struct ij_histogram shared;

static void *observe_many(void *data)
{
    (void)data;
    for (int i = 0; i < OBSERVATIONS; i++)
        ij_observe(&shared, 0.5);
    return NULL;
}

static void nothing_is_lost_when_threads_count_together(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        expect_code(0,
                    ij_thread_start(&threads[i], "count", observe_many, NULL, &test_err));
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    struct ij_buf buf = { 0 };
    ij_metric_put_histogram(&buf, "x", "", &shared);
    assert_non_null(strstr(buf.data, "x_sum 40000\nx_count 80000\n"));
    ij_buf_done(&buf);
}

/* ---- what a store counts ---- */

static struct imgjob_store *store;

static int store_up(void **state)
{
    char *dir = test_dir_make();
    char inputs[300], outputs[300];
    (void)snprintf(inputs, sizeof(inputs), "file:%s/in", dir);
    (void)snprintf(outputs, sizeof(outputs), "file:%s/out", dir);
    const struct imgjob_store_options options = { .size = sizeof(options),
                                                  .jobs_url = "memory:",
                                                  .inputs_url = inputs,
                                                  .outputs_url = outputs,
                                                  .min_free_bytes = 1 };
    *state = dir;
    return imgjob_store_open(&options, &store, &test_err);
}

static int store_down(void **state)
{
    imgjob_store_close(store);
    test_dir_remove(*state);
    return 0;
}

static char *text_now(void)
{
    char *text = NULL;
    expect_code(0, imgjob_metrics_text(store, NULL, &text, &test_err));
    return text;
}

static void expect_line(const char *line)
{
    char *text = text_now();
    char whole[200];
    (void)snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (!strstr(text, whole))
        print_error("no line '%s' in:\n%s", line, text);
    assert_non_null(strstr(text, whole));
    imgjob_text_free(text);
}

static void every_queue_begins_at_zero(void **state)
{
    (void)state;
    expect_line("imgjob_jobs_submitted_total{queue=\"default\"} 0");
    expect_line("imgjob_jobs_finished_total{queue=\"default\",outcome=\"failed\"} 0");
    expect_line("imgjob_jobs{queue=\"default\",state=\"ready\"} 0");
    expect_line("imgjob_queue_wait_seconds_count{queue=\"default\"} 0");
    expect_line("imgjob_job_retries_total{reason=\"internal\"} 0");
}

static void queue_that_does_not_wait_has_no_oldest_job(void **state)
{
    (void)state;
    char *text = text_now();
    assert_null(strstr(text, "\nimgjob_oldest_ready_timestamp_seconds{"));
    imgjob_text_free(text);
}

/* ---- what a change of a job counts as ---- */

static struct ij_store_metrics metrics;

static int metrics_up(void **state)
{
    (void)state;
    metrics = (struct ij_store_metrics){ 0 };
    ij_store_metrics_init(&metrics);
    return 0;
}

static int metrics_down(void **state)
{
    (void)state;
    ij_store_metrics_done(&metrics);
    return 0;
}

static struct ij_change change_of(enum imgjob_state from, enum imgjob_state to)
{
    return (struct ij_change){
        .job = { .state = to, .token = 1, .created = 1000, .started = 4000 },
        .from = from,
        .since = 3500,
        .queue = "q",
    };
}

static void tell(struct ij_change change)
{
    ij_store_metrics_change(&metrics, &change);
}

static void wait_is_counted_from_ready_not_from_submitted(void **state)
{
    (void)state;
    tell(change_of(IMGJOB_STATE_READY, IMGJOB_STATE_RUNNING));
    struct ij_buf buf = { 0 };
    ij_metric_put_histogram(&buf, "w", "", &metrics.queues[0]->wait);
    assert_non_null(strstr(buf.data, "w_sum 0.5\nw_count 1\n"));
    ij_buf_done(&buf);
}

static void end_is_counted_by_how(void **state)
{
    (void)state;
    struct ij_change completed = change_of(IMGJOB_STATE_RUNNING, IMGJOB_STATE_SUCCEEDED);
    completed.job.finished = 6000;
    completed.job.bytes = 5000;
    completed.bytes_before = 1000;
    tell(completed);
    tell(change_of(IMGJOB_STATE_READY, IMGJOB_STATE_CANCELED));
    const struct ij_queue_metrics *queue = metrics.queues[0];
    assert_int_equal(ij_counter_read(&queue->finished[IMGJOB_STATE_SUCCEEDED]), 1);
    assert_int_equal(ij_counter_read(&queue->finished[IMGJOB_STATE_CANCELED]), 1);
    assert_int_equal(ij_counter_read(&queue->finished[IMGJOB_STATE_FAILED]), 0);
    struct ij_buf buf = { 0 };
    ij_metric_put_histogram(&buf, "e", "", &metrics.end_to_end);
    ij_metric_put_histogram(&buf, "o", "", &metrics.output_bytes);
    assert_non_null(strstr(buf.data, "e_sum 5\ne_count 1\n"));
    assert_non_null(strstr(buf.data, "o_sum 4000\no_count 1\n"));
    ij_buf_done(&buf);
}

static void lost_lease_is_no_retry_and_counts_also_when_it_ends_the_job(void **state)
{
    (void)state;
    struct ij_change lost = change_of(IMGJOB_STATE_RUNNING, IMGJOB_STATE_READY);
    lost.job.token = 0;
    lost.job.reason = IJ_REASON_INTERNAL; /* of an earlier attempt */
    tell(lost);
    lost.job.state = IMGJOB_STATE_FAILED;
    lost.job.reason = IJ_REASON_LOST;
    tell(lost);
    assert_int_equal(ij_counter_read(&metrics.losses), 2);
    assert_int_equal(ij_counter_read(&metrics.retries[IJ_REASON_INTERNAL]), 0);
    assert_int_equal(ij_counter_read(&metrics.queues[0]->finished[IMGJOB_STATE_FAILED]),
                     1);
}

static void retry_is_counted_by_its_reason(void **state)
{
    (void)state;
    struct ij_change retried = change_of(IMGJOB_STATE_RUNNING, IMGJOB_STATE_SCHEDULED);
    retried.job.reason = IJ_REASON_STORE;
    tell(retried);
    tell(change_of(IMGJOB_STATE_RUNNING, IMGJOB_STATE_READY)); /* released, no failure */
    assert_int_equal(ij_counter_read(&metrics.retries[IJ_REASON_STORE]), 1);
    assert_int_equal(ij_counter_read(&metrics.retries[IJ_REASON_NONE]), 0);
}

static void progress_and_a_wish_to_cancel_count_as_nothing(void **state)
{
    (void)state;
    tell(change_of(IMGJOB_STATE_RUNNING, IMGJOB_STATE_RUNNING));
    struct ij_buf buf = { 0 };
    ij_metric_put_histogram(&buf, "w", "", &metrics.queues[0]->wait);
    assert_non_null(strstr(buf.data, "w_count 0\n"));
    ij_buf_done(&buf);
}

static void queues_that_come_late_are_counted_together(void **state)
{
    (void)state;
    struct ij_change taken = change_of(IMGJOB_STATE_BLOCKED, IMGJOB_STATE_READY);
    for (int i = 0; i < IJ_QUEUES_MAX + 5; i++) {
        (void)snprintf(taken.queue, sizeof(taken.queue), "q%d", i);
        tell(taken);
    }
    assert_int_equal(metrics.queue_count, IJ_QUEUES_MAX + 1);
    const struct ij_queue_metrics *last = metrics.queues[IJ_QUEUES_MAX];
    assert_string_equal(last->name, "(others)");
    assert_int_equal(ij_counter_read(&last->submitted), 5);
    (void)snprintf(taken.queue, sizeof(taken.queue), "q0");
    tell(taken);
    assert_int_equal(ij_counter_read(&metrics.queues[0]->submitted), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_is_counted_in_the_first_bucket_that_holds_it),
        cmocka_unit_test(labels_stand_before_the_bound),
        cmocka_unit_test(bounds_are_those_of_the_contract),
        cmocka_unit_test(value_of_a_label_is_escaped),
        cmocka_unit_test(numbers_are_written_whole),
        cmocka_unit_test(nothing_is_lost_when_threads_count_together),
        cmocka_unit_test_setup_teardown(every_queue_begins_at_zero, store_up, store_down),
        cmocka_unit_test_setup_teardown(queue_that_does_not_wait_has_no_oldest_job,
                                        store_up, store_down),
        cmocka_unit_test_setup_teardown(wait_is_counted_from_ready_not_from_submitted,
                                        metrics_up, metrics_down),
        cmocka_unit_test_setup_teardown(end_is_counted_by_how, metrics_up, metrics_down),
        cmocka_unit_test_setup_teardown(
            lost_lease_is_no_retry_and_counts_also_when_it_ends_the_job, metrics_up,
            metrics_down),
        cmocka_unit_test_setup_teardown(retry_is_counted_by_its_reason, metrics_up,
                                        metrics_down),
        cmocka_unit_test_setup_teardown(queues_that_come_late_are_counted_together,
                                        metrics_up, metrics_down),
        cmocka_unit_test_setup_teardown(progress_and_a_wish_to_cancel_count_as_nothing,
                                        metrics_up, metrics_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
