/* A worker that was taken over, or broke: it costs one job, and we learn why. */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "executor_bench.h"
#include "misbehaviour.h"
#include "pool/process.h"

/* This width fails or crashes as said, and the next job runs in another process. */
static void expect_ending(enum misbehaviour width, enum ij_ending ending,
                          enum ij_reason reason, int code, const char *words)
{
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench.config.timeout_ms = 20000;
    bench_open(&bench);
    assert_int_equal(run_width(&bench, width, &result), ending);
    expect_words(words);
    assert_int_equal(result.failure.reason, reason);
    assert_int_equal(result.failure.error.code, code);
    assert_int_equal(result.output_count, 0);
    assert_false(bench.executor->ops->is_ready(bench.executor));
    expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 2);
    bench_done(&bench);
}

static void a_job_that_never_ends_is_killed_and_the_next_one_runs(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    expect_works(&bench);
    bench.config.timeout_ms = 50;
    assert_int_equal(run_width(&bench, MISBEHAVE_LOOP, &result), IJ_ENDED_FAILED);
    expect_words("stopped after 50 ms, the limit of one attempt (job_timeout_ms)");
    assert_int_equal(result.failure.reason, IJ_REASON_TIMEOUT);
    assert_int_equal(result.failure.error.code, IMGJOB_E_TIMEOUT);
    assert_int_equal(result.failure.stage, IJ_STAGE_LOAD);
    assert_string_equal(result.failure.setting, "job_timeout_ms");
    assert_int_equal(result.failure.limit_value, 50);
    assert_int_equal(exits(&bench, IJ_EXIT_TIMEOUT, 0), 1);
    bench.config.timeout_ms = 20000;
    expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 2);
    bench_done(&bench);
}

static void the_shorter_of_two_times_ends_a_job_and_is_named(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    bench.timeout_ms = 40;
    assert_int_equal(run_width(&bench, MISBEHAVE_LOOP, &result), IJ_ENDED_FAILED);
    expect_words("stopped after 40 ms, the limit of one attempt (timeout_ms)");
    assert_int_equal(result.failure.reason, IJ_REASON_TIMEOUT);
    assert_string_equal(result.failure.setting, "timeout_ms");
    assert_int_equal(result.failure.limit_value, 40);
    bench.config.timeout_ms = 30;
    assert_int_equal(run_width(&bench, MISBEHAVE_LOOP, &result), IJ_ENDED_FAILED);
    expect_words("stopped after 30 ms, the limit of one attempt (job_timeout_ms)");
    bench_done(&bench);
}

static void a_job_that_burns_cpu_fails_for_good(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench.config.cpu_ms = 1;
    bench_open(&bench);
    assert_int_equal(run_width(&bench, MISBEHAVE_BURN_CPU, &result), IJ_ENDED_FAILED);
    expect_words("stopped after 1 ms of CPU time");
    assert_int_equal(result.failure.reason, IJ_REASON_CPU);
    assert_int_equal(result.failure.signal, SIGXCPU);
    assert_int_equal(exits(&bench, IJ_EXIT_CPU, SIGXCPU), 1);
    bench_done(&bench);
}

static void a_death_by_signal_is_a_crash(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_ABORT, IJ_ENDED_CRASHED, IJ_REASON_INTERNAL, IMGJOB_E_CRASHED,
                  "the worker died of SIGABRT in stage load");
    expect_ending(MISBEHAVE_KILLED, IJ_ENDED_CRASHED, IJ_REASON_INTERNAL,
                  IMGJOB_E_CRASHED, "the worker died of SIGKILL in stage load");
}

static void a_crash_after_the_header_names_stage_and_loader(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_CRASH_AFTER_HEADER, IJ_ENDED_CRASHED, IJ_REASON_INTERNAL,
                  IMGJOB_E_CRASHED, "in stage decode of pngload_buffer");
}

static void an_exit_in_the_middle_is_a_crash(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_EXIT, IJ_ENDED_CRASHED, IJ_REASON_INTERNAL, IMGJOB_E_CRASHED,
                  "the worker exited with status 0 in stage load");
}

