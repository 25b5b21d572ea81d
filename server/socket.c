/* Owns what is done to a connection behind civetweb's back: looking, sending, and reading
 * to the end. Only the thread that serves the request does it. */
#include "server/socket.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/clock.h"

static void directory_close(DIR *const *directory)
{
    if (*directory)
        (void)closedir(*directory); /* it was only read */
}

static bool is_connected_to(int fd, const struct in_addr *address, uint16_t port)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof(peer);
    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && len == sizeof(peer) &&
           peer.sin_family == AF_INET && peer.sin_addr.s_addr == address->s_addr &&
           ntohs(peer.sin_port) == port;
}

static bool is_connected_from(int fd, uint16_t port)
{
    struct sockaddr_in own;
    socklen_t len = sizeof(own);
    return getsockname(fd, (struct sockaddr *)&own, &len) == 0 && len == sizeof(own) &&
           own.sin_family == AF_INET && ntohs(own.sin_port) == port;
}

int ij_socket_find(uint16_t local_port, const char *remote_address, uint16_t remote_port)
{
    int found = -1;
    struct in_addr address;
    IJ_AUTO(directory_close) DIR *directory = opendir("/proc/self/fd");
    if (!directory || inet_pton(AF_INET, remote_address, &address) != 1)
        return -1;
    for (struct dirent *at; (at = readdir(directory)) != NULL;) {
        int fd = (int)strtol(at->d_name, NULL, 10); /* "." and ".." are 0, no socket */
        if (!is_connected_to(fd, &address, remote_port) ||
            !is_connected_from(fd, local_port))
            continue;
        if (found >= 0) /* by two of our addresses: whose is whose cannot be told */
            return -1;
        found = fd;
    }
    return found;
}

bool ij_socket_is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* Wait until more can be sent. @return whether it can, in time */
static bool can_send(int fd, uint32_t stall_ms, int64_t until)
{
    int64_t left = until - ij_mono_ms(&ij_clock_system);
    struct pollfd wait = { .fd = fd, .events = POLLOUT };
    if (left > stall_ms)
        left = stall_ms;
    return left > 0 && poll(&wait, 1, (int)left) != 0 && !(wait.revents & POLLERR);
}

static bool is_passing(int error)
{
    return error == EAGAIN || error == EINTR;
}

bool ij_socket_send(int fd, const void *data, size_t len, uint32_t stall_ms,
                    uint32_t all_ms)
{
    const char *at = data;
    int64_t until = all_ms ? ij_mono_ms(&ij_clock_system) + all_ms : INT64_MAX;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && !(is_passing(errno) && can_send(fd, stall_ms, until)))
            return false;
        at += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

enum ij_socket_sent ij_socket_send_file(int fd, int file, uint64_t offset, uint64_t len,
                                        uint32_t stall_ms, uint64_t *out_sent)
{
    enum { PIECE_MAX = 1 << 20 };
    off_t at = (off_t)offset;
    int flags = fcntl(fd, F_GETFL);
    *out_sent = 0;
    /* sendfile() has no MSG_DONTWAIT; civetweb 1.15 set this, and need not */
    if (flags < 0 ||
        (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
        return IJ_SOCKET_NOT_TAKEN;
    while (*out_sent < len) {
        uint64_t left = len - *out_sent;
        ssize_t sent = sendfile(fd, file, &at, left < PIECE_MAX ? left : PIECE_MAX);
        if (sent == 0 || (sent < 0 && errno == EIO))
            return IJ_SOCKET_FILE_FAILED;
        if (sent < 0 && !(is_passing(errno) && can_send(fd, stall_ms, INT64_MAX)))
            return IJ_SOCKET_NOT_TAKEN;
        *out_sent += sent > 0 ? (uint64_t)sent : 0;
    }
    return IJ_SOCKET_SENT;
}

void ij_socket_bound(int fd, int bytes)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)); /* a wish */
}

void ij_socket_knock(const char *address, uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    IJ_AUTO(ij_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && inet_pton(AF_INET, address, &to.sin_addr) == 1)
        (void)connect(fd, (struct sockaddr *)&to,
                      sizeof(to)); /* refused once nobody listens */
}

void ij_socket_drain(int fd, uint32_t ms, size_t bytes_max)
{
    enum { PIECE = 65536 };
    IJ_AUTO(ij_free) char *piece = malloc(PIECE);
    int64_t until = ij_mono_ms(&ij_clock_system) + ms;
    size_t dropped = 0;
    (void)shutdown(fd, SHUT_WR); /* else it is closed already */
    while (piece && dropped < bytes_max) {
        int64_t left = until - ij_mono_ms(&ij_clock_system);
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
            return;
        ssize_t got = recv(fd, piece, PIECE, MSG_DONTWAIT);
        if (got <= 0)
            return;
        dropped += (size_t)got;
    }
}
