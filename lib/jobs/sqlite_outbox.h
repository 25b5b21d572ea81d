/* Deliveries in and out of the database. */
#pragma once

#include "jobs/jobs.h"
#include "jobs/sqlite_call.h"

/* The row that a statement stands at; `out_number` is its place in the outbox.
 * @return 0, NOMEM, or STORE when it cannot be */
int ij_sqlite_read_delivery(struct ij_call *call, struct ij_delivery *out,
                            uint64_t *out_number, struct imgjob_error *err);
