/*
 * Take away specks: each level becomes the median of those around it. The median of
 * libvips 8.14 is wrong for squares of more than 3 px, so it is computed here.
 */
#include <inttypes.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/source.h"

enum { SIZE };

static const struct ij_param params[] = {
    [SIZE] = { .name = "size",
               .type = IJ_PARAM_INT,
               .min = 3,
               .max = 15,
               .fallback = IJ_DEFAULT_INT(3),
               .unit = "px",
               .doc = "The side of the square that is looked at; an odd number" },
};

static int check(const struct ij_step *step, const char *at, struct imgjob_error *err)
{
    int64_t size = step->values[SIZE].integer;
    if (size % 2 == 0)
        return ij_fail(err, IMGJOB_E_SPEC, "%s/size: must be odd, not %" PRId64, at,
                       size);
    return 0;
}

/* The square that is looked at. */
struct window {
    int size, bands;
};

static int middle(const uint16_t counts[256], int rank)
{
    int so_far = 0;
    for (int level = 0; level < 256; level++) {
        so_far += counts[level];
        if (so_far > rank)
            return level;
    }
    return 255;
}

/* A row of windows on its way. */
struct row {
    const struct window *window;
    VipsRegion *from;
    int y;
    uint16_t counts[4][256];
};

static void count_column(struct row *row, int x, int by)
{
    for (int i = 0; i < row->window->size; i++) {
        const uint8_t *pixel = VIPS_REGION_ADDR(row->from, x, row->y + i);
        for (int band = 0; band < row->window->bands; band++) {
            uint16_t *count = &row->counts[band][pixel[band]];
            *count = (uint16_t)(*count + by);
        }
    }
}

/* The window moves along the row: a column comes in, a column goes out (Huang 1979). */
static void make_row(struct row *row, const VipsRect *area, uint8_t *to)
{
    int size = row->window->size;
    for (int i = 0; i < size - 1; i++)
        count_column(row, area->left + i, 1);
    for (int x = area->left; x < VIPS_RECT_RIGHT(area); x++) {
        count_column(row, x + size - 1, 1);
        for (int band = 0; band < row->window->bands; band++)
            *to++ = (uint8_t)middle(row->counts[band], size * size / 2);
        count_column(row, x, -1);
    }
}

/* Runs on threads of libvips: all it is told is the size, as a pointer's value. */
static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    (void)a;
    (void)stop;
    const struct window window = { GPOINTER_TO_INT(b), region->im->Bands };
    VipsRegion *from = sequence;
    const VipsRect *area = &region->valid;
    VipsRect needed = *area;
    needed.width += window.size - 1;
    needed.height += window.size - 1;
    if (vips_region_prepare(from, &needed) != 0)
        return -1;
    for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++) {
        struct row row = { .window = &window, .from = from, .y = y };
        make_row(&row, area, VIPS_REGION_ADDR(region, area->left, y));
    }
    return 0;
}

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    int size = (int)step->values[SIZE].integer;
    int width = vips_image_get_width(colors), height = vips_image_get_height(colors);
    VipsImage *from; /* with an edge of repeated pixels */
    if (vips_embed(colors, &from, size / 2, size / 2, width + size - 1, height + size - 1,
                   "extend", VIPS_EXTEND_COPY, NULL) != 0)
        return -1;
    IJ_AUTO(ij_image_unref) VipsImage *out = vips_image_new();
    vips_object_local(out, from); /* goes when the made one goes */
    if (vips_image_pipelinev(out, VIPS_DEMAND_STYLE_FATSTRIP, from, NULL) != 0)
        return -1;
    out->Xsize = width;
    out->Ysize = height;
    if (vips_image_generate(out, vips_start_one, generate, vips_stop_one, from,
                            GINT_TO_POINTER(size)) != 0)
        return -1;
    *made = ij_steal(&out);
    return 0;
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_median_op = {
    .op = { .name = "median",
            .group = "filter",
            .doc = "Take away specks",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .check = check },
    .apply = apply,
};
