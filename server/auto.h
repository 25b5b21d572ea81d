/* Ends of the library's objects, for IJ_AUTO(). */
#pragma once

#include <imgjob/job.h>
#include <imgjob/spec.h>

#include "base/auto.h"

static inline void ij_job_freep(struct imgjob_job **job)
{
    imgjob_job_free(*job);
}

static inline void ij_spec_freep(struct imgjob_spec **spec)
{
    imgjob_spec_free(*spec);
}
