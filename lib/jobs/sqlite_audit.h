/* Looking at a whole database, and copying it. */
#pragma once

#include "jobs/jobs.h"
#include "jobs/sqlite_db.h"

/* `db` is a reader's connection: all of it as of one moment. */
int ij_sqlite_audit(struct ij_sqlite_db *db, struct ij_audit *audit,
                    struct imgjob_error *err);

/* To a new file at `path`, which must not exist. */
int ij_sqlite_backup(struct ij_sqlite_db *db, const char *path, struct imgjob_error *err);
