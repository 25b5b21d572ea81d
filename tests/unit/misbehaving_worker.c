/*
 * A worker that does what a hostile image could make one do. The width of the spec's
 * first step says what; any other is run as it should be.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "misbehaviour.h"
#include "pool/wire.h"
#include "pool/worker.h"

static _Noreturn void hang(void)
{
    for (;;)
        (void)pause();
}

static _Noreturn void burn_cpu(void)
{
    for (volatile unsigned i = 0;; i++) /* never ends, and is not optimized away */
        continue;
}

static void send_bytes(const void *bytes, size_t len)
{
    (void)send(IJ_WORKER_SOCKET, bytes, len, MSG_NOSIGNAL);
}

static void send_header(uint32_t width, uint32_t height)
{
    struct ij_wire_frame frame = {
        .type = IJ_WIRE_HEADER,
        .header = { .format = IMGJOB_FORMAT_PNG,
                    .width = width,
                    .height = height,
                    .pages = 1,
                    .bands = 3,
                    .bits = 8,
                    .orientation = 1,
                    .loader = "pngload_buffer" },
    };
    char bytes[IJ_WIRE_REPLY_MAX];
    send_bytes(bytes, ij_wire_encode(&frame, bytes, sizeof(bytes)));
}

static void send_progress(uint32_t percent, enum ij_stage stage, uint32_t output)
{
    const struct ij_wire_frame frame = {
        .type = IJ_WIRE_PROGRESS,
        .progress = { percent, stage, output },
    };
    char bytes[IJ_WIRE_PROGRESS_SIZE];
    send_bytes(bytes, ij_wire_encode(&frame, bytes, sizeof(bytes)));
}

static void send_failure(void)
{
    struct ij_wire_frame frame = { .type = IJ_WIRE_RESULT };
    char bytes[IJ_WIRE_REPLY_MAX];
    (void)ij_failure_set(&frame.result.failure, IJ_STAGE_LOAD, IJ_REASON_CORRUPT,
                         IMGJOB_E_IMAGE, "broken");
    send_bytes(bytes, ij_wire_encode(&frame, bytes, sizeof(bytes)));
}

/* Fail the job, and only then say what would explain the next one's end. */
static _Noreturn void speak_after_the_result(void)
{
    char bytes[1];
    send_failure();
    (void)fprintf(stderr, "GLib-ERROR **: gmem.c:136: failed to allocate 9 bytes\n");
    (void)raise(SIGSTOP); /* the test can see this, and that all was said */
    (void)recv(IJ_WORKER_SOCKET, bytes, 1, MSG_PEEK); /* the next job */
    abort();
}

/* The same with progress, of nothing. */
static _Noreturn void tell_after_the_result(void)
{
    send_failure();
    send_progress(50, IJ_STAGE_ENCODE, 0);
    (void)raise(SIGSTOP);
    hang();
}

static int64_t width_of(const struct ij_image_job *job)
{
    const struct imgjob_spec *spec = job->spec;
    return spec->step_count > 0 ? spec->steps[0].values[0].integer : 0;
}

/* What is told of progress, between the header and the output. */
static void misreport(const struct ij_image_job *job)
{
    switch (width_of(job)) {
    case MISBEHAVE_PROGRESS:
        send_progress(10, IJ_STAGE_DECODE, 0);
        send_progress(20, IJ_STAGE_STEPS, 0);
        send_progress(20, IJ_STAGE_ENCODE, 0);
        return;
    case MISBEHAVE_PROGRESS_FLOOD:
        for (;;)
            send_progress(1, IJ_STAGE_DECODE, 0);
    case MISBEHAVE_PROGRESS_FALLS:
        send_progress(50, IJ_STAGE_DECODE, 0);
        send_progress(49, IJ_STAGE_DECODE, 0);
        hang();
    case MISBEHAVE_PROGRESS_OUTPUT:
        send_progress(50, IJ_STAGE_ENCODE, 1);
        hang();
    case MISBEHAVE_PROGRESS_FULL:
        send_progress(100, IJ_STAGE_ENCODE, 0);
        hang();
    default:
        return;
    }
}

static const struct ij_image_job *current_job;

static int misreport_and_write(void *data, size_t index, const void *bytes, size_t len,
                               struct imgjob_error *err)
{
    misreport(current_job);
    return current_job->on_output(data, index, bytes, len, err);
}

/* Run the job, with what is told of progress on the way. */
static int run_image(const struct ij_image_job *job, struct ij_image_output *outputs,
                     struct ij_timings *timings, struct ij_failure *failure)
{
    struct ij_image_job ours = *job;
    current_job = job;
    ours.on_output = misreport_and_write;
    return ij_image_run(&ours, outputs, timings, failure);
}

/* A frame that is larger than any reply. */
static void send_large_frame(void)
{
    static char bytes[3 * IJ_WIRE_REPLY_MAX];
    send_bytes(bytes, sizeof(bytes));
}

