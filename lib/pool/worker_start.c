/*
 * Owns how a process becomes a worker. The order is the point: its life is tied to the
 * pool's before anything can hang, limits stand before libvips starts, libvips has loaded
 * what it needs before hello, and the first byte of a stranger comes after all of it.
 *
 * Whatever goes wrong is one line on stderr, which the pool reads, and an exit status.
 */
#include "pool/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "pool/wire.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

enum {
    EXIT_USAGE = 2,
    EXIT_START = 3,
    EXIT_PROTOCOL = 4,
    DESCRIPTORS_MAX = 16 + 1 + IJ_SPEC_OUTPUTS_MAX, /* of libraries, and of a job */
    WARM_UP_SIZE_MAX = 4096 /* bytes of an encoded image of the warm-up */
};

struct arguments {
    pid_t pool_pid;
    uint64_t memory_limit; /* bytes of address space */
    uint64_t output_limit; /* bytes of one output */
};

static _Noreturn void die(int status, const struct imgjob_error *err)
{
    (void)fprintf(stderr, "%s\n", err->text); /* nobody else is there to be told */
    _exit(status);
}

static bool read_number(const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0';
}

bool ij_worker_is_meant(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], IJ_WORKER_MARK) == 0;
}

static int read_arguments(int argc, char **argv, struct arguments *out,
                          struct imgjob_error *err)
{
    uint64_t pid = 0;
    if (argc != IJ_WORKER_ARGUMENTS || !ij_worker_is_meant(argc, argv) ||
        !read_number(argv[2], &pid) || pid > INT32_MAX ||
        !read_number(argv[3], &out->memory_limit) ||
        !read_number(argv[4], &out->output_limit))
        return ij_fail(err, IMGJOB_E_INVALID,
                       "imgjob-worker is started by libimgjob, not by hand");
    out->pool_pid = (pid_t)pid;
    return 0;
}

/* Die with the thread that started this process, and not by what a terminal or a service
 * manager sends to everybody: the pool decides. */
static int tie_to_pool(pid_t pool_pid, struct imgjob_error *err)
{
    static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE,
                                   SIGXFSZ /* raised by an oversized output */ };
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return ij_fail_errno(err, IMGJOB_E_INTERNAL,
                             "tie the worker's life to the pool's");
    if (getppid() != pool_pid) /* it died before the line above */
        return ij_fail(err, IMGJOB_E_INTERNAL, "the pool, process %d, is gone",
                       (int)pool_pid);
    for (size_t i = 0; i < IJ_ARRAY_LEN(ignored); i++)
        (void)signal(ignored[i], SIG_IGN); /* fails for bad numbers only */
    return 0;
}

/* Lower a limit; one that is lower already stays. */
static int lower_limit(int resource, rlim_t value, const char *name,
                       struct imgjob_error *err)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0)
        return ij_fail_errno(err, IMGJOB_E_INTERNAL, "read the limit on %s", name);
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > value)
        limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(resource, &limit) < 0)
        return ij_fail_errno(err, IMGJOB_E_INTERNAL, "limit %s to %" PRIu64, name,
                             (uint64_t)limit.rlim_max);
    return 0;
}

/* CPU time is limited per job, from outside: see ij_process_limit_cpu(). */
static int set_limits(const struct arguments *arguments, struct imgjob_error *err)
{
    int rc = lower_limit(RLIMIT_CORE, 0, "core files", err);
    if (rc == 0)
        rc = lower_limit(RLIMIT_NOFILE, DESCRIPTORS_MAX, "descriptors", err);
    if (rc == 0) /* it also governs memfds */
        rc = lower_limit(RLIMIT_FSIZE, arguments->output_limit, "file size", err);
    if (rc == 0 && !HAS_SANITIZER) /* sanitizers reserve terabytes */
        rc = lower_limit(RLIMIT_AS, arguments->memory_limit, "address space", err);
    return rc;
}

/* Keep freed memory for the next job: by default glibc gives every large buffer back to
 * the kernel and each job faults its pages anew, which for a tiny image is a third of all
 * CPU time. One arena, since the threads of one job hardly meet in it and each further
 * one would keep memory of its own. */
static void tune_allocator(void)
{
    (void)mallopt(M_ARENA_MAX, 1); /* all three are hints */
    (void)mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
}

/* ---- the warm-up: what libvips and the linker load lazily is loaded before hello ----
 */

