/* Owns the mapping of deliveries, and what is done to them in the writer's transaction.
 */
#include "jobs/sqlite_outbox.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "jobs/outbox.h"
#include "jobs/record.h"
#include "jobs/sqlite_row.h"
#include "jobs/sqlite_side.h"
#include "jobs/sqlite_step.h"

enum {
    GIVE_UP_MAX = 32, /* deliveries of one step */
    DEFER_MAX = 512,  /* of one claim that makes way */
    DEFER_MS = 30000, /* about what one try may take */
    LOOK_MS = 1000    /* until somebody may be stuck */
};

/* ---- rows ---- */

static int copy_id(struct ij_call *call, int column, struct ij_id *out,
                   struct imgjob_error *err)
{
    const void *blob = sqlite3_column_blob(call->statement, column);
    if (!blob) /* never NULL, and its length is checked by the schema */
        return ij_fail_nomem(err, "reading a delivery");
    memcpy(out->bytes, blob, sizeof(out->bytes));
    return 0;
}

static int copy_text(struct ij_call *call, int column, char *out, size_t size,
                     struct imgjob_error *err)
{
    const unsigned char *text = sqlite3_column_text(call->statement, column);
    if (!text)
        return ij_fail_nomem(err, "reading a delivery");
    (void)snprintf(out, size, "%s", (const char *)text);
    return 0;
}

/* In the order of DELIVERY in sqlite_sql.c. */
int ij_sqlite_read_delivery(struct ij_call *call, struct ij_delivery *out,
                            uint64_t *out_number, struct imgjob_error *err)
{
    enum {
        NUMBER,
        ID,
        JOB,
        TENANT,
        TYPE,
        URL,
        BODY,
        STATE,
        ATTEMPT,
        REPLAYED,
        TOKEN,
        CREATED,
        UPDATED,
        DUE,
        LOG
    };
    sqlite3_stmt *statement = call->statement;
    IJ_AUTO(ij_delivery_done)
    struct ij_delivery read = {
        .state = (enum ij_delivery_state)sqlite3_column_int(statement, STATE),
        .attempt = (uint32_t)sqlite3_column_int64(statement, ATTEMPT),
        .replayed = (uint32_t)sqlite3_column_int64(statement, REPLAYED),
        .token = (uint64_t)sqlite3_column_int64(statement, TOKEN),
        .created = sqlite3_column_int64(statement, CREATED),
        .updated = sqlite3_column_int64(statement, UPDATED),
        .due = sqlite3_column_int64(statement, DUE),
    };
    int rc = copy_id(call, ID, &read.id, err);
    if (rc == 0)
        rc = copy_id(call, JOB, &read.job, err);
    if (rc == 0)
        rc = copy_text(call, TENANT, read.tenant, sizeof(read.tenant), err);
    if (rc == 0)
        rc = copy_text(call, TYPE, read.type, sizeof(read.type), err);
    if (rc == 0)
        rc = ij_call_text(call, URL, &read.url, err);
    if (rc == 0)
        rc = ij_call_text(call, BODY, &read.body, err);
    if (rc == 0)
        rc = ij_call_text(call, LOG, &read.log, err);
    if (rc < 0)
        return rc;
    *out_number = (uint64_t)sqlite3_column_int64(statement, NUMBER);
    *out = read;
    read = (struct ij_delivery){ 0 };
    return 0;
}

static int insert(struct ij_sqlite_batch *batch, uint32_t tenant,
                  const struct ij_delivery *delivery, struct imgjob_error *err)
{
    struct ij_call call =
        ij_call_of(&batch->db, IJ_SQL_INSERT_DELIVERY, "inserting a delivery");
    ij_bind_id(&call, &delivery->id);
    ij_bind_id(&call, &delivery->job);
    ij_bind_int(&call, tenant);
    ij_bind_text(&call, delivery->type);
    ij_bind_text(&call, delivery->url);
    ij_bind_text(&call, delivery->body);
    ij_bind_int(&call, delivery->state);
    ij_bind_int(&call, delivery->attempt);
    ij_bind_int(&call, delivery->replayed);
    ij_bind_int(&call, (int64_t)delivery->token);
    ij_bind_int(&call, delivery->created);
    ij_bind_int(&call, delivery->updated);
    ij_bind_int(&call, delivery->due);
    ij_bind_text(&call, delivery->log);
    return ij_call_run(&call, err);
}

/* Write a delivery back that was in state `from`. */
static int update(struct ij_sqlite_batch *batch, uint64_t number,
                  enum ij_delivery_state from, const struct ij_delivery *delivery,
                  const char *log, struct imgjob_error *err)
{
    struct ij_call call =
        ij_call_of(&batch->db, IJ_SQL_UPDATE_DELIVERY, "updating a delivery");
    ij_bind_int(&call, delivery->state);
    ij_bind_int(&call, delivery->attempt);
    ij_bind_int(&call, delivery->replayed);
    ij_bind_int(&call, (int64_t)delivery->token);
    ij_bind_int(&call, delivery->updated);
    ij_bind_int(&call, delivery->due);
    ij_bind_text(&call, log);
    ij_bind_int(&call, (int64_t)number);
    int rc = ij_call_run(&call, err);
    if (rc < 0)
        return rc;
    batch->sums.deliveries += delivery->state == IJ_DELIVERY_WAITING;
    batch->sums.deliveries -= from == IJ_DELIVERY_WAITING;
    return 0;
}