static void a_worker_that_only_closes_its_socket_is_killed(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_CLOSE_SOCKET, IJ_ENDED_CRASHED, IJ_REASON_INTERNAL,
                  IMGJOB_E_CRASHED, "the worker died of SIGKILL");
}

static void running_out_of_memory_is_the_jobs_own_doing(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_NO_MEMORY, IJ_ENDED_FAILED, IJ_REASON_MEMORY, IMGJOB_E_LIMIT,
                  "needs more memory than the 2147483648 bytes");
}

static void garbage_on_the_socket_is_no_answer(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_GARBAGE, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "the worker broke the protocol: bad magic");
    expect_ending(MISBEHAVE_LARGE_FRAME, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "the worker broke the protocol: a frame of 55296");
}

static void claims_about_outputs_are_checked(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_CLAIM_LENGTH, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "its length is not the one claimed");
    expect_ending(MISBEHAVE_CLAIM_FORMAT, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "its first bytes are not of the format asked for");
    expect_ending(MISBEHAVE_KEEP_MAPPING, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "its memory cannot be sealed");
    expect_ending(MISBEHAVE_CLAIM_PAGES, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "the worker broke the protocol: bad output pages");
}

static void claims_about_the_image_are_checked(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    char spec[256];
    (void)snprintf(spec, sizeof(spec),
                   "{\"steps\":[{\"op\":\"resize\",\"width\":%d,\"height\":4}],"
                   "\"info\":true}",
                   MISBEHAVE_BREAK_INFO);
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    assert_int_equal(run_spec(&bench, spec, &result), IJ_ENDED_FAILED);
    expect_words("what the worker says about the image was not taken");
    assert_null(result.info);
    bench_done(&bench);
    expect_ending(MISBEHAVE_CLAIM_INFO, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "what the worker says about the image");
}

static void one_wrong_claim_is_the_end_of_all_outputs(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    char spec[256];
    (void)snprintf(spec, sizeof(spec),
                   "{\"steps\":[{\"op\":\"resize\",\"width\":%d,\"height\":4}],"
                   "\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]}",
                   MISBEHAVE_CLAIM_LAST);
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    assert_int_equal(run_spec(&bench, spec, &result), IJ_ENDED_FAILED);
    expect_words("output 2 was not taken from the worker: its length is not the one");
    assert_int_equal(result.output_count, 0);
    bench_done(&bench);
}

static void a_header_over_the_limits_is_refused_here_too(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_HUGE_HEADER, IJ_ENDED_FAILED, IJ_REASON_TOO_LARGE,
                  IMGJOB_E_LIMIT, "side: 2000000 is over the limit of 16384 (max_side)");
}

/* What was told. */
struct told {
    struct ij_progress all[8];
    size_t count;
};

static void keep_progress(void *data, const struct ij_progress *progress)
{
    struct told *told = data;
    assert_true(told->count < IJ_ARRAY_LEN(told->all));
    told->all[told->count++] = *progress;
}

static void progress_is_handed_on_as_it_was_told(void **state)
{
    (void)state;
    static const struct ij_progress expected[] = { { 10, IJ_STAGE_DECODE, 0 },
                                                   { 20, IJ_STAGE_STEPS, 0 },
                                                   { 20, IJ_STAGE_ENCODE, 0 } };
    struct bench bench;
    struct ij_work_result result;
    struct told told = { .count = 0 };
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench.on_progress = keep_progress;
    bench.progress_data = &told;
    bench_open(&bench);
    assert_int_equal(run_width(&bench, MISBEHAVE_PROGRESS, &result), IJ_ENDED_DONE);
    ij_work_result_done(&result);
    assert_int_equal(told.count, IJ_ARRAY_LEN(expected));
    for (size_t i = 0; i < told.count; i++) {
        assert_int_equal(told.all[i].percent, expected[i].percent);
        assert_int_equal(told.all[i].stage, expected[i].stage);
        assert_int_equal(told.all[i].output, 0);
    }
    bench_done(&bench);
}