/* One line with what this process has: descriptors, environment, blocked signals. */
static void report_surroundings(void)
{
    char environment[64];
    ssize_t environment_len = -1; /* as it was at exec: libvips sets a variable later */
    int environment_fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
    if (environment_fd >= 0) {
        environment_len = read(environment_fd, environment, sizeof(environment));
        (void)close(environment_fd);
    }
    char fds[128] = "";
    size_t used = 0;
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && used + 6 < sizeof(fds))
            used += (size_t)snprintf(fds + used, sizeof(fds) - used, " %d", fd);
    sigset_t blocked;
    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    int count = 0;
    for (int signal = 1; signal < NSIG; signal++)
        count += sigismember(&blocked, signal) == 1;
    (void)fprintf(
        stderr, "descriptors%s, environment of %zd bytes, blocked signals %d, leads %d\n",
        fds, environment_len, count, getsid(0) == getpid());
}

static void flood_stderr(void)
{
    for (int i = 0; i < 100000; i++)
        (void)fprintf(stderr, "line %d\n", i);
}

/* Map the output, so that its bytes could be changed after they were checked. The pool's
 * descriptors come right after the socket: the input, then the output. */
static void keep_mapping(void)
{
    enum { OUTPUT_FD = IJ_WORKER_SOCKET + 2 };
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, OUTPUT_FD, 0);
}

static int run(const struct ij_image_job *job, struct ij_image_output *outputs,
               struct ij_timings *timings, struct ij_failure *failure)
{
    const struct imgjob_spec *spec = job->spec;
    int64_t width = width_of(job);
    switch (width) {
    case MISBEHAVE_LOOP:
    case MISBEHAVE_BURN_CPU:
        burn_cpu();
    case MISBEHAVE_SLEEP:
        (void)fprintf(stderr, "asleep\n");
        hang();
    case MISBEHAVE_ABORT:
        abort();
    case MISBEHAVE_KILLED:
        (void)raise(SIGKILL);
        break;
    case MISBEHAVE_GARBAGE:
        send_bytes("garbage", 7);
        hang();
    case MISBEHAVE_LARGE_FRAME:
        send_large_frame();
        hang();
    case MISBEHAVE_EXIT:
        _exit(0);
    case MISBEHAVE_CLOSE_SOCKET:
        (void)close(IJ_WORKER_SOCKET);
        hang();
    case MISBEHAVE_HUGE_HEADER:
        send_header(2000000, 3);
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_INTERNAL,
                              IMGJOB_E_INTERNAL, "refused");
    case MISBEHAVE_CRASH_AFTER_HEADER:
        send_header(8, 8);
        (void)raise(SIGSEGV);
        break;
    case MISBEHAVE_NO_MEMORY:
        (void)fprintf(stderr, "GLib-ERROR **: gmem.c:136: failed to allocate 9 bytes\n");
        (void)raise(SIGTRAP);
        break;
    case MISBEHAVE_LATE_WORDS:
        speak_after_the_result();
    case MISBEHAVE_PROGRESS_EARLY:
        send_progress(1, IJ_STAGE_LOAD, 0);
        hang();
    case MISBEHAVE_PROGRESS_LATE:
        tell_after_the_result();
    case MISBEHAVE_BLAME_NODE:
        return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_INTERNAL, IMGJOB_E_NOMEM,
                              "no memory on this node");
    case MISBEHAVE_REPORT:
        report_surroundings();
        break;
    case MISBEHAVE_KEEP_MAPPING:
        keep_mapping();
        break;
    case MISBEHAVE_FLOOD:
        flood_stderr();
        break;
    default:
        break;
    }
    int rc = run_image(job, outputs, timings, failure);
    if (width == MISBEHAVE_CLAIM_LENGTH)
        outputs[0].len = UINT64_MAX;
    if (width == MISBEHAVE_CLAIM_FORMAT)
        outputs[0].format = IMGJOB_FORMAT_WEBP;
    if (width == MISBEHAVE_CLAIM_PAGES)
        outputs[0].pages = 0;
    if (width == MISBEHAVE_CLAIM_LAST)
        outputs[spec->output_count - 1].len++;
    if (width == MISBEHAVE_CLAIM_INFO)
        (void)job->on_info(job->callback_data, "{}", 2, NULL);
    if (width == MISBEHAVE_BREAK_INFO)
        (void)job->on_info(job->callback_data, "{\"a\":\"", 6, NULL);
    return rc;
}

static void say_foreign_hello(void)
{
    struct ij_wire_frame frame = { .type = IJ_WIRE_HELLO,
                                   .hello = { .build = "another", .pid = getpid() } };
    char bytes[IJ_WIRE_REPLY_MAX];
    send_bytes(bytes, ij_wire_encode(&frame, bytes, sizeof(bytes)));
}

int main(int argc, char **argv)
{
    if (strstr(argv[0], MISBEHAVE_OTHER_BUILD)) {
        say_foreign_hello();
        hang();
    }
    const struct ij_worker_trade trade = { &ij_image_ops, run };
    ij_worker_main(argc, argv, &trade);
}
