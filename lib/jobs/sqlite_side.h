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

int ij_sqlite_read_counters(struct ij_sqlite_db *db, struct ij_jobs_stats *out,
                            struct imgjob_error *err);
int ij_sqlite_write_counter(struct ij_sqlite_db *db, int state, uint64_t count,
                            struct imgjob_error *err);
int ij_sqlite_read_last_seq(struct ij_sqlite_db *db, uint64_t *out,
                            struct imgjob_error *err);
int ij_sqlite_read_store_id(struct ij_sqlite_db *db, char out[IMGJOB_ID_SIZE],
                            struct imgjob_error *err);

/* Give some of the file's free pages back to the file system, if it has many. */
int ij_sqlite_shrink(struct ij_sqlite_db *db, struct imgjob_error *err);
