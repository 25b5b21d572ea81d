/* Handing events to the program's callback. */
#pragma once

#include <imgjob/log.h>

#include "base/error.h"

/* Copied by value into whatever logs; zeroed = silent. */
struct ij_log {
    imgjob_log_fn fn;
    void *data;
};

/* One event, at most 500 bytes of text; control bytes become spaces, since texts may hold
 * words of a hostile image. `job_id` may be NULL. Never call it with a lock held. */
void ij_log(const struct ij_log *log, enum imgjob_log_level level, const char *room,
            const char *job_id, const char *fmt, ...) IJ_PRINTF(5, 6);
