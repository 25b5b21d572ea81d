/*
 * What is read of many rows. `db` is a reader's connection; each call sees one moment.
 *
 * All functions return 0, or a code by ij_sqlite_db_fail(); out members are the caller's
 * when 0, and empty otherwise.
 */
#pragma once

#include "jobs/jobs.h"
#include "jobs/sqlite_db.h"

int ij_sqlite_list(struct ij_sqlite_db *db, const struct ij_list *list,
                   struct ij_page *out, struct imgjob_error *err);
int ij_sqlite_changes(struct ij_sqlite_db *db, const char *tenant, uint64_t after,
                      uint32_t limit, struct ij_page *out, struct imgjob_error *err);
int ij_sqlite_batch(struct ij_sqlite_db *db, const struct ij_id *batch,
                    uint64_t *out_by_state, struct imgjob_error *err);
int ij_sqlite_queues(struct ij_sqlite_db *db, struct ij_queue_stats *out,
                     size_t *out_count, struct imgjob_error *err);
int ij_sqlite_stats(struct ij_sqlite_db *db, struct ij_jobs_stats *out,
                    struct imgjob_error *err);
int ij_sqlite_deliveries(struct ij_sqlite_db *db, const struct ij_delivery_list *list,
                         struct ij_delivery *out, size_t *out_count, uint64_t *out_next,
                         struct imgjob_error *err);