/* The row of a statement that has at most one. @return 0, 1 = none, or a code */
static int read_one(struct ij_call *call, struct ij_delivery *out, uint64_t *out_number,
                    struct imgjob_error *err)
{
    int rc = ij_call_step(call, err);
    if (rc == 0)
        rc = ij_sqlite_read_delivery(call, out, out_number, err);
    ij_call_end(call);
    return rc;
}

static int find(struct ij_sqlite_batch *batch, const struct ij_id *id,
                struct ij_delivery *out, uint64_t *out_number, struct imgjob_error *err)
{
    struct ij_call call =
        ij_call_of(&batch->db, IJ_SQL_FIND_DELIVERY, "finding a delivery");
    ij_bind_id(&call, id);
    int rc = read_one(&call, out, out_number, err);
    return rc == 1 ? ij_fail_unknown_delivery(id, err) : rc;
}

static int first(struct ij_sqlite_batch *batch, enum ij_sql which,
                 struct ij_delivery *out, uint64_t *out_number, struct imgjob_error *err)
{
    struct ij_call call = ij_call_of(&batch->db, which, "selecting a delivery");
    return read_one(&call, out, out_number, err);
}

/* ---- steps ---- */

int ij_batch_owe(struct ij_sqlite_batch *batch, const struct ij_job *job,
                 struct imgjob_error *err)
{
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    IJ_AUTO(ij_delivery_done) struct ij_delivery delivery = { 0 };
    IJ_AUTO(ij_free) char *url = NULL;
    int rc = ij_sqlite_read_callback(&batch->db, job->seq, &url, err);
    if (rc == 0)
        rc = ij_sqlite_read_row(&batch->db, job->seq, &record, err);
    if (rc < 0)
        return rc;
    if (rc == 1 || !url)
        return ij_fail(err, IMGJOB_E_STORE,
                       "database '%.100s' is damaged: a job has lost its callback: "
                       "restore a backup",
                       batch->db.path);
    rc = ij_delivery_new(batch->config, &record, url, batch->now, &delivery, err);
    if (rc == 0)
        rc = insert(batch, job->tenant, &delivery, err);
    if (rc == 0)
        batch->sums.deliveries++;
    return rc;
}

static int claim_one(struct ij_sqlite_batch *batch, uint32_t lease_ms,
                     struct ij_delivery *delivery, uint64_t number,
                     struct imgjob_error *err)
{
    uint64_t token;
    int rc = ij_token_new(&token, err);
    if (rc < 0)
        return rc;
    (void)ij_delivery_claim(delivery, lease_ms, token, batch->now); /* it is due */
    return update(batch, number, IJ_DELIVERY_WAITING, delivery, delivery->log, err);
}

/* Deliveries that are due, and whose receiver has enough of them. */
struct passed {
    uint64_t numbers[DEFER_MAX];
    size_t count, max;
};

/* Of the rows, one that is claimed moves to where its lease ends. If the walk comes by
 * there, it ends as it would with any other that is not due. */
static int claim_due(struct ij_sqlite_batch *batch, struct ij_delivery_claim_call *call,
                     struct passed *passed, struct imgjob_error *err)
{
    IJ_AUTO(ij_call_end)
    struct ij_call rows =
        ij_call_of(&batch->db, IJ_SQL_WALK_DELIVERIES, "selecting deliveries");
    while (passed->count < passed->max) {
        IJ_AUTO(ij_delivery_done) struct ij_delivery delivery = { 0 };
        uint64_t number = 0;
        int rc = ij_call_step(&rows, err);
        if (rc == 0)
            rc = ij_sqlite_read_delivery(&rows, &delivery, &number, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        bool has_room =
            ij_delivery_has_room(call->claim, call->out, call->count, delivery.url);
        if (delivery.due > batch->now || (has_room && call->count == call->claim->max)) {
            call->next_due = delivery.due;
            return 0;
        }
        if (!has_room) {
            passed->numbers[passed->count++] = number;
            continue;
        }
        rc = claim_one(batch, call->claim->lease_ms, &delivery, number, err);
        if (rc < 0)
            return rc;
        call->out[call->count++] = delivery;
        delivery = (struct ij_delivery){ 0 };
    }
    return 0;
}

/* Those before all others that are due make way for a while, so that the ones behind them
 * are seen. Among themselves they lose their order, not their turn. */
static int defer(struct ij_sqlite_batch *batch, const struct passed *passed,
                 struct imgjob_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < passed->count; i++) {
        struct ij_call call =
            ij_call_of(&batch->db, IJ_SQL_DEFER_DELIVERY, "deferring a delivery");
        ij_bind_int(&call, ij_time_after(batch->now, DEFER_MS));
        ij_bind_int(&call, (int64_t)passed->numbers[i]);
        rc = ij_call_run(&call, err);
    }
    return rc;
}

