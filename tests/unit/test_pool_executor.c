/* Executors that do what they should: the real worker program, and the inline one. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "executor_bench.h"
#include "misbehaviour.h"
#include "pool/worker_path.h"

static void a_job_is_done_and_its_output_is_sealed(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    assert_int_equal(run_width(&bench, 8, &result), IJ_ENDED_DONE);
    struct ij_work_output *output = &result.outputs[0];
    assert_int_equal(output->image.format, IMGJOB_FORMAT_PNG);
    struct stat st;
    assert_int_equal(fstat(output->fd, &st), 0);
    assert_int_equal(st.st_size, output->image.len);
    char first[32];
    assert_int_equal(pread(output->fd, first, sizeof(first), 0), sizeof(first));
    assert_int_equal(ij_format_sniff(first, sizeof(first)), IMGJOB_FORMAT_PNG);
    assert_int_equal(pwrite(output->fd, "x", 1, 0), -1);
    assert_int_equal(ftruncate(output->fd, 0), -1);
    ij_work_result_done(&result);
    bench_done(&bench);
}

/* The most outputs there can be, output i being i + 1 px wide, every second one JPEG. */
static void write_full_spec(char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "{\"outputs\":[");
    for (int i = 0; i < IJ_SPEC_OUTPUTS_MAX && used < size; i++)
        used += (size_t)snprintf(out + used, size - used,
                                 "%s{\"name\":\"o%d\",\"format\":\"%s\",\"steps\":"
                                 "[{\"op\":\"resize\",\"width\":%d,\"height\":2}]}",
                                 i > 0 ? "," : "", i, i % 2 ? "jpeg" : "png", i + 1);
    assert_true(used + 3 < size);
    memcpy(out + used, "]}", 3);
}

static void expect_full_result(struct ij_work_result *result)
{
    assert_int_equal(result->ending, IJ_ENDED_DONE);
    assert_int_equal(result->output_count, IJ_SPEC_OUTPUTS_MAX);
    for (uint32_t i = 0; i < IJ_SPEC_OUTPUTS_MAX; i++) {
        const struct ij_work_output *output = &result->outputs[i];
        uint8_t first[32];
        assert_int_equal(output->image.width, i + 1);
        assert_int_equal(output->image.height, 2);
        assert_int_equal(output->image.pages, 1);
        assert_int_equal(output->image.format,
                         i % 2 ? IMGJOB_FORMAT_JPEG : IMGJOB_FORMAT_PNG);
        assert_int_equal(pread(output->fd, first, sizeof(first), 0), sizeof(first));
        assert_int_equal(ij_format_sniff(first, sizeof(first)), output->image.format);
    }
    ij_work_result_done(result);
}

static void a_job_makes_many_outputs_in_their_order(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    char spec[4096];
    write_full_spec(spec, sizeof(spec));
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    for (int i = 0; i < 3; i++) {
        (void)run_spec(&bench, spec, &result);
        expect_full_result(&result);
    }
    assert_int_equal(bench.executor->ops->starts(bench.executor), 1);
    bench_done(&bench);
    bench_init(&bench, "IJ_WORKER");
    expect_code(0, ij_inline_open(&bench.config, &bench.executor, &test_err));
    (void)run_spec(&bench, spec, &result);
    expect_full_result(&result);
    bench_done(&bench);
}

static void expect_report(struct bench *bench, const char *spec, size_t output_count)
{
    struct ij_work_result result;
    assert_int_equal(run_spec(bench, spec, &result), IJ_ENDED_DONE);
    assert_int_equal(result.output_count, output_count);
    assert_int_equal(ij_json_int(ij_json_member(result.info, "width")), 1);
    assert_string_equal(ij_json_string(ij_json_member(result.info, "format")), "png");
    ij_work_result_done(&result);
    assert_null(result.info);
}

static void a_job_reports_what_the_image_is(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    expect_report(&bench, "{\"outputs\":[],\"info\":true}", 0);
    expect_report(&bench, "{\"info\":true}", 1);
    bench_done(&bench);
    bench_init(&bench, "IJ_WORKER");
    expect_code(0, ij_inline_open(&bench.config, &bench.executor, &test_err));
    expect_report(&bench, "{\"outputs\":[],\"info\":true}", 0);
    bench_done(&bench);
}

