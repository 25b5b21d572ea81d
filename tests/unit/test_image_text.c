/*
 * Text and colour spaces: where the letters lie, which pixels change and to what. Fonts
 * differ, so what is expected is computed from letters drawn black on white, or from the
 * sizes of what was drawn; nothing here knows a font.
 */
#include "image_case.h"

#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "image/ops/letters.h"
#include "image/source.h"
#include "spec/op.h"

extern char **environ;

/* Fontconfig keeps what it read as long as the process lives, and points to it by
 * offsets, which no leak checker follows. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig.so\n";
}

/* ---- drawing ---- */

static VipsImage *flat(int width, int height, const double *levels, int bands)
{
    IJ_AUTO(ij_image_unref) VipsImage *black = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *plain = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *named = NULL;
    assert_int_equal(vips_black(&black, width, height, NULL), 0);
    plain = vips_image_new_from_image(black, levels, bands);
    assert_non_null(plain);
    assert_int_equal(
        vips_copy(plain, &named, "interpretation",
                  bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL),
        0);
    VipsImage *made = vips_image_copy_memory(named);
    assert_non_null(made);
    return made;
}

static VipsImage *white(int width, int height)
{
    static const double levels[] = { 255, 255, 255 };
    return flat(width, height, levels, 3);
}

static struct ij_extent size_of(VipsImage *image)
{
    return (struct ij_extent){ (uint32_t)vips_image_get_width(image),
                               (uint32_t)vips_image_get_height(image) };
}

static const uint8_t *pixel(VipsImage *image, int x, int y)
{
    return (const uint8_t *)VIPS_IMAGE_ADDR(image, x, y);
}

static int parse(const char *op, const char *members, struct imgjob_spec **spec)
{
    char json[4096];
    assert_in_range(
        snprintf(json, sizeof(json), "{\"steps\":[{\"op\":\"%s\",%s}]}", op, members), 1,
        sizeof(json) - 1);
    return ij_spec_parse(json, strlen(json), &ij_image_ops, spec, &test_err);
}

/* A step done to the image; the pixels in memory. */
static VipsImage *done(const char *op, VipsImage *image, const char *members)
{
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    expect_code(0, parse(op, members, &spec));
    const struct ij_step *step = &spec->steps[0];
    struct ij_extent to = size_of(image);
    if (step->op->plan)
        expect_code(0, step->op->plan(step, to, &to, &test_err));
    const struct ij_apply with = { .step = step, .to = to };
    IJ_AUTO(ij_image_unref) VipsImage *lazy = NULL;
    if (ij_image_op_of(step)->apply(&with, image, &lazy) != 0)
        fail_msg("%s: %s: %s", op, members, vips_error_buffer());
    VipsImage *made = vips_image_copy_memory(lazy);
    assert_non_null(made);
    assert_int_equal(vips_image_get_format(made), VIPS_FORMAT_UCHAR);
    assert_int_equal(vips_image_get_interpretation(made), vips_image_get_bands(made) < 3
                                                              ? VIPS_INTERPRETATION_B_W
                                                              : VIPS_INTERPRETATION_sRGB);
    assert_int_equal(vips_image_get_width(made), to.width);
    assert_int_equal(vips_image_get_height(made), to.height);
    return made;
}

/* Black letters on white. */
static VipsImage *written(int width, int height, const char *members)
{
    IJ_AUTO(ij_image_unref) VipsImage *image = white(width, height);
    return done("text", image, members);
}

/* How much of a pixel the letter covers, 0..255, where it is black on white. */
static int coverage(VipsImage *letters, int x, int y)
{
    VipsRect all = { 0, 0, letters->Xsize, letters->Ysize };
    return vips_rect_includespoint(&all, x, y) ? 255 - pixel(letters, x, y)[0] : 0;
}

/* What is not white, left to right between two rows. */
static VipsRect ink_between(VipsImage *letters, int top, int bottom)
{
    VipsRect ink = { 0, 0, 0, 0 };
    for (int y = top; y < bottom; y++)
        for (int x = 0; x < letters->Xsize; x++)
            if (coverage(letters, x, y) > 0) {
                VipsRect one = { x, y, 1, 1 };
                vips_rect_unionrect(&ink, &one, &ink);
            }
    return ink;
}

static VipsRect ink_of(VipsImage *letters)
{
    return ink_between(letters, 0, letters->Ysize);
}

static double ink_sum(VipsImage *letters)
{
    double sum = 0;
    for (int y = 0; y < letters->Ysize; y++)
        for (int x = 0; x < letters->Xsize; x++)
            sum += coverage(letters, x, y) / 255.0;
    return sum;
}

/* Rows of ink with empty rows between them. */
static int lines_of(VipsImage *letters, VipsRect *lines, int most)
{
    int count = 0;
    bool was_ink = false;
    for (int y = 0; y < letters->Ysize; y++) {
        VipsRect row = ink_between(letters, y, y + 1);
        bool is_ink = !vips_rect_isempty(&row);
        if (is_ink && !was_ink) {
            assert_in_range(count, 0, most - 1);
            lines[count++] = row;
        } else if (is_ink)
            vips_rect_unionrect(&lines[count - 1], &row, &lines[count - 1]);
        was_ink = is_ink;
    }
    return count;
}

static VipsRect ink_written(const char *members)
{
    IJ_AUTO(ij_image_unref) VipsImage *letters = written(1200, 400, members);
    VipsRect ink = ink_of(letters);
    assert_false(vips_rect_isempty(&ink));
    return ink;
}

/* A point of 200 px has a middle that is covered wholly. */
#define POINT "\"text\":\".\",\"size\":200"

/* ---- where ---- */

