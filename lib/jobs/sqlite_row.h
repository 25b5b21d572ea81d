/*
 * Jobs in and out of the database. No policy: what may happen to a row is state.c's, what
 * happens in which order is sqlite_step.c's.
 *
 * All functions return 0, 1 where said, or a code by ij_sqlite_db_fail().
 */
#pragma once

#include "jobs/jobs.h"
#include "jobs/sqlite_db.h"

/* 0, or 1 = no such row; `out` untouched then. */
int ij_sqlite_find_job(struct ij_sqlite_db *db, const struct ij_id *id,
                       struct ij_job *out, struct imgjob_error *err);
/* `which` is one of IJ_SQL_FIRST_* about jobs; `parameter` goes to those that take one.
 */
int ij_sqlite_first_job(struct ij_sqlite_db *db, enum ij_sql which, int64_t parameter,
                        struct ij_job *out, struct imgjob_error *err);
/* The newest of that digest that may stand in for another; 1 = none. */
int ij_sqlite_find_twin(struct ij_sqlite_db *db,
                        const unsigned char dedup[IJ_DIGEST_SIZE], int64_t now,
                        struct ij_job *out, struct imgjob_error *err);
/* With its documents; the caller's, to end with ij_record_done(). */
int ij_sqlite_read_record(struct ij_sqlite_db *db, const struct ij_id *id,
                          struct ij_record *out, struct imgjob_error *err);

int ij_sqlite_read_row(struct ij_sqlite_db *db, uint64_t seq, struct ij_record *out,
                       struct imgjob_error *err);

int ij_sqlite_insert_job(struct ij_sqlite_db *db, const struct ij_job *job,
                         struct imgjob_error *err);
int ij_sqlite_update_job(struct ij_sqlite_db *db, const struct ij_job *job,
                         struct imgjob_error *err);
/* Of a T5 only what it changes. */
int ij_sqlite_beat_job(struct ij_sqlite_db *db, const struct ij_job *job,
                       struct imgjob_error *err);
/* And its documents and tags. */
int ij_sqlite_delete_job(struct ij_sqlite_db *db, uint64_t seq, struct imgjob_error *err);

int ij_sqlite_insert_doc(struct ij_sqlite_db *db, uint64_t seq,
                         const struct ij_submit *submit, struct imgjob_error *err);
int ij_sqlite_insert_tags(struct ij_sqlite_db *db, uint64_t seq,
                          const struct ij_submit *submit, struct imgjob_error *err);
/* The caller's; NULL = none. */
int ij_sqlite_read_callback(struct ij_sqlite_db *db, uint64_t seq, char **out,
                            struct imgjob_error *err);
/* `keys` are added to those that stand there. Both may be NULL. */
int ij_sqlite_write_result(struct ij_sqlite_db *db, uint64_t seq, const char *result,
                           const char *keys, struct imgjob_error *err);
int ij_sqlite_write_failure(struct ij_sqlite_db *db, uint64_t seq, const char *failure,
                            struct imgjob_error *err);
/* Move the keys of a job's blobs into gc. */
int ij_sqlite_release_keys(struct ij_sqlite_db *db, uint64_t seq,
                           struct imgjob_error *err);
