/*
 * Who has the database open. The lock file has a byte for each process of a shared store;
 * the byte is locked as long as its process lives, and the table `owner` tells which of
 * them has it. So it is known at once that a process has died.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobs/sqlite_db.h"

enum { IJ_SQLITE_OWNERS_MAX = 256 }; /* of which slot 0 is that of a store for one */

/* Owned; end with ij_sqlite_owners_done(). fd = -1 = none. */
struct ij_sqlite_owners {
    int fd; /* the lock file: the locks go with its last copy, however we end */
    bool is_shared;
    uint32_t slot;
    uint64_t owner; /* random, the slot in its low 8 bits; fits an int64 */
};

static inline uint64_t ij_sqlite_owner(const struct ij_sqlite_owners *owners)
{
    return owners->owner;
}

/*
 * Lock the database at `path`, creating file and directory if absent, and take a slot.
 *
 * @param out_path the file's own path, absolute; the caller's
 * @return 0, or BUSY (another process has it), INVALID, STORE, INTERNAL
 */
int ij_sqlite_owners_begin(struct ij_sqlite_owners *owners, const char *path,
                           bool is_shared, char **out_path, struct imgjob_error *err);
void ij_sqlite_owners_done(struct ij_sqlite_owners *owners);

/* Of a shared store: keep others from opening it until ij_sqlite_owners_let(). */
int ij_sqlite_owners_hold(struct ij_sqlite_owners *owners, struct imgjob_error *err);
void ij_sqlite_owners_let(struct ij_sqlite_owners *owners);

/* The owners of running jobs that are not alive, at most IJ_SQLITE_OWNERS_MAX.
 * @return 0 or a code */
int ij_sqlite_owners_find_dead(const struct ij_sqlite_owners *owners,
                               struct ij_sqlite_db *db, uint64_t *out, size_t *out_count,
                               struct imgjob_error *err);

/* Make the names of new files beside the database durable. @return 0, or IMGJOB_E_STORE
 */
int ij_sqlite_sync_directory(const char *path, struct imgjob_error *err);