static void letters_lie_where_gravity_says(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int x, y; /* in halves of what is left */
    } places[] = {
        { "northwest", 0, 0 }, { "north", 1, 0 },  { "northeast", 2, 0 },
        { "west", 0, 1 },      { "center", 1, 1 }, { "east", 2, 1 },
        { "southwest", 0, 2 }, { "south", 1, 2 },  { "southeast", 2, 2 },
    };
    enum { WIDE = 301, HIGH = 203, X = 5, Y = -3 };
    VipsRect ink = ink_written("\"text\":\"Hxg\"");
    for (size_t i = 0; i < IJ_ARRAY_LEN(places); i++) {
        char members[200];
        (void)snprintf(members, sizeof(members),
                       "\"text\":\"Hxg\",\"gravity\":\"%s\",\"x\":%d,\"y\":%d",
                       places[i].name, X, Y);
        IJ_AUTO(ij_image_unref) VipsImage *letters = written(WIDE, HIGH, members);
        VipsRect all = { 0, 0, WIDE, HIGH };
        VipsRect wanted = { X + (WIDE - ink.width) * places[i].x / 2,
                            Y + (HIGH - ink.height) * places[i].y / 2, ink.width,
                            ink.height };
        vips_rect_intersectrect(&wanted, &all, &wanted);
        VipsRect found = ink_of(letters);
        /* a pixel at the side of the letters may have less than a level */
        assert_in_range(found.left - wanted.left + 1, 0, 2);
        assert_in_range(found.top - wanted.top + 1, 0, 2);
        assert_in_range(VIPS_RECT_RIGHT(&found) - VIPS_RECT_RIGHT(&wanted) + 1, 0, 2);
        assert_in_range(VIPS_RECT_BOTTOM(&found) - VIPS_RECT_BOTTOM(&wanted) + 1, 0, 2);
    }
}

static void a_box_lies_around_the_letters(void **state)
{
    (void)state;
    enum { WIDE = 200, HIGH = 120, PADDING = 7 };
    IJ_AUTO(ij_image_unref)
    VipsImage *letters = written(WIDE, HIGH,
                                 "\"text\":\"Hx\",\"gravity\":\"southeast\","
                                 "\"padding\":7");
    IJ_AUTO(ij_image_unref)
    VipsImage *boxed = written(WIDE, HIGH,
                               "\"text\":\"Hx\",\"gravity\":\"southeast\","
                               "\"padding\":7,\"background\":\"#ff0000\"");
    VipsRect ink = ink_of(letters);
    int left = WIDE, top = HIGH;
    for (int y = HIGH - 1; y >= 0; y--)
        for (int x = WIDE - 1; x >= 0; x--)
            if (pixel(boxed, x, y)[1] == 0) {
                left = x < left ? x : left;
                top = y < top ? y : top;
            }
    assert_in_range(ink.left - PADDING - left, 0, 1);
    assert_in_range(ink.top - PADDING - top, 0, 1);
    for (int y = 0; y < HIGH; y++)
        for (int x = 0; x < WIDE; x++) {
            const uint8_t *at = pixel(boxed, x, y);
            bool is_box = x >= left && y >= top;
            assert_int_equal(at[1], is_box ? 0 : 255);
            assert_int_equal(at[2], is_box ? 0 : 255);
            assert_int_equal(at[0], is_box ? 255 - coverage(letters, x, y) : 255);
        }
}

static void what_is_beyond_the_edge_is_cut_off(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref)
    VipsImage *whole = written(100, 60, "\"text\":\"H\",\"gravity\":\"west\"");
    IJ_AUTO(ij_image_unref)
    VipsImage *cut =
        written(100, 60, "\"text\":\"H\",\"gravity\":\"west\",\"x\":-9,\"width\":100");
    for (int y = 0; y < 60; y++)
        for (int x = 0; x < 100; x++)
            assert_int_equal(coverage(cut, x, y), coverage(whole, x + 9, y));
    IJ_AUTO(ij_image_unref)
    VipsImage *none = written(100, 60, "\"text\":\"H\",\"y\":500");
    VipsRect ink = ink_of(none);
    assert_true(vips_rect_isempty(&ink));
    IJ_AUTO(ij_image_unref)
    VipsImage *large = written(8, 8, "\"text\":\"H\",\"size\":400,\"gravity\":\"west\"");
    assert_true(ink_sum(large) > 0);
}

/* ---- lines ---- */

static void lines_break_where_they_are_wrapped(void **state)
{
    (void)state;
    VipsRect lines[8];
    IJ_AUTO(ij_image_unref)
    VipsImage *one = written(600, 200, "\"text\":\"ana ana ana\"");
    assert_int_equal(lines_of(one, lines, 8), 1);
    int word = lines[0].width / 3;
    char members[200];
    (void)snprintf(members, sizeof(members), "\"text\":\"ana ana ana\",\"width\":%d",
                   word + word / 4);
    IJ_AUTO(ij_image_unref) VipsImage *three = written(600, 200, members);
    assert_int_equal(lines_of(three, lines, 8), 3);
    (void)snprintf(members, sizeof(members), "\"text\":\"ananana\",\"width\":%d", word);
    IJ_AUTO(ij_image_unref) VipsImage *broken = written(600, 200, members);
    assert_in_range(lines_of(broken, lines, 8), 2, 4); /* a word alone is too wide */
    IJ_AUTO(ij_image_unref) VipsImage *two = written(600, 200, "\"text\":\"ana\\nana\"");
    assert_int_equal(lines_of(two, lines, 8), 2);
}