static void progress_that_cannot_be_is_the_end_of_the_worker(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_PROGRESS_FLOOD, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, " frames of progress in ");
    expect_ending(MISBEHAVE_PROGRESS_FALLS, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "progress of 49 % of output 0, after 50 %");
    expect_ending(MISBEHAVE_PROGRESS_OUTPUT, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "of output 1, after 0 %, of 1 outputs");
    expect_ending(MISBEHAVE_PROGRESS_FULL, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "bad progress in a frame of 24 bytes");
    expect_ending(MISBEHAVE_PROGRESS_EARLY, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "a frame of type 7 out of turn");
}

static void progress_after_the_result_is_no_next_jobs(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    struct told told = { .count = 0 };
    pid_t worker = 0;
    siginfo_t info;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench.on_progress = keep_progress;
    bench.progress_data = &told;
    bench_open(&bench);
    assert_int_equal(run_width(&bench, MISBEHAVE_PROGRESS_LATE, &result),
                     IJ_ENDED_FAILED);
    expect_words("broken");
    assert_int_equal(children_of(getpid(), &worker), 1);
    assert_int_equal(waitid(P_PID, (id_t)worker, &info, WSTOPPED | WNOWAIT), 0);
    assert_false(bench.executor->ops->is_ready(bench.executor));
    expect_works(&bench);
    assert_int_equal(told.count, 0);
    assert_int_equal(exits(&bench, IJ_EXIT_PROTOCOL, 0), 1);
    bench_done(&bench);
    assert_int_equal(exits(&bench, IJ_EXIT_CLOSED, 0), 1);
}

static void each_worker_that_ends_is_counted_once_with_its_cause(void **state)
{
    (void)state;
    static const struct {
        enum misbehaviour width;
        enum ij_exit_cause cause;
        int signal;
    } ends[] = {
        { MISBEHAVE_ABORT, IJ_EXIT_CRASHED, SIGABRT },
        { MISBEHAVE_KILLED, IJ_EXIT_CRASHED, SIGKILL },
        { MISBEHAVE_EXIT, IJ_EXIT_CRASHED, 0 },
        { MISBEHAVE_NO_MEMORY, IJ_EXIT_MEMORY, SIGTRAP },
        { MISBEHAVE_GARBAGE, IJ_EXIT_PROTOCOL, 0 },
        { MISBEHAVE_HUGE_HEADER, IJ_EXIT_RECYCLED, 0 },
    };
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    for (size_t i = 0; i < IJ_ARRAY_LEN(ends); i++) {
        uint64_t before = exits(&bench, ends[i].cause, ends[i].signal);
        (void)run_width(&bench, ends[i].width, &result);
        expect_code(0, bench.executor->ops->prepare(bench.executor, &test_err));
        assert_int_equal(exits(&bench, ends[i].cause, ends[i].signal), before + 1);
        assert_int_equal(all_exits(&bench), i + 1);
    }
    bench_done(&bench);
    assert_int_equal(all_exits(&bench), IJ_ARRAY_LEN(ends) + 1);
    assert_int_equal(exits(&bench, IJ_EXIT_CLOSED, 0), 1);
}

static void stop_from_another_thread_ends_the_attempt(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    pthread_t thread;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    assert_int_equal(pthread_create(&thread, NULL, stop_once_it_speaks, &bench), 0);
    assert_int_equal(run_width(&bench, MISBEHAVE_SLEEP, &result), IJ_ENDED_STOPPED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(result.output_count, 0);
    assert_int_equal(exits(&bench, IJ_EXIT_CANCELED, 0), 1);

    /* still stopped */
    expect_code(IMGJOB_E_BUSY, bench.executor->ops->prepare(bench.executor, &test_err));
    run_bytes(&bench, 8, png, sizeof(png), &result);
    assert_int_equal(result.ending, IJ_ENDED_STOPPED);
    bench.executor->ops->unstop(bench.executor);
    expect_works(&bench);
    bench_done(&bench);
}

static void the_worker_has_nothing_of_ours(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    sigset_t blocked, before;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    /* what could leak: a variable, a blocked signal, a descriptor without CLOEXEC */
    assert_int_equal(setenv("IJ_SECRET", "1", 1), 0);
    (void)sigfillset(&blocked);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &blocked, &before), 0);
    int leak = dup(2);
    assert_int_equal(run_width(&bench, MISBEHAVE_REPORT, &result), IJ_ENDED_DONE);
    (void)close(leak);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    ij_work_result_done(&result);
    /* 4 and 5 are the input and the output of this job */
    assert_string_equal(bench.log,
                        "worker job-1: descriptors 0 1 2 3 4 5, environment of 0 bytes, "
                        "blocked signals 0, leads 1\n");
    bench_done(&bench);
}