static void an_output_may_be_of_any_of_its_candidates(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    assert_int_equal(run_spec(&bench,
                              "{\"outputs\":[{\"format\":\"auto\",\"candidates\":"
                              "[\"webp\",\"jpeg\"]}]}",
                              &result),
                     IJ_ENDED_DONE);
    uint32_t format = result.outputs[0].image.format;
    assert_true(format == IMGJOB_FORMAT_WEBP || format == IMGJOB_FORMAT_JPEG);
    ij_work_result_done(&result);
    bench_done(&bench);
}

static void all_outputs_share_the_limit(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    char spec[4096];
    write_full_spec(spec, sizeof(spec));
    bench_init(&bench, "IJ_WORKER");
    bench.config.limits.max_output_size = 2000; /* enough for each alone */
    bench_open(&bench);
    assert_int_equal(run_spec(&bench, spec, &result), IJ_ENDED_FAILED);
    expect_words("is over the limit of 2000 (max_output_size)");
    assert_int_equal(result.failure.reason, IJ_REASON_OUTPUT_LIMIT);
    assert_int_equal(result.output_count, 0);
    bench_done(&bench);
}

static void one_process_runs_many_jobs(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    for (int i = 0; i < 20; i++)
        expect_works(&bench);
    assert_true(bench.executor->ops->is_ready(bench.executor));
    assert_int_equal(bench.executor->ops->starts(bench.executor), 1);
    assert_string_equal(bench.log, "");
    bench_done(&bench);
}

static void a_process_is_replaced_after_its_number_of_jobs(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "IJ_WORKER");
    bench.config.recycle_jobs = 2;
    bench_open(&bench);
    for (int i = 0; i < 6; i++)
        expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 3);
    bench_done(&bench);
}

static void a_process_is_replaced_when_it_has_grown(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "IJ_WORKER");
    bench.config.recycle_rss = 1;
    bench_open(&bench);
    for (int i = 0; i < 2; i++)
        expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 2);
    bench_done(&bench);
}

/* A TIFF of one grey pixel. */
static const uint8_t tiff[] = {
    0x49, 0x49, 0x2a, 0x00, 0x08, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x01, 0x03, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x01, 0x03, 0x00, 0x01, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00,
    0x08, 0x00, 0x00, 0x00, 0x03, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00,
    0x00, 0x00, 0x06, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
    0x11, 0x01, 0x04, 0x00, 0x01, 0x00, 0x00, 0x00, 0x7a, 0x00, 0x00, 0x00, 0x15, 0x01,
    0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x16, 0x01, 0x03, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x17, 0x01, 0x04, 0x00, 0x01, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80
};

static void a_process_that_read_a_tiff_is_replaced(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    expect_code(0, bench.executor->ops->prepare(bench.executor, &test_err));
    run_bytes(&bench, 8, tiff, sizeof(tiff), &result);
    assert_int_equal(result.ending, IJ_ENDED_DONE);
    ij_work_result_done(&result);
    assert_false(bench.executor->ops->is_ready(bench.executor));
    bench_done(&bench);
}

static int memory_of(const void *bytes, size_t len)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    return fd;
}