static void absent_a_width_the_image_is_what_lines_are_wrapped_at(void **state)
{
    (void)state;
    VipsRect lines[8];
    IJ_AUTO(ij_image_unref)
    VipsImage *one = written(400, 200, "\"text\":\"ana ana ana ana\",\"size\":20");
    assert_int_equal(lines_of(one, lines, 8), 1);
    IJ_AUTO(ij_image_unref)
    VipsImage *padded =
        written(400, 200, "\"text\":\"ana ana ana ana\",\"size\":20,\"padding\":150");
    assert_int_not_equal(lines_of(padded, lines, 8), 1);
    IJ_AUTO(ij_image_unref)
    VipsImage *moved = written(400, 200,
                               "\"text\":\"ana ana ana ana\",\"size\":20,\"gravity\":"
                               "\"west\",\"x\":300");
    assert_int_not_equal(lines_of(moved, lines, 8), 1);
    VipsRect ink = ink_of(moved);
    assert_in_range(VIPS_RECT_RIGHT(&ink), 300, 400);
}

static void spacing_is_added_between_lines(void **state)
{
    (void)state;
    VipsRect near = ink_written("\"text\":\"ana\\nana\\nana\"");
    VipsRect far = ink_written("\"text\":\"ana\\nana\\nana\",\"line_spacing\":20");
    assert_int_equal(far.height, near.height + 2 * 20);
    assert_int_equal(far.width, near.width);
}

static void lines_are_aligned_to_each_other(void **state)
{
    (void)state;
    static const char *const names[] = { "left", "center", "right" };
    for (int i = 0; i < 3; i++) {
        char members[200];
        (void)snprintf(members, sizeof(members),
                       "\"text\":\"HHHHHHHH\\nH\",\"gravity\":\"west\",\"align\":\"%s\"",
                       names[i]);
        IJ_AUTO(ij_image_unref) VipsImage *letters = written(500, 120, members);
        VipsRect lines[2];
        assert_int_equal(lines_of(letters, lines, 2), 2);
        int left = (lines[0].width - lines[1].width) * i / 2;
        assert_in_range(lines[1].left - lines[0].left - left + 3, 1, 5);
        assert_in_range(lines[0].left, 0, 1); /* the block goes by gravity all the same */
    }
}

static void justified_lines_fill_the_width(void **state)
{
    (void)state;
    VipsRect plain[8], filled[8];
    IJ_AUTO(ij_image_unref)
    VipsImage *ragged =
        written(400, 200, "\"text\":\"ana ana ana ana ana\",\"width\":230");
    IJ_AUTO(ij_image_unref)
    VipsImage *justified = written(
        400, 200, "\"text\":\"ana ana ana ana ana\",\"width\":230,\"justify\":true");
    assert_int_not_equal(lines_of(ragged, plain, 8), 1);
    assert_int_not_equal(lines_of(justified, filled, 8), 1);
    assert_true(filled[0].width > plain[0].width);
    assert_in_range(filled[0].width, 220, 230);
}

/* ---- letters ---- */

static void twice_the_size_is_twice_as_high(void **state)
{
    (void)state;
    VipsRect small = ink_written("\"text\":\"Hxg\",\"size\":60");
    VipsRect large = ink_written("\"text\":\"Hxg\",\"size\":120");
    assert_in_range(large.height - 2 * small.height + 3, 0, 6);
    assert_in_range(large.width - 2 * small.width + 6, 0, 12);
    VipsRect em = ink_written("\"text\":\"H\",\"size\":100");
    assert_in_range(em.height, 60, 80); /* capitals are about 0.7 of the em square */
}

static void bold_has_more_ink_and_italic_leans(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref)
    VipsImage *normal = written(200, 200, "\"text\":\"l\",\"size\":150");
    IJ_AUTO(ij_image_unref)
    VipsImage *bold =
        written(200, 200, "\"text\":\"l\",\"size\":150,\"weight\":\"bold\"");
    IJ_AUTO(ij_image_unref)
    VipsImage *italic =
        written(200, 200, "\"text\":\"l\",\"size\":150,\"style\":\"italic\"");
    assert_true(ink_sum(bold) > 1.1 * ink_sum(normal));
    VipsRect ink = ink_of(italic);
    VipsRect top = ink_between(italic, ink.top + 5, ink.top + 6);
    VipsRect bottom =
        ink_between(italic, VIPS_RECT_BOTTOM(&ink) - 6, VIPS_RECT_BOTTOM(&ink) - 5);
    assert_true(top.left > bottom.left + 5);
}

static void markup_is_drawn_as_it_is(void **state)
{
    (void)state;
    static const char *const texts[] = { "<b>",        "b&amp;",           "b&#98;",
                                         "<b>b</b>",   "<span size='1'>b", "b</b>",
                                         "b < & > ' b" };
    VipsRect plain = ink_written("\"text\":\"b\"");
    for (size_t i = 0; i < IJ_ARRAY_LEN(texts); i++) {
        char members[200];
        (void)snprintf(members, sizeof(members), "\"text\":\"%s\"", texts[i]);
        VipsRect ink = ink_written(members);
        if (ink.width < plain.width * 2)
            fail_msg("'%s' is %d px wide, and b is %d", texts[i], ink.width, plain.width);
    }
}

