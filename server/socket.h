/* The socket behind a request: civetweb gives none away, but a read of its own blocks
 * until the buffer is full, and cannot tell whether the client is still there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The descriptor of this process that is connected to that address; -1 when there is
 * none. It stays civetweb's. */
int ij_socket_find(const char *remote_address, uint16_t remote_port);

/* Whether the other side has closed. */
bool ij_socket_is_closed(int fd);

/* Say that nothing more will be sent; then read and drop what comes, for at most `ms` and
 * `bytes_max`, or until the end. */
void ij_socket_drain(int fd, uint32_t ms, size_t bytes_max);
