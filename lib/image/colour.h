/* Whatever was decoded, as 8-bit sRGB or grey, with or without alpha. */
#pragma once

#include <stdbool.h>

#include <vips/vips.h>

/*
 * Make the conversion part of the image's pipeline: by its profile where it has one that
 * can be used, else by what its format says. Does nothing to what already is right.
 *
 * @return 0, or -1 with libvips' error text
 */
int ij_colour_to_srgb(VipsImage **image);

/* Whether its pixels can stay as they are under their own profile: 8 bits of grey or RGB
 * that carry one. */
bool ij_colour_keeps_profile(VipsImage *image);
