/* The file .imgjob-store: whose a directory of blobs is, and who has it open. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * Make sure that the directory is this store's and that nobody else has it open, or only
 * those who share it as well. An empty directory becomes this store's; `dir` is its path,
 * for words.
 *
 * @param out_fd the caller's: the lock lasts until it is closed; untouched on failure
 * @return 0, or IMGJOB_E_INVALID (another store's, or somebody's files), _BUSY, _BLOB
 */
int ij_marker_claim(int dir_fd, const char *dir, const char *store_id, bool is_shared,
                    int *out_fd, struct imgjob_error *err);

/* Make sure that the directory is this store's, whoever has it open. @return 0, or
 * IMGJOB_E_INVALID, _BLOB */
int ij_marker_check(int dir_fd, const char *dir, const char *store_id,
                    struct imgjob_error *err);
