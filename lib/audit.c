/*
 * Owns the check of a store as a whole: what the job database says of itself, and that
 * the images its rows name are on the disk with the bytes they should have. A server may
 * be at work meanwhile, so what seems to be missing is looked at twice.
 */
#include <imgjob/operate.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/check.h"
#include "jobs/state.h"
#include "look.h"

enum {
    SENTENCE_SIZE = 400,
    WASTE_AGE_MS = 3600000 /* what is younger may be on its way into a row */
};

/* What is audited, and who is told. */
struct audit {
    struct imgjob_store *store; /* for a repair, else NULL: only looked at */
    struct ij_jobs *jobs;
    struct ij_blobs *inputs, *outputs;
    imgjob_audit_fn report;
    void *data;
    struct imgjob_audit found;
    struct imgjob_error *err;
};

static void audit_done(struct audit *audit)
{
    if (!audit->store) {
        ij_blobs_close(audit->outputs);
        ij_blobs_close(audit->inputs);
        ij_jobs_close(audit->jobs);
    }
    imgjob_store_close(audit->store);
}

static int open_to_repair(struct audit *audit, struct ij_store_config *config,
                          struct imgjob_error *err)
{
    /* or a wrong path would be given a new and faultless store */
    if (config->jobs_path && access(config->jobs_path, F_OK) < 0)
        return ij_fail_errno(err, IMGJOB_E_INVALID, "jobs_url: open '%s'",
                             config->jobs_path);
    config->is_shared = false;
    int rc = ij_store_open_with(config, &audit->store, err);
    if (rc < 0)
        return rc;
    audit->jobs = audit->store->jobs;
    audit->inputs = audit->store->inputs;
    audit->outputs = audit->store->outputs;
    return 0;
}

static int open_to_look(struct audit *audit, const struct ij_store_config *config,
                        struct imgjob_error *err)
{
    int rc = ij_jobs_look(config, &audit->jobs, err);
    if (rc < 0)
        return rc;
    const char *id = audit->jobs->ops->store_id(audit->jobs);
    rc = ij_local_open(config->inputs_dir, id, IJ_LOCAL_LOOK, &audit->inputs, err);
    return rc < 0 ? rc
                  : ij_local_open(config->outputs_dir, id, IJ_LOCAL_LOOK, &audit->outputs,
                                  err);
}

/* ---- rows ---- */

static void report_sentence(void *data, const char *sentence)
{
    struct audit *audit = data;
    if (audit->report)
        audit->report(audit->data, sentence);
}

static int audit_rows(struct audit *audit, bool is_repair, struct imgjob_error *err)
{
    struct ij_audit rows = {
        .is_repair = is_repair,
        .report = report_sentence,
        .data = audit,
    };
    int rc = audit->jobs->ops->audit(audit->jobs, &rows, err);
    audit->found.jobs = rows.rows;
    audit->found.faults = rows.faults;
    audit->found.repaired = rows.repaired;
    return rc;
}

/* ---- the images that rows name ---- */

IJ_PRINTF(2, 3) static void fault(struct audit *audit, const char *fmt, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, args);
    va_end(args);
    audit->found.faults++;
    report_sentence(audit, sentence);
}

/* Whether its images ought to be there. */
static bool has_blobs(const struct ij_job *job)
{
    return job->finished == 0 || job->result_expires != 0;
}

/* Whether the job still names its images: they may have expired since it was read. */
static int names_blobs(struct audit *audit, const struct ij_id *id, bool *out,
                       struct imgjob_error *err)
{
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    int rc = audit->jobs->ops->get(audit->jobs, id, &record, err);
    *out = rc == 0 && has_blobs(&record.job);
    return rc == IMGJOB_E_NOTFOUND ? 0 : rc;
}

/* The bytes that an input should have, by the row's document. */
static uint64_t input_len(const struct ij_json *input, uint32_t index)
{
    if (index > 0)
        input = ij_json_at(ij_json_member(input, "further"), index - 1);
    return (uint64_t)ij_json_int(ij_json_member(input, "bytes"));
}

static uint64_t output_len(const struct ij_json *result, const char *key)
{
    const struct ij_json *outputs = ij_json_member(result, "outputs");
    for (size_t i = 0; i < ij_json_count(outputs); i++) {
        const struct ij_json *output = ij_json_at(outputs, i);
        if (strcmp(ij_json_string(ij_json_member(output, "key")), key) == 0)
            return (uint64_t)ij_json_int(ij_json_member(output, "bytes"));
    }
    return 0;
}

/* What a row knows of its images. */
struct known {
    struct ij_json *input, *result;
};

static void known_done(struct known *known)
{
    ij_json_free(known->input);
    ij_json_free(known->result);
}