/* An image on its way from one format to the next. */
struct warm_up {
    uint8_t bytes[WARM_UP_SIZE_MAX];
    size_t len;
};

static int keep_output(void *data, size_t index, const void *bytes, size_t len,
                       struct imgjob_error *err)
{
    struct warm_up *image = data;
    if (index != 0 || len > sizeof(image->bytes))
        return ij_fail(err, IMGJOB_E_INTERNAL, "output %zu of %zu bytes", index, len);
    memcpy(image->bytes, bytes, len);
    image->len = len;
    return 0;
}

static int convert(struct warm_up *image, const char *json, struct imgjob_error *err)
{
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    struct imgjob_limits limits;
    int rc = ij_spec_parse(json, strlen(json), &ij_image_ops, &spec, err);
    if (rc == 0)
        rc = ij_limits_read(NULL, &limits, err);
    if (rc < 0)
        return rc;
    struct warm_up input = *image;
    struct ij_image_job job = {
        .inputs = { { input.bytes, input.len } },
        .input_count = 1,
        .spec = spec,
        .limits = &limits,
        .on_output = keep_output,
        .callback_data = image,
    };
    struct ij_image_output outputs[IJ_SPEC_OUTPUTS_MAX];
    struct ij_timings timings;
    struct ij_failure failure = { 0 };
    rc = ij_image_run(&job, outputs, &timings, &failure);
    return rc < 0 ? ij_fail(err, rc, "warm-up with %s: %.100s", json, failure.error.text)
                  : 0;
}

static int warm_up(struct imgjob_error *err)
{
    static const uint8_t png[] = {
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d,
        0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01,
        0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00,
        0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x70, 0x50, 0x00,
        0x00, 0x02, 0x24, 0x00, 0xe1, 0xab, 0x59, 0x62, 0x27, 0x00, 0x00, 0x00,
        0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    };
#define WARM_UP_SPEC(format)                                                           \
    "{\"operation\":\"resize\",\"width\":16,\"height\":16,\"output_format\":\"" format \
    "\"}"
    /* each is read as the input of the next */
    static const char *const specs[] = { WARM_UP_SPEC("jpeg"), WARM_UP_SPEC("webp"),
                                         WARM_UP_SPEC("png") };
#undef WARM_UP_SPEC
    struct warm_up image = { .len = sizeof(png) };
    memcpy(image.bytes, png, sizeof(png));
    for (size_t i = 0; i < IJ_ARRAY_LEN(specs); i++) {
        int rc = convert(&image, specs[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int say_hello(const struct ij_ops *ops, struct imgjob_error *err)
{
    struct ij_wire_frame hello = { .type = IJ_WIRE_HELLO };
    int rc = ij_wire_hello_fill(&hello.hello, ops, err);
    if (rc < 0)
        return rc;
    hello.hello.pid = getpid();
    char bytes[IJ_WIRE_REPLY_MAX];
    size_t len = ij_wire_encode(&hello, bytes, sizeof(bytes));
    if (send(IJ_WORKER_SOCKET, bytes, len, MSG_NOSIGNAL) < 0)
        return ij_fail_errno(err, IMGJOB_E_INTERNAL, "say hello to the pool");
    return 0;
}

static int start(int argc, char **argv, const struct ij_ops *ops,
                 struct imgjob_error *err)
{
    struct arguments arguments;
    int rc = read_arguments(argc, argv, &arguments, err);
    if (rc == 0)
        rc = tie_to_pool(arguments.pool_pid, err);
    if (rc == 0)
        rc = set_limits(&arguments, err);
    if (rc < 0)
        return rc;
    tune_allocator();
    rc = ij_image_start(err);
    /* what takes rights away from this process belongs here: libvips has loaded its
     * modules and started no thread yet */
    if (rc == 0)
        rc = warm_up(err);
    return rc < 0 ? rc : say_hello(ops, err);
}

_Noreturn void ij_worker_main(int argc, char **argv, const struct ij_worker_trade *trade)
{
    struct imgjob_error err = { 0 };
    int rc = start(argc, argv, trade->ops, &err);
    if (rc < 0)
        die(rc == IMGJOB_E_INVALID ? EXIT_USAGE : EXIT_START, &err);
    if (ij_worker_serve(IJ_WORKER_SOCKET, trade, &err) < 0)
        die(EXIT_PROTOCOL, &err);
    _exit(EXIT_SUCCESS); /* no destructor is worth running, and some could crash */
}
