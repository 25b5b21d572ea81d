/*
 * The backend on SQLite as a whole, for the two files of its slots: those that write, in
 * sqlite.c, and those that read, in sqlite_read.c.
 */
#pragma once

#include "jobs/jobs.h"
#include "jobs/sqlite_owner.h"
#include "jobs/sqlite_reader.h"
#include "jobs/sqlite_watch.h"
#include "jobs/sqlite_writer.h"

struct ij_sqlite {
    struct ij_jobs jobs; /* first: the slots are handed its address */
    struct ij_jobs_config config;
    char *path; /* of config: the file's own, absolute */
    struct ij_sqlite_owners owners;
    char store_id[IMGJOB_ID_SIZE];
    struct ij_sqlite_writer writer;
    struct ij_sqlite_readers readers;
    struct ij_sqlite_watch watch; /* of a shared store */
};

static inline struct ij_sqlite *ij_sqlite_of(struct ij_jobs *jobs)
{
    return (struct ij_sqlite *)jobs;
}

/* Slots of ij_jobs_ops. */
int ij_sqlite_do_get(struct ij_jobs *jobs, const struct ij_id *id, struct ij_record *out,
                     struct imgjob_error *err);
int ij_sqlite_do_list(struct ij_jobs *jobs, const struct ij_list *list,
                      struct ij_page *out, struct imgjob_error *err);
int ij_sqlite_do_changes(struct ij_jobs *jobs, const char *tenant, uint64_t after,
                         uint32_t limit, struct ij_page *out, struct imgjob_error *err);
int ij_sqlite_do_batch(struct ij_jobs *jobs, const struct ij_id *batch,
                       uint64_t *out_by_state, struct imgjob_error *err);
int ij_sqlite_do_stats(struct ij_jobs *jobs, struct ij_jobs_stats *out,
                       struct imgjob_error *err);
int ij_sqlite_do_queues(struct ij_jobs *jobs, struct ij_queue_stats *out,
                        size_t *out_count, struct imgjob_error *err);
int ij_sqlite_do_delivery_list(struct ij_jobs *jobs, const struct ij_delivery_list *list,
                               struct ij_delivery *out, size_t *out_count,
                               uint64_t *out_next, struct imgjob_error *err);
int ij_sqlite_do_gc_list(struct ij_jobs *jobs, const char *after, char **out_keys,
                         size_t max, size_t *out_count, struct imgjob_error *err);
int ij_sqlite_do_ping(struct ij_jobs *jobs, struct imgjob_error *err);
int ij_sqlite_do_backup(struct ij_jobs *jobs, const char *path, struct imgjob_error *err);
int ij_sqlite_do_audit(struct ij_jobs *jobs, struct ij_audit *audit,
                       struct imgjob_error *err); /* without repair */
