/* Owns the mapping of counters and queues. */
#include "jobs/sqlite_sums.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/sqlite_call.h"
#include "jobs/submit.h"

/* The rows of queue 0 in `counter`; the numbers are on disk. */
enum sum { SUM_CHANGE, SUM_BYTES, SUM_DELIVERIES };

static int damaged(const struct ij_sqlite_db *db, const char *what,
                   struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_STORE,
                   "database '%.100s' is damaged: %s cannot be: restore a backup",
                   db->path, what);
}

static int read_queues(struct ij_sqlite_db *db, struct ij_sqlite_sums *sums,
                       struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_QUEUES, "reading the queues");
    size_t count = 0;
    int rc;
    while ((rc = ij_call_step(&call, err)) == 0) {
        const unsigned char *name = sqlite3_column_text(call.statement, 1);
        if (count == IJ_QUEUES_MAX || !name || strlen((const char *)name) >= IJ_NAME_SIZE)
            return damaged(db, "a queue", err);
        struct ij_sqlite_queue *queue = &sums->queues[count++];
        /* rows are never removed, so one that was known stands where it stood */
        uint64_t pass = count <= sums->queue_count ? queue->turn.pass : 0;
        *queue = (struct ij_sqlite_queue){
            .number = (uint32_t)sqlite3_column_int64(call.statement, 0),
            .is_paused = sqlite3_column_int64(call.statement, 2) != 0,
            .limit = (uint32_t)sqlite3_column_int64(call.statement, 3),
            .turn = { .pass = pass,
                      .weight = (uint32_t)sqlite3_column_int64(call.statement, 4) },
        };
        (void)snprintf(queue->name, sizeof(queue->name), "%s", (const char *)name);
    }
    sums->queue_count = count;
    return rc < 0 ? rc : 0;
}

static bool set_sum(struct ij_sqlite_sums *sums, int64_t which, int64_t value)
{
    uint64_t *const places[] = {
        [SUM_CHANGE] = &sums->change,
        [SUM_BYTES] = &sums->bytes,
        [SUM_DELIVERIES] = &sums->deliveries,
    };
    if (which < 0 || which >= (int64_t)IJ_ARRAY_LEN(places))
        return false;
    *places[which] = (uint64_t)value;
    return true;
}

static bool set_count(struct ij_sqlite_sums *sums, int64_t number, int64_t state,
                      int64_t count)
{
    struct ij_sqlite_queue *queue = number > 0 && number <= UINT32_MAX
                                        ? ij_sqlite_queue_of(sums, (uint32_t)number)
                                        : NULL;
    if (!queue || state < 0 || state >= IJ_STATE_COUNT)
        return false;
    queue->by_state[state] = (uint64_t)count;
    return true;
}

int ij_sqlite_sums_read(struct ij_sqlite_db *db, struct ij_sqlite_sums *sums,
                        struct imgjob_error *err)
{
    int rc = read_queues(db, sums, err);
    if (rc < 0)
        return rc;
    sums->change = sums->bytes = sums->deliveries = 0;
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_READ_COUNTERS, "reading the counters");
    while ((rc = ij_call_step(&call, err)) == 0) {
        int64_t number = sqlite3_column_int64(call.statement, 0);
        int64_t state = sqlite3_column_int64(call.statement, 1);
        int64_t count = sqlite3_column_int64(call.statement, 2);
        bool is_right = number == 0 ? set_sum(sums, state, count)
                                    : set_count(sums, number, state, count);
        if (!is_right || count < 0)
            return damaged(db, "a counter", err);
    }
    return rc < 0 ? rc : 0;
}

static int write_counter(struct ij_sqlite_db *db, uint32_t queue, int state,
                         uint64_t before, uint64_t count, struct imgjob_error *err)
{
    if (before == count)
        return 0;
    struct ij_call call = ij_call_of(db, IJ_SQL_WRITE_COUNTER, "writing a counter");
    ij_bind_int(&call, queue);
    ij_bind_int(&call, state);
    ij_bind_int(&call, (int64_t)count);
    return ij_call_run(&call, err);
}

int ij_sqlite_sums_write(struct ij_sqlite_db *db, const struct ij_sqlite_sums *before,
                         const struct ij_sqlite_sums *sums, struct imgjob_error *err)
{
    int rc = write_counter(db, 0, SUM_CHANGE, before->change, sums->change, err);
    if (rc == 0)
        rc = write_counter(db, 0, SUM_BYTES, before->bytes, sums->bytes, err);
    if (rc == 0)
        rc = write_counter(db, 0, SUM_DELIVERIES, before->deliveries, sums->deliveries,
                           err);
    for (size_t i = 0; i < sums->queue_count; i++) {
        const struct ij_sqlite_queue *queue = &sums->queues[i];
        bool is_new = i >= before->queue_count;
        for (int state = 0; state < IJ_STATE_COUNT && rc == 0; state++)
            rc = write_counter(db, queue->number, state,
                               is_new ? 0 : before->queues[i].by_state[state],
                               queue->by_state[state], err);
    }
    return rc;
}

