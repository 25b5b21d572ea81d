/* The lock that makes a database one process's alone. */
#pragma once

#include "base/error.h"

/*
 * Create the directory of the database and its file where they are absent, and lock
 * `<file>.lock` until the descriptor is closed, by this process's end at the latest. The
 * file's own absolute path is what is locked and what must be opened, so that symbolic
 * links to it are no second database.
 *
 * @param out_path the caller's, to free: absolute, no symbolic link in it
 * @param out_fd   the caller's, to close
 * @return 0, or IMGJOB_E_BUSY (the text names the process), _INVALID (no usable path, or
 * a file with hard links), _STORE, _FULL, _NOMEM
 */
int ij_sqlite_lock(const char *path, char **out_path, int *out_fd,
                   struct imgjob_error *err);

/* Make the names of new files beside the database durable. @return 0, or IMGJOB_E_STORE
 */
int ij_sqlite_sync_directory(const char *path, struct imgjob_error *err);
