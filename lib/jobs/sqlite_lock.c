/*
 * Owns the lock file. The lock is an OFD lock: it goes with the last copy of the open
 * file, however the process ends, and unlike a POSIX lock it is not lost when some other
 * part of the program opens and closes the same file. The pid in the file is for people.
 */
#include "jobs/sqlite_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

int ij_sqlite_lock(const char *path, int *out_fd, struct imgjob_error *err)
{
    char directory[PATH_MAX], name[PATH_MAX];
    int len = snprintf(name, sizeof(name), "%s.lock", path);
    size_t path_len = strlen(path);
    if (path_len == 0 || path[path_len - 1] == '/' || len < 0 || len >= PATH_MAX ||
        !directory_of(path, directory))
        return ij_fail(err, IMGJOB_E_INVALID, "'%.150s' is no path of a database file",
                       path);
    if (ij_make_dirs(directory) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "create the directory '%.150s'",
                             directory);
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

int ij_sqlite_sync_directory(const char *path, struct imgjob_error *err)
{
    char directory[PATH_MAX];
    if (!directory_of(path, directory))
        return ij_fail(err, IMGJOB_E_INVALID, "'%.150s' is no path of a database file",
                       path);
    IJ_AUTO(ij_close) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "sync the directory '%.150s'",
                             directory);
    return 0;
}
