/*
 * Write on the image: a box, a shadow and letters over each other, each a colour laid on
 * through a mask, and only where something changes. What is beyond the edge is cut off.
 */
#include <math.h>

#include "base/auto.h"
#include "image/ops/bands.h"
#include "image/ops/letters.h"
#include "image/ops/place.h"
#include "image/ops/soften.h"
#include "image/source.h"

enum {
    TEXT,
    FONT,
    SIZE,
    WEIGHT,
    STYLE,
    COLOR,
    GRAVITY,
    X,
    Y,
    WIDTH,
    ALIGN,
    JUSTIFY,
    LINE_SPACING,
    BACKGROUND,
    PADDING,
    SHADOW,
    SHADOW_X,
    SHADOW_Y,
    SHADOW_BLUR,
    OPACITY
};
enum { WEIGHT_NORMAL, WEIGHT_BOLD };
enum { STYLE_NORMAL, STYLE_ITALIC };
enum { SIDE_MAX = 16384 };

static const char *const weights[] = {
    [WEIGHT_NORMAL] = "normal", [WEIGHT_BOLD] = "bold", NULL
};
static const char *const styles[] = {
    [STYLE_NORMAL] = "normal", [STYLE_ITALIC] = "italic", NULL
};
static const char *const aligns[] = { [VIPS_ALIGN_LOW] = "left",
                                      [VIPS_ALIGN_CENTRE] = "center",
                                      [VIPS_ALIGN_HIGH] = "right",
                                      NULL };

#define OFFSET(of, most, otherwise, words)                                  \
    {                                                                       \
        .name = (of), .type = IJ_PARAM_INT, .min = -(most), .max = (most),  \
        .fallback = IJ_DEFAULT_INT(otherwise), .unit = "px", .doc = (words) \
    }
#define LENGTH(of, least, most, otherwise, words)                           \
    {                                                                       \
        .name = (of), .type = IJ_PARAM_INT, .min = (least), .max = (most),  \
        .fallback = IJ_DEFAULT_INT(otherwise), .unit = "px", .doc = (words) \
    }

