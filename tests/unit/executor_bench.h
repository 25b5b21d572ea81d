/* What tests of executors share: one executor with its settings, its log, and a job. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pool/executor.h"
#include "test.h"

enum { LOG_SIZE = 8192 };

/* One executor with all it needs. */
struct bench {
    struct ij_executor_config config;
    struct ij_executor *executor;
    struct ij_pool_metrics metrics;
    void (*on_progress)(void *data, const struct ij_progress *progress); /* of each job */
    void *progress_data;
    uint32_t timeout_ms; /* of each job; 0 = the executor's */
    char log[LOG_SIZE];  /* the lines of the log, each ended by '\n' */
    sem_t lines;         /* posted for each */
};

static inline void keep_line(void *data, const struct imgjob_log_event *event)
{
    struct bench *bench = data;
    size_t used = strlen(bench->log);
    (void)snprintf(bench->log + used, LOG_SIZE - used, "%s %s: %s\n", event->room,
                   event->job_id ? event->job_id : "-", event->text);
    (void)sem_post(&bench->lines);
}

static inline const char *program(const char *variable)
{
    const char *path = getenv(variable);
    if (!path)
        print_error("%s must say where the worker program is\n", variable);
    assert_non_null(path);
    return path;
}

static inline void bench_init(struct bench *bench, const char *variable)
{
    memset(bench, 0, sizeof(*bench));
    assert_int_equal(sem_init(&bench->lines, 0, 0), 0);
    bench->config = (struct ij_executor_config){
        .worker_path = program(variable),
        .ops = &ij_image_ops,
        .timeout_ms = 30000,
        .cpu_ms = 20000,
        .recycle_jobs = 500,
        .recycle_rss = 1024 * 1024 * 1024,
        .memory_limit = 2048LL * 1024 * 1024,
        .metrics = &bench->metrics,
        .log = { .fn = keep_line, .data = bench },
    };
    expect_code(0, ij_limits_read(NULL, &bench->config.limits, &test_err));
}

static inline void bench_open(struct bench *bench)
{
    expect_code(0, ij_child_open(&bench->config, &bench->executor, &test_err));
}

static inline void bench_done(struct bench *bench)
{
    ij_executor_close(bench->executor, IJ_EXIT_CLOSED);
}

/* Worker processes that ended for that cause, by that signal. */
static inline uint64_t exits(const struct bench *bench, enum ij_exit_cause cause,
                             int signal)
{
    return ij_counter_read(&bench->metrics.exits[cause][signal]);
}

/* Those of all causes. */
static inline uint64_t all_exits(const struct bench *bench)
{
    uint64_t count = 0;
    for (int cause = 0; cause < IJ_EXIT_COUNT; cause++)
        for (int signal = 0; signal < IJ_EXIT_SIGNALS; signal++)
            count += exits(bench, (enum ij_exit_cause)cause, signal);
    return count;
}

/* A PNG of one pixel. */
static const uint8_t png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00,
    0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78,
    0x9c, 0x63, 0x68, 0x70, 0x50, 0x00, 0x00, 0x02, 0x24, 0x00, 0xe1, 0xab, 0x59, 0x62,
    0x27, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

/* Bytes and what to do with them. */
struct bench_job {
    const char *spec;
    const void *bytes;
    size_t len;
};

/* Run one job without prepare(). */
static inline void run_job(struct bench *bench, const struct bench_job *job,
                           struct ij_work_result *out)
{
    const void *bytes = job->bytes;
    size_t len = job->len;
    struct imgjob_spec *spec = NULL;
    expect_code(
        0, ij_spec_parse(job->spec, strlen(job->spec), &ij_image_ops, &spec, &test_err));
    int fd = memfd_create("input", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    struct ij_input_file files[IJ_SPEC_INPUTS_MAX]; /* the same for all inputs */
    for (size_t i = 0; i < IJ_SPEC_INPUTS_MAX; i++)
        files[i] = (struct ij_input_file){ fd, len };
    struct ij_work work = {
        .job_id = "job-1",
        .inputs = files,
        .input_count = spec->inputs,
        .spec = spec,
        .timeout_ms = bench->timeout_ms,
        .on_progress = bench->on_progress,
        .progress_data = bench->progress_data,
    };
    memset(out, 0, sizeof(*out));
    bench->executor->ops->run(bench->executor, &work, out);
    (void)close(fd);
    imgjob_spec_free(spec);
}

static inline void run_bytes(struct bench *bench, int width, const void *bytes,
                             size_t len, struct ij_work_result *out)
{
    char json[128];
    (void)snprintf(json, sizeof(json),
                   "{\"operation\":\"resize\",\"width\":%d,\"height\":4,"
                   "\"output_format\":\"png\"}",
                   width);
    const struct bench_job job = { json, bytes, len };
    run_job(bench, &job, out);
}

/* Run one job of the PNG. */
static inline enum ij_ending run_spec(struct bench *bench, const char *spec,
                                      struct ij_work_result *out)
{
    const struct bench_job job = { spec, png, sizeof(png) };
    expect_code(0, bench->executor->ops->prepare(bench->executor, &test_err));
    run_job(bench, &job, out);
    test_err = out->failure.error;
    return out->ending;
}

static inline enum ij_ending run_width(struct bench *bench, int width,
                                       struct ij_work_result *out)
{
    expect_code(0, bench->executor->ops->prepare(bench->executor, &test_err));
    run_bytes(bench, width, png, sizeof(png), out);
    test_err = out->failure.error;
    return out->ending;
}

/* A job that is as it should be runs. */
static inline void expect_works(struct bench *bench)
{
    struct ij_work_result result;
    assert_int_equal(run_width(bench, 8, &result), IJ_ENDED_DONE);
    assert_int_equal(result.output_count, 1);
    assert_int_equal(result.outputs[0].image.width, 8);
    assert_int_equal(result.outputs[0].image.height, 4);
    ij_work_result_done(&result);
}

static inline void *stop_once_it_speaks(void *data)
{
    struct bench *bench = data;
    while (sem_wait(&bench->lines) != 0)
        continue;
    bench->executor->ops->stop(bench->executor, IJ_EXIT_CANCELED);
    return NULL;
}

/* A program that never says hello, but one line on its stderr. */
static inline void write_hanging_worker(const char *path)
{
    static const char script[] = "#!/bin/sh\necho hanging >&2\nexec /bin/sleep 1000\n";
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
    (void)close(fd);
}

/* The processes whose parent is `parent`, by /proc. @return how many */
static inline int children_of(pid_t parent, pid_t *out_last)
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