static void a_family_says_neither_size_nor_weight(void **state)
{
    (void)state;
    VipsRect plain = ink_written("\"text\":\"Hxg\"");
    static const char *const families[] = { "sans 100", "200px",
                                            "sans Bold Italic 90px" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(families); i++) {
        char members[200];
        (void)snprintf(members, sizeof(members), "\"text\":\"Hxg\",\"font\":\"%s\"",
                       families[i]);
        VipsRect ink = ink_written(members);
        assert_in_range(ink.height, plain.height * 2 / 3, plain.height * 3 / 2);
    }
    IJ_AUTO(ij_image_unref)
    VipsImage *unknown = written(120, 60, "\"text\":\"Hx\",\"font\":\"No Such\"");
    IJ_AUTO(ij_image_unref)
    VipsImage *bold = written(120, 60, "\"text\":\"Hx\",\"font\":\"No Such Bold\"");
    assert_true(ink_sum(unknown) == ink_sum(bold));
}

/* ---- colours ---- */

static void a_pixel_lies_between_the_image_and_the_colour(void **state)
{
    (void)state;
    static const double levels[] = { 200, 100, 7 };
    static const int color[] = { 0x12, 0xab, 0x9c };
    IJ_AUTO(ij_image_unref) VipsImage *image = flat(120, 120, levels, 3);
    IJ_AUTO(ij_image_unref) VipsImage *letters = written(120, 120, POINT);
    IJ_AUTO(ij_image_unref)
    VipsImage *made = done("text", image, POINT ",\"color\":\"#12ab9c\"");
    int whole = 0;
    for (int y = 0; y < 120; y++)
        for (int x = 0; x < 120; x++)
            for (int i = 0; i < 3; i++) {
                int covered = coverage(letters, x, y);
                double wanted = levels[i] + (color[i] - levels[i]) * covered / 255;
                assert_in_range(pixel(made, x, y)[i], (int)floor(wanted),
                                (int)ceil(wanted));
                whole += covered == 255;
            }
    assert_true(whole > 300);
}

static void a_colour_has_alpha(void **state)
{
    (void)state;
    static const double levels[] = { 0, 0, 0 };
    IJ_AUTO(ij_image_unref) VipsImage *image = flat(120, 120, levels, 3);
    IJ_AUTO(ij_image_unref)
    VipsImage *made = done("text", image, POINT ",\"color\":\"#ffffff80\"");
    assert_int_equal(pixel(made, 60, 60)[0], 0x80);
    assert_int_equal(pixel(made, 0, 0)[0], 0);
    assert_int_equal(vips_image_get_bands(made), 3);
}

static void opacity_is_of_all_together(void **state)
{
    (void)state;
    static const double levels[] = { 0, 0, 0 };
    IJ_AUTO(ij_image_unref) VipsImage *image = flat(120, 120, levels, 3);
    IJ_AUTO(ij_image_unref)
    VipsImage *made = done("text", image,
                           POINT ",\"color\":\"#ffffff\",\"background\":\"#ff0000\","
                                 "\"padding\":9,\"opacity\":0.5");
    static const uint8_t letter[] = { 128, 128, 128 }, box[] = { 128, 0, 0 };
    assert_memory_equal(pixel(made, 60, 60), letter, 3);
    assert_memory_equal(pixel(made, 60 - 15, 60 - 15), box, 3);
    IJ_AUTO(ij_image_unref)
    VipsImage *none = done("text", image, POINT ",\"color\":\"white\",\"opacity\":0");
    assert_int_equal(pixel(none, 60, 60)[0], 0);
}

static void a_sharp_shadow_is_the_letters_elsewhere(void **state)
{
    (void)state;
    enum { X = 23, Y = -11 };
    IJ_AUTO(ij_image_unref)
    VipsImage *letters = written(200, 150, "\"text\":\"Hxg\",\"size\":90");
    IJ_AUTO(ij_image_unref)
    VipsImage *made =
        written(200, 150,
                "\"text\":\"Hxg\",\"size\":90,\"shadow\":\"#ff0000\",\"shadow_x\":23,"
                "\"shadow_y\":-11,\"shadow_blur\":0");
    for (int y = 0; y < 150; y++)
        for (int x = 0; x < 200; x++) {
            double light = 1 - coverage(letters, x, y) / 255.0;
            double shadow = coverage(letters, x - X, y - Y) / 255.0;
            const double wanted[] = { 255 * light, 255 * light * (1 - shadow) };
            assert_true(fabs(pixel(made, x, y)[0] - wanted[0]) <= 1);
            assert_true(fabs(pixel(made, x, y)[1] - wanted[1]) <= 1.5);
        }
}

static void a_soft_shadow_is_spread_and_no_less(void **state)
{
    (void)state;
    static const double sigmas[] = { .1, 1, 3, 9 };
    enum { AWAY = 200 };
    IJ_AUTO(ij_image_unref)
    VipsImage *letters = written(600, 200, "\"text\":\"Hxg\",\"size\":90,\"x\":-200");
    double sum = ink_sum(letters);
    int before = 0;
    for (size_t i = 0; i < IJ_ARRAY_LEN(sigmas); i++) {
        char members[200];
        (void)snprintf(members, sizeof(members),
                       "\"text\":\"Hxg\",\"size\":90,\"x\":-200,\"shadow\":\"black\","
                       "\"shadow_x\":%d,\"shadow_y\":0,\"shadow_blur\":%g",
                       AWAY, sigmas[i]);
        IJ_AUTO(ij_image_unref) VipsImage *made = written(600, 200, members);
        double both = ink_sum(made);
        if (fabs(both - 2 * sum) > .03 * sum)
            fail_msg("sigma %g: %g of ink, %g without", sigmas[i], both, sum);
        VipsRect ink = ink_of(made);
        assert_true(ink.height >= before); /* wider with every sigma */
        before = ink.height;
    }
    VipsRect plain = ink_of(letters);
    assert_true(before > plain.height + 9);
}

