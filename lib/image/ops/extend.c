/* Extend: add to the edges, or lay the image on an area of a size. */
#include "image/operation.h"

#include "base/auto.h"
#include "image/ops/place.h"
#include "image/source.h"

enum { TOP, RIGHT, BOTTOM, LEFT, WIDTH, HEIGHT, GRAVITY, MODE, BACKGROUND };
enum { MODE_BACKGROUND, MODE_COPY, MODE_MIRROR };
enum { SIDE_MAX = 16384 };

static const char *const modes[] = {
    [MODE_BACKGROUND] = "background", [MODE_COPY] = "copy", [MODE_MIRROR] = "mirror", NULL
};

#define EDGE(edge)                                                                     \
    {                                                                                  \
        .name = (edge), .type = IJ_PARAM_INT, .min = 0, .max = SIDE_MAX, .unit = "px", \
        .doc = "How much to add there; none when absent"                               \
    }

static const struct ij_param params[] = {
    [TOP] = EDGE("top"),
    [RIGHT] = EDGE("right"),
    [BOTTOM] = EDGE("bottom"),
    [LEFT] = EDGE("left"),
    [WIDTH] = { .name = "width",
                .type = IJ_PARAM_INT,
                .min = 1,
                .max = SIDE_MAX,
                .unit = "px",
                .doc = "Instead of edges: how wide it becomes; absent, as it is" },
    [HEIGHT] = { .name = "height",
                 .type = IJ_PARAM_INT,
                 .min = 1,
                 .max = SIDE_MAX,
                 .unit = "px",
                 .doc = "Instead of edges: how high it becomes; absent, as it is" },
    [GRAVITY] = { .name = "gravity",
                  .type = IJ_PARAM_CHOICE,
                  .fallback = IJ_DEFAULT_INT(IJ_GRAVITY_CENTER),
                  .choices = ij_compass,
                  .doc = "Where the image lies in width and height" },
    [MODE] = { .name = "mode",
               .type = IJ_PARAM_CHOICE,
               .fallback = IJ_DEFAULT_INT(MODE_BACKGROUND),
               .choices = modes,
               .doc = "What is added: the background, the pixels at the edge again, or "
                      "the image mirrored" },
    [BACKGROUND] = { .name = "background",
                     .type = IJ_PARAM_COLOR,
                     .fallback = IJ_DEFAULT_COLOR(0x00000000),
                     .doc = "Of mode background; transparent by default" },
};

static int check(const struct ij_step *step, const char *at, struct imgjob_error *err)
{
    bool has_edge = false, has_size = false;
    for (int i = TOP; i <= LEFT; i++)
        has_edge |= step->values[i].is_given;
    for (int i = WIDTH; i <= HEIGHT; i++)
        has_size |= step->values[i].is_given;
    if (has_edge == has_size)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s: needs either edges (top, right, bottom, left) or a size "
                       "(width, height)",
                       at);
    return 0;
}

static uint32_t given(const struct ij_step *step, int index, uint32_t otherwise)
{
    return step->values[index].is_given ? (uint32_t)step->values[index].integer
                                        : otherwise;
}

static struct ij_extent extended(const struct ij_step *step, struct ij_extent in)
{
    return (struct ij_extent){
        given(step, WIDTH, in.width + given(step, LEFT, 0) + given(step, RIGHT, 0)),
        given(step, HEIGHT, in.height + given(step, TOP, 0) + given(step, BOTTOM, 0))
    };
}

static int plan(const struct ij_step *step, struct ij_extent in, struct ij_extent *out,
                struct imgjob_error *err)
{
    struct ij_extent to = extended(step, in);
    if (to.width < in.width || to.height < in.height)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "an image of %u x %u px is larger than %u x %u already", in.width,
                       in.height, to.width, to.height);
    *out = to;
    return 0;
}

static struct ij_offset place(const struct ij_step *step, struct ij_extent in,
                              struct ij_extent to)
{
    if (step->values[WIDTH].is_given || step->values[HEIGHT].is_given)
        return ij_gravity_place((enum ij_gravity)step->values[GRAVITY].integer, to, in);
    return (struct ij_offset){ given(step, LEFT, 0), given(step, TOP, 0) };
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    const struct ij_step *step = with->step;
    struct ij_offset at = place(step, ij_extent_of(image), with->to);
    int64_t mode = step->values[MODE].integer;
    if (mode == MODE_BACKGROUND)
        return ij_pad(image, with->to, at, step->values[BACKGROUND].color, made);
    IJ_AUTO(ij_image_unref) VipsImage *source = g_object_ref(image);
    if (mode == MODE_MIRROR) { /* lines come back in the other order */
        VipsImage *held = vips_image_copy_memory(image);
        if (!held)
            return -1;
        ij_image_replace(&source, held);
    }
    return vips_embed(source, made, (int)at.x, (int)at.y, (int)with->to.width,
                      (int)with->to.height, "extend",
                      mode == MODE_COPY ? VIPS_EXTEND_COPY : VIPS_EXTEND_MIRROR, NULL);
}

const struct ij_image_op ij_extend_op = {
    .op = { .name = "extend",
            .group = "geometry",
            .doc = "Add to the edges",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .check = check,
            .plan = plan },
    .apply = apply,
};
