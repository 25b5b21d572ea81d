/*
 * Which answer a submit gets, the same in every backend. For each of the submits of one
 * call, in their order and seeing what those before it did:
 *
 *   1. a row of that id is there: ij_submit_again();
 *   2. its idempotency key is there, not expired, and so is that key's job:
 *      ij_submit_replay();
 *   3. of the rows of its dedup digest that ij_state_is_twin() likes, the newest is the
 *      answer; one that has succeeded is extended by ij_state_extend(), a transition;
 *   4. a blob of that id stands in gc: ij_submit_condemned();
 *   5. ij_submit_capacity();
 *   6. queue and tenant are made where absent (ij_queue_is_spare()), the row is written,
 *      its `fair` by share.h.
 *
 * 3 and 6 note the idempotency key, until now + idempotency_ttl_ms, in place of one that
 * is expired or whose job is gone. A key stays until then, whatever becomes of its job.
 */
#pragma once

#include "jobs/jobs.h"

/* Whether it fits into a row: documents, names, tags, key, URL, priority, times.
 * @return 0 or IMGJOB_E_INVALID */
int ij_submit_check(const struct ij_submit *submit, struct imgjob_error *err);

/* "default" when none is named. */
const char *ij_submit_queue(const struct ij_submit *submit);
const char *ij_submit_tenant(const struct ij_submit *submit);

/* A row of that id stands there. @return 0 = it is the same job, or IMGJOB_E_CONFLICT */
int ij_submit_again(const struct ij_id *id, const char *spec_there,
                    const struct ij_submit *submit, struct imgjob_error *err);

/* Its key stands there, with this fingerprint. @return 0 = it is the same submit, or
 * IMGJOB_E_CONFLICT */
int ij_submit_replay(const unsigned char fingerprint[IJ_DIGEST_SIZE],
                     const struct ij_submit *submit, struct imgjob_error *err);

/* Whether the answers to a list of submits belong together: under a key, all of them are
 * the first list's jobs or none is. @return 0, or IMGJOB_E_CONFLICT when some are gone */
int ij_submit_list_check(const struct ij_submit *submits, size_t count,
                         struct imgjob_error *err);

/* @return IMGJOB_E_BUSY: a blob of that id stands in gc */
int ij_submit_condemned(const struct ij_id *id, struct imgjob_error *err);

/* Jobs that have not ended. */
uint64_t ij_queued(const uint64_t by_state[IJ_STATE_COUNT]);

/* Whether one more job fits: `queued` before the call, `added` new ones of this call so
 * far. @return 0 or IMGJOB_E_BUSY */
int ij_submit_capacity(uint64_t queued, uint64_t added, uint64_t max_queued,
                       struct imgjob_error *err);

/* Whether a queue but the default one can give its place to a new one, when all are
 * taken: it has no jobs, ended ones included, and is as it was made. */
bool ij_queue_is_spare(bool is_paused, uint32_t limit, uint32_t weight, uint64_t jobs);

/* @return IMGJOB_E_INVALID: all places are taken, and none is spare */
int ij_queue_fail_room(const char *name, struct imgjob_error *err);

/* @return 0 or IMGJOB_E_INVALID */
int ij_queue_set_check(const struct ij_queue_set *set, struct imgjob_error *err);
