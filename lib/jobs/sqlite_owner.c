/*
 * Owns the lock file. A store for one process locks all of it. Those that share one hold
 * byte 0 for reading, so that nobody can have it alone, and each a byte of its own.
 *
 * The locks are OFD locks: they go with the last copy of the open
 * file, however the process ends, and unlike POSIX locks they are not lost when some
 * other part of the program opens and closes the same file. The pid in the file is for
 * people.
 *
 * SQLite's own locks are POSIX locks. So the database itself is never opened here:
 * closing it would take the locks of a store that this process has on it.
 */
#include "jobs/sqlite_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/id.h"
#include "base/io.h"
#include "jobs/sqlite_side.h"

/* The directory part of a path, "." when it has none. @return false when too long */
static bool directory_of(const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t len = !slash ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (len >= PATH_MAX)
        return false;
    memcpy(out, slash ? path : ".", len);
    out[len] = '\0';
    return true;
}

/* Who holds it, as far as the file says. */
static int fail_taken(const char *path, int fd, struct imgjob_error *err)
{
    char pid[16] = "";
    ssize_t len = pread(fd, pid, sizeof(pid) - 1, 0);
    pid[len > 0 ? len : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    if (!pid[0]) /* it was locked a moment ago, or several share it */
        return ij_fail(
            err, IMGJOB_E_BUSY,
            "database '%.100s' is in use by another process: several can share "
            "it if all set multi_process = 1",
            path);
    return ij_fail(err, IMGJOB_E_BUSY,
                   "database '%.100s' is in use by another process (pid %s): several can "
                   "share it if all set multi_process = 1",
                   path, pid);
}

static int fail_path(const char *path, struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_INVALID, "'%.150s' is no path of a database file", path);
}

/* SQLite would create files by the umask; what users sent is not for everyone to read. */
static int create_file(const char *path, struct imgjob_error *err)
{
    char directory[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || path[len - 1] == '/' || !directory_of(path, directory))
        return fail_path(path, err);
    if (ij_make_dirs(directory) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "create the directory '%.150s'",
                             directory);
    if (mknod(path, S_IFREG | 0600, 0) < 0 && errno != EEXIST)
        return ij_fail_errno(err, IMGJOB_E_STORE, "create database '%.100s'", path);
    return 0;
}

/* SQLite would open what it may not write, and fail at the first write. A file with two
 * names would have two logs and two locks. */
static int check_file(const char *path, struct imgjob_error *err)
{
    struct stat st;
    if (stat(path, &st) < 0 || faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "open database '%.100s'", path);
    if (!S_ISREG(st.st_mode))
        return fail_path(path, err);
    if (st.st_nlink > 1)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "database '%.100s' has %ju names: remove its other hard links",
                       path, (uintmax_t)st.st_nlink);
    return 0;
}

static int lock_bytes(int fd, int command, short type, off_t start, off_t len)
{
    struct flock bytes = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len
    };
    return fcntl(fd, command, &bytes);
}

static bool is_taken(void)
{
    return errno == EAGAIN || errno == EACCES;
}

/* All of it, and the pid for people. */
static int lock_alone(const char *path, int fd, struct imgjob_error *err)
{
    if (lock_bytes(fd, F_OFD_SETLK, F_WRLCK, 0, 0) < 0)
        return is_taken() ? fail_taken(path, fd, err)
                          : ij_fail_errno(err, IMGJOB_E_STORE, "lock '%.150s'", path);
    char pid[16];
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || ij_pwrite_all(fd, pid, (size_t)len, 0) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "write the lock of '%.150s'", path);
    return 0;
}

/* One of several: a byte of our own, which nobody else has. */
static int lock_shared(const char *path, int fd, uint32_t *out_slot,
                       struct imgjob_error *err)
{
    if (lock_bytes(fd, F_OFD_SETLK, F_RDLCK, 0, 1) < 0)
        return is_taken() ? fail_taken(path, fd, err)
                          : ij_fail_errno(err, IMGJOB_E_STORE, "lock '%.150s'", path);
    if (ftruncate(fd, 0) < 0) /* the pid of one that had it alone says nothing more */
        return ij_fail_errno(err, IMGJOB_E_STORE, "write the lock of '%.150s'", path);
    for (uint32_t slot = 1; slot < IJ_SQLITE_OWNERS_MAX; slot++) {
        if (lock_bytes(fd, F_OFD_SETLK, F_WRLCK, slot, 1) == 0) {
            *out_slot = slot;
            return 0;
        }
        if (!is_taken())
            return ij_fail_errno(err, IMGJOB_E_STORE, "lock '%.150s'", path);
    }
    return ij_fail(err, IMGJOB_E_BUSY,
                   "database '%.150s' is in use by %d processes, more cannot share it",
                   path, IJ_SQLITE_OWNERS_MAX - 1);
}

