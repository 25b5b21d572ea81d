/* Records in memory, and the documents that the store itself writes. */
#pragma once

#include "jobs/jobs.h"

/* A copy with its own documents. @return 0 or IMGJOB_E_NOMEM; `out` untouched then */
int ij_record_copy(const struct ij_record *record, struct ij_record *out,
                   struct imgjob_error *err);

/* Whether a text fits into a row; NULL does. @return 0 or IMGJOB_E_INVALID */
int ij_document_check(const char *text, const char *what, struct imgjob_error *err);
int ij_finish_check(const struct ij_finish *finish, struct imgjob_error *err);

/*
 * The failure document of a job as state.c has just left it, after a finish or, with
 * `finish` NULL, after T12 or T13.
 *
 * @param out the caller's; NULL when the job's document stays as it was
 * @return 0 or IMGJOB_E_NOMEM
 */
int ij_record_failure(const struct ij_job *job, const struct ij_finish *finish,
                      char **out, struct imgjob_error *err);

/* A random number that is no lost lease's. @return 0 or IMGJOB_E_INTERNAL */
int ij_token_new(uint64_t *out, struct imgjob_error *err);

/* Whether T14 may be: answered before capacity is. @return 0 or IMGJOB_E_CONFLICT */
int ij_retry_check(const struct ij_job *job, struct imgjob_error *err);

/* Whether a page may have that many rows. In page.c. @return 0 or IMGJOB_E_INVALID */
int ij_page_limit_check(uint32_t limit, struct imgjob_error *err);

/* T11, and purge, of the wrong state. @return IMGJOB_E_CONFLICT */
int ij_fail_ended(const struct ij_id *id, struct imgjob_error *err);
int ij_fail_not_ended(const struct ij_id *id, struct imgjob_error *err);

/* @return IMGJOB_E_NOTFOUND */
int ij_fail_unknown(const struct ij_id *id, struct imgjob_error *err);
