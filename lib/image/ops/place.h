/* Cutting a box out of an image and laying an image into a box. */
#pragma once

#include "image/operation.h"

struct ij_extent ij_extent_of(VipsImage *image);

/* Cut out a box by its gravity; a box larger than the image is cut to it. */
int ij_cut_by_gravity(VipsImage *image, struct ij_extent box, enum ij_gravity gravity,
                      VipsImage **made);

/* Cut out a box with that point, in fractions of the image, as near to its middle as the
 * edges allow. */
int ij_cut_around(VipsImage *image, struct ij_extent box, double x, double y,
                  VipsImage **made);

/* Lay the image into a box of that colour, which may be transparent. */
int ij_pad(VipsImage *image, struct ij_extent box, struct ij_offset at, uint32_t color,
           VipsImage **made);
