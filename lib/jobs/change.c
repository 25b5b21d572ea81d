/* Owns the list of transitions that are still to be told. */
#include "jobs/change.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAP = 64 };

int ij_changes_reserve(struct ij_changes *changes, size_t more, struct imgjob_error *err)
{
    if (changes->cap - changes->count >= more)
        return 0;
    size_t cap = changes->cap ? changes->cap : FIRST_CAP;
    while (cap - changes->count < more)
        cap *= 2; /* one step changes a bounded number of rows: far from an overflow */
    struct ij_change *grown = reallocarray(changes->changes, cap, sizeof(*grown));
    if (!grown)
        return ij_fail_nomem(err, "noting changed jobs");
    changes->changes = grown;
    changes->cap = cap;
    return 0;
}

void ij_changes_add(struct ij_changes *changes, const struct ij_job *before,
                    const struct ij_job *job, const char *queue)
{
    assert(changes->count < changes->cap);
    struct ij_change *change = &changes->changes[changes->count++];
    *change = (struct ij_change){
        .job = *job,
        .from = before ? before->state : IMGJOB_STATE_BLOCKED,
        .since = before ? before->updated : job->created,
        .bytes_before = before ? before->bytes : 0,
    };
    (void)snprintf(change->queue, sizeof(change->queue), "%s", queue); /* it fits */
}

void ij_changes_tell(struct ij_changes *changes, const struct ij_jobs_config *config)
{
    for (size_t i = 0; i < changes->count && config->changed; i++)
        config->changed(config->changed_data, &changes->changes[i]);
    changes->count = 0;
}

void ij_changes_done(struct ij_changes *changes)
{
    free(changes->changes);
    *changes = (struct ij_changes){ 0 };
}
