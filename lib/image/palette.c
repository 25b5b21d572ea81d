/*
 * Owns the palette of a picture (P. Heckbert, "Color image quantization for frame buffer
 * display", 1982). Boxes are ranges of one array, so halving one is sorting its range.
 */
#include "image/palette.h"

#include <stdlib.h>
#include <string.h>

struct point {
    uint8_t at[3];
};

struct box {
    struct point *points;
    size_t count;
    int axis;        /* along which it is longest */
    unsigned spread; /* its length there */
};

static int by_red(const void *a, const void *b)
{
    return ((const struct point *)a)->at[0] - ((const struct point *)b)->at[0];
}

static int by_green(const void *a, const void *b)
{
    return ((const struct point *)a)->at[1] - ((const struct point *)b)->at[1];
}

static int by_blue(const void *a, const void *b)
{
    return ((const struct point *)a)->at[2] - ((const struct point *)b)->at[2];
}

static void measure(struct box *box)
{
    uint8_t low[3] = { 255, 255, 255 }, high[3] = { 0 };
    for (size_t i = 0; i < box->count; i++)
        for (int c = 0; c < 3; c++) {
            uint8_t v = box->points[i].at[c];
            low[c] = v < low[c] ? v : low[c];
            high[c] = v > high[c] ? v : high[c];
        }
    box->spread = 0;
    box->axis = 0;
    for (int c = 0; c < 3; c++)
        if ((unsigned)(high[c] - low[c]) > box->spread) {
            box->spread = (unsigned)(high[c] - low[c]);
            box->axis = c;
        }
}

/* Halve a box, but never a colour: equal colours stay on one side. @return whether it was
 * possible */
static int halve(struct box *box, struct box *upper)
{
    static int (*const orders[])(const void *, const void *) = { by_red, by_green,
                                                                 by_blue };
    int axis = box->axis;
    qsort(box->points, box->count, sizeof(struct point), orders[axis]);
    size_t middle = box->count / 2;
    uint8_t value = box->points[middle].at[axis];
    size_t from = middle;
    while (from > 0 && box->points[from - 1].at[axis] == value)
        from--;
    if (from == 0) /* the lower half is one value: cut behind it */
        for (from = middle; from < box->count && box->points[from].at[axis] == value;)
            from++;
    if (from == box->count)
        return 0;
    *upper = (struct box){ .points = box->points + from, .count = box->count - from };
    box->count = from;
    measure(box);
    measure(upper);
    return 1;
}

static struct ij_swatch mean_of(const struct box *box, size_t total)
{
    uint64_t sums[3] = { 0 };
    for (size_t i = 0; i < box->count; i++)
        for (int c = 0; c < 3; c++)
            sums[c] += box->points[i].at[c];
    return (struct ij_swatch){
        .red = (uint8_t)((sums[0] + box->count / 2) / box->count),
        .green = (uint8_t)((sums[1] + box->count / 2) / box->count),
        .blue = (uint8_t)((sums[2] + box->count / 2) / box->count),
        .share = (double)box->count / (double)total,
    };
}

static int by_share(const void *a, const void *b)
{
    double left = ((const struct ij_swatch *)a)->share;
    double right = ((const struct ij_swatch *)b)->share;
    return (left < right) - (left > right);
}

static size_t cut(struct box boxes[IJ_PALETTE_MAX], size_t most)
{
    size_t count = 1;
    while (count < most) {
        size_t widest = 0;
        for (size_t i = 1; i < count; i++)
            if (boxes[i].spread > boxes[widest].spread)
                widest = i;
        if (boxes[widest].spread == 0 || !halve(&boxes[widest], &boxes[count]))
            break;
        count++;
    }
    return count;
}

size_t ij_palette(const uint8_t *rgba, size_t count, size_t most,
                  struct ij_swatch out[IJ_PALETTE_MAX])
{
    struct point *points = calloc(count ? count : 1, sizeof(*points));
    if (!points)
        return 0;
    size_t opaque = 0;
    for (size_t i = 0; i < count; i++)
        if (rgba[4 * i + 3] >= 128)
            memcpy(points[opaque++].at, rgba + 4 * i, 3);
    size_t found = 0;
    if (opaque > 0) {
        struct box boxes[IJ_PALETTE_MAX] = { { .points = points, .count = opaque } };
        measure(&boxes[0]);
        found = cut(boxes, most < IJ_PALETTE_MAX ? most : IJ_PALETTE_MAX);
        for (size_t i = 0; i < found; i++)
            out[i] = mean_of(&boxes[i], opaque);
        qsort(out, found, sizeof(out[0]), by_share);
    }
    free(points);
    return found;
}