/* A worker is as likely to be taken over by what is laid on the image. */
static void a_process_that_read_a_tiff_overlay_is_replaced(void **state)
{
    (void)state;
    static const char text[] = "{\"steps\":[{\"op\":\"composite\",\"input\":1}],"
                               "\"outputs\":[{\"name\":\"image\",\"format\":\"png\"}]}";
    const struct {
        const uint8_t *bytes;
        size_t len;
        bool stays;
    } overlays[] = { { png, sizeof(png), true }, { tiff, sizeof(tiff), false } };
    struct bench bench;
    struct imgjob_spec *spec = NULL;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    expect_code(0, ij_spec_parse(text, strlen(text), &ij_image_ops, &spec, &test_err));
    for (size_t i = 0; i < IJ_ARRAY_LEN(overlays); i++) {
        struct ij_work_result result = { .output_count = 0 };
        struct ij_input_file files[] = {
            { memory_of(png, sizeof(png)), sizeof(png) },
            { memory_of(overlays[i].bytes, overlays[i].len), overlays[i].len },
        };
        struct ij_work work = {
            .job_id = "job-1", .inputs = files, .input_count = 2, .spec = spec
        };
        expect_code(0, bench.executor->ops->prepare(bench.executor, &test_err));
        bench.executor->ops->run(bench.executor, &work, &result);
        assert_int_equal(result.ending, IJ_ENDED_DONE);
        ij_work_result_done(&result);
        assert_int_equal(bench.executor->ops->is_ready(bench.executor),
                         overlays[i].stays);
        ij_close(&files[0].fd);
        ij_close(&files[1].fd);
    }
    imgjob_spec_free(spec);
    bench_done(&bench);
}

static void a_broken_image_fails_and_the_process_stays(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    expect_code(0, bench.executor->ops->prepare(bench.executor, &test_err));
    run_bytes(&bench, 8, "no image at all, this", 21, &result);
    assert_int_equal(result.ending, IJ_ENDED_FAILED);
    assert_int_equal(result.failure.reason, IJ_REASON_FORMAT);
    assert_int_equal(result.failure.error.code, IMGJOB_E_IMAGE);
    run_bytes(&bench, 8, "", 0, &result);
    assert_int_equal(result.ending, IJ_ENDED_FAILED);
    run_bytes(&bench, 8, png, 50, &result);
    assert_int_equal(result.ending, IJ_ENDED_FAILED);
    expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 1);
    bench_done(&bench);
}

static void an_input_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_WORKER");
    bench.config.limits.max_upload_size = 10;
    bench_open(&bench);
    assert_int_equal(run_width(&bench, 8, &result), IJ_ENDED_FAILED);
    expect_words("input bytes: 69 is over the limit of 10 (max_upload_size)");
    assert_int_equal(result.failure.reason, IJ_REASON_TOO_LARGE);
    bench_done(&bench);
}

static void an_output_over_the_limit_fails_and_the_process_is_replaced(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_WORKER");
    bench.config.limits.max_output_size = 20;
    bench_open(&bench);
    assert_int_equal(run_width(&bench, 8, &result), IJ_ENDED_FAILED);
    expect_words("is over the limit of 20 (max_output_size)");
    assert_int_equal(result.failure.reason, IJ_REASON_OUTPUT_LIMIT);
    assert_int_equal(result.failure.error.code, IMGJOB_E_LIMIT);
    assert_int_equal(result.output_count, 0);
    assert_false(bench.executor->ops->is_ready(bench.executor));
    bench_done(&bench);
}

static void stop_before_the_attempt_leaves_the_process_alone(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    bench.executor->ops->stop(bench.executor, IJ_EXIT_CANCELED);
    expect_code(IMGJOB_E_BUSY, bench.executor->ops->prepare(bench.executor, &test_err));
    expect_words("stopped before the next job");
    run_bytes(&bench, 8, png, sizeof(png), &result);
    assert_int_equal(result.ending, IJ_ENDED_STOPPED);
    bench.executor->ops->unstop(bench.executor);
    expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 1);
    bench_done(&bench);
}

static void stop_ends_the_wait_for_a_worker_that_hangs_at_its_start(void **state)
{
    (void)state;
    struct bench bench;
    pthread_t thread;
    pid_t worker = 0;
    char *dir = test_dir_make();
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/worker", dir);
    write_hanging_worker(path);
    bench_init(&bench, "IJ_WORKER");
    bench.config.worker_path = path;
    bench_open(&bench);
    assert_int_equal(pthread_create(&thread, NULL, stop_once_it_speaks, &bench), 0);
    expect_code(IMGJOB_E_BUSY, bench.executor->ops->prepare(bench.executor, &test_err));
    expect_words("was ready");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(bench.log, "worker -: hanging\n");
    assert_int_equal(children_of(getpid(), &worker), 0);
    bench_done(&bench);
    test_dir_remove(dir);
}

