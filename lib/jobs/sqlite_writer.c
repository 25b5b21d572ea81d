/*
 * Owns the writer thread: everything that was asked while the last commit went to the
 * disk becomes one transaction, and is answered when that is durable. There is no
 * artificial delay: a lone request is committed at once, and the disk's own speed makes
 * the batches.
 *
 * No request fails for another's sake. A batch that fails for want of memory or of room,
 * or by a mistake of ours, is undone and done again with a transaction for each request.
 * Savepoints would not do: SQLite, out of memory, rolls back the whole transaction by
 * itself (https://www.sqlite.org/lang_transaction.html, "Response To Errors Within A
 * Transaction"); and this costs nothing until it is needed.
 *
 * Once a commit or a checkpoint has failed for another reason than a full disk, nobody
 * knows what the disk holds: every request is refused until the store is reopened.
 */
#include "jobs/sqlite_writer.h"

#include <sqlite3.h>

#include "base/thread.h"
#include "jobs/sqlite_owner.h"
#include "jobs/sqlite_side.h"

enum {
    BATCH_MAX = 256, /* requests in one transaction, so that the first need not wait
                        for ever */
    CHECKPOINT_PAGES = 1000, /* of the log: SQLite's own default, 4 MiB */
    /* While rows go by the thousand, hardly two pages of the log are the same, and all of
     * them are written and synced while callers wait: fewer, more often. */
    CHECKPOINT_PAGES_SWEEP = 200
};

/* ---- failures that stay ---- */

int ij_sqlite_writer_check(struct ij_sqlite_writer *writer, struct imgjob_error *err)
{
    (void)pthread_mutex_lock(&writer->lock);
    struct imgjob_error failure = writer->failure;
    (void)pthread_mutex_unlock(&writer->lock);
    return failure.code ? ij_fail(err, failure.code, "%s", failure.text) : 0;
}

int ij_sqlite_writer_note(struct ij_sqlite_writer *writer, int rc,
                          const struct imgjob_error *err)
{
    if (rc != IMGJOB_E_STORE)
        return rc;
    (void)pthread_mutex_lock(&writer->lock);
    bool is_first = writer->failure.code == 0;
    if (is_first)
        writer->failure = *err;
    (void)pthread_mutex_unlock(&writer->lock);
    if (!is_first)
        return rc;
    const struct ij_jobs_config *config = writer->batch.config;
    ij_log(&config->log, IMGJOB_LOG_ERROR, "store", NULL,
           "the job store refuses work until it is reopened: %s", err->text);
    if (config->failed)
        config->failed(config->changed_data);
    return rc;
}

/* ---- one batch ---- */

/* Do all steps. A step that refuses before it has written anything fails alone; anything
 * else that goes wrong fails the transaction, for nothing else would undo it. */
static int do_steps(struct ij_sqlite_batch *batch, struct ij_sqlite_request *first,
                    struct imgjob_error *err)
{
    for (struct ij_sqlite_request *request = first; request; request = request->next) {
        int64_t writes = ij_sqlite_writes(&batch->db);
        request->rc = request->step(batch, request->call, &request->err);
        bool is_alone = request->rc != IMGJOB_E_STORE &&
                        ij_sqlite_writes(&batch->db) == writes &&
                        !sqlite3_get_autocommit(batch->db.handle);
        if (request->rc < 0 && !is_alone) {
            *err = request->err;
            return request->rc;
        }
    }
    return 0;
}

/* What others have committed since our last transaction. */
static int reload(struct ij_sqlite_writer *writer, int64_t *version,
                  struct imgjob_error *err)
{
    struct ij_sqlite_batch *batch = &writer->batch;
    *version = writer->data_version;
    if (!batch->config->is_shared)
        return 0;
    int rc = ij_sqlite_read_data_version(&batch->db, version, err);
    if (rc < 0 || *version == writer->data_version)
        return rc;
    rc = ij_sqlite_sums_read(&batch->db, &batch->sums, err);
    return rc < 0 ? rc : ij_sqlite_read_last_seq(&batch->db, &batch->sums.last_seq, err);
}

/* What stands in the transaction. @param out_is_step whether a step is to blame */
static int fill_batch(struct ij_sqlite_writer *writer, struct ij_sqlite_request *first,
                      bool *out_is_step, struct imgjob_error *err)
{
    struct ij_sqlite_batch *batch = &writer->batch;
    int64_t version;
    int rc = reload(writer, &version, err);
    if (rc < 0)
        return rc;
    ij_sqlite_sums_copy(&batch->sums, &writer->before);
    rc = do_steps(batch, first, err);
    *out_is_step = rc < 0;
    if (rc == 0)
        rc = ij_sqlite_sums_write(&batch->db, &writer->before, &batch->sums, err);
    if (rc == 0)
        rc = ij_sqlite_commit(&batch->db, err); /* free when nothing was written */
    if (rc == 0)
        writer->data_version = version;
    return rc;
}

