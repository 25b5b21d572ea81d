/* Owns when a submit is refused, or is the repeat of one whose answer was lost. */
#include "jobs/submit.h"

#include <inttypes.h>
#include <string.h>

#include "jobs/record.h"

int ij_submit_check(const struct ij_submit *submit, struct imgjob_error *err)
{
    int rc = ij_document_check(submit->spec, "spec", err);
    if (rc == 0)
        rc = ij_document_check(submit->input, "input document", err);
    return rc == 0 ? ij_document_check(submit->keys, "list of input keys", err) : rc;
}

int ij_submit_again(const struct ij_record *there, const struct ij_submit *submit,
                    struct imgjob_error *err)
{
    if (strcmp(there->spec, submit->spec) == 0)
        return 0;
    char id[IMGJOB_ID_SIZE];
    ij_id_format(&submit->id, id);
    return ij_fail(err, IMGJOB_E_CONFLICT, "job %s exists and has another spec", id);
}

int ij_submit_condemned(const struct ij_id *id, struct imgjob_error *err)
{
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    return ij_fail(err, IMGJOB_E_BUSY,
                   "images of job %s are just being removed as nobody's", text);
}

int ij_submit_capacity(const struct ij_jobs_stats *stats, uint64_t max_queued,
                       struct imgjob_error *err)
{
    uint64_t queued = stats->by_state[IMGJOB_STATE_SCHEDULED] +
                      stats->by_state[IMGJOB_STATE_READY] +
                      stats->by_state[IMGJOB_STATE_RUNNING];
    if (queued < max_queued)
        return 0;
    return ij_fail(err, IMGJOB_E_BUSY,
                   "the queue is full: %" PRIu64 " jobs wait or run, max_queued_jobs is "
                   "%" PRIu64,
                   queued, max_queued);
}