static void a_flood_on_stderr_is_ten_lines_and_a_count(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    assert_int_equal(run_width(&bench, MISBEHAVE_FLOOD, &result), IJ_ENDED_DONE);
    ij_work_result_done(&result);
    assert_non_null(strstr(bench.log, "worker job-1: line 9\nworker job-1: "));
    assert_non_null(strstr(bench.log, "more lines were not logged\n"));
    assert_null(strstr(bench.log, "line 10\n"));
    bench_done(&bench);
}

static void what_a_worker_says_after_its_answer_is_not_about_the_next_job(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    pid_t worker = 0;
    siginfo_t info;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    assert_int_equal(run_width(&bench, MISBEHAVE_LATE_WORDS, &result), IJ_ENDED_FAILED);
    assert_int_equal(children_of(getpid(), &worker), 1);
    assert_int_equal(waitid(P_PID, (id_t)worker, &info, WSTOPPED | WNOWAIT), 0);
    bench.log[0] = '\0'; /* if it was quick, this job has heard it */
    assert_int_equal(kill(worker, SIGCONT), 0);
    run_bytes(&bench, 8, png, sizeof(png), &result);
    assert_int_equal(result.ending, IJ_ENDED_CRASHED);
    test_err = result.failure.error;
    expect_words("the worker died of SIGABRT in stage load");
    assert_null(strstr(bench.log, "worker job-1: "));
    bench_done(&bench);
}

static void a_worker_is_not_believed_about_this_node(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_BLAME_NODE, IJ_ENDED_FAILED, IJ_REASON_INTERNAL,
                  IMGJOB_E_INTERNAL, "no memory on this node");
}

/* Somebody else has taken the worker's wait status. */
static void expect_lost_status(struct bench *bench, enum misbehaviour width)
{
    struct ij_work_result result;
    assert_int_equal(run_width(bench, width, &result), IJ_ENDED_CRASHED);
    expect_words("the worker ended in stage load");
    assert_int_equal(result.failure.error.code, IMGJOB_E_CRASHED);
    assert_int_equal(result.failure.signal, 0);
}

static void a_program_that_ignores_its_children_loses_only_how_they_ended(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    pid_t worker = 0;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    expect_works(&bench);
    expect_lost_status(&bench, MISBEHAVE_ABORT);
    expect_lost_status(&bench, MISBEHAVE_EXIT);
    bench.config.timeout_ms = 50;
    assert_int_equal(run_width(&bench, MISBEHAVE_LOOP, &result), IJ_ENDED_FAILED);
    assert_int_equal(result.failure.reason, IJ_REASON_TIMEOUT);
    bench.config.timeout_ms = 20000;
    expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 4);
    bench_done(&bench);
    assert_int_equal(children_of(getpid(), &worker), 0);
    assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
}

