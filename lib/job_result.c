/* Owns reading what the documents of a row say, above all the result of a job. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/json.h"
#include "spec/spec.h"
#include "store.h"

enum { DOCUMENT_DEPTH = 8 };

/* They are ours, so a broken one means a broken store. */
int ij_document_parse(const char *text, struct ij_json **out, struct imgjob_error *err)
{
    if (!text)
        return 0;
    struct imgjob_error why;
    int rc = ij_json_parse(text, strlen(text), DOCUMENT_DEPTH, out, &why);
    if (rc == IMGJOB_E_NOMEM)
        return ij_fail_nomem(err, "reading a job");
    if (rc < 0)
        return ij_fail(err, IMGJOB_E_STORE, "a document of a job is broken: %.120s",
                       why.text);
    return 0;
}

static void read_output(const struct ij_json *output, struct ij_job_output *out)
{
    (void)snprintf(out->key, sizeof(out->key), "%s", ij_json_text(output, "key"));
    out->format = ij_format_by_name(ij_json_text(output, "format"));
    out->len = (uint64_t)ij_json_int(ij_json_member(output, "bytes"));
    (void)snprintf(out->sha256, sizeof(out->sha256), "%s",
                   ij_json_text(output, "sha256"));
}

int ij_job_output_at(const char *result, size_t index, struct ij_job_output *out,
                     struct imgjob_error *err)
{
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    int rc = ij_document_parse(result, &root, err);
    if (rc < 0)
        return rc;
    const struct ij_json *outputs = ij_json_member(root, "outputs");
    if (index >= ij_json_count(outputs))
        return 1;
    read_output(ij_json_at(outputs, index), out);
    return 0;
}

int ij_job_output_find(const char *result, const char *name, struct ij_job_output *out,
                       struct imgjob_error *err)
{
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    int rc = ij_document_parse(result, &root, err);
    if (rc < 0)
        return rc;
    const struct ij_json *outputs = ij_json_member(root, "outputs");
    for (size_t i = 0; i < ij_json_count(outputs); i++) {
        const struct ij_json *output = ij_json_at(outputs, i);
        if (name && strcmp(ij_json_text(output, "name"), name) != 0)
            continue;
        read_output(output, out);
        return 0;
    }
    return name ? ij_fail(err, IMGJOB_E_NOTFOUND, "the job has no output '%.64s'", name)
                : ij_fail(err, IMGJOB_E_NOTFOUND, "the job has no outputs");
}
