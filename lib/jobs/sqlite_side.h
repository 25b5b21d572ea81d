/*
 * What stands in the database beside jobs: transactions, blob keys to be collected,
 * counters, the store's identity.
 *
 * All functions return 0, 1 where said, or a code by ij_sqlite_db_fail().
 */
#pragma once

#include <stddef.h>

#include "jobs/jobs.h"
#include "jobs/sqlite_db.h"

int ij_sqlite_begin(struct ij_sqlite_db *db, struct imgjob_error *err);
int ij_sqlite_commit(struct ij_sqlite_db *db, struct imgjob_error *err);
/* Whatever is left of the transaction. */
void ij_sqlite_rollback(struct ij_sqlite_db *db);
/* Rows written in the connection's life. */
int64_t ij_sqlite_writes(struct ij_sqlite_db *db);

int ij_sqlite_gc_insert(struct ij_sqlite_db *db, const char *key,
                        struct imgjob_error *err);
int ij_sqlite_gc_delete(struct ij_sqlite_db *db, const char *key,
                        struct imgjob_error *err);
/* 0 = a key of that id stands in gc, 1 = none does. */
int ij_sqlite_gc_find(struct ij_sqlite_db *db, const struct ij_id *id,
                      struct imgjob_error *err);
int ij_sqlite_gc_list(struct ij_sqlite_db *db, const char *after, char **out_keys,
                      size_t max, size_t *out_count, struct imgjob_error *err);

/* The number of a tenant; 1 = there is none of that name. */
int ij_sqlite_find_tenant(struct ij_sqlite_db *db, const char *name, uint32_t *out,
                          struct imgjob_error *err);
/* Made where absent. */
int ij_sqlite_make_tenant(struct ij_sqlite_db *db, const char *name, uint32_t *out,
                          struct imgjob_error *err);

/* The virtual time of a tenant in a priority of a queue, 0 at first; tenant 0 = the
 * clock. */
int ij_sqlite_read_share(struct ij_sqlite_db *db, const struct ij_job *job,
                         uint32_t tenant, uint64_t *out, struct imgjob_error *err);
int ij_sqlite_write_share(struct ij_sqlite_db *db, const struct ij_job *job,
                          uint32_t tenant, uint64_t last, struct imgjob_error *err);

/* What an idempotency key stands for. A plain value. */
struct ij_sqlite_key {
    unsigned char fingerprint[IJ_DIGEST_SIZE];
    struct ij_id job;
    int64_t expires;
};
/* 1 = none of that name. */
int ij_sqlite_read_key(struct ij_sqlite_db *db, uint32_t tenant, const char *key,
                       struct ij_sqlite_key *out, struct imgjob_error *err);
/* In place of one that is there. */
int ij_sqlite_write_key(struct ij_sqlite_db *db, uint32_t tenant, const char *key,
                        const struct ij_sqlite_key *value, struct imgjob_error *err);
/* Up to `max` that have expired. */
int ij_sqlite_drop_keys(struct ij_sqlite_db *db, int64_t now, uint32_t max,
                        uint32_t *out_count, struct imgjob_error *err);

/* 1 = nobody has that place. */
int ij_sqlite_read_owner(struct ij_sqlite_db *db, uint32_t slot, uint64_t *out,
                         struct imgjob_error *err);
int ij_sqlite_write_owner(struct ij_sqlite_db *db, uint32_t slot, uint64_t owner,
                          struct imgjob_error *err);
/* Those of running jobs, up to `max`. */
int ij_sqlite_list_owners(struct ij_sqlite_db *db, uint64_t *out, size_t max,
                          size_t *out_count, struct imgjob_error *err);
/* Grows when another connection has committed. */
int ij_sqlite_read_data_version(struct ij_sqlite_db *db, int64_t *out,
                                struct imgjob_error *err);

int ij_sqlite_read_last_seq(struct ij_sqlite_db *db, uint64_t *out,
                            struct imgjob_error *err);
int ij_sqlite_read_store_id(struct ij_sqlite_db *db, char out[IMGJOB_ID_SIZE],
                            struct imgjob_error *err);

/* Give some of the file's free pages back to the file system, if it has many.
 * @param out_has_more whether many are left */
int ij_sqlite_shrink(struct ij_sqlite_db *db, bool *out_has_more,
                     struct imgjob_error *err);
