/*
 * The outbox, pure: what happens to a delivery, in the same way in every backend. One is
 * made in the step that ends a job with a callback, each time that it ends.
 */
#pragma once

#include "jobs/jobs.h"
#include "jobs/state.h"

/* Whether this transition made a delivery due. */
bool ij_delivery_is_owed(const struct ij_job *job, enum imgjob_state from);

/* A new one, due at once, of a job as it has just ended; `url` is copied, the body is
 * asked of config.describe. `record` has all its documents and names.
 * @return 0, NOMEM, or INTERNAL without random bytes */
int ij_delivery_new(const struct ij_jobs_config *config, const struct ij_record *record,
                    const char *url, int64_t now, struct ij_delivery *out,
                    struct imgjob_error *err);

/* "job.completed", "job.failed", "job.cancelled" */
const char *ij_delivery_type(enum imgjob_state state);

/* What a claim reads in vain. A backend may stop there, unless the sender is stuck. */
enum { IJ_DELIVERY_PASSED_MAX = 32 };

/* Whether one to that URL may be claimed beside the first `count` of `claimed`. */
bool ij_delivery_has_room(const struct ij_delivery_claim *claim,
                          const struct ij_delivery *claimed, size_t count,
                          const char *url);

/* Waiting and due: attempt++, the token, and due again when the claim ends. */
bool ij_delivery_claim(struct ij_delivery *delivery, uint32_t lease_ms, uint64_t token,
                       int64_t now);

/* False = the claim is lost: the token is not that of its last claim, or a finish or a
 * replay came in between. The log is the caller's to write. */
bool ij_delivery_finish(struct ij_delivery *delivery,
                        const struct ij_delivery_finish *finish, int64_t now);

/* Its URL is gone: fails one that waits, without a line in its log, since nothing was
 * tried. False = it does not wait. */
bool ij_delivery_give_up(struct ij_delivery *delivery, int64_t now);

/* Due again at once, with all its tries before it. */
void ij_delivery_replay(struct ij_delivery *delivery, int64_t now);

/* Whether the sweeper drops it: sent or given up for as long as an ended job stays. */
bool ij_delivery_is_over(const struct ij_delivery *delivery,
                         const struct ij_retention *retention, int64_t now);

/* Whether its line fits. @return 0 or IMGJOB_E_INVALID */
int ij_delivery_finish_check(const struct ij_delivery_finish *finish,
                             struct imgjob_error *err);

/* The log with one more line, without its oldest lines when it would be too long.
 * `log` and `line` may be NULL = "". @return 0 or NOMEM */
int ij_delivery_log(const char *log, const char *line, char **out,
                    struct imgjob_error *err);

/* @return IMGJOB_E_NOTFOUND */
int ij_fail_unknown_delivery(const struct ij_id *id, struct imgjob_error *err);
