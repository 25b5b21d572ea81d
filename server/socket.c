/* Owns what is done to a connection behind civetweb's back: looking, and reading to the
 * end. Only the thread that serves the request does it. */
#include "server/socket.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
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

int ij_socket_find(const char *remote_address, uint16_t remote_port)
{
    struct in_addr address;
    IJ_AUTO(directory_close) DIR *directory = opendir("/proc/self/fd");
    if (!directory || inet_pton(AF_INET, remote_address, &address) != 1)
        return -1;
    for (struct dirent *at; (at = readdir(directory)) != NULL;) {
        int fd = (int)strtol(at->d_name, NULL, 10); /* "." and ".." are 0, no socket */
        if (is_connected_to(fd, &address, remote_port))
            return fd;
    }
    return -1;
}

bool ij_socket_is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
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