static const struct ij_param params[] = {
    [TEXT] = { .name = "text",
               .type = IJ_PARAM_TEXT,
               .is_required = true,
               .min = 1,
               .max = IJ_DRAWN_TEXT_MAX,
               .doc = "What is written, as it is: it is no markup; \\n begins a line" },
    [FONT] = { .name = "font",
               .type = IJ_PARAM_TEXT,
               .min = 1,
               .max = IJ_FONT_MAX,
               .fallback = IJ_DEFAULT_TEXT("sans"),
               .doc = "A family; where it is not installed, the nearest that is" },
    [SIZE] = LENGTH("size", 1, 1000, 32, "Of the font: the side of its em square"),
    [WEIGHT] = { .name = "weight",
                 .type = IJ_PARAM_CHOICE,
                 .fallback = IJ_DEFAULT_INT(WEIGHT_NORMAL),
                 .choices = weights,
                 .doc = "Of the font" },
    [STYLE] = { .name = "style",
                .type = IJ_PARAM_CHOICE,
                .fallback = IJ_DEFAULT_INT(STYLE_NORMAL),
                .choices = styles,
                .doc = "Of the font" },
    [COLOR] = { .name = "color",
                .type = IJ_PARAM_COLOR,
                .fallback = IJ_DEFAULT_COLOR(0x000000ff),
                .doc = "Of the letters" },
    [GRAVITY] = { .name = "gravity",
                  .type = IJ_PARAM_CHOICE,
                  .fallback = IJ_DEFAULT_INT(IJ_GRAVITY_CENTER),
                  .choices = ij_compass,
                  .doc = "Where the letters, with padding, lie" },
    [X] = OFFSET("x", SIDE_MAX, 0, "How far right of that place"),
    [Y] = OFFSET("y", SIDE_MAX, 0, "How far below that place"),
    [WIDTH] = LENGTH("width", 0, SIDE_MAX, 0,
                     "Where lines are wrapped; 0 = the image's width less padding and x"),
    [ALIGN] = { .name = "align",
                .type = IJ_PARAM_CHOICE,
                .fallback = IJ_DEFAULT_INT(VIPS_ALIGN_LOW),
                .choices = aligns,
                .doc = "How lines lie to each other" },
    [JUSTIFY] = { .name = "justify",
                  .type = IJ_PARAM_BOOL,
                  .fallback = IJ_DEFAULT_INT(0),
                  .doc = "Fill wrapped lines to the width" },
    [LINE_SPACING] = LENGTH("line_spacing", 0, 1000, 0, "Added between lines"),
    [BACKGROUND] = { .name = "background",
                     .type = IJ_PARAM_COLOR,
                     .doc = "Of a box behind the letters; none when absent" },
    [PADDING] = LENGTH("padding", 0, 1000, 0, "Around the letters, on each side"),
    [SHADOW] = { .name = "shadow",
                 .type = IJ_PARAM_COLOR,
                 .doc = "Of a shadow of the letters; none when absent" },
    [SHADOW_X] = OFFSET("shadow_x", 1000, 2, "How far right of the letters it lies"),
    [SHADOW_Y] = OFFSET("shadow_y", 1000, 2, "How far below the letters it lies"),
    [SHADOW_BLUR] = { .name = "shadow_blur",
                      .type = IJ_PARAM_REAL,
                      .min = 0,
                      .max = 100,
                      .fallback = IJ_DEFAULT_REAL(2),
                      .unit = "px",
                      .doc = "The standard deviation of its Gaussian; 0 = sharp" },
    [OPACITY] = { .name = "opacity",
                  .type = IJ_PARAM_REAL,
                  .min = 0,
                  .max = 1,
                  .fallback = IJ_DEFAULT_REAL(1),
                  .doc = "Of all that is drawn, together" },
};

/* ---- what may be asked ---- */

/* Everything that begins a line is counted by plan(), so there is but one such thing. */
static bool is_unwanted(gunichar character)
{
    GUnicodeType type = g_unichar_type(character);
    return (type == G_UNICODE_CONTROL && character != '\n') ||
           type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

static bool is_visible(gunichar character)
{
    return !g_unichar_isspace(character) && g_unichar_type(character) != G_UNICODE_FORMAT;
}

/* JSON has no text that is not UTF-8. */
static int check_text(const char *text, const char *at, struct imgjob_error *err)
{
    bool has_visible = false;
    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        if (is_unwanted(character))
            return ij_fail(err, IMGJOB_E_SPEC,
                           "%s/text: U+%04X after %zu bytes cannot be drawn; \\n is what "
                           "begins a line",
                           at, (unsigned)character, (size_t)(c - text));
        has_visible |= is_visible(character);
    }
    return has_visible
               ? 0
               : ij_fail(err, IMGJOB_E_SPEC, "%s/text: has nothing that is visible", at);
}

/* Letters and digits of ASCII, and between them what names of families have. */
static int check_font(const char *font, const char *at, struct imgjob_error *err)
{
    bool has_letter = false;
    for (const char *c = font; *c; c++) {
        bool is_letter = g_ascii_isalnum(*c);
        if (!is_letter && *c != ' ' && *c != '-' && *c != '_')
            return ij_fail(
                err, IMGJOB_E_SPEC,
                "%s/font: must be a family's name, of letters, digits, spaces, "
                "- and _",
                at);
        has_letter |= is_letter;
    }
    return has_letter
               ? 0
               : ij_fail(err, IMGJOB_E_SPEC, "%s/font: has no letter and no digit", at);
}

static int check(const struct ij_step *step, const char *at, struct imgjob_error *err)
{
    const struct ij_value *values = step->values;
    int rc = check_text(values[TEXT].text, at, err);
    return rc == 0 ? check_font(values[FONT].text, at, err) : rc;
}