/* Letters at the very edge: what of them is beyond casts its shadow too. */
static void a_shadow_comes_from_beyond_the_edge(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref)
    VipsImage *made =
        written(150, 150,
                "\"text\":\"H\",\"size\":90,\"gravity\":\"west\",\"x\":-140,"
                "\"shadow\":\"black\",\"shadow_x\":190,\"shadow_y\":0,"
                "\"shadow_blur\":3");
    VipsRect ink = ink_of(made);
    assert_in_range(ink.left, 30, 60);
    assert_true(ink.height > 60);
}

static void grey_stays_grey_until_a_colour_comes(void **state)
{
    (void)state;
    static const double levels[] = { 90, 255 };
    for (int bands = 1; bands <= 2; bands++) {
        IJ_AUTO(ij_image_unref) VipsImage *image = flat(120, 120, levels, bands);
        IJ_AUTO(ij_image_unref)
        VipsImage *grey = done("text", image, POINT ",\"color\":\"#c8c8c8\"");
        assert_int_equal(vips_image_get_bands(grey), bands);
        assert_int_equal(pixel(grey, 60, 60)[0], 0xc8);
        assert_int_equal(pixel(grey, 0, 0)[0], 90);
        static const char *const colored[] = {
            POINT ",\"color\":\"#0a141e\"",
            POINT ",\"color\":\"white\",\"background\":\"#0a141e\",\"padding\":90",
            POINT ",\"color\":\"white\",\"shadow\":\"#0a141e\",\"shadow_x\":30,"
                  "\"shadow_y\":30,\"shadow_blur\":0",
        };
        static const int places[][2] = { { 60, 60 }, { 5, 5 }, { 90, 90 } };
        static const uint8_t wanted[] = { 0x0a, 0x14, 0x1e };
        for (size_t i = 0; i < IJ_ARRAY_LEN(colored); i++) {
            IJ_AUTO(ij_image_unref) VipsImage *made = done("text", image, colored[i]);
            assert_int_equal(vips_image_get_bands(made), bands + 2);
            assert_memory_equal(pixel(made, places[i][0], places[i][1]), wanted, 3);
        }
    }
}

/* Porter and Duff's "over". */
static void letters_lie_over_what_is_transparent(void **state)
{
    (void)state;
    static const double alphas[] = { 0, 1, 77, 200, 255 };
    static const int color[] = { 0x12, 0xab, 0x9c };
    IJ_AUTO(ij_image_unref) VipsImage *letters = written(120, 120, POINT);
    for (size_t a = 0; a < IJ_ARRAY_LEN(alphas); a++) {
        const double levels[] = { 200, 100, 7, alphas[a] };
        IJ_AUTO(ij_image_unref) VipsImage *image = flat(120, 120, levels, 4);
        IJ_AUTO(ij_image_unref)
        VipsImage *made = done("text", image, POINT ",\"color\":\"#12ab9c\"");
        assert_int_equal(vips_image_get_bands(made), 4);
        for (int y = 0; y < 120; y++)
            for (int x = 0; x < 120; x++) {
                double over = coverage(letters, x, y) / 255.0;
                double under = alphas[a] / 255 * (1 - over);
                double alpha = over + under;
                const uint8_t *at = pixel(made, x, y);
                assert_true(fabs(at[3] - 255 * alpha) <= .51);
                for (int i = 0; alpha > 0 && i < 3; i++) {
                    double wanted = (color[i] * over + levels[i] * under) / alpha;
                    if (fabs(at[i] - wanted) > .51)
                        fail_msg("%d, %d, alpha %g: band %d is %d, not %g", x, y,
                                 alphas[a], i, at[i], wanted);
                }
            }
    }
}

/* ---- refusals ---- */

#define TEN     "MMMMMMMMMM"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define TEXT    "\"text\":\"a\""

