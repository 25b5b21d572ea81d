/*
 * Owns the worker's half of the conversation. One job at a time, since libvips has one
 * error text per process. The pool is trusted here, but a frame is checked all the same:
 * it is the same code, and a mistake should end in words.
 */
#include "pool/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "pool/exchange.h"
#include "pool/wire.h"

enum { DESCRIPTORS_MAX = IJ_SPEC_INPUTS_MAX + IJ_SPEC_OUTPUTS_MAX };

struct worker {
    int fd;
    const struct ij_worker_trade *trade;
    struct ij_inputs inputs;
    struct imgjob_error *err; /* why the conversation ended */
    char frame[IJ_WIRE_FRAME_MAX];
};

/* Descriptors that came with a frame. Owned; zeroed = none. */
struct delivery {
    int fds[DESCRIPTORS_MAX];
    size_t count;
};

static void delivery_done(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->count; i++)
        ij_close(&delivery->fds[i]);
    delivery->count = 0;
}

static void delivery_read(struct delivery *delivery, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (count > DESCRIPTORS_MAX - delivery->count)
            count =
                DESCRIPTORS_MAX - delivery->count; /* cannot be: the buffer ends there */
        memcpy(delivery->fds + delivery->count, CMSG_DATA(part), count * sizeof(int));
        delivery->count += count;
    }
}

/* @return 0, 1 when the pool has closed the socket, or a negative code */
static int receive(struct worker *worker, struct ij_wire_frame *out,
                   struct delivery *delivery)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
        struct cmsghdr alignment;
    } control;
    struct iovec part = { .iov_base = worker->frame, .iov_len = sizeof(worker->frame) };
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    ssize_t len;
    do
        len = recvmsg(worker->fd, &message, MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == EINTR);
    if (len == 0 || (len < 0 && errno == ECONNRESET))
        return 1;
    if (len < 0)
        return ij_fail_errno(worker->err, IMGJOB_E_INTERNAL, "receive a frame");
    delivery_read(delivery, &message);
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return ij_fail(worker->err, IMGJOB_E_INTERNAL, "a frame was cut off");
    return ij_wire_decode(worker->frame, (size_t)len, out, worker->err);
}

