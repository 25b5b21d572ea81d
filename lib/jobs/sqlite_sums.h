/*
 * What is counted: jobs by queue and state, and the sums of the store. The writer keeps
 * them in memory and writes those that a batch has changed; whoever else asks reads them.
 */
#pragma once

#include "jobs/jobs.h"
#include "jobs/share.h"
#include "jobs/sqlite_db.h"

struct ij_sqlite_queue {
    uint32_t number;
    char name[IJ_NAME_SIZE];
    bool is_paused;
    uint32_t limit;
    struct ij_turn turn; /* its weight is on disk, its place is not */
    uint64_t by_state[IJ_STATE_COUNT];
};

/* Some 60 KiB. */
struct ij_sqlite_sums {
    struct ij_sqlite_queue queues[IJ_QUEUES_MAX]; /* by number */
    size_t queue_count;
    struct ij_turn_clock clock;
    uint64_t last_seq; /* the writer's only */
    uint64_t change, bytes, deliveries;
};

/* All but last_seq. Queues that `sums` held before keep their place in the order.
 * @return 0 or a code by ij_sqlite_db_fail() */
int ij_sqlite_sums_read(struct ij_sqlite_db *db, struct ij_sqlite_sums *sums,
                        struct imgjob_error *err);

/* What differs from `before`. */
int ij_sqlite_sums_write(struct ij_sqlite_db *db, const struct ij_sqlite_sums *before,
                         const struct ij_sqlite_sums *sums, struct imgjob_error *err);

/* Copy no more than there is. */
void ij_sqlite_sums_copy(const struct ij_sqlite_sums *from, struct ij_sqlite_sums *to);

struct ij_jobs_stats ij_sqlite_sums_total(const struct ij_sqlite_sums *sums);

/* @return NULL when there is no queue of that number */
struct ij_sqlite_queue *ij_sqlite_queue_of(struct ij_sqlite_sums *sums, uint32_t number);

/* Made where absent, perhaps in the place of a spare one. @return 0, INVALID (too many),
 * or a code */
int ij_sqlite_queue_make(struct ij_sqlite_db *db, struct ij_sqlite_sums *sums,
                         const char *name, struct ij_sqlite_queue **out,
                         struct imgjob_error *err);

/* Write its pause, limit and weight. */
int ij_sqlite_queue_write(struct ij_sqlite_db *db, const struct ij_sqlite_queue *queue,
                          struct imgjob_error *err);

/* The queue whose turn it is; NULL = none has a job that may run. */
struct ij_sqlite_queue *ij_sqlite_queue_next(struct ij_sqlite_sums *sums);
