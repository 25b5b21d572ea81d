/* Owns the list of transitions that are still to be told. */
#include "jobs/change.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_CAP = 64 };

int ij_changes_reserve(struct ij_changes *changes, size_t more, struct imgjob_error *err)
{
    if (changes->cap - changes->count >= more)
        return 0;
    size_t cap = changes->cap ? changes->cap : FIRST_CAP;
    while (cap - changes->count < more)
        cap *= 2; /* one step changes a bounded number of rows: far from an overflow */
    struct ij_job *jobs = reallocarray(changes->jobs, cap, sizeof(*jobs));
    if (!jobs)
        return ij_fail_nomem(err, "noting changed jobs");
    changes->jobs = jobs;
    changes->cap = cap;
    return 0;
}

void ij_changes_add(struct ij_changes *changes, const struct ij_job *job)
{
    assert(changes->count < changes->cap);
    changes->jobs[changes->count++] = *job;
}

void ij_changes_tell(struct ij_changes *changes, const struct ij_jobs_config *config)
{
    for (size_t i = 0; i < changes->count && config->changed; i++)
        config->changed(config->changed_data, &changes->jobs[i]);
    changes->count = 0;
}

void ij_changes_done(struct ij_changes *changes)
{
    free(changes->jobs);
    *changes = (struct ij_changes){ 0 };
}
