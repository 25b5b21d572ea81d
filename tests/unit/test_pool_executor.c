/* Executors: the real worker program, one that misbehaves, and the inline one. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "misbehaviour.h"
#include "pool/executor.h"
#include "pool/worker_path.h"
#include "test.h"

enum { LOG_SIZE = 8192 };

/* One executor with all it needs. */
struct bench {
    struct ij_executor_config config;
    struct ij_executor *executor;
    char log[LOG_SIZE]; /* the lines of the log, each ended by '\n' */
};

static void keep_line(void *data, const struct imgjob_log_event *event)
{
    struct bench *bench = data;
    size_t used = strlen(bench->log);
    (void)snprintf(bench->log + used, LOG_SIZE - used, "%s %s: %s\n", event->room,
                   event->job_id ? event->job_id : "-", event->text);
}

static const char *program(const char *variable)
{
    const char *path = getenv(variable);
    if (!path)
        print_error("%s must say where the worker program is\n", variable);
    assert_non_null(path);
    return path;
}

static void bench_init(struct bench *bench, const char *variable)
{
    memset(bench, 0, sizeof(*bench));
    bench->config = (struct ij_executor_config){
        .worker_path = program(variable),
        .timeout_ms = 30000,
        .cpu_ms = 20000,
        .recycle_jobs = 500,
        .recycle_rss = 1024 * 1024 * 1024,
        .memory_limit = 2048LL * 1024 * 1024,
        .log = { .fn = keep_line, .data = bench },
    };
    expect_code(0, ij_limits_read(NULL, &bench->config.limits, &test_err));
}

static void bench_open(struct bench *bench)
{
    expect_code(0, ij_child_open(&bench->config, &bench->executor, &test_err));
}

static void bench_done(struct bench *bench)
{
    ij_executor_close(bench->executor);
}

/* A PNG of one pixel. */
static const uint8_t png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00,
    0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78,
    0x9c, 0x63, 0x68, 0x70, 0x50, 0x00, 0x00, 0x02, 0x24, 0x00, 0xe1, 0xab, 0x59, 0x62,
    0x27, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

/* Run one job without prepare(). */
static void run_bytes(struct bench *bench, int width, const void *bytes, size_t len,
                      struct ij_work_result *out)
{
    char json[128];
    struct imgjob_spec *spec = NULL;
    int json_len = snprintf(json, sizeof(json),
                            "{\"operation\":\"resize\",\"width\":%d,\"height\":4,"
                            "\"output_format\":\"png\"}",
                            width);
    expect_code(0,
                ij_spec_parse(json, (size_t)json_len, &ij_image_ops, &spec, &test_err));
    int fd = memfd_create("input", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    struct ij_work work = {
        .job_id = "job-1", .input_fd = fd, .input_len = len, .spec = spec
    };
    memset(out, 0, sizeof(*out));
    bench->executor->ops->run(bench->executor, &work, out);
    (void)close(fd);
    imgjob_spec_free(spec);
}

static enum ij_ending run_width(struct bench *bench, int width,
                                struct ij_work_result *out)
{
    expect_code(0, bench->executor->ops->prepare(bench->executor, &test_err));
    run_bytes(bench, width, png, sizeof(png), out);
    test_err = out->failure.error;
    return out->ending;
}

/* A job that is as it should be runs. */
static void expect_works(struct bench *bench)
{
    struct ij_work_result result;
    assert_int_equal(run_width(bench, 8, &result), IJ_ENDED_DONE);
    assert_int_equal(result.output_count, 1);
    assert_int_equal(result.outputs[0].image.width, 8);
    assert_int_equal(result.outputs[0].image.height, 4);
    ij_work_result_done(&result);
}

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
    bench.config.timeout_ms = 20000;
    expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 2);
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
                  IMGJOB_E_INTERNAL, "the worker broke the protocol: a frame of 6144");
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
}

static void a_header_over_the_limits_is_refused_here_too(void **state)
{
    (void)state;
    expect_ending(MISBEHAVE_HUGE_HEADER, IJ_ENDED_FAILED, IJ_REASON_TOO_LARGE,
                  IMGJOB_E_LIMIT, "side: 2000000 is over the limit of 16384 (max_side)");
}

static void *stop_soon(void *data)
{
    struct ij_executor *executor = data;
    executor->ops->stop(executor);
    return NULL;
}

static void stop_from_another_thread_ends_the_attempt(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    pthread_t thread;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    expect_code(0, bench.executor->ops->prepare(bench.executor, &test_err));
    /* whether it comes before, during or after the start, the end is the same */
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, bench.executor), 0);
    assert_int_equal(run_width(&bench, MISBEHAVE_SLEEP, &result), IJ_ENDED_STOPPED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(result.output_count, 0);

    assert_int_equal(run_width(&bench, 8, &result), IJ_ENDED_STOPPED); /* still stopped */
    bench.executor->ops->unstop(bench.executor);
    expect_works(&bench);
    bench_done(&bench);
}

static void stop_before_the_attempt_leaves_the_process_alone(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    bench.executor->ops->stop(bench.executor);
    assert_int_equal(run_width(&bench, 8, &result), IJ_ENDED_STOPPED);
    bench.executor->ops->unstop(bench.executor);
    expect_works(&bench);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 1);
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

