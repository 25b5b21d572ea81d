/* Owns the way out: an output of a completed job, read as long as somebody reads it. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "store.h"

struct imgjob_download {
    int fd;
    uint64_t len;
    uint32_t format;
    char sha256[IJ_SHA256_HEX_SIZE];
};

/* What a job's row says of an output that may be fetched. */
static int find_output(struct imgjob_store *store, const char *id, const char *name,
                       struct ij_job_output *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    int rc = ij_store_get_record(store, id, &record, err);
    if (rc < 0)
        return rc;
    if (record.job.state != IMGJOB_STATE_SUCCEEDED)
        return ij_fail(err, IMGJOB_E_CONFLICT, "job %s has not completed", id);
    if (record.job.result_expires == 0)
        return ij_fail(err, IMGJOB_E_CONFLICT, "the images of job %s have expired", id);
    return ij_job_output_find(record.result, name, out, err);
}

static int open_blob(struct imgjob_store *store, const char *id, const char *name,
                     const struct ij_job_output *output, struct imgjob_download *download,
                     struct imgjob_error *err)
{
    int rc = store->outputs->ops->open(store->outputs, output->key, &download->fd,
                                       &download->len, err);
    if (rc == 0 && download->len != output->len) {
        ij_close(&download->fd);
        return ij_fail(err, IMGJOB_E_BLOB,
                       "job %s: its output '%s' has %llu bytes on the disk, not %llu", id,
                       output->key, (unsigned long long)download->len,
                       (unsigned long long)output->len);
    }
    if (rc != IMGJOB_E_NOTFOUND)
        return rc;
    /* it may have expired since the row was read; else the disk lost it */
    struct ij_job_output again;
    rc = find_output(store, id, name, &again, err);
    return rc < 0 ? rc
                  : ij_fail(err, IMGJOB_E_BLOB,
                            "job %s: its output '%s' is gone from the "
                            "disk",
                            id, output->key);
}

int imgjob_store_open_output(struct imgjob_store *store, const char *id, const char *name,
                             struct imgjob_download **out, struct imgjob_error *err)
{
    struct ij_job_output output;
    int rc = find_output(store, id, name, &output, err);
    if (rc < 0)
        return rc;
    struct imgjob_download *download = calloc(1, sizeof(*download));
    if (!download)
        return ij_fail_nomem(err, "opening an output");
    download->format = output.format;
    memcpy(download->sha256, output.sha256, sizeof(download->sha256));
    rc = open_blob(store, id, name, &output, download, err);
    if (rc < 0) {
        free(download);
        return rc;
    }
    *out = download;
    return 0;
}

const char *imgjob_download_sha256(const struct imgjob_download *download)
{
    return download->sha256;
}

int imgjob_download_fd(const struct imgjob_download *download)
{
    return download->fd;
}

uint32_t imgjob_download_format(const struct imgjob_download *download)
{
    return download->format;
}

uint64_t imgjob_download_length(const struct imgjob_download *download)
{
    return download->len;
}

int imgjob_download_read(struct imgjob_download *download, uint64_t offset, void *buffer,
                         size_t len, size_t *out_len, struct imgjob_error *err)
{
    uint64_t left = offset < download->len ? download->len - offset : 0;
    size_t want = left < len ? (size_t)left : len;
    if (ij_pread_all(download->fd, buffer, want, offset) < 0)
        return ij_fail_errno(err, IMGJOB_E_BLOB, "read %zu bytes of an output", want);
    *out_len = want;
    return 0;
}

void imgjob_download_close(struct imgjob_download *download)
{
    if (!download)
        return;
    ij_close(&download->fd);
    free(download);
}
