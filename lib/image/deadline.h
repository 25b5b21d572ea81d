/* Stopping a pipeline that takes too long, or is not wanted any more. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vips/vips.h>

/* Owned by one thread; zeroed = none is set. Must outlive the images it watches. */
struct ij_deadline {
    int64_t until_mono_ms; /* 0 = never */
    atomic_bool *stop; /* borrowed: true = as if it had passed; NULL = there is none */
    bool is_over;      /* written by libvips' threads: read it by the function */
};

/* From now on, whatever is computed from the image stops at the next tile after the
 * deadline; libvips then reports a failure. */
void ij_deadline_watch(struct ij_deadline *deadline, VipsImage *image);

/* Whether it stopped something, or would stop it now. */
bool ij_deadline_is_over(struct ij_deadline *deadline);
