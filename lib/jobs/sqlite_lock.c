/*
 * Owns the lock file. The lock is an OFD lock: it goes with the last copy of the open
 * file, however the process ends, and unlike a POSIX lock it is not lost when some other
 * part of the program opens and closes the same file. The pid in the file is for people.
 *
 * SQLite's own locks are POSIX locks. So the database itself is never opened here:
 * closing it would take the locks of a store that this process has on it.
 */
#include "jobs/sqlite_lock.h"

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
#include "base/io.h"

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
    if (!pid[0]) /* it was locked a moment ago */
        return ij_fail(err, IMGJOB_E_BUSY,
                       "database '%.150s' is in use by another process", path);
    return ij_fail(err, IMGJOB_E_BUSY,
                   "database '%.150s' is in use by another process (pid %s)", path, pid);
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

static int lock_file(const char *path, int *out_fd, struct imgjob_error *err)
{
    char name[PATH_MAX];
    int len = snprintf(name, sizeof(name), "%s.lock", path);
    if (len < 0 || len >= PATH_MAX)
        return fail_path(path, err);
    IJ_AUTO(ij_close) int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "open '%.150s'", name);
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            return fail_taken(path, fd, err);
        return ij_fail_errno(err, IMGJOB_E_STORE, "lock '%.150s'", name);
    }
    char pid[16];
    len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || ij_pwrite_all(fd, pid, (size_t)len, 0) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "write '%.150s'", name);
    *out_fd = ij_steal_fd(&fd);
    return 0;
}

int ij_sqlite_lock(const char *path, char **out_path, int *out_fd,
                   struct imgjob_error *err)
{
    int rc = create_file(path, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_free) char *real = realpath(path, NULL);
    if (!real)
        return ij_fail_errno(err, IMGJOB_E_STORE, "follow database path '%.100s'", path);
    rc = check_file(real, err);
    if (rc == 0)
        rc = lock_file(real, out_fd, err);
    if (rc == 0)
        *out_path = ij_steal(&real);
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