/* The processes whose parent is `parent`, by /proc. @return how many */
static int children_of(pid_t parent, pid_t *out_last)
{
    int count = 0;
    DIR *stream = opendir("/proc");
    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream));) {
        char path[300], stat_line[512] = "";
        (void)snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        ssize_t len = read(fd, stat_line, sizeof(stat_line) - 1);
        (void)close(fd);
        const char *end = len > 0 ? strrchr(stat_line, ')') : NULL;
        if (end && atol(end + 4) == parent) { /* ") S ppid" */
            *out_last = (pid_t)atol(entry->d_name);
            count++;
        }
    }
    (void)closedir(stream);
    return count;
}

static void an_idle_worker_that_died_is_replaced_and_no_job_is_blamed(void **state)
{
    (void)state;
    struct bench bench;
    struct ij_work_result result;
    pid_t worker = 0;
    siginfo_t info;
    bench_init(&bench, "IJ_WORKER");
    bench_open(&bench);
    expect_works(&bench);
    assert_int_equal(children_of(getpid(), &worker), 1);
    assert_int_equal(kill(worker, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)worker, &info, WEXITED | WNOWAIT), 0);
    assert_false(bench.executor->ops->is_ready(bench.executor));
    run_bytes(&bench, 8, png, sizeof(png), &result); /* it died after is_ready() */
    assert_int_equal(result.ending, IJ_ENDED_DONE);
    ij_work_result_done(&result);
    assert_int_equal(bench.executor->ops->starts(bench.executor), 2);
    bench_done(&bench);
    assert_int_equal(children_of(getpid(), &worker), 0);
}

/* In a process of its own: start a worker, tell its pid, and be killed. */
static void die_with_a_worker(int pipe_fd)
{
    struct bench bench;
    struct ij_work_result result;
    pid_t worker = 0;
    bench_init(&bench, "IJ_MISBEHAVING_WORKER");
    bench_open(&bench);
    expect_works(&bench);
    (void)children_of(getpid(), &worker);
    assert_int_equal(write(pipe_fd, &worker, sizeof(worker)), sizeof(worker));
    (void)run_width(&bench, MISBEHAVE_SLEEP, &result);
    _exit(1);
}

static void a_worker_dies_with_the_pool(void **state)
{
    (void)state;
    int pipe_fds[2], status;
    pid_t worker = 0;
    /* the worker becomes ours when its parent dies, so that its end can be waited for */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
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
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
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
    expect_no_start("/nonexistent/worker",
                    "start the worker '/nonexistent/worker': No such file or directory");
    expect_no_start("/bin/true",
                    "worker '/bin/true' did not start: exited with status 0");
    expect_no_start("/bin/ls", "worker '/bin/ls' did not start: exited with status 2: ");
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
    bench.executor->ops->stop(bench.executor);
    assert_int_equal(run_width(&bench, 8, &result), IJ_ENDED_STOPPED);
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
        cmocka_unit_test(one_process_runs_many_jobs),
        cmocka_unit_test(a_process_is_replaced_after_its_number_of_jobs),
        cmocka_unit_test(a_process_is_replaced_when_it_has_grown),
        cmocka_unit_test(a_broken_image_fails_and_the_process_stays),
        cmocka_unit_test(an_input_over_the_limit_is_refused),
        cmocka_unit_test(an_output_over_the_limit_fails_and_the_process_is_replaced),
        cmocka_unit_test(a_job_that_never_ends_is_killed_and_the_next_one_runs),
        cmocka_unit_test(a_job_that_burns_cpu_fails_for_good),
        cmocka_unit_test(a_death_by_signal_is_a_crash),
        cmocka_unit_test(a_crash_after_the_header_names_stage_and_loader),
        cmocka_unit_test(an_exit_in_the_middle_is_a_crash),
        cmocka_unit_test(a_worker_that_only_closes_its_socket_is_killed),
        cmocka_unit_test(running_out_of_memory_is_the_jobs_own_doing),
        cmocka_unit_test(garbage_on_the_socket_is_no_answer),
        cmocka_unit_test(claims_about_outputs_are_checked),
        cmocka_unit_test(a_header_over_the_limits_is_refused_here_too),
        cmocka_unit_test(stop_from_another_thread_ends_the_attempt),
        cmocka_unit_test(stop_before_the_attempt_leaves_the_process_alone),
        cmocka_unit_test(the_worker_has_nothing_of_ours),
        cmocka_unit_test(a_flood_on_stderr_is_ten_lines_and_a_count),
        cmocka_unit_test(an_idle_worker_that_died_is_replaced_and_no_job_is_blamed),
        cmocka_unit_test(a_worker_dies_with_the_pool),
        cmocka_unit_test(a_worker_that_does_not_start_says_why),
        cmocka_unit_test(a_worker_started_by_hand_explains_itself),
        cmocka_unit_test(inline_runs_the_same_jobs_in_this_process),
        cmocka_unit_test(the_worker_program_is_found_or_the_places_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