static void what_is_out_of_range_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *members, *words;
    } cases[] = {
        { "\"size\":10", "/steps/0/text: " },
        { "\"text\":\"\"", "/steps/0/text: must have 1..1024 bytes, not 0" },
        { "\"text\":\"" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
              HUNDRED HUNDRED TEN TEN "MMMMM\"",
          "/steps/0/text: must have 1..1024 bytes, not 1025" },
        { "\"text\":\" \\n \"", "/steps/0/text: has nothing that is visible" },
        { "\"text\":\"\\u200b\\u200e\"", "/steps/0/text: has nothing that is visible" },
        { "\"text\":\"\\u00e9\\r\\n\"",
          "/steps/0/text: U+000D after 2 bytes cannot be drawn" },
        { "\"text\":\"a\\tb\"", "/steps/0/text: U+0009 after 1 bytes" },
        { "\"text\":\"a\\u0001\"", "/steps/0/text: U+0001 after 1 bytes" },
        { "\"text\":\"a\\u007f\"", "/steps/0/text: U+007F after 1 bytes" },
        { "\"text\":\"a\\u0085\"", "/steps/0/text: U+0085 after 1 bytes" },
        { "\"text\":\"a\\u2028b\"", "/steps/0/text: U+2028 after 1 bytes" },
        { "\"text\":\"a\\u2029b\"", "/steps/0/text: U+2029 after 1 bytes" },
        { TEXT ",\"font\":\"\"", "/steps/0/font: must have 1..64 bytes, not 0" },
        { TEXT ",\"font\":\" - \"", "/steps/0/font: has no letter and no digit" },
        { TEXT ",\"font\":\"a,b\"", "/steps/0/font: must be a family's name" },
        { TEXT ",\"font\":\"sans@wght=200\"", "/steps/0/font: must be a family's name" },
        { TEXT ",\"font\":\"a:size=90\"", "/steps/0/font: must be a family's name" },
        { TEXT ",\"font\":\"/tmp/a\"", "/steps/0/font: must be a family's name" },
        { TEXT ",\"size\":0", "/steps/0/size: must be 1..1000, not 0" },
        { TEXT ",\"size\":1001", "/steps/0/size: must be 1..1000, not 1001" },
        { TEXT ",\"weight\":\"heavy\"", "/steps/0/weight: must be one of normal, bold" },
        { TEXT ",\"style\":\"oblique\"", "/steps/0/style: must be one of normal" },
        { TEXT ",\"gravity\":\"attention\"", "/steps/0/gravity: must be one of center" },
        { TEXT ",\"gravity\":\"entropy\"", "/steps/0/gravity: must be one of center" },
        { TEXT ",\"x\":-16385", "/steps/0/x: must be -16384..16384, not -16385" },
        { TEXT ",\"y\":16385", "/steps/0/y: must be -16384..16384, not 16385" },
        { TEXT ",\"width\":-1", "/steps/0/width: must be 0..16384, not -1" },
        { TEXT ",\"width\":16385", "/steps/0/width: must be 0..16384, not 16385" },
        { TEXT ",\"line_spacing\":-1", "/steps/0/line_spacing: must be 0..1000, not -1" },
        { TEXT ",\"padding\":1001", "/steps/0/padding: must be 0..1000, not 1001" },
        { TEXT ",\"shadow_x\":-1001", "/steps/0/shadow_x: must be -1000..1000" },
        { TEXT ",\"shadow_y\":1001", "/steps/0/shadow_y: must be -1000..1000" },
        { TEXT ",\"shadow_blur\":100.1", "/steps/0/shadow_blur: must be 0..100" },
        { TEXT ",\"opacity\":1.01", "/steps/0/opacity: must be 0..1, not 1.01" },
        { TEXT ",\"opacity\":-0.01", "/steps/0/opacity: must be 0..1, not -0.01" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
        expect_code(IMGJOB_E_SPEC, parse("text", cases[i].members, &spec));
        expect_words(cases[i].words);
    }
    static const char *const allowed[] = {
        TEXT ",\"font\":\"DejaVu-Sans_2 Mono\",\"size\":1,\"x\":-16384,\"y\":16384",
        TEXT ",\"size\":1000,\"width\":16384,\"line_spacing\":1000,\"padding\":1000",
        TEXT ",\"shadow_x\":-1000,\"shadow_y\":1000,\"shadow_blur\":100,\"opacity\":0",
        "\"text\":\"" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
            HUNDRED HUNDRED TEN TEN "MMMM\"",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(allowed); i++) {
        IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
        expect_code(0, parse("text", allowed[i], &spec));
    }
}

static void the_ends_of_the_ranges_can_be_drawn(void **state)
{
    (void)state;
    static const char *const ends[] = {
        TEXT ",\"size\":1,\"padding\":1000,\"background\":\"red\"",
        TEXT ",\"size\":1000,\"shadow\":\"black\",\"shadow_blur\":100,\"shadow_x\":1000",
        TEXT ",\"size\":16,\"width\":1,\"x\":-16384,\"shadow\":\"red\"",
        TEXT ",\"padding\":1000,\"x\":16384,\"line_spacing\":1000,\"width\":16384",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(ends); i++) {
        IJ_AUTO(ij_image_unref) VipsImage *made = written(50, 40, ends[i]);
        assert_int_equal(vips_image_get_bands(made), 3);
    }
}

static int plan_of(const struct ij_letters *letters, struct ij_extent in)
{
    return ij_letters_plan(letters, in, &test_err);
}

static void too_many_pixels_are_refused_before_any_is_drawn(void **state)
{
    (void)state;
    struct ij_letters letters = {
        .text = HUNDRED, .family = "sans", .size = 1000, .wrap = 800
    };
    expect_code(IMGJOB_E_SPEC, plan_of(&letters, (struct ij_extent){ 800, 600 }));
    expect_words(
        "100 lines of size 1000 may need 1000 x 150000 px, too much for an image "
        "of 800 x 600 px; lower size, line_spacing or width, or write less");
    letters.size = 100;
    expect_code(0, plan_of(&letters, (struct ij_extent){ 800, 600 }));
    static const char breaks[] = "a\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nb";
    letters = (struct ij_letters){ .text = breaks, .size = 100, .wrap = 16384 };
    expect_code(IMGJOB_E_SPEC, plan_of(&letters, (struct ij_extent){ 100, 100 }));
    expect_words("21 lines of size 100 may need 16384 x 3150 px");
    letters.wrap = 1000;
    expect_code(0, plan_of(&letters, (struct ij_extent){ 100, 100 }));
    letters.spacing = 1000; /* 21 × 1150 × 1000 is still below, 2000 wide is not */
    letters.wrap = 2000;
    expect_code(IMGJOB_E_SPEC, plan_of(&letters, (struct ij_extent){ 100, 100 }));
}

static void letters_larger_than_their_guess_are_refused(void **state)
{
    (void)state;
    static const char high[] = "MW\nMW\nMW\nMW\nMW\nMW\nMW\nMW\nMW\nMW\nMW";
    const struct ij_letters letters = {
        .text = high, .family = "sans", .size = 1000, .wrap = 2000
    };
    const struct ij_extent in = { 1000, 1000 };
    IJ_AUTO(ij_image_unref) VipsImage *mask = NULL;
    expect_code(0, plan_of(&letters, in));
    test_err.code = 0;
    assert_int_equal(ij_letters_draw(&letters, in, &mask, &test_err), -1);
    assert_null(mask);
    assert_int_equal(test_err.code, IMGJOB_E_SPEC);
    expect_words("too much for an image of 1000 x 1000");
}

/* ---- fonts that are not there ---- */

