/*
 * Owns the way into and out of the operations that a program brings along. Nothing is
 * believed of what comes back: a size, a kind of pixels or a text that is not as promised
 * fails the step in words, so that a mistake there costs a job and never the process.
 */
#include "image/custom.h"

#include <string.h>

#include "base/auto.h"
#include "image/operation.h"
#include "image/source.h"

enum {
    SIDE_MAX = 10000000, /* VIPS_MAX_COORD */
    BANDS_MAX = 4        /* sRGB and alpha */
};

struct custom {
    struct ij_image_op base; /* first: a step's op is one of these */
    imgjob_plan_fn plan;
    imgjob_apply_fn apply;
    void *data;
};

static const struct custom *custom_of(const struct ij_step *step)
{
    return (const struct custom *)step->op;
}

/* One line, as the text of every failure is. */
static void take_text(const struct imgjob_error *said, char out[sizeof(said->text)])
{
    memcpy(out, said->text, sizeof(said->text));
    out[sizeof(said->text) - 1] = '\0';
    for (char *at = out; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
}

/* What a callback came back with, as an outcome of ours. @return 0 or a negative code */
static int judge(const struct imgjob_step *asked, int rc, const struct imgjob_error *said,
                 struct imgjob_error *err)
{
    char text[sizeof(said->text)];
    if (asked->wrong[0])
        return ij_fail(err, IMGJOB_E_INTERNAL, "%s", asked->wrong);
    if (rc == 0)
        return 0;
    take_text(said, text);
    return ij_fail(err, ij_code_valid(rc) ? rc : IMGJOB_E_INTERNAL, "%s", text);
}

static int plan(const struct ij_step *step, struct ij_extent in, struct ij_extent *out,
                struct imgjob_error *err)
{
    const struct custom *custom = custom_of(step);
    struct imgjob_step asked = { .step = step };
    struct imgjob_error said = { 0 };
    struct imgjob_extent from = { in.width, in.height }, to = from;
    int rc =
        judge(&asked, custom->plan(custom->data, &asked, from, &to, &said), &said, err);
    if (rc < 0 && err->text[0] == '\0')
        return ij_fail(err, rc, "cannot be done to an image of %u x %u px", in.width,
                       in.height);
    if (rc < 0)
        return rc;
    if (to.width < 1 || to.width > SIDE_MAX || to.height < 1 || to.height > SIDE_MAX)
        return ij_fail(err, IMGJOB_E_INTERNAL,
                       "plans an image of %u x %u px, and sides are 1..%d", to.width,
                       to.height, SIDE_MAX);
    *out = (struct ij_extent){ to.width, to.height };
    return 0;
}

/* Whether it is what the steps after it, and the encoders, are made for. */
static int check_made(VipsImage *made, struct ij_extent to, struct imgjob_error *err)
{
    int width = vips_image_get_width(made), height = vips_image_get_height(made);
    if (width != (int)to.width || height != (int)to.height)
        return ij_fail(err, IMGJOB_E_INTERNAL,
                       "made an image of %d x %d px where %u x %u are planned", width,
                       height, to.width, to.height);
    VipsBandFormat format = vips_image_get_format(made);
    if (format != VIPS_FORMAT_UCHAR || vips_image_get_coding(made) != VIPS_CODING_NONE)
        return ij_fail(err, IMGJOB_E_INTERNAL,
                       "made pixels of %s (coding %s) where 8 bits (uchar) are due",
                       vips_enum_nick(VIPS_TYPE_BAND_FORMAT, format),
                       vips_enum_nick(VIPS_TYPE_CODING, vips_image_get_coding(made)));
    int bands = vips_image_get_bands(made);
    if (bands > BANDS_MAX)
        return ij_fail(err, IMGJOB_E_INTERNAL,
                       "made an image of %d bands where 1..%d are due", bands, BANDS_MAX);
    return 0;
}

/* The kind goes by the bands, whatever the operation called it. */
static int name_kind(VipsImage *image, VipsImage **made)
{
    return vips_copy(image, made, "interpretation",
                     vips_image_get_bands(image) < 3 ? VIPS_INTERPRETATION_B_W
                                                     : VIPS_INTERPRETATION_sRGB,
                     NULL);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    const struct custom *custom = custom_of(with->step);
    struct imgjob_step asked = { .step = with->step };
    struct imgjob_error said = { 0 };
    VipsImage *out = NULL;
    int rc = custom->apply(custom->data, &asked, image, &out, &said);
    /* after a failure nobody can say whose it is */
    IJ_AUTO(ij_image_unref) VipsImage *given = rc == 0 ? out : NULL;
    if (judge(&asked, rc, &said, with->err) < 0)
        return -1;
    vips_error_clear(); /* of what it tried and did without */
    if (!given) {
        (void)ij_fail(with->err, IMGJOB_E_INTERNAL, "made no image");
        return -1;
    }
    if (check_made(given, with->to, with->err) < 0)
        return -1;
    return name_kind(given, made);
}

struct ij_op *ij_custom_new(const struct ij_op *described,
                            const struct imgjob_operation *operation)
{
    struct custom *custom = calloc(1, sizeof(*custom));
    if (!custom)
        return NULL;
    custom->base.op = *described;
    custom->base.op.plan = operation->plan ? plan : NULL;
    custom->base.needs_pixels = operation->needs_pixels;
    custom->base.apply = apply;
    custom->plan = operation->plan;
    custom->apply = operation->apply;
    custom->data = operation->data;
    return &custom->base.op;
}
