/* Whole reads and writes, and directories. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All of these return 0, or -1 with errno set; EINTR and short transfers are handled. */
int ij_write_all(int fd, const void *data, size_t len);
int ij_pwrite_all(int fd, const void *data, size_t len, uint64_t offset);

/* Exactly `len` bytes; a file that ends before gives EIO. */
int ij_pread_all(int fd, void *data, size_t len, uint64_t offset);

/* Create a directory and those above it, 0700 where absent, each made durable. */
int ij_make_dirs(const char *path);