/* @return 0, 1 when the pool has closed the socket, or a negative code */
static int send_frame(struct worker *worker, const struct ij_wire_frame *frame)
{
    size_t len = ij_wire_encode(frame, worker->frame, IJ_WIRE_REPLY_MAX);
    if (len == 0)
        return ij_fail(worker->err, IMGJOB_E_INTERNAL, "a reply does not fit its frame");
    ssize_t sent;
    do
        sent = send(worker->fd, worker->frame, len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
        return 1;
    if (sent < 0)
        return ij_fail_errno(worker->err, IMGJOB_E_INTERNAL, "send a frame");
    return 0;
}

/* What the callbacks of one job see. */
struct run {
    struct ij_outlet outlet; /* first: the callbacks that write see only this */
    struct worker *worker;
    int rc; /* of the conversation, as receive() returns it */
};

static void run_done(struct run *run)
{
    ij_outlet_done(&run->outlet);
}

/* Report the header and wait for the verdict. */
static int on_header(void *data, const struct ij_image_header *header)
{
    struct run *run = data;
    struct ij_wire_frame frame = { .type = IJ_WIRE_HEADER, .header = *header };
    IJ_AUTO(delivery_done) struct delivery delivery = { .count = 0 };
    run->rc = send_frame(run->worker, &frame);
    if (run->rc == 0)
        run->rc = receive(run->worker, &frame, &delivery);
    if (run->rc == 0 && frame.type != IJ_WIRE_GO && frame.type != IJ_WIRE_STOP)
        run->rc =
            ij_fail(run->worker->err, IMGJOB_E_INTERNAL,
                    "a frame of type %u where go or stop was due", (unsigned)frame.type);
    return run->rc == 0 && frame.type == IJ_WIRE_GO ? 0 : -1;
}

/* Never waits: this may be one of libvips' threads, with a pass of pixels behind it. What
 * the pool does not take is told again by the next one. */
static void on_progress(void *data, const struct ij_progress *progress)
{
    const struct run *run = data;
    const struct ij_wire_frame frame = { .type = IJ_WIRE_PROGRESS,
                                         .progress = *progress };
    char bytes[IJ_WIRE_PROGRESS_SIZE];
    size_t len = ij_wire_encode(&frame, bytes, sizeof(bytes));
    (void)send(run->worker->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int check_delivery(const struct ij_wire_job *job, const struct imgjob_spec *spec,
                          const struct delivery *delivery, struct ij_failure *failure)
{
    if (delivery->count == job->input_count + spec->output_count)
        return 0;
    return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_INTERNAL, IMGJOB_E_INTERNAL,
                          "%zu descriptors for %zu inputs and %zu outputs",
                          delivery->count, job->input_count, spec->output_count);
}

static int read_inputs(struct worker *worker, const struct ij_wire_job *job,
                       const struct delivery *delivery, struct ij_failure *failure)
{
    struct ij_input_file files[IJ_SPEC_INPUTS_MAX];
    for (size_t i = 0; i < job->input_count; i++)
        files[i] = (struct ij_input_file){ delivery->fds[i], job->input_lens[i] };
    return ij_inputs_read(&worker->inputs, files, job->input_count, &job->limits,
                          failure);
}

/* Fill the result of one job, whose info is the outlet's. */
static void run_job(struct run *run, const struct ij_wire_job *job,
                    const struct delivery *delivery, struct ij_wire_result *result)
{
    struct worker *worker = run->worker;
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    if (ij_attempt_spec(job->spec, job->spec_len, worker->trade->ops, &spec,
                        &result->failure) < 0 ||
        check_delivery(job, spec, delivery, &result->failure) < 0 ||
        read_inputs(worker, job, delivery, &result->failure) < 0)
        return;

    struct ij_outlet *outlet = &run->outlet;
    *outlet = (struct ij_outlet){ .count = spec->output_count, .limits = &job->limits };
    memcpy(outlet->fds, delivery->fds + job->input_count,
           spec->output_count * sizeof(int));
    struct ij_image_job image_job = {
        .spec = spec,
        .limits = &job->limits,
        .safe_shrink = job->safe_shrink,
        .on_header = on_header,
        .on_output = ij_outlet_write,
        .on_info = ij_outlet_inform,
        .on_progress = on_progress,
        .callback_data = run,
    };
    ij_inputs_give(&worker->inputs, &image_job);
    result->output_count = spec->output_count;
    int rc = worker->trade->run(&image_job, result->outputs, &result->timings,
                                &result->failure);
    if (rc < 0 && outlet->failure.error.code != 0)
        result->failure = outlet->failure; /* closer to the cause */
    result->info = outlet->info.data;
    result->info_len = outlet->info.len;
}

/* @return as receive() */
static int serve_one(struct worker *worker)
{
    struct ij_wire_frame frame;
    IJ_AUTO(delivery_done) struct delivery delivery = { .count = 0 };
    int rc = receive(worker, &frame, &delivery);
    if (rc != 0)
        return rc;
    if (frame.type != IJ_WIRE_JOB)
        return ij_fail(worker->err, IMGJOB_E_INTERNAL,
                       "a frame of type %u where a job was due", (unsigned)frame.type);
    struct ij_wire_frame reply = { .type = IJ_WIRE_RESULT };
    IJ_AUTO(run_done) struct run run = { .worker = worker };
    run_job(&run, &frame.job, &delivery, &reply.result);
    ij_inputs_trim(&worker->inputs); /* before the reply, at which the pool weighs us */
    return run.rc != 0 ? run.rc : send_frame(worker, &reply);
}

static void worker_freep(struct worker **worker)
{
    if (*worker)
        ij_inputs_done(&(*worker)->inputs);
    free(*worker);
}

int ij_worker_serve(int fd, const struct ij_worker_trade *trade, struct imgjob_error *err)
{
    IJ_AUTO(worker_freep) struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return ij_fail_nomem(err, "starting to serve");
    worker->fd = fd;
    worker->trade = trade;
    worker->err = err;
    int rc;
    do
        rc = serve_one(worker);
    while (rc == 0);
    return rc < 0 ? rc : 0;
}
