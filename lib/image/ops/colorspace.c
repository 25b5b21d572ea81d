/*
 * Convert to another colour space. The pipeline has two; what becomes grey here keeps its
 * luminance, which is computed in linear light.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/pixels.h"
#include "image/source.h"

enum { TO };
enum { TO_SRGB, TO_GREY };

static const char *const spaces[] = { [TO_SRGB] = "srgb", [TO_GREY] = "grey", NULL };

static const struct ij_param params[] = {
    [TO] = { .name = "to",
             .type = IJ_PARAM_CHOICE,
             .is_required = true,
             .choices = spaces,
             .doc = "grey keeps the luminance, where grayscale weighs the levels; srgb "
                    "gives a grey image three channels" },
};

/* sRGB's curve, of 0..1 (IEC 61966-2-1). */
static double linear_of(double level)
{
    return level <= .04045 ? level / 12.92 : pow((level + .055) / 1.055, 2.4);
}

/* How finely light is told: the darkest levels are five steps apart. */
enum { LIGHT_MAX = 16383, PARTS = 65536 /* of a step */ };

/* What a thread has of its own. */
struct thread {
    VipsRegion *from;
    uint32_t parts[3][256]; /* the light of each level, by the weight of its band */
    uint8_t levels[LIGHT_MAX + 1]; /* of so much light */
};

static void make_tables(struct thread *thread)
{
    for (int i = 0; i < 256; i++)
        for (int band = 0; band < 3; band++)
            thread->parts[band][i] = (uint32_t)lround(
                ij_luma_weights[band] * linear_of(i / 255.0) * LIGHT_MAX * PARTS);
    int light = 0;
    for (int i = 0; i < 255; i++) {
        double end = linear_of((i + .5) / 255) * LIGHT_MAX; /* the next one is nearer */
        for (; light < end; light++)
            thread->levels[light] = (uint8_t)i;
    }
    memset(thread->levels + light, 255, (size_t)(LIGHT_MAX + 1 - light));
}

static int stop_thread(void *sequence, void *a, void *b)
{
    (void)a;
    (void)b;
    struct thread *thread = sequence;
    VIPS_UNREF(thread->from);
    free(thread);
    return 0;
}

static void *start_thread(VipsImage *out, void *a, void *b)
{
    (void)out;
    (void)b;
    struct thread *thread = calloc(1, sizeof(*thread));
    if (!thread) {
        vips_error("colorspace", "out of memory");
        return NULL;
    }
    make_tables(thread);
    thread->from = vips_region_new(a);
    return thread;
}

static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    (void)a;
    (void)b;
    (void)stop;
    struct thread *thread = sequence;
    const VipsRect *area = &region->valid;
    if (vips_region_prepare(thread->from, area) != 0)
        return -1;
    for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++) {
        const uint8_t *pixel = VIPS_REGION_ADDR(thread->from, area->left, y);
        uint8_t *to = VIPS_REGION_ADDR(region, area->left, y);
        for (int x = 0; x < area->width; x++, pixel += 3) {
            uint32_t light = thread->parts[0][pixel[0]] + thread->parts[1][pixel[1]] +
                             thread->parts[2][pixel[2]];
            to[x] = thread->levels[(light + PARTS / 2) / PARTS];
        }
    }
    return 0;
}

/* By the weights of BT.709, which sRGB has the primaries of; those of libvips' own
 * conversion are rounded, and make blue a sixth too bright. */
static int to_grey(VipsImage *colors, VipsImage **made)
{
    if (vips_image_get_bands(colors) < 3) {
        *made = g_object_ref(colors);
        return 0;
    }
    const struct ij_pixels how = {
        .from = colors,
        .width = vips_image_get_width(colors),
        .height = vips_image_get_height(colors),
        .bands = 1,
        .demand = VIPS_DEMAND_STYLE_THINSTRIP,
        .start = start_thread,
        .generate = generate,
        .stop = stop_thread,
    };
    return ij_pixels_make(&how, made);
}

static int make(const struct ij_step *step, VipsImage *colors, VipsImage **made)
{
    if (step->values[TO].integer == TO_SRGB)
        return vips_colourspace(colors, made, VIPS_INTERPRETATION_sRGB, NULL);
    return to_grey(colors, made);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    return ij_bands_apply(with->step, image, make, made);
}

const struct ij_image_op ij_colorspace_op = {
    .op = { .name = "colorspace",
            .group = "colour",
            .doc = "Convert to another colour space",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params) },
    .apply = apply,
};