static int check_blob(struct audit *audit, const struct ij_record *record,
                      const char *key, const struct known *known,
                      struct imgjob_error *err)
{
    char id[IMGJOB_ID_SIZE];
    ij_id_format(&record->job.id, id);
    struct ij_blob_name name;
    if (!ij_blob_key_parse(key, &name) || !ij_id_equal(&name.id, &record->job.id)) {
        fault(audit, "job %s: names '%.64s', which is no image of its own", id, key);
        return 0;
    }
    struct ij_blobs *place = name.is_input ? audit->inputs : audit->outputs;
    IJ_AUTO(ij_close) int fd = -1;
    uint64_t len = 0;
    struct imgjob_error why;
    int rc = place->ops->open(place, key, &fd, &len, &why);
    uint64_t wanted = name.is_input ? input_len(known->input, name.input)
                                    : output_len(known->result, key);
    if (rc == 0 && len == wanted)
        return 0;
    if (rc == 0) {
        fault(audit, "job %s: '%s' has %" PRIu64 " bytes, not %" PRIu64, id, key, len,
              wanted);
        return 0;
    }
    bool is_named = false;
    rc = names_blobs(audit, &record->job.id, &is_named, err);
    if (rc == 0 && is_named)
        fault(audit, "job %s: %s", id, why.text);
    return rc;
}

static int check_record(struct audit *audit, const struct ij_record *record,
                        struct imgjob_error *err)
{
    if (!has_blobs(&record->job))
        return 0;
    IJ_AUTO(known_done) struct known known = { 0 };
    struct imgjob_error why; /* a broken document was told with the rows */
    int rc = ij_document_parse(record->input, &known.input, &why);
    if (rc == 0)
        rc = ij_document_parse(record->result, &known.result, &why);
    if (rc < 0)
        return rc == IMGJOB_E_NOMEM ? ij_fail_nomem(err, "reading a job") : 0;
    for (const char *at = record->keys; at && *at && rc == 0;) {
        char key[IJ_BLOB_KEY_SIZE];
        at = ij_blob_key_next(at, key);
        rc = check_blob(audit, record, key, &known, err);
    }
    return rc;
}

/* All rows, a page at a time. */
static int check_blobs(struct audit *audit, struct imgjob_error *err)
{
    IJ_AUTO(ij_free) struct ij_page *page = calloc(1, sizeof(*page));
    if (!page)
        return ij_fail_nomem(err, "reading jobs");
    struct ij_list list = { .limit = IJ_LIST_MAX };
    int rc;
    do {
        rc = audit->jobs->ops->list(audit->jobs, &list, page, err);
        for (size_t i = 0; rc == 0 && i < page->count; i++)
            rc = check_record(audit, &page->records[i], err);
        list.before = page->next;
        ij_page_done(page);
    } while (rc == 0 && list.before != 0);
    return rc;
}

/* ---- files that no row names ---- */

static int visit_blob(void *data, const char *key, bool is_draft)
{
    (void)is_draft;
    struct audit *audit = data;
    struct ij_blob_name name;
    if (!ij_blob_key_parse(key, &name))
        return 0;
    const struct ij_suspect suspect = {
        .key = key,
        .id = name.id,
        .is_input = name.is_input,
        .gen = name.gen,
        .token = name.token,
    };
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    int rc = audit->jobs->ops->get(audit->jobs, &name.id, &record, audit->err);
    if (rc < 0 && rc != IMGJOB_E_NOTFOUND)
        return rc;
    if (rc < 0 || !ij_state_owns(&record.job, &suspect))
        audit->found.waste++;
    return 0;
}

static int count_waste(struct audit *audit, struct imgjob_error *err)
{
    audit->err = err;
    struct ij_blobs *places[] = { audit->inputs, audit->outputs };
    for (size_t i = 0; i < IJ_ARRAY_LEN(places); i++) {
        int rc = places[i]->ops->list(places[i], WASTE_AGE_MS, visit_blob, audit, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int imgjob_store_audit(const struct imgjob_store_options *options, uint32_t repair,
                       imgjob_audit_fn report, void *data, struct imgjob_audit *out,
                       struct imgjob_error *err)
{
    if (repair > 1)
        return ij_fail(err, IMGJOB_E_INVALID, "repair: must be 0 or 1, not %u", repair);
    IJ_AUTO(ij_store_config_done) struct ij_store_config config = { 0 };
    IJ_AUTO(audit_done) struct audit audit = { .report = report, .data = data };
    int rc = ij_result_check(out, "imgjob_audit", err);
    if (rc == 0)
        rc = ij_store_config_read(options, &config, err);
    if (rc == 0)
        rc = repair ? open_to_repair(&audit, &config, err)
                    : open_to_look(&audit, &config, err);
    if (rc == 0)
        rc = audit_rows(&audit, repair, err);
    if (rc == 0)
        rc = check_blobs(&audit, err);
    if (rc == 0)
        rc = count_waste(&audit, err);
    if (rc < 0)
        return rc;
    return ij_result_write(out, &audit.found, sizeof(audit.found), "imgjob_audit", err);
}
