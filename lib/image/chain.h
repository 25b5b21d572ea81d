/* A row of steps, planned before pixels move and applied one after the other. */
#pragma once

#include "image/deadline.h"
#include "image/image.h"
#include "image/meter.h"
#include "image/operation.h"
#include "image/source.h"

struct ij_chain {
    const struct ij_step *steps;
    size_t count;
    char at[32]; /* the JSON pointer before "/steps": "" or "/outputs/1" */
};

/* What every chain of one job shares. Borrowed. */
struct ij_workshop {
    const struct imgjob_limits *limits;
    const struct ij_source *source; /* for the words of a failure */
    struct ij_deadline *deadline;
    struct ij_meter *meter;
    VipsImage *const *inputs; /* further inputs */
    size_t input_count;
    uint32_t pages; /* that the image has, each of its extent */
    struct ij_failure *failure;
};

/*
 * What the steps make of an image of `*extent`, each held against the limits. What comes
 * after a step that finds its size in the pixels is planned when it is applied: by the
 * largest size, steps would be refused that are right for the one found.
 *
 * @param extent afterwards what the steps make, or the largest that is found
 * @return 0; 1 = only as far as the first step that finds its size; or a negative code
 * with the failure filled
 */
int ij_chain_plan(const struct ij_chain *chain, const struct ij_workshop *shop,
                  struct ij_extent *extent);

/*
 * Make the steps part of the image's pipeline.
 *
 * @param extent the size that the image counts as having: a JPEG decoded at a fraction
 * has fewer pixels. Afterwards what the steps made
 * @return 0, or a negative code with the failure filled
 */
int ij_chain_apply(const struct ij_chain *chain, const struct ij_workshop *shop,
                   VipsImage **image, struct ij_extent *extent);

/* One step whose outcome is planned already. */
int ij_chain_apply_to(const struct ij_chain *chain, size_t index,
                      const struct ij_workshop *shop, VipsImage **image,
                      struct ij_extent to);

/* From now on, whatever is computed from the image tells how far it is and stops when it
 * must. */
void ij_workshop_watch(const struct ij_workshop *shop, VipsImage *image);

/* Let the pixels be in memory, in any order and as often as wanted. */
int ij_workshop_hold(const struct ij_workshop *shop, enum ij_stage stage,
                     VipsImage **image);

/* What libvips says failed, or that the time is over. @return the negative code */
int ij_workshop_fail(const struct ij_workshop *shop, enum ij_stage stage);