static void the_end_of_a_worker_is_not_that_of_whoever_has_its_number_now(void **state)
{
    (void)state;
    struct ij_process process;
    expect_code(0, ij_process_start(program("IJ_WORKER"), UINT64_C(1) << 31, 1000,
                                    &process, &test_err));
    pid_t worker = process.pid;
    if (process.pidfd < 0) { /* a system without, or valgrind */
        ij_process_close(&process);
        print_message("skipped: no pidfd here (valgrind knows none)\n");
        skip();
    }
    pid_t stranger = fork();
    assert_true(stranger >= 0);
    while (stranger == 0)
        (void)pause();
    process.pid = stranger; /* as if the worker's had been given away */
    int status = ij_process_end(&process);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(kill(worker, 0), -1);
    assert_int_equal(waitpid(stranger, &status, WNOHANG), 0); /* it lives, unreaped */
    assert_int_equal(ij_process_end(&process), -1);
    ij_process_close(&process);
    assert_int_equal(kill(stranger, SIGKILL), 0);
    assert_int_equal(waitpid(stranger, &status, 0), stranger);
}

/* The worker has its job and sleeps: tell its pid to the test. */
static void tell_pid(void *data, const struct imgjob_log_event *event)
{
    const int *pipe_fd = data;
    pid_t worker = 0;
    (void)event;
    (void)children_of(getpid(), &worker);
    (void)!write(*pipe_fd, &worker, sizeof(worker)); /* the test misses it if it fails */
}

/* In a process of its own: have a worker that does not read its socket, and be killed. */
static _Noreturn void die_with_a_worker(int pipe_fd)
{
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench.config.log = (struct ij_log){ .fn = tell_pid, .data = &pipe_fd };
    bench_open(&bench);
    (void)run_width(&bench, MISBEHAVE_SLEEP, &result);
    _exit(1);
}

static void a_worker_dies_with_the_pool(void **state)
{
    (void)state;
    int pipe_fds[2], status;
    pid_t worker = 0;
    /* the worker becomes ours when its parent dies, so that its end can be waited for */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pool = fork();
    assert_true(pool >= 0);
    if (pool == 0)
        die_with_a_worker(pipe_fds[1]);
    assert_int_equal(read(pipe_fds[0], &worker, sizeof(worker)), sizeof(worker));
    assert_true(worker > 0);
    assert_int_equal(kill(pool, SIGKILL), 0);
    assert_int_equal(waitpid(pool, &status, 0), pool);
    assert_int_equal(waitpid(worker, &status, 0), worker); /* without this it hangs */
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_never_ends_is_killed_and_the_next_one_runs),
        cmocka_unit_test(the_shorter_of_two_times_ends_a_job_and_is_named),
        cmocka_unit_test(a_job_that_burns_cpu_fails_for_good),
        cmocka_unit_test(a_death_by_signal_is_a_crash),
        cmocka_unit_test(a_crash_after_the_header_names_stage_and_loader),
        cmocka_unit_test(an_exit_in_the_middle_is_a_crash),
        cmocka_unit_test(a_worker_that_only_closes_its_socket_is_killed),
        cmocka_unit_test(running_out_of_memory_is_the_jobs_own_doing),
        cmocka_unit_test(garbage_on_the_socket_is_no_answer),
        cmocka_unit_test(claims_about_outputs_are_checked),
        cmocka_unit_test(claims_about_the_image_are_checked),
        cmocka_unit_test(one_wrong_claim_is_the_end_of_all_outputs),
        cmocka_unit_test(a_header_over_the_limits_is_refused_here_too),
        cmocka_unit_test(progress_is_handed_on_as_it_was_told),
        cmocka_unit_test(progress_that_cannot_be_is_the_end_of_the_worker),
        cmocka_unit_test(progress_after_the_result_is_no_next_jobs),
        cmocka_unit_test(each_worker_that_ends_is_counted_once_with_its_cause),
        cmocka_unit_test(stop_from_another_thread_ends_the_attempt),
        cmocka_unit_test(the_worker_has_nothing_of_ours),
        cmocka_unit_test(a_flood_on_stderr_is_ten_lines_and_a_count),
        cmocka_unit_test(what_a_worker_says_after_its_answer_is_not_about_the_next_job),
        cmocka_unit_test(a_worker_is_not_believed_about_this_node),
        cmocka_unit_test(a_program_that_ignores_its_children_loses_only_how_they_ended),
        cmocka_unit_test(the_end_of_a_worker_is_not_that_of_whoever_has_its_number_now),
        cmocka_unit_test(a_worker_dies_with_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
