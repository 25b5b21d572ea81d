/** What an operator does with a store: measure, check, back up. */
#ifndef IMGJOB_OPERATE_H
#define IMGJOB_OPERATE_H

#include <stdint.h>

#include <imgjob/error.h>
#include <imgjob/pool.h>
#include <imgjob/store.h>

IMGJOB_BEGIN_DECLS

/**
 * What was counted since the store was opened, and what it holds, in the text format of
 * Prometheus (0.0.4).
 *
 * @param pool NULL, or a pool of this store whose workers are counted too
 * @param out  the caller's, to free with imgjob_text_free(); untouched on failure
 * @return 0, or IMGJOB_E_BUSY, _STORE, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_metrics_text(struct imgjob_store *store, struct imgjob_pool *pool,
                                   char **out, struct imgjob_error *err);

/** One thing that is wrong, in a sentence. Must not call the library. @since 0.1 */
typedef void (*imgjob_audit_fn)(void *data, const char *sentence);

/** What an audit found. @since 0.1 */
struct imgjob_audit {
    size_t size;       /**< set by the caller: sizeof(struct imgjob_audit) */
    uint64_t jobs;     /**< looked at */
    uint64_t faults;   /**< told, one call each */
    uint64_t repaired; /**< of those */
    uint64_t waste;    /**< files that no job names: no fault, a server removes them */
};

/**
 * Check a store that is not open here: every job, document, index and counter, and that
 * the images that jobs name are there. Without repair nothing is written or locked, and
 * a server may be running on it.
 *
 * @param options  as for imgjob_store_open()
 * @param repair   0, or 1 = mend what can be mended without losing an acknowledged job;
 *                 opens the store, so nobody else may have it
 * @param report   NULL, or called for each fault
 * @param data     handed to `report`
 * @param out      `size` must be set; filled on success
 * @return 0, or IMGJOB_E_INVALID, _ABI, _BUSY (repair: in use), _STORE, _BLOB, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_audit(const struct imgjob_store_options *options,
                                  uint32_t repair, imgjob_audit_fn report, void *data,
                                  struct imgjob_audit *out, struct imgjob_error *err);

/**
 * Copy the job database as of one moment to a new file, also while a server runs on it.
 * The images are files of their own: copy their directories afterwards, and an audit of
 * the copy tells what has expired in between.
 *
 * @param options as for imgjob_store_open()
 * @param path    of a file that does not exist
 * @return 0, or IMGJOB_E_INVALID (it exists; not a SQLite store), _BUSY, _STORE, _BLOB
 *         (the copy cannot be written), _FULL, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_store_backup(const struct imgjob_store_options *options,
                                   const char *path, struct imgjob_error *err);

IMGJOB_END_DECLS
#endif
