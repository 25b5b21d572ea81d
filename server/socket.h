/* The socket behind a request: civetweb gives none away, but its own calls cannot tell
 * whether the client is still there, nor send a file without copying it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The descriptor of this process that is connected from `local_port` to that address; -1
 * when there is none, or more than one. It stays civetweb's. */
int ij_socket_find(uint16_t local_port, const char *remote_address, uint16_t remote_port);

/* Whether the other side has closed. */
bool ij_socket_is_closed(int fd);

/* Send it all, unless the other side takes none of it for `stall_ms`, or the whole takes
 * longer than `all_ms` (0 = it may). @return whether it was sent */
bool ij_socket_send(int fd, const void *data, size_t len, uint32_t stall_ms,
                    uint32_t all_ms);

/* The same of `len` bytes of a file from `offset`. @param out_sent how many were taken */
enum ij_socket_sent { IJ_SOCKET_SENT, IJ_SOCKET_NOT_TAKEN, IJ_SOCKET_FILE_FAILED };
enum ij_socket_sent ij_socket_send_file(int fd, int file, uint64_t offset, uint64_t len,
                                        uint32_t stall_ms, uint64_t *out_sent);

/* Keep no more than about that many bytes in the kernel for a slow reader. A wish: -1 is
 * fine. */
void ij_socket_bound(int fd, int bytes);

/* Connect to a port and leave, so that who listens there wakes up. */
void ij_socket_knock(const char *address, uint16_t port);

/* Say that nothing more will be sent; then read and drop what comes, for at most `ms` and
 * `bytes_max`, or until the end. */
void ij_socket_drain(int fd, uint32_t ms, size_t bytes_max);
