/*
 * Blobs as files in one directory. A blob's bytes go to a draft beside its later place;
 * the whole draft takes the blob's name, which must be free, and then both go to the
 * disk. A write that the disk may have lost ends all writing until the directory is
 * opened again: what the kernel forgot cannot be synced later.
 *
 * Threads share nothing but the directory's descriptor and that one flag. Who may use
 * the directory at all is for marker.c to say.
 */
#include "blobs/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "blobs/marker.h"
#include "blobs/stream.h"

enum {
    DIRECTORY_COUNT = 256,   /* named by the last byte of the id */
    DIRECTORY_NAME_SIZE = 3, /* two hex digits and a terminator */
    DRAFT_NAME_SIZE = IJ_BLOB_KEY_SIZE + 6
};

static const char draft_suffix[] = ".draft";

/* Shared. */
struct ij_local {
    struct ij_blobs base;
    char *dir; /* as it was asked for, for people */
    int dir_fd;
    int marker_fd;      /* holds the lock on the directory; -1 = not locked */
    bool is_read_only;  /* opened to be looked at */
    atomic_bool failed; /* an fsync failed */
};

static struct ij_local *local_of(struct ij_blobs *blobs)
{
    return (struct ij_local *)blobs; /* its first member */
}

static void directory_name(uint8_t index, char out[DIRECTORY_NAME_SIZE])
{
    (void)snprintf(out, DIRECTORY_NAME_SIZE, "%02x", index);
}

static void draft_name(const char *key, char out[DRAFT_NAME_SIZE])
{
    (void)snprintf(out, DRAFT_NAME_SIZE, "%s%s", key, draft_suffix);
}

/* Open the directory that a key belongs in. Not kept open: it costs 2 µs, and 256
 * descriptors per store would cost every process that starts a worker. */
static int directory_open(struct ij_local *local, const char *key, int *out_fd,
                          struct imgjob_error *err)
{
    struct ij_blob_name name;
    if (!ij_blob_key_parse(key, &name))
        return ij_fail(err, IMGJOB_E_INVALID, "malformed blob key '%.40s'", key);
    char directory[DIRECTORY_NAME_SIZE];
    directory_name(name.id.bytes[sizeof(name.id.bytes) - 1], directory);
    int fd =
        openat(local->dir_fd, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "open '%s/%s'", local->dir, directory);
    *out_fd = fd;
    return 0;
}

static int refuse_writes(struct ij_local *local, struct imgjob_error *err)
{
    if (local->is_read_only)
        return ij_fail(err, IMGJOB_E_BLOB, "'%s' is opened to be looked at", local->dir);
    if (!atomic_load(&local->failed))
        return 0;
    return ij_fail(err, IMGJOB_E_BLOB,
                   "'%s' takes no more images since a write to its disk failed",
                   local->dir);
}

static int local_draft_create(struct ij_blobs *blobs, const char *key,
                              struct ij_blob_draft *out, struct imgjob_error *err)
{
    struct ij_local *local = local_of(blobs);
    int rc = refuse_writes(local, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_close) int directory_fd = -1;
    rc = directory_open(local, key, &directory_fd, err);
    if (rc < 0)
        return rc;
    char name[DRAFT_NAME_SIZE];
    draft_name(key, name);
    int fd = openat(directory_fd, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "create a draft of '%s' in '%s'", key,
                             local->dir);
    *out = (struct ij_blob_draft){ .blobs = blobs, .fd = fd };
    memcpy(out->key, key, strlen(key) + 1); /* fits: the key was parsed */
    return 0;
}

/* The same for what a link can do: two names are one too many. */
static int link_draft(int directory_fd, const char *draft, const char *key)
{
    if (linkat(directory_fd, draft, directory_fd, key, 0) < 0)
        return -1;
    if (unlinkat(directory_fd, draft, 0) == 0)
        return 0;
    int cause = errno;
    (void)unlinkat(directory_fd, key, 0); /* else the collector finds it: no row has it */
    errno = cause;
    return -1;
}

/* Give the draft its name unless that is taken. Not every file system knows
 * RENAME_NOREPLACE (NFS and some FUSE ones do not); a link refuses a taken name on all.
 */