/* One transaction. After a failure nothing of it has happened. */
static int run_batch(struct ij_sqlite_writer *writer, struct ij_sqlite_request *first,
                     bool *out_is_step, struct imgjob_error *err)
{
    struct ij_sqlite_batch *batch = &writer->batch;
    *out_is_step = false;
    ij_sqlite_sums_copy(&batch->sums, &writer->before);
    batch->now = ij_wall_ms(&batch->config->clock);
    int rc = ij_sqlite_begin(&batch->db, err);
    if (rc == 0)
        rc = fill_batch(writer, first, out_is_step, err);
    if (rc == 0)
        return 0;
    ij_sqlite_rollback(&batch->db);
    /* of a shared store these may be others' sums: right for the version they are of, and
     * read again when it is another */
    ij_sqlite_sums_copy(&writer->before, &batch->sums);
    batch->changes.count = 0;
    return rc;
}

/* Called by SQLite after each commit. */
static int note_log_length(void *data, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    ((struct ij_sqlite_writer *)data)->checkpoint_pages = pages;
    return SQLITE_OK;
}

/* Move the log into the database, after the callers have their answers. SQLite's own
 * automatic checkpoint would swallow a failed fsync. */
static void checkpoint(struct ij_sqlite_writer *writer)
{
    int pages = writer->batch.is_sweep ? CHECKPOINT_PAGES_SWEEP : CHECKPOINT_PAGES;
    if (writer->checkpoint_pages < pages)
        return;
    writer->batch.is_sweep = false;
    writer->checkpoint_pages = 0; /* the next commit tells again */
    struct ij_sqlite_db *db = &writer->batch.db;
    int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                       NULL);
    if (rc == SQLITE_OK)
        return;
    struct imgjob_error err = { 0 };
    rc = ij_sqlite_db_fail(db, rc, "moving the log", &err);
    (void)ij_sqlite_writer_note(writer, rc, &err); /* full or busy: tried again later */
}

/* ---- the thread ---- */

/* Wait for requests and take them. @return NULL = the store is being closed */
static struct ij_sqlite_request *take_batch(struct ij_sqlite_writer *writer)
{
    (void)pthread_mutex_lock(&writer->lock);
    while (!writer->first && !writer->is_stopping)
        (void)pthread_cond_wait(&writer->wake, &writer->lock);
    struct ij_sqlite_request *first = writer->first, *last = first;
    for (int i = 1; last && last->next && i < BATCH_MAX; i++)
        last = last->next;
    if (last) {
        writer->first = last->next;
        last->next = NULL;
    }
    (void)pthread_mutex_unlock(&writer->lock);
    return first;
}

static void answer_batch(struct ij_sqlite_writer *writer, struct ij_sqlite_request *first,
                         int rc, const struct imgjob_error *err)
{
    (void)pthread_mutex_lock(&writer->lock);
    if (rc == 0)
        writer->stats = ij_sqlite_sums_total(&writer->batch.sums);
    while (first) {
        struct ij_sqlite_request *request = first;
        first = request->next; /* it is gone once it is answered */
        if (rc < 0) {
            request->rc = rc;
            request->err = *err;
        }
        request->is_done = true;
        (void)pthread_cond_signal(&request->done);
    }
    (void)pthread_mutex_unlock(&writer->lock);
}

/* One that has written nothing was no commit. */
static void measure(struct ij_sqlite_writer *writer,
                    const struct ij_sqlite_request *first, int64_t writes,
                    int64_t began_ms)
{
    struct ij_jobs_metrics *metrics = writer->batch.config->metrics;
    if (!metrics || ij_sqlite_writes(&writer->batch.db) == writes)
        return;
    int count = 0;
    for (; first; first = first->next)
        count++;
    ij_observe_ms(&metrics->commit_seconds, ij_mono_ms(&ij_clock_system) - began_ms);
    ij_observe(&metrics->batch_size, count);
}

/* Do a batch and answer it; all at once, or one by one. */
static void settle_batch(struct ij_sqlite_writer *writer, struct ij_sqlite_request *first)
{
    struct imgjob_error err = { 0 };
    bool is_step = false;
    int64_t writes = ij_sqlite_writes(&writer->batch.db);
    int64_t began_ms = ij_mono_ms(&ij_clock_system);
    int rc = ij_sqlite_writer_check(writer, &err);
    if (rc == 0) {
        rc = run_batch(writer, first, &is_step, &err);
        rc = ij_sqlite_writer_note(writer, rc, &err);
    }
    bool is_for_one = rc != IMGJOB_E_STORE && (is_step || ij_sqlite_is_for_one(rc));
    if (rc < 0 && first->next && is_for_one) {
        while (first) {
            struct ij_sqlite_request *alone = first;
            first = alone->next;
            alone->next = NULL;
            settle_batch(writer, alone);
        }
        return;
    }
    if (rc == 0)
        measure(writer, first, writes, began_ms);
    ij_changes_tell(&writer->batch.changes, writer->batch.config);
    answer_batch(writer, first, rc, &err);
    checkpoint(writer);
}

