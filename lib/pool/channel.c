/*
 * Owns what crosses the socket to a worker. The other end may be an enemy: sending never
 * waits for it, receiving takes no descriptor and no more bytes than a reply may have,
 * and waiting ends at the deadline whatever the other end does.
 */
#include "pool/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/clock.h"

enum { DESCRIPTORS_MAX = IJ_SPEC_INPUTS_MAX + IJ_SPEC_OUTPUTS_MAX };

static enum ij_event send_event(ssize_t sent, struct imgjob_error *err)
{
    if (sent >= 0)
        return IJ_EVENT_FRAME;
    if (errno == EPIPE || errno == ECONNRESET)
        return IJ_EVENT_GONE;
    bool is_full = errno == EAGAIN; /* it lets frames lie, which no honest worker does */
    (void)ij_fail_errno(err, IMGJOB_E_INTERNAL, "send a frame to the worker");
    return is_full ? IJ_EVENT_GARBLED : IJ_EVENT_FAILED;
}

enum ij_event ij_channel_send(struct ij_channel *channel,
                              const struct ij_wire_frame *frame, const int *fds,
                              size_t fd_count, struct imgjob_error *err)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
        struct cmsghdr alignment;
    } control;
    size_t fds_size = sizeof(int) * fd_count;
    struct iovec part = { .iov_base = channel->frame };
    part.iov_len = ij_wire_encode(frame, channel->frame, sizeof(channel->frame));
    if (part.iov_len == 0 || fd_count > DESCRIPTORS_MAX) {
        (void)ij_fail(err, IMGJOB_E_INTERNAL, "a frame of type %u is too large",
                      (unsigned)frame->type);
        return IJ_EVENT_FAILED;
    }
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fd_count > 0) {
        memset(&control, 0, sizeof(control));
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fds_size);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds_size);
        memcpy(CMSG_DATA(rights), fds, fds_size);
    }
    ssize_t sent;
    do
        sent = sendmsg(channel->process.socket_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return send_event(sent, err);
}

/* Without a control buffer: descriptors that a worker sends are dropped by the kernel. */
static enum ij_event receive(struct ij_channel *channel, struct ij_wire_frame *out,
                             struct imgjob_error *err)
{
    ssize_t len;
    do
        len = recv(channel->process.socket_fd, channel->frame, IJ_WIRE_REPLY_MAX,
                   MSG_DONTWAIT | MSG_TRUNC);
    while (len < 0 && errno == EINTR);
    if (len <= 0)
        return IJ_EVENT_GONE;
    if (len > IJ_WIRE_REPLY_MAX) {
        (void)ij_fail(err, IMGJOB_E_INTERNAL, "a frame of %zd bytes, over %d", len,
                      IJ_WIRE_REPLY_MAX);
        return IJ_EVENT_GARBLED;
    }
    if (ij_wire_decode(channel->frame, (size_t)len, out, err) < 0)
        return IJ_EVENT_GARBLED;
    return IJ_EVENT_FRAME;
}

enum ij_event ij_channel_next(struct ij_channel *channel, int64_t until_mono_ms,
                              int stop_fd, struct ij_wire_frame *out,
                              struct imgjob_error *err)
{
    struct pollfd fds[] = {
        { .fd = channel->process.socket_fd, .events = POLLIN },
        { .fd = channel->process.stderr_fd, .events = POLLIN },
        { .fd = stop_fd, .events = POLLIN },
    };
    for (;;) {
        int64_t left = until_mono_ms - ij_mono_ms(&ij_clock_system);
        if (left <= 0)
            return IJ_EVENT_DEADLINE;
        int ready =
            poll(fds, IJ_ARRAY_LEN(fds), left < INT32_MAX ? (int)left : INT32_MAX);
        if (ready < 0 && errno != EINTR) {
            (void)ij_fail_errno(err, IMGJOB_E_INTERNAL, "wait for the worker");
            return IJ_EVENT_FAILED;
        }
        if (ready <= 0)
            continue;
        if (fds[1].revents && !ij_chatter_read(&channel->chatter, fds[1].fd))
            fds[1].fd = -1;
        if (fds[0].revents)
            return receive(channel, out, err);
        if (fds[2].revents)
            return IJ_EVENT_STOP;
    }
}