static int rename_draft(int directory_fd, const char *draft, const char *key)
{
    if (renameat2(directory_fd, draft, directory_fd, key, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    return link_draft(directory_fd, draft, key);
}

static int fail_sync(struct ij_local *local, const char *what, struct imgjob_error *err)
{
    atomic_store(&local->failed, true);
    return ij_fail_errno(err, IMGJOB_E_BLOB, "sync %s to the disk of '%s'", what,
                         local->dir);
}

static int local_draft_publish(struct ij_blob_draft *draft, struct imgjob_error *err)
{
    struct ij_local *local = local_of(draft->blobs);
    int rc = refuse_writes(local, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_close) int directory_fd = -1;
    rc = directory_open(local, draft->key, &directory_fd, err);
    if (rc < 0)
        return rc;
    char name[DRAFT_NAME_SIZE];
    draft_name(draft->key, name);
    if (rename_draft(directory_fd, name, draft->key) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "publish '%s' in '%s'", draft->key,
                             local->dir);
    /* Renamed first, so that the journal is forced to the disk once and not twice
     * (measured: 0.7 against 1.4 to 3 ms). A power cut in between may leave a torn file
     * under the name, but no row names it yet. */
    if (fsync(draft->fd) < 0 || fsync(directory_fd) < 0) {
        rc = fail_sync(local, draft->key, err);
        (void)unlinkat(directory_fd, draft->key, 0); /* else the next boot finds it */
        return rc;
    }
    ij_close(&draft->fd);
    *draft = (struct ij_blob_draft){ .fd = -1 };
    return 0;
}

static int remove_name(struct ij_local *local, const char *key, const char *name,
                       struct imgjob_error *err)
{
    if (local->is_read_only)
        return refuse_writes(local, err);
    IJ_AUTO(ij_close) int directory_fd = -1;
    int rc = directory_open(local, key, &directory_fd, err);
    if (rc < 0)
        return rc;
    /* not synced: what comes back after a power cut has no row and is swept again */
    if (unlinkat(directory_fd, name, 0) < 0 && errno != ENOENT)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "remove '%s' from '%s'", name,
                             local->dir);
    return 0;
}

static int local_remove(struct ij_blobs *blobs, const char *key, struct imgjob_error *err)
{
    return remove_name(local_of(blobs), key, key, err);
}

static int local_remove_draft(struct ij_blobs *blobs, const char *key,
                              struct imgjob_error *err)
{
    char name[DRAFT_NAME_SIZE];
    draft_name(key, name);
    return remove_name(local_of(blobs), key, name, err);
}

static void local_draft_discard(struct ij_blob_draft *draft)
{
    if (!draft->blobs)
        return;
    ij_close(&draft->fd);
    (void)local_remove_draft(draft->blobs, draft->key, NULL); /* else it is swept */
    *draft = (struct ij_blob_draft){ .fd = -1 };
}

static int local_open_blob(struct ij_blobs *blobs, const char *key, int *out_fd,
                           uint64_t *out_len, struct imgjob_error *err)
{
    struct ij_local *local = local_of(blobs);
    IJ_AUTO(ij_close) int directory_fd = -1;
    int rc = directory_open(local, key, &directory_fd, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(ij_close)
    int fd = openat(directory_fd, key, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return ij_fail(err, IMGJOB_E_NOTFOUND, "no image '%s' in '%s'", key, local->dir);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "open '%s' in '%s'", key, local->dir);
    if (!S_ISREG(st.st_mode))
        return ij_fail(err, IMGJOB_E_BLOB, "'%s' in '%s' is no regular file", key,
                       local->dir);
    *out_len = (uint64_t)st.st_size;
    *out_fd = ij_steal_fd(&fd);
    return 0;
}

/* What list() carries from directory to directory. */
struct walk {
    struct ij_local *local;
    int (*visit)(void *data, const char *key, bool is_draft);
    void *data;
    int64_t newest; /* seconds since 1970: what was touched later is not shown */
    struct imgjob_error first; /* failure to read something; code 0 = none so far */
};

/* Take the suffix of a draft off. @return whether it was there */
static bool strip_draft_suffix(char *name)
{
    size_t suffix_len = sizeof(draft_suffix) - 1;
    size_t len = strlen(name);
    if (len <= suffix_len || strcmp(name + len - suffix_len, draft_suffix) != 0)
        return false;
    name[len - suffix_len] = '\0';
    return true;
}

/* Keep the words of errno for the end, unless there was a failure before. */
static void keep_failure(struct walk *walk, const char *directory, const char *entry)
{
    if (walk->first.code == 0)
        (void)ij_fail_errno(&walk->first, IMGJOB_E_BLOB, "list '%s/%s%s%s'",
                            walk->local->dir, directory, entry[0] ? "/" : "", entry);
}

/* Whether the file is to be shown; what should be one of ours and is no file is not. */
static bool is_shown(struct walk *walk, int directory_fd, const char *directory,
                     const char *entry)
{
    struct stat st;
    if (fstatat(directory_fd, entry, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT) /* removed in between */
            keep_failure(walk, directory, entry);
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        keep_failure(walk, directory, entry);
        return false;
    }
    return st.st_mtim.tv_sec <= walk->newest;
}

/* @return what visit() did, 0 when it was not called */
static int visit_entry(struct walk *walk, int directory_fd, uint8_t index,
                       const char *entry)
{
    char key[DRAFT_NAME_SIZE], directory[DIRECTORY_NAME_SIZE];
    size_t len = strlen(entry);
    if (len >= sizeof(key))
        return 0;
    memcpy(key, entry, len + 1);
    bool is_draft = strip_draft_suffix(key);
    struct ij_blob_name name;
    if (!ij_blob_key_parse(key, &name) || name.id.bytes[15] != index)
        return 0;
    directory_name(index, directory);
    if (!is_shown(walk, directory_fd, directory, entry))
        return 0;
    return walk->visit(walk->data, key, is_draft);
}

/* @return what visit() did */
static int walk_directory(struct walk *walk, uint8_t index)
{
    char directory[DIRECTORY_NAME_SIZE];
    directory_name(index, directory);
    IJ_AUTO(ij_stream_close)
    DIR *stream = ij_stream_open(walk->local->dir_fd, directory);
    if (!stream) {
        keep_failure(walk, directory, "");
        return 0;
    }
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (!entry && errno != 0)
            keep_failure(walk, directory, "");
        if (!entry)
            return 0;
        int rc = visit_entry(walk, dirfd(stream), index, entry->d_name);
        if (rc != 0)
            return rc;
    }
}

static int local_list(struct ij_blobs *blobs, uint64_t age_ms,
                      int (*visit)(void *data, const char *key, bool is_draft),
                      void *data, struct imgjob_error *err)
{
    struct walk walk = {
        .local = local_of(blobs),
        .visit = visit,
        .data = data,
        .newest = INT64_MAX,
    };
    if (age_ms > 0)
        walk.newest = (int64_t)time(NULL) - (int64_t)(age_ms / 1000);
    for (int i = 0; i < DIRECTORY_COUNT; i++) {
        int rc = walk_directory(&walk, (uint8_t)i);
        if (rc != 0)
            return rc;
    }
    if (walk.first.code != 0 && err)
        *err = walk.first;
    return walk.first.code;
}

static int local_space(struct ij_blobs *blobs, uint64_t *out_free, uint64_t *out_total,
                       struct imgjob_error *err)
{
    struct ij_local *local = local_of(blobs);
    struct statvfs vfs;
    if (fstatvfs(local->dir_fd, &vfs) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "read the free space of '%s'",
                             local->dir);
    *out_free = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    *out_total = (uint64_t)vfs.f_blocks * vfs.f_frsize;
    return 0;
}

static int local_check(struct ij_blobs *blobs, struct imgjob_error *err)
{
    return refuse_writes(local_of(blobs), err);
}

static void local_describe(struct ij_blobs *blobs, const char *key, char *out,
                           size_t size)
{
    struct ij_blob_name name;
    if (!ij_blob_key_parse(key, &name)) {
        (void)snprintf(out, size, "%s", local_of(blobs)->dir);
        return;
    }
    (void)snprintf(out, size, "%s/%02x/%s", local_of(blobs)->dir, name.id.bytes[15], key);
}

static void local_close(struct ij_blobs *blobs)
{
    struct ij_local *local = local_of(blobs);
    ij_close(&local->marker_fd); /* and the lock with it */
    ij_close(&local->dir_fd);
    free(local->dir);
    free(local);
}

static const struct ij_blobs_ops local_ops = {
    .name = "file",
    .close = local_close,
    .draft_create = local_draft_create,
    .draft_publish = local_draft_publish,
    .draft_discard = local_draft_discard,
    .open = local_open_blob,
    .remove = local_remove,
    .list = local_list,
    .remove_draft = local_remove_draft,
    .space = local_space,
    .check = local_check,
    .describe = local_describe,
};

static int make_directories(struct ij_local *local, struct imgjob_error *err)
{
    for (int i = 0; i < DIRECTORY_COUNT; i++) {
        char name[DIRECTORY_NAME_SIZE];
        directory_name((uint8_t)i, name);
        if (mkdirat(local->dir_fd, name, 0700) < 0 && errno != EEXIST)
            return ij_fail_errno(err, IMGJOB_E_BLOB, "create '%s/%s'", local->dir, name);
    }
    /* always: who made them may have died before this */
    if (fsync(local->dir_fd) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "sync '%s'", local->dir);
    return 0;
}

static void local_closep(struct ij_local **local)
{
    if (*local)
        local_close(&(*local)->base);
}

/* Take the directory for this store. */
static int claim(struct ij_local *local, const char *store_id, enum ij_local_use use,
                 struct imgjob_error *err)
{
    if (use == IJ_LOCAL_LOOK)
        return ij_marker_check(local->dir_fd, local->dir, store_id, err);
    int rc = ij_marker_claim(local->dir_fd, local->dir, store_id, use == IJ_LOCAL_SHARED,
                             &local->marker_fd, err);
    return rc < 0 ? rc : make_directories(local, err);
}

int ij_local_open(const char *dir, const char *store_id, enum ij_local_use use,
                  struct ij_blobs **out, struct imgjob_error *err)
{
    IJ_AUTO(local_closep) struct ij_local *local = calloc(1, sizeof(*local));
    if (!local)
        return ij_fail_nomem(err, "opening image storage");
    local->base.ops = &local_ops;
    local->dir_fd = local->marker_fd = -1;
    local->dir = strdup(dir);
    if (!local->dir)
        return ij_fail_nomem(err, "opening image storage");
    local->is_read_only = use == IJ_LOCAL_LOOK;
    if (!local->is_read_only && ij_make_dirs(dir) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "create directory '%s'", dir);
    local->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (local->dir_fd < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "open directory '%s'", dir);
    int rc = claim(local, store_id, use, err);
    if (rc < 0)
        return rc;
    *out = &ij_steal(&local)->base;
    return 0;
}

void ij_blobs_close(struct ij_blobs *blobs)
{
    if (blobs)
        blobs->ops->close(blobs);
}
