/* Owns what a webhook says: the job as every front end shows it, in the envelope that
 * Standard Webhooks 1.0 recommends. */
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/json.h"
#include "jobs/outbox.h"
#include "store.h"

enum { BODY_MAX = 2 * 1024 * 1024 }; /* more than a view has room for */

char *ij_webhook_body(struct imgjob_store *store, const struct ij_record *record)
{
    struct imgjob_job *job = NULL;
    int rc = ij_view_make(store, record, &job, NULL);
    if (rc < 0)
        return rc == IMGJOB_E_NOMEM ? NULL : strdup("");
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { .max = BODY_MAX };
    struct ij_json_out out = { .buf = &buf };
    ij_json_open(&out, NULL, '{');
    ij_json_put_str(&out, "type", ij_delivery_type(record->job.state));
    ij_json_put_time(&out, "timestamp", record->job.finished);
    ij_buf_add_str(&buf, ",\"data\":");
    ij_buf_add_str(&buf, imgjob_job_json(job));
    ij_json_close(&out, '}');
    imgjob_job_free(job);
    return ij_buf_take(&buf);
}
