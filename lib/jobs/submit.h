/* The answers to a submit that make no row, the same in every backend. */
#pragma once

#include "jobs/jobs.h"

/* Whether its documents fit into a row. @return 0 or IMGJOB_E_INVALID */
int ij_submit_check(const struct ij_submit *submit, struct imgjob_error *err);

/* A row of that id stands there. @return 0 = it is the same job, or IMGJOB_E_CONFLICT */
int ij_submit_again(const struct ij_record *there, const struct ij_submit *submit,
                    struct imgjob_error *err);

/* @return IMGJOB_E_BUSY: a blob of that id stands in gc */
int ij_submit_condemned(const struct ij_id *id, struct imgjob_error *err);

/* @return 0, or IMGJOB_E_BUSY: as many jobs as allowed have not ended */
int ij_submit_capacity(const struct ij_jobs_stats *stats, uint64_t max_queued,
                       struct imgjob_error *err);