void ij_sqlite_sums_copy(const struct ij_sqlite_sums *from, struct ij_sqlite_sums *to)
{
    memcpy(to->queues, from->queues, from->queue_count * sizeof(from->queues[0]));
    to->queue_count = from->queue_count;
    to->clock = from->clock;
    to->last_seq = from->last_seq;
    to->change = from->change;
    to->bytes = from->bytes;
    to->deliveries = from->deliveries;
}

struct ij_jobs_stats ij_sqlite_sums_total(const struct ij_sqlite_sums *sums)
{
    struct ij_jobs_stats stats = {
        .bytes = sums->bytes,
        .change = sums->change,
        .deliveries = sums->deliveries,
    };
    for (size_t i = 0; i < sums->queue_count; i++)
        for (int state = 0; state < IJ_STATE_COUNT; state++)
            stats.by_state[state] += sums->queues[i].by_state[state];
    return stats;
}

struct ij_sqlite_queue *ij_sqlite_queue_of(struct ij_sqlite_sums *sums, uint32_t number)
{
    for (size_t i = 0; i < sums->queue_count; i++)
        if (sums->queues[i].number == number)
            return &sums->queues[i];
    return NULL;
}

static struct ij_sqlite_queue *find_spare(struct ij_sqlite_sums *sums)
{
    for (size_t i = 0; i < sums->queue_count; i++) {
        struct ij_sqlite_queue *queue = &sums->queues[i];
        uint64_t jobs = 0;
        for (int state = 0; state < IJ_STATE_COUNT; state++)
            jobs += queue->by_state[state];
        if (queue->number != IJ_QUEUE_DEFAULT &&
            ij_queue_is_spare(queue->is_paused, queue->limit, queue->turn.weight, jobs))
            return queue;
    }
    return NULL;
}

/* Its number stays: removing the row would have SQLite look through all jobs for it. */
static int rename_queue(struct ij_sqlite_db *db, uint32_t number, const char *name,
                        struct imgjob_error *err)
{
    struct ij_call shares = ij_call_of(db, IJ_SQL_DROP_SHARES, "dropping shares");
    ij_bind_int(&shares, number);
    int rc = ij_call_run(&shares, err);
    if (rc < 0)
        return rc;
    struct ij_call call = ij_call_of(db, IJ_SQL_RENAME_QUEUE, "renaming a queue");
    ij_bind_text(&call, name);
    ij_bind_int(&call, number);
    return ij_call_run(&call, err);
}

static int insert_queue(struct ij_sqlite_db *db, const char *name, uint32_t *out,
                        struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call call = ij_call_of(db, IJ_SQL_INSERT_QUEUE, "making a queue");
    ij_bind_text(&call, name);
    int rc = ij_call_step(&call, err);
    if (rc == 0)
        *out = (uint32_t)sqlite3_column_int64(call.statement, 0);
    return rc;
}

int ij_sqlite_queue_make(struct ij_sqlite_db *db, struct ij_sqlite_sums *sums,
                         const char *name, struct ij_sqlite_queue **out,
                         struct imgjob_error *err)
{
    for (size_t i = 0; i < sums->queue_count; i++)
        if (strcmp(sums->queues[i].name, name) == 0) {
            *out = &sums->queues[i];
            return 0;
        }
    bool is_full = sums->queue_count == IJ_QUEUES_MAX;
    struct ij_sqlite_queue *queue =
        is_full ? find_spare(sums) : &sums->queues[sums->queue_count];
    if (!queue)
        return ij_queue_fail_room(name, err);
    uint32_t number = queue->number;
    int rc = is_full ? rename_queue(db, number, name, err)
                     : insert_queue(db, name, &number, err);
    if (rc < 0)
        return rc;
    *queue =
        (struct ij_sqlite_queue){ .number = number, .turn.weight = IJ_WEIGHT_DEFAULT };
    (void)snprintf(queue->name, sizeof(queue->name), "%s", name);
    sums->queue_count += !is_full;
    *out = queue;
    return 0;
}

int ij_sqlite_queue_write(struct ij_sqlite_db *db, const struct ij_sqlite_queue *queue,
                          struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(db, IJ_SQL_UPDATE_QUEUE, "writing a queue");
    ij_bind_int(&call, queue->is_paused);
    ij_bind_int(&call, queue->limit);
    ij_bind_int(&call, queue->turn.weight);
    ij_bind_int(&call, queue->number);
    return ij_call_run(&call, err);
}

struct ij_sqlite_queue *ij_sqlite_queue_next(struct ij_sqlite_sums *sums)
{
    struct ij_turn turns[IJ_QUEUES_MAX];
    for (size_t i = 0; i < sums->queue_count; i++) {
        const struct ij_sqlite_queue *queue = &sums->queues[i];
        turns[i] = queue->turn;
        turns[i].may_run =
            queue->by_state[IMGJOB_STATE_READY] > 0 && !queue->is_paused &&
            (queue->limit == 0 || queue->by_state[IMGJOB_STATE_RUNNING] < queue->limit);
    }
    size_t at = ij_turn_next(turns, sums->queue_count, &sums->clock);
    return at < sums->queue_count ? &sums->queues[at] : NULL;
}