/* Of the image's width, what padding and x leave. */
static int64_t width_left(const struct ij_step *step, struct ij_extent in)
{
    int64_t x = step->values[X].integer;
    int64_t left = in.width - 2 * step->values[PADDING].integer - (x < 0 ? -x : x);
    return left > 0 ? left : 1;
}

static struct ij_letters letters_of(const struct ij_step *step, struct ij_extent in)
{
    const struct ij_value *values = step->values;
    int64_t width = values[WIDTH].integer;
    return (struct ij_letters){
        .text = values[TEXT].text,
        .family = values[FONT].text,
        .size = (int)values[SIZE].integer,
        .is_bold = values[WEIGHT].integer == WEIGHT_BOLD,
        .is_italic = values[STYLE].integer == STYLE_ITALIC,
        .align = (VipsAlign)values[ALIGN].integer,
        .is_justified = values[JUSTIFY].integer != 0,
        .wrap = (int)(width > 0 ? width : width_left(step, in)),
        .spacing = (int)values[LINE_SPACING].integer,
    };
}

static int plan(const struct ij_step *step, struct ij_extent in, struct ij_extent *out,
                struct imgjob_error *err)
{
    const struct ij_letters letters = letters_of(step, in);
    int rc = ij_letters_plan(&letters, in, err);
    if (rc == 0)
        *out = in;
    return rc;
}

/* ---- where ---- */

struct places {
    VipsRect letters, box, shadow; /* in the image or beyond its edge */
    VipsRect area;                 /* of the image: all that changes */
};

/* How far a shadow goes beyond its letters: there, a hundredth is left of it. */
static int shadow_reach(const struct ij_step *step)
{
    return (int)ceil(3 * step->values[SHADOW_BLUR].real);
}

static VipsRect box_of(const struct ij_step *step, struct ij_extent in, VipsImage *mask)
{
    const struct ij_value *values = step->values;
    int padding = (int)values[PADDING].integer;
    struct ij_extent box = ij_extent_of(mask);
    box.width += 2 * (uint32_t)padding;
    box.height += 2 * (uint32_t)padding;
    enum ij_gravity gravity = (enum ij_gravity)values[GRAVITY].integer;
    struct ij_offset at = ij_gravity_place(gravity, in, box);
    return (VipsRect){ (int)(at.x + values[X].integer), (int)(at.y + values[Y].integer),
                       (int)box.width, (int)box.height };
}

static struct places places_of(const struct ij_step *step, struct ij_extent in,
                               VipsImage *mask)
{
    const struct ij_value *values = step->values;
    struct places places = { .box = box_of(step, in, mask) };
    places.letters = places.box;
    vips_rect_marginadjust(&places.letters, -(int)values[PADDING].integer);
    places.shadow = places.letters;
    places.shadow.left += (int)values[SHADOW_X].integer;
    places.shadow.top += (int)values[SHADOW_Y].integer;
    vips_rect_marginadjust(&places.shadow, shadow_reach(step));
    places.area = values[BACKGROUND].is_given ? places.box : places.letters;
    if (values[SHADOW].is_given)
        vips_rect_unionrect(&places.area, &places.shadow, &places.area);
    VipsRect all = { 0, 0, (int)in.width, (int)in.height };
    vips_rect_intersectrect(&places.area, &all, &places.area);
    return places;
}

/* ---- laying on ---- */

/* The part of the image that changes. Where it has alpha, colours are weighted by it. */
struct canvas {
    VipsImage *image;
    int left, top; /* in the whole image */
    bool has_alpha;
};

/* Where the mask is 255, `over` is what there is, exactly; where it is 0, nothing
 * changes. */
static int lay(struct canvas *canvas, VipsImage *mask, VipsImage *over)
{
    VipsImage *made;
    if (vips_ifthenelse(mask, over, canvas->image, &made, "blend", TRUE, NULL) != 0)
        return -1;
    ij_image_replace(&canvas->image, made);
    return 0;
}

