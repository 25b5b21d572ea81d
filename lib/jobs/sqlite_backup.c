/* Owns the copy of a database: durable under its name, or not there. */
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "jobs/sqlite_audit.h"
#include "jobs/sqlite_owner.h"

/* All pages in one go: a reader's snapshot is not moved by those who write meanwhile. */
static int copy_pages(struct ij_sqlite_db *db, const char *path, struct imgjob_error *err)
{
    struct ij_sqlite_db copy = { .path = path };
    int rc = sqlite3_open_v2(path, &copy.handle,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                             NULL);
    sqlite3_backup *backup =
        rc == SQLITE_OK ? sqlite3_backup_init(copy.handle, "main", db->handle, "main")
                        : NULL;
    if (backup) {
        (void)sqlite3_backup_step(backup, -1); /* told by finish() */
        rc = sqlite3_backup_finish(backup);
    } else if (rc == SQLITE_OK) {
        rc = sqlite3_errcode(copy.handle);
    }
    int code = rc == SQLITE_OK ? 0 : ij_sqlite_db_fail(&copy, rc, "backing up", err);
    (void)sqlite3_close(copy.handle);
    return code;
}

static int sync_file(const char *path, struct imgjob_error *err)
{
    IJ_AUTO(ij_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return ij_fail_errno(err, IMGJOB_E_STORE, "sync the backup '%.150s'", path);
    return 0;
}

/* Under a name of its own first, so that a copy that broke off is never taken for one. */
static int make(struct ij_sqlite_db *db, const char *part, const char *path,
                struct imgjob_error *err)
{
    int rc = copy_pages(db, part, err);
    if (rc == 0)
        rc = sync_file(part, err);
    if (rc < 0)
        return rc;
    if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) < 0)
        return ij_fail_errno(err, IMGJOB_E_INVALID, "name the backup '%.150s'", path);
    return ij_sqlite_sync_directory(path, err);
}

int ij_sqlite_backup(struct ij_sqlite_db *db, const char *path, struct imgjob_error *err)
{
    char part[PATH_MAX];
    struct stat st;
    int len = snprintf(part, sizeof(part), "%s.part", path);
    if (path[0] == '\0' || len < 0 || len >= PATH_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "'%.150s' is no path of a backup", path);
    if (lstat(path, &st) == 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "the backup '%.150s' exists already: give another name", path);
    IJ_AUTO(ij_close)
    int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ij_fail_errno(err, IMGJOB_E_INVALID, "create the backup '%.150s'", part);
    int rc = make(db, part, path, err);
    if (rc == 0)
        return 0;
    (void)unlink(part);         /* it was never promised */
    if (rc == IMGJOB_E_STORE) { /* the copy's trouble: the store goes on */
        rc = IMGJOB_E_BLOB;
        if (err)
            err->code = rc;
    }
    return rc;
}
