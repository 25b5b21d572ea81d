/*
 * Owns the marker of a blob directory. The marker is the first thing in an empty
 * directory and durable before the second, so whatever stands in a marked directory was
 * put there by the store whose id the marker holds, and a directory without one is
 * somebody else's unless it is empty. The lock is of the open file, not of the process:
 * it ends with a process that is killed, and keeps one process from opening the directory
 * twice.
 */
#include "blobs/marker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/id.h"
#include "base/io.h"
#include "blobs/blobs.h"
#include "blobs/stream.h"

enum { SHARE_TRIES = 100, SHARE_PAUSE_US = 20000 };

static const char marker_name[] = ".imgjob-store";

static bool is_expected(const char *entry)
{
    return strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0 ||
           strcmp(entry, marker_name) == 0 ||
           strcmp(entry, "lost+found") == 0; /* of a file system just made for us */
}

/* @return 0, or IMGJOB_E_INVALID when there is anything but the marker, or _BLOB */
static int require_empty(int dir_fd, const char *dir, struct imgjob_error *err)
{
    IJ_AUTO(ij_stream_close) DIR *stream = ij_stream_open(dir_fd, ".");
    if (!stream)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "list '%s'", dir);
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (!entry && errno != 0)
            return ij_fail_errno(err, IMGJOB_E_BLOB, "list '%s'", dir);
        if (!entry)
            return 0;
        if (!is_expected(entry->d_name))
            return ij_fail(err, IMGJOB_E_INVALID,
                           "directory '%.100s' holds files of somebody else ('%.40s') "
                           "and no %s: choose an empty one",
                           dir, entry->d_name, marker_name);
    }
}

static int open_marker(int dir_fd, const char *dir, int *out_fd, struct imgjob_error *err)
{
    int fd = openat(dir_fd, marker_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        int rc = require_empty(dir_fd, dir, err);
        /* what is there may be of one who came at the same time */
        if (rc < 0 && faccessat(dir_fd, marker_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            return rc;
        /* no O_EXCL: of two that come at the same time the lock picks one */
        fd = openat(dir_fd, marker_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (fd < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "open '%s/%s'", dir, marker_name);
    *out_fd = fd;
    return 0;
}

static int fail_busy(const char *dir, struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_BUSY,
                   "directory '%.150s' is in use by another server or store", dir);
}

/* @return 0, 1 when somebody has a lock that forbids this one, or IMGJOB_E_BLOB */
static int try_lock(int fd, short type, const char *dir, struct imgjob_error *err)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return 1;
    return ij_fail_errno(err, IMGJOB_E_BLOB, "lock '%s/%s'", dir, marker_name);
}

/*
 * Lock the marker. Who shares the directory holds it alone for as long as it may have to
 * be written, so that two who come at the same time make it once.
 *
 * @param out_is_alone whether nobody else has it
 */
static int lock_marker(int fd, const char *dir, bool is_shared, bool *out_is_alone,
                       struct imgjob_error *err)
{
    int tries = is_shared ? SHARE_TRIES : 1;
    for (int i = 0; i < tries; i++) {
        int rc = try_lock(fd, F_WRLCK, dir, err);
        *out_is_alone = rc == 0;
        if (rc == 1 && is_shared)
            rc = try_lock(fd, F_RDLCK, dir, err);
        if (rc != 1)
            return rc;
        if (is_shared)
            (void)usleep(SHARE_PAUSE_US); /* may be one that has just come */
    }
    return fail_busy(dir, err);
}

/* What stands in the marker, as far as an id reaches. */
static int read_marker(int fd, const char *dir, char out[IJ_STORE_ID_SIZE],
                       size_t *out_len, struct imgjob_error *err)
{
    /* a regular file: never short, never EINTR */
    ssize_t len = pread(fd, out, IJ_STORE_ID_SIZE, 0);
    if (len < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "read '%s/%s'", dir, marker_name);
    *out_len = (size_t)len;
    return 0;
}

static int write_marker(int fd, const char *dir, const char *store_id,
                        struct imgjob_error *err)
{
    char line[IJ_STORE_ID_SIZE + 1];
    int len = snprintf(line, sizeof(line), "%s\n", store_id);
    if (ftruncate(fd, 0) < 0 || ij_pwrite_all(fd, line, (size_t)len, 0) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "write '%s/%s'", dir, marker_name);
    return 0;
}

/* @param out_is_whole whether an id stands in it, which is then this store's
 * @return 0, or IMGJOB_E_INVALID when it is another one's, or _BLOB */
static int compare_marker(int fd, const char *dir, const char *store_id,
                          bool *out_is_whole, struct imgjob_error *err)
{
    struct ij_id id;
    char text[IJ_STORE_ID_SIZE];
    size_t len = 0;
    int rc = read_marker(fd, dir, text, &len, err);
    if (rc < 0)
        return rc;
    *out_is_whole = ij_id_parse(text, len, &id);
    if (*out_is_whole && memcmp(text, store_id, IJ_STORE_ID_SIZE - 1) != 0)
        return ij_fail(
            err, IMGJOB_E_INVALID,
            "directory '%.100s' belongs to store %.36s, not to %.36s: the jobs "
            "and the images are not of one store",
            dir, text, store_id);
    return 0;
}

static int check_id(const char *store_id, struct imgjob_error *err)
{
    struct ij_id id;
    if (strlen(store_id) == IJ_STORE_ID_SIZE - 1 &&
        ij_id_parse(store_id, IJ_STORE_ID_SIZE - 1, &id))
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID, "malformed store id '%.40s'", store_id);
}

int ij_marker_claim(int dir_fd, const char *dir, const char *store_id, bool is_shared,
                    int *out_fd, struct imgjob_error *err)
{
    int rc = check_id(store_id, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_close) int fd = -1;
    rc = open_marker(dir_fd, dir, &fd, err);
    bool is_alone = false, is_whole = false;
    if (rc == 0)
        rc = lock_marker(fd, dir, is_shared, &is_alone, err);
    if (rc == 0)
        rc = compare_marker(fd, dir, store_id, &is_whole, err);
    if (rc < 0)
        return rc;
    if (!is_whole && !is_alone) /* nobody leaves it so while he has it open */
        return fail_busy(dir, err);
    if (!is_whole) { /* new, or its maker died before it was durable: nothing else is here
                      */
        rc = require_empty(dir_fd, dir, err);
        if (rc == 0)
            rc = write_marker(fd, dir, store_id, err);
        if (rc < 0)
            return rc;
    }
    /* also an old one: its maker may have died between writing and syncing it */
    if (fsync(fd) < 0 || fsync(dir_fd) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "sync '%s/%s'", dir, marker_name);
    if (is_shared && is_alone && try_lock(fd, F_RDLCK, dir, err) != 0)
        return fail_busy(dir, err);
    *out_fd = ij_steal_fd(&fd);
    return 0;
}

int ij_marker_check(int dir_fd, const char *dir, const char *store_id,
                    struct imgjob_error *err)
{
    int rc = check_id(store_id, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_close)
    int fd = openat(dir_fd, marker_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return ij_fail(err, IMGJOB_E_INVALID, "directory '%.100s' is of no store: no %s",
                       dir, marker_name);
    if (fd < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "open '%s/%s'", dir, marker_name);
    bool is_whole = false;
    rc = compare_marker(fd, dir, store_id, &is_whole, err);
    if (rc == 0 && !is_whole)
        return ij_fail(err, IMGJOB_E_INVALID, "'%.100s/%s' holds no id of a store", dir,
                       marker_name);
    return rc;
}
