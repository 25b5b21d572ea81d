/* The file .imgjob-store: whose a directory of blobs is, and who has it open. */
#pragma once

#include "base/error.h"

/*
 * Make sure that the directory is this store's and that nobody else has it open. An empty
 * directory becomes this store's; `dir` is its path, for words.
 *
 * @param out_fd the caller's: the lock lasts until it is closed; untouched on failure
 * @return 0, or IMGJOB_E_INVALID (another store's, or somebody's files), _BUSY, _BLOB
 */
int ij_marker_claim(int dir_fd, const char *dir, const char *store_id, int *out_fd,
                    struct imgjob_error *err);
