/* What a worker writes on its stderr, as a bounded number of log lines. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

enum { IJ_CHATTER_LINE_SIZE = 256 };

/* Of one worker process; zeroed = nothing said yet. A plain value. */
struct ij_chatter {
    const struct ij_log *log;
    const char *job_id;  /* NULL outside of a job */
    uint32_t line_count; /* since ij_chatter_begin() */
    size_t byte_count;   /* since ij_chatter_begin() */
    size_t len;          /* of the line that is not complete yet */
    char line[IJ_CHATTER_LINE_SIZE];
    char last[IJ_CHATTER_LINE_SIZE]; /* the last complete line with anything on it */
};

/* From now on lines are about that job (NULL = none) and counted anew. */
void ij_chatter_begin(struct ij_chatter *chatter, const char *job_id);

/* Read what is there without waiting. @return whether to go on listening: false at the
 * end of the pipe, and when this job has said more than anybody will read */
bool ij_chatter_read(struct ij_chatter *chatter, int fd);

/* Take an unfinished line as complete: nothing will follow it. */
void ij_chatter_flush(struct ij_chatter *chatter);

/* Log an unfinished line and how many lines were not logged. */
void ij_chatter_end(struct ij_chatter *chatter);