int ij_step_delivery_claim(struct ij_sqlite_batch *batch, void *data,
                           struct imgjob_error *err)
{
    struct ij_delivery_claim_call *call = data;
    for (; call->count > 0; call->count--) /* of a batch that was undone */
        ij_delivery_done(&call->out[call->count - 1]);
    call->next_due = 0;
    if (batch->sums.deliveries == 0)
        return 0;
    bool is_stuck = call->claim->is_stuck;
    struct passed passed = { .max = is_stuck ? DEFER_MAX : IJ_DELIVERY_PASSED_MAX };
    int rc = claim_due(batch, call, &passed, err);
    if (rc == 0 && passed.count == passed.max) { /* there may be others behind them */
        call->next_due = is_stuck ? batch->now : ij_time_after(batch->now, LOOK_MS);
        return is_stuck ? defer(batch, &passed, err) : 0;
    }
    if (call->count > 0 && (call->next_due == 0 || call->next_due > call->out[0].due))
        call->next_due = call->out[0].due;
    return rc;
}

/* Those that wait for its URL fail with it, some of them at a time: there may be as many
 * as there are jobs. */
static int give_up_url(struct ij_sqlite_batch *batch, const struct ij_delivery *gone,
                       bool *out_is_more, struct imgjob_error *err)
{
    for (int i = 0; i < GIVE_UP_MAX; i++) {
        IJ_AUTO(ij_delivery_done) struct ij_delivery delivery = { 0 };
        uint64_t number = 0;
        struct ij_call call = ij_call_of(&batch->db, IJ_SQL_FIRST_DELIVERY_TO,
                                         "looking for deliveries to a URL");
        ij_bind_text(&call, gone->tenant);
        ij_bind_text(&call, gone->url);
        int rc = read_one(&call, &delivery, &number, err);
        *out_is_more = rc == 0;
        if (rc != 0)
            return rc < 0 ? rc : 0;
        (void)ij_delivery_give_up(&delivery, batch->now); /* it waits */
        rc = update(batch, number, IJ_DELIVERY_WAITING, &delivery, delivery.log, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int ij_step_delivery_give_up(struct ij_sqlite_batch *batch, void *data,
                             struct imgjob_error *err)
{
    struct ij_delivery_finish_call *call = data;
    IJ_AUTO(ij_delivery_done) struct ij_delivery delivery = { 0 };
    uint64_t number = 0;
    call->is_more = false;
    int rc = find(batch, &call->finish->id, &delivery, &number, err);
    if (rc < 0) /* it was dropped meanwhile: the others are tried */
        return rc == IMGJOB_E_NOTFOUND ? 0 : rc;
    return give_up_url(batch, &delivery, &call->is_more, err);
}

int ij_step_delivery_finish(struct ij_sqlite_batch *batch, void *data,
                            struct imgjob_error *err)
{
    struct ij_delivery_finish_call *call = data;
    const struct ij_delivery_finish *finish = call->finish;
    call->is_more = false;
    IJ_AUTO(ij_delivery_done) struct ij_delivery delivery = { 0 };
    IJ_AUTO(ij_free) char *log = NULL;
    uint64_t number = 0;
    int rc = find(batch, &finish->id, &delivery, &number, err);
    if (rc < 0)
        return rc == IMGJOB_E_NOTFOUND ? 1 : rc;
    enum ij_delivery_state from = delivery.state;
    if (!ij_delivery_finish(&delivery, finish, batch->now))
        return 1;
    rc = ij_delivery_log(delivery.log, finish->line, &log, err);
    if (rc == 0)
        rc = update(batch, number, from, &delivery, log, err);
    if (rc == 0 && finish->is_url_gone)
        rc = give_up_url(batch, &delivery, &call->is_more, err);
    return rc;
}

int ij_step_delivery_replay(struct ij_sqlite_batch *batch, void *data,
                            struct imgjob_error *err)
{
    const struct ij_steer_call *call = data;
    IJ_AUTO(ij_delivery_done) struct ij_delivery delivery = { 0 };
    uint64_t number = 0;
    int rc = find(batch, call->id, &delivery, &number, err);
    if (rc < 0)
        return rc;
    enum ij_delivery_state from = delivery.state;
    ij_delivery_replay(&delivery, batch->now);
    return update(batch, number, from, &delivery, delivery.log, err);
}

int ij_batch_drop_deliveries(struct ij_sqlite_batch *batch, uint32_t max,
                             uint32_t *out_count, struct imgjob_error *err)
{
    while (*out_count < max) {
        IJ_AUTO(ij_delivery_done) struct ij_delivery delivery = { 0 };
        uint64_t number = 0;
        int rc = first(batch, IJ_SQL_FIRST_DELIVERY_OVER, &delivery, &number, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        if (!ij_delivery_is_over(&delivery, &batch->retention, batch->now))
            return 0;
        struct ij_call call =
            ij_call_of(&batch->db, IJ_SQL_DELETE_DELIVERY, "dropping a delivery");
        ij_bind_int(&call, (int64_t)number);
        rc = ij_call_run(&call, err);
        if (rc < 0)
            return rc;
        (*out_count)++;
    }
    return 0;
}