static int open_lock(const char *path, int *out_fd, struct imgjob_error *err)
{
    char name[PATH_MAX];
    int len = snprintf(name, sizeof(name), "%s.lock", path);
    if (len < 0 || len >= PATH_MAX)
        return fail_path(path, err);
    *out_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    return *out_fd < 0 ? ij_fail_errno(err, IMGJOB_E_STORE, "open '%.150s'", name) : 0;
}

int ij_sqlite_owners_begin(struct ij_sqlite_owners *owners, const char *path,
                           bool is_shared, char **out_path, struct imgjob_error *err)
{
    int rc = create_file(path, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_free) char *real = realpath(path, NULL);
    if (!real)
        return ij_fail_errno(err, IMGJOB_E_STORE, "follow database path '%.100s'", path);
    IJ_AUTO(ij_close) int fd = -1;
    uint32_t slot = 0;
    rc = check_file(real, err);
    if (rc == 0)
        rc = open_lock(real, &fd, err);
    if (rc == 0)
        rc = is_shared ? lock_shared(real, fd, &slot, err) : lock_alone(real, fd, err);
    uint64_t random = 0;
    if (rc == 0)
        rc = ij_random(&random, sizeof(random), err);
    if (rc < 0)
        return rc;
    *owners = (struct ij_sqlite_owners){
        .fd = ij_steal_fd(&fd),
        .is_shared = is_shared,
        .slot = slot,
        .owner = (random >> 1 & ~UINT64_C(0xff)) | slot,
    };
    *out_path = ij_steal(&real);
    return 0;
}

void ij_sqlite_owners_done(struct ij_sqlite_owners *owners)
{
    ij_close(&owners->fd);
    owners->fd = -1;
}

/* Behind the bytes of all slots. */
enum { OPENING = IJ_SQLITE_OWNERS_MAX };

int ij_sqlite_owners_hold(struct ij_sqlite_owners *owners, struct imgjob_error *err)
{
    if (owners->is_shared &&
        lock_bytes(owners->fd, F_OFD_SETLKW, F_WRLCK, OPENING, 1) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "wait for others that open a store");
    return 0;
}

void ij_sqlite_owners_let(struct ij_sqlite_owners *owners)
{
    if (owners->is_shared)
        (void)lock_bytes(owners->fd, F_OFD_SETLK, F_UNLCK, OPENING, 1); /* cannot fail */
}

/* @return 1 = it lives, 0 = it is dead, or a code */
static int is_alive(const struct ij_sqlite_owners *owners, struct ij_sqlite_db *db,
                    uint64_t owner, struct imgjob_error *err)
{
    uint32_t slot = owner & 0xff;
    if (owner == owners->owner)
        return 1;
    if (slot == 0) /* it had the store alone, and we are here */
        return 0;
    uint64_t now = 0;
    int rc = ij_sqlite_read_owner(db, slot, &now, err);
    if (rc != 0 || now != owner)
        return rc < 0 ? rc : 0;
    struct flock byte = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = slot, .l_len = 1
    };
    if (fcntl(owners->fd, F_OFD_GETLK, &byte) < 0)
        return ij_fail_errno(err, IMGJOB_E_INTERNAL, "ask who holds a store");
    return byte.l_type != F_UNLCK;
}

int ij_sqlite_owners_find_dead(const struct ij_sqlite_owners *owners,
                               struct ij_sqlite_db *db, uint64_t *out, size_t *out_count,
                               struct imgjob_error *err)
{
    uint64_t all[IJ_SQLITE_OWNERS_MAX];
    size_t count = 0, dead = 0;
    int rc = ij_sqlite_list_owners(db, all, IJ_SQLITE_OWNERS_MAX, &count, err);
    for (size_t i = 0; i < count && rc == 0; i++) {
        int alive = is_alive(owners, db, all[i], err);
        if (alive < 0)
            rc = alive;
        else if (!alive)
            out[dead++] = all[i];
    }
    *out_count = dead;
    return rc;
}

int ij_sqlite_sync_directory(const char *path, struct imgjob_error *err)
{
    char directory[PATH_MAX];
    if (!directory_of(path, directory))
        return fail_path(path, err);
    IJ_AUTO(ij_close) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "sync the directory '%.150s'",
                             directory);
    return 0;
}
