/*
 * Owns the memory of records and the words of the failures that the store gives itself:
 * deadline, poison, lost. A poisoned job keeps stage, signal and words of its last crash
 * behind the store's own sentence, for whoever has to find out why.
 */
#include "jobs/record.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/json.h"
#include "jobs/state.h"

void ij_record_done(struct ij_record *record)
{
    free(record->spec);
    free(record->input);
    free(record->result);
    free(record->failure);
    free(record->options);
    free(record->keys);
    *record = (struct ij_record){ 0 };
}

/* @return false without memory */
static bool copy_text(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return *out || !text;
}

int ij_record_copy(const struct ij_record *record, struct ij_record *out,
                   struct imgjob_error *err)
{
    IJ_AUTO(ij_record_done) struct ij_record copy = { .job = record->job };
    if (!copy_text(record->spec, &copy.spec) || !copy_text(record->input, &copy.input) ||
        !copy_text(record->result, &copy.result) ||
        !copy_text(record->failure, &copy.failure) ||
        !copy_text(record->options, &copy.options) ||
        !copy_text(record->keys, &copy.keys))
        return ij_fail_nomem(err, "copying a job");
    memcpy(copy.queue, record->queue, sizeof(copy.queue));
    memcpy(copy.tenant, record->tenant, sizeof(copy.tenant));
    *out = copy;
    copy = (struct ij_record){ 0 };
    return 0;
}

int ij_document_check(const char *text, const char *what, struct imgjob_error *err)
{
    size_t len = text ? strnlen(text, IJ_DOCUMENT_MAX + 1) : 0;
    if (len <= IJ_DOCUMENT_MAX)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID, "a job's %s is over the limit of %d bytes",
                   what, IJ_DOCUMENT_MAX);
}

int ij_finish_check(const struct ij_finish *finish, struct imgjob_error *err)
{
    assert(!ij_finish_blames(finish) || finish->failure);
    int rc = ij_document_check(finish->result, "result", err);
    return rc == 0 ? ij_document_check(finish->keys, "list of output keys", err) : rc;
}

static int render(const struct ij_failure *failure, char **out, struct imgjob_error *err)
{
    struct ij_buf buf = { 0 };
    struct ij_json_out json = { .buf = &buf };
    ij_failure_write(&json, NULL, failure);
    char *text = ij_buf_take(&buf);
    if (!text)
        return ij_fail_nomem(err, "writing a job's failure");
    *out = text;
    return 0;
}

int ij_record_failure(const struct ij_job *job, const struct ij_finish *finish,
                      char **out, struct imgjob_error *err)
{
    const char *sentence =
        job->state == IMGJOB_STATE_FAILED ? ij_state_reason_text(job->reason) : "";
    bool is_told = finish && ij_finish_blames(finish);
    if (!is_told && !sentence[0]) {
        *out = NULL;
        return 0;
    }
    struct ij_failure failure = { .error.code = IMGJOB_E_CRASHED };
    if (is_told)
        failure = *finish->failure;
    if (sentence[0]) {
        const char *words = is_told ? finish->failure->error.text : "";
        failure.reason = job->reason;
        (void)snprintf(failure.error.text, sizeof(failure.error.text), "%s%s%.180s",
                       sentence, words[0] ? ": " : "", words); /* a cut is still told */
    }
    return render(&failure, out, err);
}

int ij_token_new(uint64_t *out, struct imgjob_error *err)
{
    uint64_t token = 0;
    while (token == 0) {
        int rc = ij_random(&token, sizeof(token), err);
        if (rc < 0)
            return rc;
    }
    *out = token;
    return 0;
}

int ij_fail_unknown(const struct ij_id *id, struct imgjob_error *err)
{
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    return ij_fail(err, IMGJOB_E_NOTFOUND, "there is no job %s", text);
}

int ij_fail_ended(const struct ij_id *id, struct imgjob_error *err)
{
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    return ij_fail(err, IMGJOB_E_CONFLICT, "job %s has ended", text);
}

int ij_fail_not_ended(const struct ij_id *id, struct imgjob_error *err)
{
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    return ij_fail(err, IMGJOB_E_CONFLICT, "job %s has not ended", text);
}

int ij_retry_check(const struct ij_job *job, struct imgjob_error *err)
{
    struct ij_job after = *job;
    if (ij_state_retry(&after, 0))
        return 0;
    char text[IMGJOB_ID_SIZE];
    ij_id_format(&job->id, text);
    bool is_of_state =
        job->state == IMGJOB_STATE_FAILED || job->state == IMGJOB_STATE_CANCELED;
    return ij_fail(err, IMGJOB_E_CONFLICT,
                   is_of_state ? "the images of job %s have expired"
                               : "job %s has neither failed nor been cancelled",
                   text);
}
