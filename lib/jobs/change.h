/* The transitions of one atomic step, kept until they are durable and can be told. */
#pragma once

#include "jobs/jobs.h"

/* Owned. Zeroed = none; end with ij_changes_done(). */
struct ij_changes {
    struct ij_change *changes; /* in the order in which they happened */
    size_t count, cap;
};

/* Make room for `more`, so that adding them cannot fail. @return 0 or IMGJOB_E_NOMEM */
int ij_changes_reserve(struct ij_changes *changes, size_t more, struct imgjob_error *err);

/* A job as its transition left it and as it was before (NULL = it is new), and its
 * queue's name. */
void ij_changes_add(struct ij_changes *changes, const struct ij_job *before,
                    const struct ij_job *job, const char *queue);

/* Tell them all and forget them; the memory stays. No lock may be held. */
void ij_changes_tell(struct ij_changes *changes, const struct ij_jobs_config *config);
void ij_changes_done(struct ij_changes *changes);