static void *write_batches(void *data)
{
    struct ij_sqlite_writer *writer = data;
    struct ij_sqlite_request *first;
    while ((first = take_batch(writer)) != NULL)
        settle_batch(writer, first);
    return NULL;
}

/* ---- the callers ---- */

int ij_sqlite_writer_do(struct ij_sqlite_writer *writer, ij_step_fn *step, void *call,
                        struct imgjob_error *err)
{
    struct ij_sqlite_request request = {
        .step = step,
        .call = call,
        .done = PTHREAD_COND_INITIALIZER,
    };
    (void)pthread_mutex_lock(&writer->lock);
    if (writer->first)
        writer->last->next = &request;
    else
        writer->first = &request;
    writer->last = &request;
    (void)pthread_cond_signal(&writer->wake);
    while (!request.is_done)
        (void)pthread_cond_wait(&request.done, &writer->lock);
    (void)pthread_mutex_unlock(&writer->lock);
    (void)pthread_cond_destroy(&request.done);
    if (request.rc < 0)
        return ij_fail(err, request.rc, "%s", request.err.text);
    return request.rc;
}

void ij_sqlite_writer_stats(struct ij_sqlite_writer *writer, struct ij_jobs_stats *out)
{
    (void)pthread_mutex_lock(&writer->lock);
    *out = writer->stats;
    (void)pthread_mutex_unlock(&writer->lock);
}

void ij_sqlite_writer_init(struct ij_sqlite_writer *writer,
                           const struct ij_jobs_config *config)
{
    writer->batch.config = config;
    writer->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    writer->wake = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
}

/* Sums, and our place among those who share the store, before anything is asked. */
static int begin(struct ij_sqlite_writer *writer, struct imgjob_error *err)
{
    struct ij_sqlite_batch *batch = &writer->batch;
    int rc = ij_sqlite_begin(&batch->db, err);
    if (rc < 0)
        return rc;
    rc = ij_sqlite_sums_read(&batch->db, &batch->sums, err);
    if (rc == 0)
        rc = ij_sqlite_read_last_seq(&batch->db, &batch->sums.last_seq, err);
    if (rc == 0)
        rc = ij_sqlite_read_data_version(&batch->db, &writer->data_version, err);
    if (rc == 0 && batch->owners->is_shared)
        rc = ij_sqlite_write_owner(&batch->db, batch->owners->slot, batch->owners->owner,
                                   err);
    if (rc == 0)
        rc = ij_sqlite_commit(&batch->db, err);
    if (rc < 0)
        ij_sqlite_rollback(&batch->db);
    return rc;
}

int ij_sqlite_writer_start(struct ij_sqlite_writer *writer,
                           const struct ij_jobs_config *config,
                           struct ij_sqlite_owners *owners, struct imgjob_error *err)
{
    struct ij_sqlite_batch *batch = &writer->batch;
    ij_sqlite_writer_init(writer, config);
    batch->owners = owners;
    batch->retention = (struct ij_retention){ config->result_ttl_ms, config->job_ttl_ms };
    int rc = ij_sqlite_owners_hold(owners, err);
    if (rc == 0)
        rc = ij_sqlite_db_open_writer(&batch->db, config->path,
                                      config->is_durability_normal, err);
    if (rc == 0)
        rc = begin(writer, err);
    ij_sqlite_owners_let(owners);
    if (rc < 0)
        return rc;
    writer->stats = ij_sqlite_sums_total(&batch->sums);
    (void)sqlite3_wal_hook(batch->db.handle, note_log_length, writer);
    rc = ij_thread_start(&writer->thread, "imgjob-sqlite", write_batches, writer, err);
    writer->is_started = rc == 0;
    return rc;
}

void ij_sqlite_writer_stop(struct ij_sqlite_writer *writer)
{
    if (writer->is_started) {
        (void)pthread_mutex_lock(&writer->lock);
        writer->is_stopping = true;
        (void)pthread_cond_signal(&writer->wake);
        (void)pthread_mutex_unlock(&writer->lock);
        (void)pthread_join(writer->thread, NULL); /* cannot fail: it is ours */
        (void)pthread_cond_destroy(&writer->wake);
        (void)pthread_mutex_destroy(&writer->lock);
    }
    if (writer->failure.code &&
        writer->batch.db.handle) /* nobody knows what the disk holds: leave it the log */
        (void)sqlite3_db_config(writer->batch.db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
                                1, NULL);
    ij_changes_done(&writer->batch.changes);
    ij_sqlite_db_close(&writer->batch.db);
    writer->is_started = false;
}
