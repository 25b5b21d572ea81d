/*
 * Owns the bounds on what a worker can make us log: ten lines a job, the rest counted,
 * and no more than a fixed number of bytes read. A worker that says more fills its pipe
 * and loses the rest, since neither end of the pipe ever blocks.
 */
#include "pool/chatter.h"

#include <string.h>
#include <unistd.h>

enum { LINES_MAX = 10, BYTES_MAX = 64 * 1024 };

static void end_line(struct ij_chatter *chatter)
{
    if (chatter->len == 0)
        return;
    chatter->line[chatter->len] = '\0';
    memcpy(chatter->last, chatter->line, chatter->len + 1);
    chatter->len = 0;
    chatter->line_count++;
    if (chatter->line_count <= LINES_MAX)
        ij_log(chatter->log, IMGJOB_LOG_WARN, "worker", chatter->job_id, "%s",
               chatter->last);
}

static void add(struct ij_chatter *chatter, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n')
            end_line(chatter);
        else if (bytes[i] != '\0' && chatter->len < IJ_CHATTER_LINE_SIZE - 1)
            chatter->line[chatter->len++] = bytes[i]; /* what is longer is cut */
    }
}

void ij_chatter_begin(struct ij_chatter *chatter, const char *job_id)
{
    chatter->job_id = job_id;
    chatter->line_count = 0;
    chatter->byte_count = 0;
    chatter->len = 0;
    chatter->last[0] = '\0';
}

bool ij_chatter_read(struct ij_chatter *chatter, int fd)
{
    char bytes[4096];
    ssize_t got;
    while (chatter->byte_count < BYTES_MAX &&
           (got = read(fd, bytes, sizeof(bytes))) != 0) {
        if (got < 0)
            return true; /* nothing there now; a pipe knows no other error */
        chatter->byte_count += (size_t)got;
        add(chatter, bytes, (size_t)got);
    }
    return false;
}

void ij_chatter_flush(struct ij_chatter *chatter)
{
    end_line(chatter);
}

void ij_chatter_end(struct ij_chatter *chatter)
{
    end_line(chatter);
    if (chatter->line_count > LINES_MAX)
        ij_log(chatter->log, IMGJOB_LOG_WARN, "worker", chatter->job_id,
               "%u more lines were not logged", chatter->line_count - LINES_MAX);
    ij_chatter_begin(chatter, NULL);
}
