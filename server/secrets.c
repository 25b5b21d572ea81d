/* Owns the reading of secrets: never more copies than one, and none left behind. */
#include "server/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"

enum { FILE_MAX = 4096 };

static int read_text(const char *path, struct ij_secrets *out, struct imgjob_error *err)
{
    IJ_AUTO(ij_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ij_fail_errno(err, IMGJOB_E_INVALID, "webhook_secrets_file: open '%.100s'",
                             path);
    out->size = FILE_MAX + 1; /* one byte more shows that there are too many */
    out->text = calloc(1, out->size);
    if (!out->text)
        return ij_fail_nomem(err, "reading the secrets of webhooks");
    size_t len = 0;
    ssize_t got;
    do {
        got = read(fd, out->text + len, out->size - len);
        len += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && len < out->size) || (got < 0 && errno == EINTR));
    if (got < 0)
        return ij_fail_errno(err, IMGJOB_E_INVALID, "webhook_secrets_file: read '%.100s'",
                             path);
    if (len > FILE_MAX || strlen(out->text) != len)
        return ij_fail(
            err, IMGJOB_E_INVALID,
            "webhook_secrets_file '%.100s': must be a text of at most %d bytes", path,
            FILE_MAX);
    return 0;
}

/* Cut the text into lines. */
static int split(const char *path, struct ij_secrets *out, struct imgjob_error *err)
{
    static const char space[] = " \t\r";
    char *rest = out->text, *line;
    while ((line = strsep(&rest, "\n"))) {
        line += strspn(line, space);
        line[strcspn(line, " \t\r#")] = '\0'; /* base64 has none of them */
        if (line[0] == '\0')
            continue;
        if (out->count == IMGJOB_WEBHOOK_SECRETS_MAX)
            return ij_fail(err, IMGJOB_E_INVALID,
                           "webhook_secrets_file '%.100s': more than %d secrets", path,
                           IMGJOB_WEBHOOK_SECRETS_MAX);
        out->list[out->count++] = line;
    }
    if (out->count == 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "webhook_secrets_file '%.100s': no secret in it", path);
    return 0;
}

int ij_secrets_read(const char *path, struct ij_secrets *out, struct imgjob_error *err)
{
    struct ij_secrets secrets = { .text = NULL };
    int rc = read_text(path, &secrets, err);
    if (rc == 0)
        rc = split(path, &secrets, err);
    if (rc < 0)
        ij_secrets_done(&secrets);
    else
        *out = secrets;
    return rc;
}

void ij_secrets_done(struct ij_secrets *secrets)
{
    if (secrets->text)
        explicit_bzero(secrets->text, secrets->size);
    free(secrets->text);
    *secrets = (struct ij_secrets){ .text = NULL };
}
