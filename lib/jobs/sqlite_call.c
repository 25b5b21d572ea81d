/* Owns how a prepared statement is executed: it is always left reset, on every path. */
#include "jobs/sqlite_call.h"

#include <sqlite3.h>
#include <string.h>

struct ij_call ij_call_of(struct ij_sqlite_db *db, enum ij_sql which, const char *doing)
{
    return (struct ij_call){ db, db->statements[which], doing, 0, SQLITE_OK };
}

static void note(struct ij_call *call, int rc)
{
    if (call->rc == SQLITE_OK)
        call->rc = rc;
}

void ij_bind_int(struct ij_call *call, int64_t value)
{
    note(call, sqlite3_bind_int64(call->statement, ++call->parameter, value));
}

void ij_bind_some(struct ij_call *call, int64_t value)
{
    int at = ++call->parameter;
    note(call, value ? sqlite3_bind_int64(call->statement, at, value)
                     : sqlite3_bind_null(call->statement, at));
}

void ij_bind_text(struct ij_call *call, const char *text)
{
    note(call,
         sqlite3_bind_text(call->statement, ++call->parameter, text, -1, SQLITE_STATIC));
}

void ij_bind_blob(struct ij_call *call, const void *data, int len)
{
    note(call,
         sqlite3_bind_blob(call->statement, ++call->parameter, data, len, SQLITE_STATIC));
}

void ij_bind_id(struct ij_call *call, const struct ij_id *id)
{
    ij_bind_blob(call, id->bytes, sizeof(id->bytes));
}

int ij_call_step(struct ij_call *call, struct imgjob_error *err)
{
    int rc = call->rc == SQLITE_OK ? sqlite3_step(call->statement) : call->rc;
    if (rc == SQLITE_ROW)
        return 0;
    return rc == SQLITE_DONE ? 1 : ij_sqlite_db_fail(call->db, rc, call->doing, err);
}

int ij_call_run(struct ij_call *call, struct imgjob_error *err)
{
    int rc;
    do
        rc = ij_call_step(call, err);
    while (rc == 0);
    ij_call_end(call);
    return rc < 0 ? rc : 0;
}

void ij_call_end(struct ij_call *call)
{
    (void)sqlite3_reset(call->statement); /* repeats an error that step() told */
}

int ij_call_text(struct ij_call *call, int column, char **out, struct imgjob_error *err)
{
    if (sqlite3_column_type(call->statement, column) == SQLITE_NULL) {
        *out = NULL;
        return 0;
    }
    const unsigned char *text = sqlite3_column_text(call->statement, column);
    char *copy = text ? strdup((const char *)text) : NULL;
    if (!copy)
        return ij_fail_nomem(err, call->doing);
    *out = copy;
    return 0;
}
