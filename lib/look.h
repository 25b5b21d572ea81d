/* A store that somebody else may have open, as it is. */
#pragma once

#include "store.h"

/* Its job database, read only. @return 0, or IMGJOB_E_INVALID (also: it has no file) */
int ij_jobs_look(const struct ij_store_config *config, struct ij_jobs **out,
                 struct imgjob_error *err);

/* For IJ_AUTO. */
static inline void ij_jobs_closep(struct ij_jobs **jobs)
{
    ij_jobs_close(*jobs);
}
