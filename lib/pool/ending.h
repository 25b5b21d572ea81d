/* The words of an attempt in a worker process that ended without a result. */
#pragma once

#include "pool/executor.h"

/* What was seen of it. Borrowed. */
struct ij_last_seen {
    const struct ij_executor_config *config;
    const struct ij_work *work;
    enum ij_stage stage;
    const char *loader;     /* "" before the header */
    const char *last_words; /* on its stderr */
};

/* The worker ended by itself. @return CRASHED, or FAILED where a limit ended it */
enum ij_ending ij_ending_of_death(const struct ij_last_seen *seen, int status,
                                  struct ij_failure *failure);

/* Its time was over. */
enum ij_ending ij_ending_of_deadline(const struct ij_last_seen *seen,
                                     struct ij_failure *failure);

/* The worker, or this side, could not go on: not the image's fault, as far as we know.
 * @param what happened; `why` says more */
enum ij_ending ij_ending_of_breakdown(const struct ij_last_seen *seen, const char *what,
                                      const struct imgjob_error *why,
                                      struct ij_failure *failure);

/* Codes by which a failure can be told to be this node's; see ij_failure_is_of_node(). */
bool ij_code_is_of_node(int code);