/* Fontconfig looks once in a process, so this is a process of its own. */
static int draw_alone(void)
{
    struct imgjob_error err;
    if (ij_image_start(&err) != 0)
        return 1;
    const struct ij_letters letters = {
        .text = "Hello", .family = "sans", .size = 32, .wrap = 500
    };
    VipsImage *mask;
    if (ij_letters_draw(&letters, (struct ij_extent){ 500, 100 }, &mask, &err) != 0)
        (void)printf("%s", err.text);
    else {
        (void)printf("drawn");
        g_object_unref(mask);
    }
    return 0;
}

static void add_environment(char **kept, size_t size, char *more)
{
    size_t count = 0;
    for (char **at = environ; *at && count + 2 < size; at++)
        if (strncmp(*at, "FONTCONFIG_", 11) != 0)
            kept[count++] = *at;
    kept[count++] = more;
    kept[count] = NULL;
}

/* What a process says that knows the fonts of one directory only. */
static void say_alone(const char *directory, char said[512])
{
    char config[600], output[600], *names[256];
    (void)snprintf(config, sizeof(config), "FONTCONFIG_FILE=%s/fonts.conf", directory);
    (void)snprintf(output, sizeof(output), "%s/said", directory);
    add_environment(names, IJ_ARRAY_LEN(names), config);
    char name[] = "test", mode[] = "alone", *arguments[] = { name, mode, NULL };
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, output,
                                                      O_WRONLY | O_CREAT | O_TRUNC, 0600),
                     0);
    char self[512]; /* not /proc/self/exe itself, which may be valgrind */
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_in_range(len, 1, sizeof(self) - 2);
    self[len] = '\0';
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, self, &actions, NULL, arguments, names), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    IJ_AUTO(bytes_done) struct bytes bytes = read_file(directory, "said");
    (void)snprintf(said, 512, "%.*s", (int)bytes.len, bytes.data);
}

static void write_file(const char *directory, const char *name, const void *data,
                       size_t len)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static char *directory_of_fonts(void)
{
    char *directory = test_dir_make(), config[1024], cache[600];
    (void)snprintf(cache, sizeof(cache), "%s/cache", directory);
    assert_int_equal(mkdir(cache, 0700), 0); /* later, the directory would look newer */
    int len = snprintf(config, sizeof(config),
                       "<fontconfig><dir>%s</dir><cachedir>%s</cachedir>"
                       "</fontconfig>\n",
                       directory, cache);
    write_file(directory, "fonts.conf", config, (size_t)len);
    write_file(directory, "said", "", 0);
    return directory;
}

static void without_a_font_it_says_so(void **state)
{
    (void)state;
    char *directory = directory_of_fonts(), said[512];
    say_alone(directory, said);
    if (!strstr(said, "no font is installed, or none that can be read"))
        fail_msg("said '%s'", said);
    test_dir_remove(directory);
}

static void a_font_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    const char *path = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
    if (access(path, R_OK) != 0)
        skip();
    IJ_AUTO(bytes_done) struct bytes font = read_file("/", path + 1);
    char *directory = directory_of_fonts(), said[512];
    write_file(directory, "font.ttf", font.data, font.len);
    say_alone(directory, said); /* and what was found is remembered in the cache */
    assert_string_equal(said, "drawn");
    memset(font.data, 0, font.len);
    write_file(directory, "font.ttf", font.data, font.len);
    say_alone(directory, said);
    if (!strstr(said, "no font is installed, or none that can be read"))
        fail_msg("said '%s'", said);
    test_dir_remove(directory);
}

/* ---- the whole pipeline ---- */

static void an_output_has_what_was_written(void **state)
{
    (void)state;
    IJ_AUTO(made_done) struct made plain = { 0 }, made = { 0 };
    run_well("rgb.png", "{\"steps\":[],\"outputs\":[{\"format\":\"png\"}]}", &plain);
    run_well("rgb.png",
             "{\"steps\":[{\"op\":\"text\",\"text\":\"Hi\",\"color\":\"#0a141e\","
             "\"background\":\"#0a141e\",\"gravity\":\"northwest\",\"padding\":1}],"
             "\"outputs\":[{\"format\":\"png\"}]}",
             &made);
    static const uint8_t wanted[] = { 0x0a, 0x14, 0x1e };
    assert_int_equal(made.output.width, plain.output.width);
    assert_memory_equal(pixel(made.image, 0, 0), wanted, 3);
    assert_memory_not_equal(pixel(plain.image, 0, 0), wanted, 3);
}

static void too_large_a_text_fails_the_job_in_words(void **state)
{
    (void)state;
    IJ_AUTO(made_done) struct made made = { 0 };
    assert_int_equal(run("rgb.png",
                         "{\"steps\":[{\"op\":\"text\",\"text\":\"" HUNDRED "\","
                         "\"size\":1000}],\"outputs\":[{\"format\":\"png\"}]}",
                         NULL, &made),
                     IMGJOB_E_SPEC);
    assert_non_null(strstr(made.failure.error.text, "/steps/0: text: 100 lines of size"));
}

/* ---- colour spaces ---- */

#define TO_GREY "\"to\":\"grey\""
#define TO_SRGB "\"to\":\"srgb\""

