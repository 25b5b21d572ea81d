/*
 * Resize: to exact dimensions, or to what fits within them at the image's own ratio.
 * The plan is whole numbers only, so that every process computes the same size, and the
 * pixels have that size to the pixel.
 */
#include "image/operation.h"

#include "base/auto.h"
#include "image/source.h"

enum { WIDTH, HEIGHT, FIT, ENLARGE };
enum { FIT_FILL, FIT_INSIDE };

static const char *const fits[] = { [FIT_FILL] = "fill", [FIT_INSIDE] = "inside", NULL };

static const struct ij_param params[] = {
    [WIDTH] = { .name = "width",
                .type = IJ_PARAM_INT,
                .is_required = true,
                .min = 1,
                .max = 4096,
                .unit = "px",
                .doc = "The width to make, or to fit within" },
    [HEIGHT] = { .name = "height",
                 .type = IJ_PARAM_INT,
                 .is_required = true,
                 .min = 1,
                 .max = 4096,
                 .unit = "px",
                 .doc = "The height to make, or to fit within" },
    [FIT] = { .name = "fit",
              .type = IJ_PARAM_CHOICE,
              .fallback = FIT_FILL,
              .choices = fits,
              .doc =
                  "fill makes exactly width x height and may distort; inside keeps the "
                  "ratio and makes neither side longer than asked for" },
    [ENLARGE] = { .name = "enlarge",
                  .type = IJ_PARAM_BOOL,
                  .fallback = 1,
                  .doc = "Whether a side may become longer than it is in the image" },
};

/* `of` × `by` / `per`, rounded to the nearest, at least 1. All are below 2^32. */
static uint32_t scale_side(uint32_t of, uint32_t by, uint32_t per)
{
    uint64_t side = ((uint64_t)of * by + per / 2) / per;
    return side ? (uint32_t)side : 1;
}

static struct ij_extent plan(const struct ij_step *step, struct ij_extent in)
{
    struct ij_extent to = { (uint32_t)step->values[WIDTH],
                            (uint32_t)step->values[HEIGHT] };
    if (!step->values[ENLARGE]) {
        to.width = to.width < in.width ? to.width : in.width;
        to.height = to.height < in.height ? to.height : in.height;
    }
    if (step->values[FIT] == FIT_FILL)
        return to;
    /* the side with the smaller factor decides; compared without dividing */
    if ((uint64_t)to.width * in.height <= (uint64_t)to.height * in.width)
        to.height = scale_side(in.height, to.width, in.width);
    else
        to.width = scale_side(in.width, to.height, in.height);
    return to;
}

/* libvips rounds the size it is asked for; should that ever be one pixel off, the edge
 * is cut or repeated. */
static int fit_exactly(VipsImage **image, struct ij_extent to)
{
    int width = (int)to.width, height = (int)to.height;
    if (vips_image_get_width(*image) == width && vips_image_get_height(*image) == height)
        return 0;
    VipsImage *made;
    if (vips_embed(*image, &made, 0, 0, width, height, "extend", VIPS_EXTEND_COPY,
                   NULL) != 0)
        return -1;
    ij_image_replace(image, made);
    return 0;
}

static int scale(VipsImage *image, struct ij_extent to, VipsImage **made)
{
    double horizontal = (double)to.width / vips_image_get_width(image);
    double vertical = (double)to.height / vips_image_get_height(image);
    return vips_resize(image, made, horizontal, "vscale", vertical, NULL);
}

/* To 8 bits, to the nearest: a cast alone would cut, and darken what is half clear. */
static int narrow(VipsImage *wide, VipsImage **made)
{
    return vips_linear1(wide, made, 1.0, 0.5, "uchar", TRUE, NULL);
}

/* Colours of transparent pixels must not bleed into their neighbours: they count by their
 * alpha. Back in 8 bits in between, since the scaling is many times faster there. */
static int scale_with_alpha(VipsImage *image, struct ij_extent to, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *weighted = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *weighted_8bit = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *scaled = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *plain = NULL;
    if (vips_premultiply(image, &weighted, NULL) != 0 ||
        narrow(weighted, &weighted_8bit) != 0 || scale(weighted_8bit, to, &scaled) != 0 ||
        vips_unpremultiply(scaled, &plain, NULL) != 0)
        return -1;
    return narrow(plain, made);
}

static int apply(const struct ij_step *step, VipsImage *image, struct ij_extent to,
                 VipsImage **made)
{
    (void)step; /* the plan said it all */
    if (vips_image_get_width(image) == (int)to.width &&
        vips_image_get_height(image) == (int)to.height) {
        *made = g_object_ref(image);
        return 0;
    }
    IJ_AUTO(ij_image_unref) VipsImage *scaled = NULL;
    int rc = vips_image_hasalpha(image) ? scale_with_alpha(image, to, &scaled)
                                        : scale(image, to, &scaled);
    if (rc != 0 || fit_exactly(&scaled, to) != 0)
        return -1;
    *made = ij_steal(&scaled);
    return 0;
}

const struct ij_image_op ij_resize_op = {
    .op = { .name = "resize",
            .doc = "Change the size",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .plan = plan },
    .only_scales = true,
    .apply = apply,
};