static void hear(struct ij_channel *channel)
{
    if (channel->process.stderr_fd >= 0)
        (void)ij_chatter_read(&channel->chatter, channel->process.stderr_fd);
}

void ij_channel_drain(struct ij_channel *channel)
{
    ij_chatter_begin(&channel->chatter, NULL);
    hear(channel);
    ij_chatter_end(&channel->chatter);
}

int ij_channel_end(struct ij_channel *channel)
{
    int status = ij_process_end(&channel->process);
    hear(channel);
    ij_chatter_flush(&channel->chatter);
    return status;
}

static int check_hello(const struct ij_channel *channel,
                       const struct ij_wire_frame *frame, struct imgjob_error *err)
{
    const struct ij_wire_hello *hello = &frame->hello, *expected = &channel->expected;
    if (frame->type != IJ_WIRE_HELLO)
        return ij_fail(err, IMGJOB_E_CRASHED, "it said something else (%u) than hello",
                       (unsigned)frame->type);
    if (strcmp(hello->build, expected->build) != 0)
        return ij_fail(err, IMGJOB_E_CRASHED, "it is of build '%s', this library of '%s'",
                       hello->build, expected->build);
    if (hello->op_count != expected->op_count)
        return ij_fail(err, IMGJOB_E_CRASHED,
                       "it knows %u operations and the pool %u: worker_path must name a "
                       "program that calls imgjob_worker_main() with an equal registry",
                       hello->op_count, expected->op_count);
    if (hello->op_hash != expected->op_hash)
        return ij_fail(err, IMGJOB_E_CRASHED,
                       "it describes its operations otherwise than the pool's registry");
    if (hello->pid != channel->process.pid)
        return ij_fail(
            err, IMGJOB_E_CRASHED,
            "it runs as process %d, but %d was started: a wrapper must exec it",
            (int)hello->pid, (int)channel->process.pid);
    return 0;
}

/* Wait for it. @return IJ_EVENT_FRAME when it is right, else `why` is filled but of STOP
 */
static enum ij_event await_hello(struct ij_channel *channel, int64_t until_mono_ms,
                                 int stop_fd, struct imgjob_error *why)
{
    struct ij_wire_frame frame;
    char death[64];
    int64_t since = ij_mono_ms(&ij_clock_system);
    enum ij_event event = ij_channel_next(channel, until_mono_ms, stop_fd, &frame, why);
    if (event == IJ_EVENT_FRAME && check_hello(channel, &frame, why) < 0)
        event = IJ_EVENT_GARBLED;
    if (event == IJ_EVENT_DEADLINE)
        (void)ij_fail(why, IMGJOB_E_CRASHED, "not ready within %lld ms",
                      (long long)(ij_mono_ms(&ij_clock_system) - since));
    int status = event == IJ_EVENT_FRAME ? 0 : ij_channel_end(channel);
    if (event == IJ_EVENT_GONE) {
        ij_process_describe(status, death, sizeof(death));
        (void)ij_fail(why, IMGJOB_E_CRASHED, "%s", death);
    }
    return event;
}

int ij_channel_hello(struct ij_channel *channel, const char *path, int64_t until_mono_ms,
                     int stop_fd, struct imgjob_error *err)
{
    struct imgjob_error why;
    const char *last = channel->chatter.last; /* the last line that it wrote */
    int rc = 0;
    ij_chatter_begin(&channel->chatter, NULL);
    enum ij_event event = await_hello(channel, until_mono_ms, stop_fd, &why);
    if (event == IJ_EVENT_STOP)
        rc = ij_fail(err, IMGJOB_E_BUSY, "stopped before worker '%.60s' was ready", path);
    else if (event != IJ_EVENT_FRAME)
        rc = ij_fail(err, IMGJOB_E_CRASHED, "worker '%.60s' did not start: %.*s%s%.70s",
                     path, last[0] ? 100 : 170, why.text, last[0] ? ": " : "", last);
    ij_chatter_end(&channel->chatter);
    return rc;
}
