/* Colour profiles, as far as they must be understood to be left alone. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether pixels under this profile already are sRGB, or grey with sRGB's curve, so that
 * a conversion would change nothing that can be seen. False for what cannot be read. */
bool ij_icc_is_srgb(const void *profile, size_t len);
