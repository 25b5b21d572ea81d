/*
 * The transition table, pure: each function takes a row as it stands and a moment, and
 * either changes the row as one transition of jobs.h says and returns true, or returns
 * false and leaves it alone. Backends hold the row still around the call and write back
 * what came out; so all of them move jobs in the same way.
 */
#pragma once

#include "jobs/jobs.h"

/* How long ended jobs and their blobs stay. */
struct ij_retention {
    uint64_t result_ttl_ms, job_ttl_ms;
};

/* T1: a new row, ready, or scheduled when its time is to come. The backend sets seq,
 * tenant, queue, fair and, as after every transition, change. */
struct ij_job ij_state_new(const struct ij_submit *submit, int64_t now);

/* T3: scheduled and due. */
bool ij_state_promote(struct ij_job *job, int64_t now);

/* T4: ready, no deadline passed. */
bool ij_state_claim(struct ij_job *job, const struct ij_claim *claim, uint64_t owner,
                    uint64_t token, int64_t now);

/* T5: extends, never shortens, and neither does progress fall; false = the lease is lost.
 */
bool ij_state_beat(struct ij_job *job, const struct ij_beat *beat, uint32_t lease_ms,
                   int64_t now);

/* Whether this finish says that the attempt failed, and so carries a failure. */
bool ij_finish_blames(const struct ij_finish *finish);

/* T6–T10, T16; false = the lease is lost. */
bool ij_state_finish(struct ij_job *job, const struct ij_finish *finish,
                     const struct ij_retention *retention, int64_t now);

/* Whether this finish, under this lease, is what ended the job or gave it back: the
 * answer to a finish that is repeated because its answer was lost. A lease that was lost
 * by T12 repeats nothing. */
bool ij_state_is_repeat(const struct ij_job *job, const struct ij_finish *finish);

/* T11: scheduled or ready → canceled; running → the flag. False on an ended job. */
bool ij_state_cancel(struct ij_job *job, const struct ij_retention *retention,
                     int64_t now);

/* T12: running with an expired lease, or with an owner proven dead; forgets the token. */
bool ij_state_lose(struct ij_job *job, bool is_owner_dead,
                   const struct ij_retention *retention, int64_t now);

/* T13: scheduled or ready, deadline passed. */
bool ij_state_overdue(struct ij_job *job, const struct ij_retention *retention,
                      int64_t now);

/* T14: failed or canceled, blobs still there → ready. */
bool ij_state_retry(struct ij_job *job, int64_t now);

/* A submit was answered with this succeeded job: it stays as long as the new one would.
 * False when its blobs are gone. */
bool ij_state_extend(struct ij_job *job, const struct ij_retention *retention,
                     int64_t now);

/* Whether a submit with the same digest may be answered with it: it is under way and not
 * to be canceled, or its outputs can still be fetched. */
bool ij_state_is_twin(const struct ij_job *job, int64_t now);

/* T15a: ended, results expired: result_expires = 0, the caller gives the blobs to gc. */
bool ij_state_purge(struct ij_job *job, int64_t now);

/* T15b: whether the row goes; never before its blobs were given to gc. */
bool ij_state_is_forgotten(const struct ij_job *job, int64_t now);

/* Whether the job owns the blob: its input, or an output under the lease that runs or
 * that succeeded; none once they were given to gc. */
bool ij_state_owns(const struct ij_job *job, const struct ij_suspect *suspect);

/* That many milliseconds later; too many is for ever, not the past. */
int64_t ij_time_after(int64_t now, uint64_t ms);

/* The sentence of a failure that the store itself gives: deadline, poison, lost. "" for
 * any other. Constant strings. */
const char *ij_state_reason_text(enum ij_reason reason);

/* The delay before try number `attempt` + 1: full jitter over 2 s · 2^(attempt − 1), at
 * most 15 min (AWS Architecture Blog, "Exponential Backoff And Jitter"). In retry.c. */
int64_t ij_retry_delay_ms(uint32_t attempt, uint64_t random);
