/* Owns where a box lies within another. */
#include "spec/op.h"

/* clang-format off */
#define COMPASS                                                                          \
    [IJ_GRAVITY_CENTER] = "center",       [IJ_GRAVITY_NORTH] = "north",                  \
    [IJ_GRAVITY_NORTHEAST] = "northeast", [IJ_GRAVITY_EAST] = "east",                    \
    [IJ_GRAVITY_SOUTHEAST] = "southeast", [IJ_GRAVITY_SOUTH] = "south",                  \
    [IJ_GRAVITY_SOUTHWEST] = "southwest", [IJ_GRAVITY_WEST] = "west",                    \
    [IJ_GRAVITY_NORTHWEST] = "northwest"
/* clang-format on */

const char *const ij_compass[] = { COMPASS, NULL };
const char *const ij_gravities[] = {
    COMPASS,
    [IJ_GRAVITY_ATTENTION] = "attention",
    [IJ_GRAVITY_ENTROPY] = "entropy",
    NULL,
};

/* How far in, in halves of the space that is left: 0 = left or top, 2 = right or bottom.
 * A gravity that is found from pixels has no place, and counts as the centre. */
static const struct {
    int x, y;
} halves[] = {
    [IJ_GRAVITY_CENTER] = { 1, 1 },    [IJ_GRAVITY_NORTH] = { 1, 0 },
    [IJ_GRAVITY_NORTHEAST] = { 2, 0 }, [IJ_GRAVITY_EAST] = { 2, 1 },
    [IJ_GRAVITY_SOUTHEAST] = { 2, 2 }, [IJ_GRAVITY_SOUTH] = { 1, 2 },
    [IJ_GRAVITY_SOUTHWEST] = { 0, 2 }, [IJ_GRAVITY_WEST] = { 0, 1 },
    [IJ_GRAVITY_NORTHWEST] = { 0, 0 },
};

static int64_t place_side(int half, uint32_t outer, uint32_t inner)
{
    int64_t space = ((int64_t)outer - inner) * half;
    return (space - (space < 0 && space % 2 != 0)) / 2; /* down, below 0 too */
}

struct ij_offset ij_gravity_place(enum ij_gravity gravity, struct ij_extent outer,
                                  struct ij_extent inner)
{
    if (gravity >= IJ_GRAVITY_COMPASS_END)
        gravity = IJ_GRAVITY_CENTER;
    return (
        struct ij_offset){ place_side(halves[gravity].x, outer.width, inner.width),
                           place_side(halves[gravity].y, outer.height, inner.height) };
}
