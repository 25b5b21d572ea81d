/*
 * Owns the outputs of an attempt, the same for every executor. They are memfds that this
 * process made; once sealed, whoever else still has a descriptor can change nothing, so
 * what is checked here is what is published later.
 */
#include "pool/outputs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "image/limits.h"

enum {
    SNIFF_SIZE = 32,            /* enough for ij_format_sniff() */
    OUTPUT_SIDE_MAX = 10000000, /* px: no image of libvips has more */
    INFO_DEPTH = 4
};

void ij_work_result_done(struct ij_work_result *result)
{
    for (size_t i = 0; i < result->output_count; i++) {
        ij_close(&result->outputs[i].fd);
        result->outputs[i].fd = -1;
    }
    result->output_count = 0;
    ij_json_free(result->info);
    result->info = NULL;
}

int ij_outputs_create(struct ij_work_result *result, const struct imgjob_spec *spec,
                      struct ij_failure *failure)
{
    for (size_t i = 0; i < spec->output_count; i++) {
        struct imgjob_error err;
        int fd = memfd_create("imgjob-output", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0) {
            int rc = ij_fail_errno(&err, IMGJOB_E_NOMEM, "make memory for an output");
            return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_INTERNAL, rc, "%s",
                                  err.text);
        }
        result->outputs[i].fd = fd;
        result->output_count = i + 1;
    }
    return 0;
}

/* The output is not what was claimed or asked for: not the image's fault. */
static int distrust(struct ij_failure *failure, size_t index, const char *what)
{
    return ij_failure_set(failure, IJ_STAGE_ENCODE, IJ_REASON_INTERNAL, IMGJOB_E_INTERNAL,
                          "output %zu was not taken from the worker: %s", index, what);
}

static int accept_one(const struct ij_work_output *output, size_t index,
                      const struct ij_image_output *claim,
                      const struct ij_output_spec *asked, struct ij_failure *failure)
{
    struct stat st;
    char first[SNIFF_SIZE];
    if (fcntl(output->fd, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return distrust(failure, index, "its memory cannot be sealed"); /* still mapped */
    if (fstat(output->fd, &st) < 0 || claim->len == 0 ||
        (uint64_t)st.st_size != claim->len)
        return distrust(failure, index, "its length is not the one claimed");
    size_t len = claim->len < SNIFF_SIZE ? (size_t)claim->len : SNIFF_SIZE;
    if (ij_pread_all(output->fd, first, len, 0) < 0)
        return distrust(failure, index, "it cannot be read");
    if (!ij_spec_output_may_be(asked, claim->format) ||
        ij_format_sniff(first, len) != claim->format)
        return distrust(failure, index,
                        "its first bytes are not of the format asked for");
    if (claim->width > OUTPUT_SIDE_MAX || claim->height > OUTPUT_SIDE_MAX)
        return distrust(failure, index, "its sides cannot be");
    return 0;
}

int ij_outputs_accept(struct ij_work_result *result, const struct ij_image_output *claims,
                      const struct imgjob_spec *spec, const struct imgjob_limits *limits,
                      struct ij_failure *failure)
{
    uint64_t total = 0;
    for (size_t i = 0; i < spec->output_count; i++) {
        int rc =
            accept_one(&result->outputs[i], i, &claims[i], &spec->outputs[i], failure);
        if (rc < 0)
            return rc;
        total += claims[i].len; /* of files that exist: cannot overflow */
    }
    int rc = ij_limits_check_output(limits, total, failure);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < spec->output_count; i++)
        result->outputs[i].image = claims[i];
    return 0;
}

int ij_info_accept(struct ij_work_result *result, const char *info, size_t len,
                   const struct imgjob_spec *spec, struct ij_failure *failure)
{
    struct imgjob_error err;
    if (!spec->wants_info && len == 0)
        return 0;
    IJ_AUTO(ij_json_freep) struct ij_json *object = NULL;
    int rc = ij_json_parse(info, len, INFO_DEPTH, &object, &err);
    if (rc == IMGJOB_E_NOMEM)
        return ij_failure_set(failure, IJ_STAGE_ENCODE, IJ_REASON_INTERNAL, rc, "%s",
                              err.text);
    if (rc < 0 || !spec->wants_info || ij_json_type(object) != IJ_JSON_OBJECT)
        return ij_failure_set(failure, IJ_STAGE_ENCODE, IJ_REASON_INTERNAL,
                              IMGJOB_E_INTERNAL,
                              "what the worker says about the image was not taken");
    result->info = ij_steal(&object);
    return 0;
}
