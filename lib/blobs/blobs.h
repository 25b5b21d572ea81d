/*
 * Where images live. A blob appears whole or not at all under its name, and durable;
 * which blobs count is for the job store to say: a blob that no row names is an orphan.
 *
 * Keys (never made of a client's words):
 *     <id>.in<k>                            input k of a job
 *     <id>.<gen>-<token>.<name>.<ext>       output `name`, written under that lease
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/id.h"

enum {
    IJ_BLOB_KEY_SIZE = 192, /* longest key and its terminator */
    IJ_STORE_ID_SIZE = 37   /* the text of a store's id, terminator included */
};

/* A key taken apart. */
struct ij_blob_name {
    struct ij_id id;
    bool is_input;
    uint32_t input; /* k, of an input */
    uint64_t gen;   /* of an output */
    uint64_t token; /* of an output */
};

void ij_blob_input_key(const struct ij_id *id, uint32_t input,
                       char out[IJ_BLOB_KEY_SIZE]);
/* `name` must be valid by ij_output_name_valid(), `ext` one of ours. */
void ij_blob_output_key(const struct ij_id *id, uint64_t gen, uint64_t token,
                        const char *name, const char *ext, char out[IJ_BLOB_KEY_SIZE]);
/* Strict: only what the two functions above can write. */
bool ij_blob_key_parse(const char *key, struct ij_blob_name *out);

/* Take the first key of a list in which each is ended by '\n'; one that is too long to be
 * a key comes out cut. @return behind it */
const char *ij_blob_key_next(const char *list, char out[IJ_BLOB_KEY_SIZE]);

struct ij_blobs;

/* A blob that is being written; owned by one thread. `fd` takes bytes by write(2). */
struct ij_blob_draft {
    struct ij_blobs *blobs;
    int fd; /* -1 = none */
    char key[IJ_BLOB_KEY_SIZE];
};

struct ij_blobs_ops {
    const char *name;

    /* All slots are thread-safe and none may be NULL. Codes: BLOB unless said; FULL when
     * the disk is; NOMEM without descriptors. */
    void (*close)(struct ij_blobs *blobs);

    /* Begin a blob; the key must be valid and must not exist. Space may be reserved. */
    int (*draft_create)(struct ij_blobs *blobs, const char *key,
                        struct ij_blob_draft *out, struct imgjob_error *err);

    /* Make it durable under its key; the draft is then done. On failure it still has to
     * be discarded. A failed fsync is final: the backend then refuses all writes until it
     * is reopened. */
    int (*draft_publish)(struct ij_blob_draft *draft, struct imgjob_error *err);

    /* Drop it with its bytes. Fine on a zeroed, done or half-built draft (fd -1 or 0 with
     * no blobs). */
    void (*draft_discard)(struct ij_blob_draft *draft);

    /* Open for reading. @param out_fd the caller's. NOTFOUND when there is none */
    int (*open)(struct ij_blobs *blobs, const char *key, int *out_fd, uint64_t *out_len,
                struct imgjob_error *err);

    /* Remove; one that is not there is fine, one that is no file is BLOB. */
    int (*remove)(struct ij_blobs *blobs, const char *key, struct imgjob_error *err);

    /* Call `visit` for every blob and left-over draft not touched for `age_ms`: a key of
     * our grammar, whether it is a draft. Other files are passed over. A non-zero return
     * of `visit` stops and is returned. What cannot be read does not hide the rest: all
     * that can is visited first, then the first failure is returned. */
    int (*list)(struct ij_blobs *blobs, uint64_t age_ms,
                int (*visit)(void *data, const char *key, bool is_draft), void *data,
                struct imgjob_error *err);

    /* Remove a left-over draft that list() showed. */
    int (*remove_draft)(struct ij_blobs *blobs, const char *key,
                        struct imgjob_error *err);

    /* Free and total bytes of the file system, for the disk floor. */
    int (*space)(struct ij_blobs *blobs, uint64_t *out_free, uint64_t *out_total,
                 struct imgjob_error *err);

    /* Whether it takes images. Cheap. @return 0, or the failure that ended all writing:
     * BLOB, "… takes no more images since …" */
    int (*check)(struct ij_blobs *blobs, struct imgjob_error *err);

    /* Where a person finds that blob: "uploads/2f/<key>". Cut at `size`. */
    void (*describe)(struct ij_blobs *blobs, const char *key, char *out, size_t size);
};

/* Shared. The first member of every backend. */
struct ij_blobs {
    const struct ij_blobs_ops *ops;
};

/* Who else may have a directory open. */
enum ij_local_use {
    IJ_LOCAL_ALONE = 0, /* nobody */
    IJ_LOCAL_SHARED,    /* other processes that share it as well */
    IJ_LOCAL_LOOK       /* anybody: it is only read, and nothing is made or locked */
};

/*
 * A directory as blob storage: 256 subdirectories made and fsynced at creation, named by
 * the last byte of the id in hex, and a file .imgjob-store that holds the store's id and
 * is locked while open.
 *
 * @param dir      created if absent, unless it is only looked at
 * @param store_id that of the job store; another one in the directory, or a directory
 * that is not empty and has none, is refused
 * @return 0, or IMGJOB_E_INVALID (not this store's), _BUSY (another process has it),
 * _BLOB
 */
int ij_local_open(const char *dir, const char *store_id, enum ij_local_use use,
                  struct ij_blobs **out, struct imgjob_error *err);

void ij_blobs_close(struct ij_blobs *blobs); /* NULL is fine */
static inline void ij_draft_discard(struct ij_blob_draft *draft)
{
    if (draft->blobs)
        draft->blobs->ops->draft_discard(draft);
}
