/* The lock that makes a database one process's alone. */
#pragma once

#include "base/error.h"

/*
 * Create the directory of the database and lock `<path>.lock` until the descriptor is
 * closed, by this process's end at the latest.
 *
 * @param out_fd the caller's, to close
 * @return 0, or IMGJOB_E_BUSY (the text names the process), _INVALID (no usable path),
 * _STORE, _NOMEM
 */
int ij_sqlite_lock(const char *path, int *out_fd, struct imgjob_error *err);

/* Make the names of new files beside the database durable. @return 0, or IMGJOB_E_STORE
 */
int ij_sqlite_sync_directory(const char *path, struct imgjob_error *err);
