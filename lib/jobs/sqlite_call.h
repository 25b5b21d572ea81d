/*
 * One execution of a prepared statement: bind in order, step, reset.
 *
 *     IJ_AUTO(ij_call_end) struct ij_call call = ij_call_of(db, IJ_SQL_FIND_JOB, "find");
 *     ij_bind_id(&call, id);
 *     int rc = ij_call_step(&call, err);
 */
#pragma once

#include <stdint.h>

#include "base/id.h"
#include "jobs/sqlite_db.h"

struct ij_call {
    struct ij_sqlite_db *db;
    struct sqlite3_stmt *statement;
    const char *doing; /* for words */
    int parameter;     /* bound so far */
    int rc;            /* of the first failed binding, told when it is executed */
};

struct ij_call ij_call_of(struct ij_sqlite_db *db, enum ij_sql which, const char *doing);

void ij_bind_int(struct ij_call *call, int64_t value);
void ij_bind_some(struct ij_call *call, int64_t value); /* 0 becomes NULL */
/* Borrowed until the statement was executed; NULL becomes NULL. */
void ij_bind_text(struct ij_call *call, const char *text);
/* Borrowed as a text is; NULL becomes NULL. */
void ij_bind_blob(struct ij_call *call, const void *data, int len);
void ij_bind_id(struct ij_call *call, const struct ij_id *id);

/* @return 0 a row, 1 no (more) row, or a code by ij_sqlite_db_fail() */
int ij_call_step(struct ij_call *call, struct imgjob_error *err);

/* Execute to the end, then reset. @return 0, or a code */
int ij_call_run(struct ij_call *call, struct imgjob_error *err);

/* For IJ_AUTO: a statement left in the middle would hold its snapshot. */
void ij_call_end(struct ij_call *call);

/* A text column's own copy; NULL stays NULL. @return 0 or IMGJOB_E_NOMEM */
int ij_call_text(struct ij_call *call, int column, char **out, struct imgjob_error *err);
