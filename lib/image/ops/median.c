/*
 * Take away specks: each level becomes the median of those around it. The median of
 * libvips 8.14 is wrong for squares of more than 3 px, so it is computed here.
 */
#include <inttypes.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/pixels.h"
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

/* ---- a square of any size: a histogram ---- */

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

/* ---- a square of three ---- */

static inline uint8_t least(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static inline uint8_t most(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static inline uint8_t middle_of(uint8_t a, uint8_t b, uint8_t c)
{
    return most(least(a, b), least(most(a, b), c));
}

/* The middle of nine: of the least of each column the most, of their middles the middle,
 * of their most the least; and of these three the middle (Smith 1996). No branches, so
 * that a vector goes through at a time. `row` is the upper one's first to look at. */
static void make_row_of_3(const uint8_t *row, ptrdiff_t line, int bands,
                          uint8_t *restrict to, int count)
{
    for (int i = 0; i < count; i++) {
        uint8_t low[3], middles[3], high[3];
        for (int x = 0; x < 3; x++) {
            const uint8_t *at = row + i + x * bands;
            uint8_t a = at[0], b = at[line], c = at[2 * line];
            low[x] = least(least(a, b), c);
            middles[x] = middle_of(a, b, c);
            high[x] = most(most(a, b), c);
        }
        to[i] = middle_of(most(most(low[0], low[1]), low[2]),
                          middle_of(middles[0], middles[1], middles[2]),
                          least(least(high[0], high[1]), high[2]));
    }
}

/* ---- images ---- */

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
        uint8_t *to = VIPS_REGION_ADDR(region, area->left, y);
        struct row row = { .window = &window, .from = from, .y = y };
        if (window.size == 3)
            make_row_of_3(VIPS_REGION_ADDR(from, area->left, y), VIPS_REGION_LSKIP(from),
                          window.bands, to, area->width * window.bands);
        else
            make_row(&row, area, to);
    }
    return 0;
}

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    int size = (int)step->values[SIZE].integer;
    int width = vips_image_get_width(colors), height = vips_image_get_height(colors);
    IJ_AUTO(ij_image_unref) VipsImage *padded = NULL; /* by repeated pixels */
    if (vips_embed(colors, &padded, size / 2, size / 2, width + size - 1,
                   height + size - 1, "extend", VIPS_EXTEND_COPY, NULL) != 0)
        return -1;
    const struct ij_pixels how = {
        .from = padded,
        .width = width,
        .height = height,
        .bands = vips_image_get_bands(colors),
        .demand = VIPS_DEMAND_STYLE_FATSTRIP,
        .start = vips_start_one,
        .generate = generate,
        .stop = vips_stop_one,
        .number = size,
    };
    return ij_pixels_make(&how, made);
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
