/* Parts of resizing that others need. */
#pragma once

#include <vips/vips.h>

#include "image/operation.h"

/* Whether both steps are resizes that weigh pixels alike, so that a smaller image of the
 * one can be made from a larger image of the other. */
bool ij_resize_is_alike(const struct ij_step *one, const struct ij_step *other);

/*
 * Enlarge to exactly `to`, of which no side is shorter than the image's. The middle of
 * the image stays in the middle, and the edge counts for what is beyond it.
 *
 * @param kind of libvips' interpolators: "nearest", "bilinear", "bicubic"
 * @return 0, or -1 with libvips' error text
 */
int ij_resize_enlarge(VipsImage *image, struct ij_extent to, const char *kind,
                      VipsImage **made);