static int lay_color(struct canvas *canvas, VipsImage *mask, uint32_t color)
{
    int bands = vips_image_get_bands(canvas->image);
    double levels[4];
    for (int i = 0; i < bands; i++)
        levels[i] = ij_color_level(color, i);
    if (canvas->has_alpha)
        levels[bands - 1] = 255;
    IJ_AUTO(ij_image_unref) VipsImage *weighed = NULL;
    IJ_AUTO(ij_image_unref)
    VipsImage *over = vips_image_new_from_image(canvas->image, levels, bands);
    if (!over || vips_linear1(mask, &weighed, ij_color_level(color, 3) / 255, .5, "uchar",
                              TRUE, NULL) != 0)
        return -1;
    return lay(canvas, weighed, over);
}

/* Where it lies in the canvas. @return whether any of it does */
static bool within(const struct canvas *canvas, const VipsRect *at, VipsRect *out)
{
    VipsRect all = { 0, 0, vips_image_get_width(canvas->image),
                     vips_image_get_height(canvas->image) };
    *out = (VipsRect){ at->left - canvas->left, at->top - canvas->top, at->width,
                       at->height };
    return vips_rect_overlapsrect(&all, out);
}

/* A mask as large as the canvas; around `mask`, all is 0 or all is 255. */
static int put_mask(const struct canvas *canvas, VipsImage *mask, const VipsRect *at,
                    VipsExtend around, VipsImage **made)
{
    return vips_embed(mask, made, at->left, at->top, vips_image_get_width(canvas->image),
                      vips_image_get_height(canvas->image), "extend", around, NULL);
}

static int lay_box(struct canvas *canvas, const VipsRect *box, uint32_t color)
{
    IJ_AUTO(ij_image_unref) VipsImage *hole = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *outside = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *mask = NULL;
    VipsRect at;
    if (!within(canvas, box, &at))
        return 0;
    if (vips_black(&hole, at.width, at.height, NULL) != 0 ||
        put_mask(canvas, hole, &at, VIPS_EXTEND_WHITE, &outside) != 0 ||
        vips_invert(outside, &mask, NULL) != 0)
        return -1;
    return lay_color(canvas, mask, color);
}

static int lay_letters(struct canvas *canvas, VipsImage *letters, const VipsRect *place,
                       uint32_t color)
{
    IJ_AUTO(ij_image_unref) VipsImage *mask = NULL;
    VipsRect at;
    if (!within(canvas, place, &at))
        return 0;
    if (put_mask(canvas, letters, &at, VIPS_EXTEND_BLACK, &mask) != 0)
        return -1;
    return lay_color(canvas, mask, color);
}

/* `place` includes what the blur reaches. */
static int lay_shadow(struct canvas *canvas, const struct ij_step *step,
                      VipsImage *letters, const VipsRect *place)
{
    int reach = shadow_reach(step);
    uint32_t color = step->values[SHADOW].color;
    if (reach == 0)
        return lay_letters(canvas, letters, place, color);
    IJ_AUTO(ij_image_unref) VipsImage *wide = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *soft = NULL;
    if (vips_embed(letters, &wide, reach, reach, place->width, place->height, NULL) !=
            0 ||
        ij_soften_blur(wide, step->values[SHADOW_BLUR].real, &soft) != 0)
        return -1;
    return lay_letters(canvas, soft, place, color);
}

/* As if all that is drawn were one picture: a box does not show through its letters. */
static int fade(struct canvas *canvas, VipsImage *before, double opacity)
{
    IJ_AUTO(ij_image_unref) VipsImage *drawn = canvas->image;
    canvas->image = g_object_ref(before);
    IJ_AUTO(ij_image_unref) VipsImage *black = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *mask = NULL;
    if (vips_black(&black, vips_image_get_width(before), vips_image_get_height(before),
                   NULL) != 0)
        return -1;
    mask = vips_image_new_from_image1(black, round(255 * opacity));
    return mask ? lay(canvas, mask, drawn) : -1;
}