/* The one worker died while idle: run a job without prepare(). */
static void run_after_death(struct bench *bench, struct ij_work_result *out)
{
    pid_t worker = 0;
    siginfo_t info;
    assert_int_equal(children_of(getpid(), &worker), 1);
    assert_int_equal(kill(worker, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)worker, &info, WEXITED | WNOWAIT), 0);
    assert_false(bench->executor->ops->is_ready(bench->executor));
    run_bytes(bench, 8, png, sizeof(png), out);
    test_err = out->failure.error;
}

static void expect_nodes_fault(const struct ij_work_result *result, const char *words)
{
    assert_int_equal(result->ending, IJ_ENDED_FAILED);
    assert_int_equal(result->failure.reason, IJ_REASON_INTERNAL);
    assert_int_equal(result->failure.error.code, IMGJOB_E_NOMEM);
    expect_words(words);
}

static void a_successor_that_does_not_start_is_this_nodes_fault(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    char *dir = test_dir_make();
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/worker", dir);
    assert_int_equal(symlink(program("IJ_WORKER"), path), 0);
    bench_init(&bench, "IJ_WORKER");
    bench.config.worker_path = path;
    bench_open(&bench);
    expect_works(&bench);
    assert_int_equal(unlink(path), 0);
    run_after_death(&bench, &result);
    expect_nodes_fault(&result, "the worker could not be used: ");

    bench_done(&bench);
    test_dir_remove(dir);
}

static void no_descriptors_for_outputs_is_this_nodes_fault(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    struct rlimit before, low;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    expect_works(&bench);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int lowest = dup(0);
    (void)close(lowest);
    low = before;
    low.rlim_cur = (rlim_t)lowest + 1; /* enough for the input */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    run_bytes(&bench, 8, png, sizeof(png), &result);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    test_err = result.failure.error;
    expect_nodes_fault(&result, "make memory for an output: Too many open files");
    expect_works(&bench);
    bench_done(&bench);
}

static void an_idle_worker_that_died_is_replaced_and_no_job_is_blamed(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    pid_t worker = 0;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    expect_works(&bench);
    run_after_death(&bench, &result); /* it died after is_ready() */
    assert_int_equal(result.ending, IJ_ENDED_DONE);
    ij_work_result_done(&result);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 2);
    bench_done(&bench);
    assert_int_equal(children_of(getpid(), &worker), 0);
}

static void expect_no_start(const char *path, const char *words)
{
    struct bench bench;
    bench_init(&bench, "IJ_WORKER");
    bench.config.worker_path = path;
    bench_open(&bench);
    expect_code(IMGJOB_E_CRASHED,
                bench.executor->ops->prepare(bench.executor, &test_err));
    expect_words(words);
    assert_false(bench.executor->ops->is_ready(bench.executor));
    bench_done(&bench);
}

static void a_worker_that_does_not_start_says_why(void **state)
{
    (void)state;
    /* under valgrind a failed exec is an exit, so only the common words are looked at */
    expect_no_start("/nonexistent/worker", "worker '/nonexistent/worker'");
    expect_no_start("/bin/true",
                    "worker '/bin/true' did not start: exited with status 0");
    expect_no_start("/bin/ls", "worker '/bin/ls' did not start: exited with status 2: ");
}

static void a_worker_of_another_build_is_refused(void **state)
{
    (void)state;
    char *dir = test_dir_make();
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/" MISBEHAVE_OTHER_BUILD, dir);
    assert_int_equal(symlink(program("IJ_MISBEHAVING_WORKER"), path), 0);
    expect_no_start(path, "did not start: it is of build 'another', this library of '");
    test_dir_remove(dir);
}

static void a_worker_started_by_hand_explains_itself(void **state)
{
    (void)state;
    char command[512];
    (void)snprintf(command, sizeof(command), "'%s' 2>&1", program("IJ_WORKER"));
    FILE *stream = popen(command, "r");
    assert_non_null(stream);
    char line[128] = "";
    assert_non_null(fgets(line, sizeof(line), stream));
    assert_string_equal(line, "imgjob-worker is started by libimgjob, not by hand\n");
    assert_int_equal(WEXITSTATUS(pclose(stream)), 2);
}