static void srgb_has_three_channels(void **state)
{
    (void)state;
    for (int level = 0; level < 256; level += 51)
        for (int bands = 1; bands <= 4; bands++) {
            const double grey[] = { level, 77 };
            const double color[] = { level, 100, 7, 77 };
            IJ_AUTO(ij_image_unref)
            VipsImage *image = flat(4, 3, bands < 3 ? grey : color, bands);
            IJ_AUTO(ij_image_unref) VipsImage *made = done("colorspace", image, TO_SRGB);
            assert_int_equal(vips_image_get_bands(made), bands < 3 ? bands + 2 : bands);
            for (int i = 0; i < 3; i++)
                assert_int_equal(pixel(made, 3, 2)[i], bands < 3 ? level : color[i]);
            if (bands % 2 == 0)
                assert_int_equal(pixel(made, 3, 2)[3], 77);
        }
}

static double linear(double level)
{
    double v = level / 255; /* IEC 61966-2-1 */
    return v <= .04045 ? v / 12.92 : pow((v + .055) / 1.055, 2.4);
}

static double stored(double light)
{
    return 255 * (light <= .0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - .055);
}

static void grey_keeps_the_luminance(void **state)
{
    (void)state;
    static const double colors[][4] = {
        { 0, 0, 0, 9 },   { 255, 255, 255, 9 }, { 128, 128, 128, 9 }, { 255, 0, 0, 9 },
        { 0, 255, 0, 9 }, { 0, 0, 255, 9 },     { 200, 100, 7, 255 }, { 3, 250, 90, 0 },
    };
    for (size_t c = 0; c < IJ_ARRAY_LEN(colors); c++)
        for (int bands = 3; bands <= 4; bands++) {
            const double *color = colors[c];
            IJ_AUTO(ij_image_unref) VipsImage *image = flat(4, 3, color, bands);
            IJ_AUTO(ij_image_unref) VipsImage *made = done("colorspace", image, TO_GREY);
            assert_int_equal(vips_image_get_bands(made), bands - 2);
            double wanted = stored(.2126 * linear(color[0]) + .7152 * linear(color[1]) +
                                   .0722 * linear(color[2]));
            if (fabs(pixel(made, 3, 2)[0] - wanted) > 1.5)
                fail_msg("%g, %g, %g: %d, not %g", color[0], color[1], color[2],
                         pixel(made, 3, 2)[0], wanted);
            if (bands == 4)
                assert_int_equal(pixel(made, 3, 2)[1], color[3]);
        }
}

static void grey_stays_as_it_is(void **state)
{
    (void)state;
    for (int level = 0; level < 256; level++)
        for (int bands = 1; bands <= 4; bands++) {
            const double levels[] = { level, bands == 2 ? 77 : level, level, 77 };
            IJ_AUTO(ij_image_unref) VipsImage *image = flat(4, 3, levels, bands);
            IJ_AUTO(ij_image_unref) VipsImage *made = done("colorspace", image, TO_GREY);
            assert_int_equal(vips_image_get_bands(made), bands < 3 ? bands : bands - 2);
            assert_int_equal(pixel(made, 0, 0)[0], level);
        }
}

static void a_colour_space_must_be_said(void **state)
{
    (void)state;
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    expect_code(IMGJOB_E_SPEC, parse("colorspace", "\"to\":\"cmyk\"", &spec));
    expect_words("/steps/0/to: must be one of srgb, grey, not 'cmyk'");
    static const char none[] = "{\"steps\":[{\"op\":\"colorspace\"}]}";
    expect_code(IMGJOB_E_SPEC,
                ij_spec_parse(none, strlen(none), &ij_image_ops, &spec, &test_err));
    expect_words("/steps/0/to: is missing");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "alone") == 0)
        return draw_alone();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_lie_where_gravity_says),
        cmocka_unit_test(a_box_lies_around_the_letters),
        cmocka_unit_test(what_is_beyond_the_edge_is_cut_off),
        cmocka_unit_test(lines_break_where_they_are_wrapped),
        cmocka_unit_test(absent_a_width_the_image_is_what_lines_are_wrapped_at),
        cmocka_unit_test(spacing_is_added_between_lines),
        cmocka_unit_test(lines_are_aligned_to_each_other),
        cmocka_unit_test(justified_lines_fill_the_width),
        cmocka_unit_test(twice_the_size_is_twice_as_high),
        cmocka_unit_test(bold_has_more_ink_and_italic_leans),
        cmocka_unit_test(markup_is_drawn_as_it_is),
        cmocka_unit_test(a_family_says_neither_size_nor_weight),
        cmocka_unit_test(a_pixel_lies_between_the_image_and_the_colour),
        cmocka_unit_test(a_colour_has_alpha),
        cmocka_unit_test(opacity_is_of_all_together),
        cmocka_unit_test(a_sharp_shadow_is_the_letters_elsewhere),
        cmocka_unit_test(a_soft_shadow_is_spread_and_no_less),
        cmocka_unit_test(a_shadow_comes_from_beyond_the_edge),
        cmocka_unit_test(grey_stays_grey_until_a_colour_comes),
        cmocka_unit_test(letters_lie_over_what_is_transparent),
        cmocka_unit_test(what_is_out_of_range_is_refused),
        cmocka_unit_test(the_ends_of_the_ranges_can_be_drawn),
        cmocka_unit_test(too_many_pixels_are_refused_before_any_is_drawn),
        cmocka_unit_test(letters_larger_than_their_guess_are_refused),
        cmocka_unit_test(without_a_font_it_says_so),
        cmocka_unit_test(a_font_that_cannot_be_read_is_told),
        cmocka_unit_test(an_output_has_what_was_written),
        cmocka_unit_test(too_large_a_text_fails_the_job_in_words),
        cmocka_unit_test(srgb_has_three_channels),
        cmocka_unit_test(grey_keeps_the_luminance),
        cmocka_unit_test(grey_stays_as_it_is),
        cmocka_unit_test(a_colour_space_must_be_said),
    };
    return cmocka_run_group_tests(tests, start_image_room, NULL);
}
