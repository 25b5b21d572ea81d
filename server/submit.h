/* From a request's body to a job, for every call that makes one. */
#pragma once

#include "server/app.h"
#include "server/body.h"

/* Read the body, whatever its form, and the preset that it asks for. @return false when
 * it is refused: `response` then says why */
bool ij_submit_read(struct ij_app *app, struct ij_request *request,
                    struct ij_submission *out, struct ij_response *response);

/* What can be refused before a byte of the body is read, whatever its form.
 * @param limit bytes it may have @return whether it was: `response` then says why */
bool ij_submit_refuse(const struct ij_app *app, const struct ij_request *request,
                      uint64_t limit, struct ij_response *response);

/* Whether `preset` or a spec of the client's own stands there, and what it is then.
 * @param spec taken over by a preset's
 * @return 0, IMGJOB_E_INVALID, _NOMEM, or 1: own specs are not taken here */
int ij_submit_settle_spec(const struct ij_app *app, struct ij_submission *submission,
                          struct imgjob_error *err);
void ij_submit_refuse_spec(struct ij_response *response);

/* Jobs that are made at once. */
struct ij_submit_set {
    struct imgjob_draft **drafts;           /* NULL once taken */
    const struct imgjob_spec *const *specs; /* one for each draft */
    const struct ij_options *options;       /* of all */
    const char *batch;            /* they are of a new one; NULL = they are not */
    struct imgjob_submitted *out; /* room for `count` */
    size_t count;
    bool is_passing; /* see struct ij_submission */
    bool is_long;    /* for the words of a refusal */
};

/* @return false when they are refused: `response` then says why */
bool ij_submit_set(struct ij_app *app, const struct ij_request *request,
                   const struct ij_submit_set *set, struct ij_response *response);

/* Make a job of each draft that was read. @param batch see struct ij_submit_set
 * @param out room for one of each draft
 * @return false when it is refused: `response` then says why */
bool ij_submit_make(struct ij_app *app, const struct ij_request *request,
                    struct ij_submission *submission, const char *batch,
                    struct imgjob_submitted *out, struct ij_response *response);

/* Say in the head of an answer how it came about. */
void ij_submit_say_outcome(const struct imgjob_submitted *submitted,
                           struct ij_response *response);