static void inline_runs_the_same_jobs_in_this_process(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    pid_t worker = 0;
    bench_init(&bench, "IJ_WORKER");
    expect_code(0, ij_inline_open(&bench.config, &bench.executor, &test_err));
    expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 0);
    assert_int_equal(children_of(getpid(), &worker), 0);

    run_bytes(&bench, 8, "no image", 8, &result);
    assert_int_equal(result.ending, IJ_ENDED_FAILED);
    assert_int_equal(result.failure.reason, IJ_REASON_FORMAT);
    bench.executor->ops->stop(bench.executor, IJ_EXIT_CANCELED);
    expect_code(IMGJOB_E_BUSY, bench.executor->ops->prepare(bench.executor, &test_err));
    expect_words("stopped before the next job");
    run_bytes(&bench, 8, png, sizeof(png), &result);
    assert_int_equal(result.ending, IJ_ENDED_STOPPED);
    bench.executor->ops->unstop(bench.executor);
    bench.config.limits.max_output_size = 20;
    assert_int_equal(run_width(&bench, 8, &result), IJ_ENDED_FAILED);
    expect_words("is over the limit of 20 (max_output_size)");
    bench_done(&bench);
}

static void the_worker_program_is_found_or_the_places_are_named(void **state)
{
    (void)state;
    char path[4096];
    expect_code(0, ij_worker_path(program("IJ_WORKER"), path, sizeof(path), &test_err));
    assert_int_equal(path[0], '/');
    expect_code(IMGJOB_E_INVALID,
                ij_worker_path("/nonexistent/worker", path, sizeof(path), &test_err));
    expect_words("worker program '/nonexistent/worker' (worker_path): No such file");
    expect_code(IMGJOB_E_INVALID, ij_worker_path("/tmp", path, sizeof(path), &test_err));
    expect_words("Is a directory");
    expect_code(IMGJOB_E_INVALID,
                ij_worker_path("/etc/passwd", path, sizeof(path), &test_err));
    expect_words("Permission denied");
    /* a test program stands where no worker is */
    expect_code(IMGJOB_E_INVALID, ij_worker_path(NULL, path, sizeof(path), &test_err));
    expect_words("pool/imgjob-worker");
    expect_words("say where with worker_path");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_done_and_its_output_is_sealed),
        cmocka_unit_test(a_job_makes_many_outputs_in_their_order),
        cmocka_unit_test(a_job_reports_what_the_image_is),
        cmocka_unit_test(an_output_may_be_of_any_of_its_candidates),
        cmocka_unit_test(all_outputs_share_the_limit),
        cmocka_unit_test(one_process_runs_many_jobs),
        cmocka_unit_test(a_process_is_replaced_after_its_number_of_jobs),
        cmocka_unit_test(a_process_is_replaced_when_it_has_grown),
        cmocka_unit_test(a_process_that_read_a_tiff_is_replaced),
        cmocka_unit_test(a_process_that_read_a_tiff_overlay_is_replaced),
        cmocka_unit_test(a_broken_image_fails_and_the_process_stays),
        cmocka_unit_test(an_input_over_the_limit_is_refused),
        cmocka_unit_test(an_output_over_the_limit_fails_and_the_process_is_replaced),
        cmocka_unit_test(stop_before_the_attempt_leaves_the_process_alone),
        cmocka_unit_test(stop_ends_the_wait_for_a_worker_that_hangs_at_its_start),
        cmocka_unit_test(a_successor_that_does_not_start_is_this_nodes_fault),
        cmocka_unit_test(no_descriptors_for_outputs_is_this_nodes_fault),
        cmocka_unit_test(an_idle_worker_that_died_is_replaced_and_no_job_is_blamed),
        cmocka_unit_test(a_worker_that_does_not_start_says_why),
        cmocka_unit_test(a_worker_of_another_build_is_refused),
        cmocka_unit_test(a_worker_started_by_hand_explains_itself),
        cmocka_unit_test(inline_runs_the_same_jobs_in_this_process),
        cmocka_unit_test(the_worker_program_is_found_or_the_places_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