static int lay_all(struct canvas *canvas, const struct ij_step *step,
                   const struct places *places, VipsImage *letters)
{
    const struct ij_value *values = step->values;
    IJ_AUTO(ij_image_unref) VipsImage *before = g_object_ref(canvas->image);
    if (values[BACKGROUND].is_given &&
        lay_box(canvas, &places->box, values[BACKGROUND].color) != 0)
        return -1;
    if (values[SHADOW].is_given &&
        lay_shadow(canvas, step, letters, &places->shadow) != 0)
        return -1;
    if (lay_letters(canvas, letters, &places->letters, values[COLOR].color) != 0)
        return -1;
    return fade(canvas, before, values[OPACITY].real);
}

/* ---- the step ---- */

/* Grey becomes sRGB where something is drawn that is not grey. */
static int take_colors(const struct ij_step *step, VipsImage **image)
{
    static const int colors[] = { COLOR, BACKGROUND, SHADOW };
    for (size_t i = 0; i < IJ_ARRAY_LEN(colors); i++) {
        const struct ij_value *color = &step->values[colors[i]];
        VipsImage *made;
        if (!color->is_given)
            continue;
        if (ij_bands_for_color(*image, color->color, &made) != 0)
            return -1;
        ij_image_replace(image, made);
    }
    return 0;
}

static void canvas_done(struct canvas *canvas)
{
    g_clear_object(&canvas->image);
}

static int canvas_open(struct canvas *canvas, VipsImage *image, const VipsRect *area)
{
    IJ_AUTO(ij_image_unref) VipsImage *part = NULL;
    if (vips_crop(image, &part, area->left, area->top, area->width, area->height, NULL) !=
        0)
        return -1;
    canvas->left = area->left;
    canvas->top = area->top;
    canvas->has_alpha = vips_image_hasalpha(image);
    if (canvas->has_alpha)
        return vips_premultiply(part, &canvas->image, NULL);
    canvas->image = ij_steal(&part);
    return 0;
}

static int canvas_insert(const struct canvas *canvas, VipsImage *image, VipsImage **made)
{
    IJ_AUTO(ij_image_unref) VipsImage *part = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *plain = NULL;
    if (!canvas->has_alpha)
        part = g_object_ref(canvas->image);
    else if (vips_unpremultiply(canvas->image, &plain, NULL) != 0 ||
             ij_bands_narrow(plain, &part) != 0)
        return -1;
    return vips_insert(image, part, made, canvas->left, canvas->top, NULL);
}

static int apply(const struct ij_apply *with, VipsImage *image, VipsImage **made)
{
    const struct ij_step *step = with->step;
    const struct ij_letters letters = letters_of(step, with->to);
    IJ_AUTO(ij_image_unref) VipsImage *mask = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *current = g_object_ref(image);
    IJ_AUTO(canvas_done) struct canvas canvas = { 0 };
    if (ij_letters_draw(&letters, with->to, &mask, with->err) != 0 ||
        take_colors(step, &current) != 0)
        return -1;
    struct places places = places_of(step, with->to, mask);
    if (vips_rect_isempty(&places.area)) {
        *made = ij_steal(&current);
        return 0;
    }
    if (canvas_open(&canvas, current, &places.area) != 0 ||
        lay_all(&canvas, step, &places, mask) != 0)
        return -1;
    return canvas_insert(&canvas, current, made);
}

const struct ij_image_op ij_text_op = {
    .op = { .name = "text",
            .group = "compositing",
            .doc = "Write on the image",
            .params = params,
            .param_count = IJ_ARRAY_LEN(params),
            .check = check,
            .plan = plan },
    .needs_pixels = true,
    .apply = apply,
};
