/* Databases of older versions. */
#pragma once

#include "jobs/sqlite_db.h"

/* Bring the schema from `version` up to this one, a step a version, each in a transaction
 * of its own: a crash leaves the version before or the one after.
 * @return 0, or a code by ij_sqlite_db_fail() */
int ij_sqlite_migrate(struct ij_sqlite_db *db, int version, struct imgjob_error *err);
