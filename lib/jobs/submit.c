/* Owns when a submit is refused, or answered with a job that is there already. */
#include "jobs/submit.h"

#include <inttypes.h>
#include <string.h>

#include "jobs/record.h"

enum { WEIGHT_MAX = 100 };

static int check_documents(const struct ij_submit *submit, struct imgjob_error *err)
{
    int rc = ij_document_check(submit->spec, "spec", err);
    if (rc == 0)
        rc = ij_document_check(submit->input, "input document", err);
    if (rc == 0)
        rc = ij_document_check(submit->options, "options", err);
    return rc == 0 ? ij_document_check(submit->keys, "list of input keys", err) : rc;
}

static int check_tags(const struct ij_submit *submit, struct imgjob_error *err)
{
    if (submit->tag_count > IJ_TAGS_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "%zu tags are over the limit of %d",
                       submit->tag_count, IJ_TAGS_MAX);
    for (size_t i = 0; i < submit->tag_count; i++) {
        int rc = ij_name_check(submit->tags[i], "tag", err);
        if (rc < 0)
            return rc;
        for (size_t k = 0; k < i; k++)
            if (strcmp(submit->tags[i], submit->tags[k]) == 0)
                return ij_fail(err, IMGJOB_E_INVALID, "the tag '%s' stands there twice",
                               submit->tags[i]);
    }
    return 0;
}

static int check_text(const char *text, size_t max, const char *what,
                      struct imgjob_error *err)
{
    size_t len = text ? strnlen(text, max + 1) : 1;
    if (len == 0)
        return ij_fail(err, IMGJOB_E_INVALID, "a job's %s is empty", what);
    if (len <= max)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID, "a job's %s is over the limit of %zu bytes",
                   what, max);
}

int ij_submit_check(const struct ij_submit *submit, struct imgjob_error *err)
{
    int rc = check_documents(submit, err);
    if (rc == 0)
        rc = ij_name_check(ij_submit_queue(submit), "queue", err);
    if (rc == 0)
        rc = ij_name_check(ij_submit_tenant(submit), "tenant", err);
    if (rc == 0)
        rc = check_tags(submit, err);
    if (rc == 0)
        rc = check_text(submit->callback_url, IJ_URL_MAX, "callback URL", err);
    if (rc == 0)
        rc = check_text(submit->idempotency_key, IJ_IDEMPOTENCY_KEY_MAX,
                        "idempotency key", err);
    if (rc < 0)
        return rc;
    if (submit->has_prio && submit->prio > IJ_PRIO_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "a job's priority is 0 to %d, not %u",
                       IJ_PRIO_MAX, submit->prio);
    if (submit->run_at != 0 && submit->delay_ms != 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "a job has a time to run at and a delay: only one can hold");
    return 0;
}

const char *ij_submit_queue(const struct ij_submit *submit)
{
    return submit->queue ? submit->queue : IJ_NAME_DEFAULT;
}

const char *ij_submit_tenant(const struct ij_submit *submit)
{
    return submit->tenant ? submit->tenant : IJ_NAME_DEFAULT;
}

int ij_submit_again(const struct ij_id *id, const char *spec_there,
                    const struct ij_submit *submit, struct imgjob_error *err)
{
    if (strcmp(spec_there, submit->spec) == 0)
        return 0;
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    return ij_fail(err, IMGJOB_E_CONFLICT, "job %s exists and has another spec", text);
}

int ij_submit_replay(const unsigned char fingerprint[IJ_DIGEST_SIZE],
                     const struct ij_submit *submit, struct imgjob_error *err)
{
    if (memcmp(fingerprint, submit->fingerprint, IJ_DIGEST_SIZE) == 0)
        return 0;
    return ij_fail(err, IMGJOB_E_CONFLICT,
                   "the idempotency key '%.100s' was used for another job",
                   submit->idempotency_key);
}

/* Whether it is answered with a job that another of the list has just made. */
static bool is_of_list(const struct ij_submit *submit, const struct ij_submit *submits,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (submits[i].outcome == IJ_SUBMIT_NEW &&
            ij_id_equal(&submits[i].job, &submit->job))
            return true;
    return false;
}

int ij_submit_list_check(const struct ij_submit *submits, size_t count,
                         struct imgjob_error *err)
{
    size_t made = 0, replayed = 0;
    for (size_t i = 0; i < count; i++) {
        if (!submits[i].idempotency_key)
            continue;
        made += submits[i].outcome == IJ_SUBMIT_NEW;
        replayed += submits[i].outcome == IJ_SUBMIT_REPLAYED &&
                    !is_of_list(&submits[i], submits, count);
    }
    if (made == 0 || replayed == 0)
        return 0;
    return ij_fail(err, IMGJOB_E_CONFLICT,
                   "the idempotency key was used for these jobs, and %zu of the %zu are "
                   "gone: send them with another key",
                   made, count);
}

int ij_submit_condemned(const struct ij_id *id, struct imgjob_error *err)
{
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    return ij_fail(err, IMGJOB_E_BUSY,
                   "images of job %s are just being removed as nobody's", text);
}

uint64_t ij_queued(const uint64_t by_state[IJ_STATE_COUNT])
{
    return by_state[IMGJOB_STATE_SCHEDULED] + by_state[IMGJOB_STATE_READY] +
           by_state[IMGJOB_STATE_RUNNING];
}

int ij_submit_capacity(uint64_t queued, uint64_t added, uint64_t max_queued,
                       struct imgjob_error *err)
{
    if (queued < max_queued && added < max_queued - queued)
        return 0;
    if (added == 0)
        return ij_fail(err, IMGJOB_E_BUSY,
                       "the queue is full: %" PRIu64 " jobs wait or run, max_queued_jobs "
                       "is %" PRIu64,
                       queued, max_queued);
    return ij_fail(err, IMGJOB_E_BUSY,
                   "the queue has no room for all of the jobs: %" PRIu64 " wait or run, "
                   "%" PRIu64 " more fit, max_queued_jobs is %" PRIu64,
                   queued, added, max_queued);
}

bool ij_queue_is_spare(bool is_paused, uint32_t limit, uint32_t weight, uint64_t jobs)
{
    return jobs == 0 && !is_paused && limit == 0 && weight == IJ_WEIGHT_DEFAULT;
}

int ij_queue_fail_room(const char *name, struct imgjob_error *err)
{
    return ij_fail(
        err, IMGJOB_E_INVALID,
        "the queue '%s' cannot be made: a store has at most %d queues, and all "
        "of them have jobs or settings",
        name, IJ_QUEUES_MAX);
}

int ij_queue_set_check(const struct ij_queue_set *set, struct imgjob_error *err)
{
    int rc = ij_name_check(set->name, "queue", err);
    if (rc < 0)
        return rc;
    if ((set->what & IJ_QUEUE_WEIGHT) && (set->weight < 1 || set->weight > WEIGHT_MAX))
        return ij_fail(err, IMGJOB_E_INVALID, "a queue's weight is 1 to %d, not %u",
                       WEIGHT_MAX, set->weight);
    return 0;
}
