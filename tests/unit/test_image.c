/* The image room: what comes out has the size, the colours and the format it should. */
#include "image_case.h"

#include <math.h>

#include "image/icc.h"
#include "image/source.h"

/* ---- looking at pixels ---- */

static void expect_pixel(const char *name, const struct made *made, double x, double y,
                         const double *wanted)
{
    /* a lossy encoder rings at the edges of so small an image */
    double tolerance = made->output.format == IMGJOB_FORMAT_PNG ? 3 : 24;
    double *found = NULL;
    int count = 0;
    assert_int_equal(vips_getpoint(made->image, &found, &count,
                                   (int)(x * made->output.width),
                                   (int)(y * made->output.height), NULL),
                     0);
    for (int i = 0; i < count; i++)
        if (fabs(found[i] - wanted[i]) > tolerance)
            fail_msg("%s at %g,%g: band %d is %g, not %g", name, x, y, i, found[i],
                     wanted[i]);
    g_free(found);
}

static const double red[] = { 230, 40, 40, 255 }, green[] = { 40, 200, 40, 255 };
static const double blue[] = { 40, 40, 230, 255 }, white[] = { 250, 250, 250, 255 };
static const double clear[] = { 0, 0, 0, 0 };

/* The four colours that make.py puts into the quadrants. */
static void expect_quadrants(const char *name, const struct made *made,
                             const double *lower_left)
{
    expect_pixel(name, made, .25, .25, red);
    expect_pixel(name, made, .75, .25, green);
    expect_pixel(name, made, .25, .75, lower_left);
    expect_pixel(name, made, .75, .75, white);
}

/* ---- formats and colours ---- */

static void every_kind_of_image_keeps_its_colours(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t format; /* of the output, by the rule for an absent one */
        const double *lower_left;
    } cases[] = {
        { "rgb.png", IMGJOB_FORMAT_PNG, blue },
        { "palette.png", IMGJOB_FORMAT_PNG, blue },
        { "interlaced.png", IMGJOB_FORMAT_PNG, blue },
        { "rgb16.png", IMGJOB_FORMAT_PNG, blue },
        { "rgba.png", IMGJOB_FORMAT_PNG, clear },
        { "rgba16.png", IMGJOB_FORMAT_PNG, clear },
        { "progressive.jpg", IMGJOB_FORMAT_JPEG, blue },
        { "rgb.gif", IMGJOB_FORMAT_JPEG, blue },
        { "rgb.tif", IMGJOB_FORMAT_JPEG, blue },
        { "rgb.webp", IMGJOB_FORMAT_WEBP, blue },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        for (int grown = 0; grown < 2; grown++) {
            IJ_AUTO(made_done) struct made made = { 0 };
            run_well(cases[i].name, grown ? RESIZE(100, 90) : RESIZE(30, 20), &made);
            assert_int_equal(made.output.format, cases[i].format);
            assert_int_equal(made.output.width, grown ? 100 : 30);
            assert_int_equal(made.output.height, grown ? 90 : 20);
            assert_int_equal(vips_image_get_format(made.image), VIPS_FORMAT_UCHAR);
            expect_quadrants(cases[i].name, &made, cases[i].lower_left);
        }
}

static void grey_stays_grey(void **state)
{
    (void)state;
    static const char *const names[] = { "grey.png", "grey16.png", "grey.jpg" };
    const double top_left[] = { 97 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        run_well(names[i], RESIZE_TO(32, 24, "png"), &made);
        assert_int_equal(vips_image_get_bands(made.image), 1);
        expect_pixel(names[i], &made, .25, .25, top_left);
    }
    IJ_AUTO(made_done) struct made alpha = { 0 };
    run_well("grey-alpha.png", RESIZE_TO(32, 24, "png"), &alpha);
    assert_int_equal(vips_image_get_bands(alpha.image), 2);
    expect_pixel("grey-alpha.png", &alpha, .25, .75, clear);
    IJ_AUTO(made_done) struct made bits = { 0 };
    run_well("one-bit.png", RESIZE_TO(32, 24, "png"), &bits);
    const double full[] = { 255 };
    expect_pixel("one-bit.png", &bits, .75, .25, full);
}

static void cmyk_and_lab_become_srgb(void **state)
{
    (void)state;
    IJ_AUTO(made_done) struct made made = { 0 };
    run_well("cmyk.jpg", RESIZE_TO(64, 48, "png"), &made);
    assert_int_equal(vips_image_get_bands(made.image), 3);
    const double ink_red[] = { 216, 72, 63 }; /* 214 to 218, as lcms builds differ */
    expect_pixel("cmyk.jpg", &made, .25, .25, ink_red);
    IJ_AUTO(made_done) struct made lab = { 0 };
    run_well("lab.tif", RESIZE_TO(32, 24, "png"), &lab);
    const double lab_red[] = { 254, 0, 7 };
    expect_pixel("lab.tif", &lab, .5, .5, lab_red);
}

static void transparent_becomes_white_in_jpeg(void **state)
{
    (void)state;
    static const char *const names[] = { "rgba.png", "rgba16.png", "rgba.webp" };
    const double page[] = { 255, 255, 255 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        run_well(names[i], RESIZE_TO(64, 48, "jpeg"), &made);
        expect_quadrants(names[i], &made, page);
    }
}

static void half_clear_pixels_keep_their_colour(void **state)
{
    (void)state;
    static const char *const sizes[] = { RESIZE(32, 24), RESIZE(640, 480),
                                         RESIZE(64, 48) };
    const double colour[] = { 200, 100, 50, 39 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(sizes); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        run_well("half-clear.png", sizes[i], &made);
        expect_pixel("half-clear.png", &made, .5, .5, colour);
    }
}

static void profiles_are_converted_to_srgb_and_broken_ones_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double rgb[4];
    } cases[] = {
        { "icc-srgb-formula.jpg", { 100, 150, 100 } },
        { "icc-srgb-samples.jpg", { 100, 150, 100 } },
        { "icc-adobe.jpg", { 66, 151, 97 } },
        { "icc-adobe.png", { 66, 151, 97, 255 } },
        { "icc-named-srgb.jpg", { 66, 151, 97 } }, /* what it does counts, not its name */
        { "icc-cut.jpg", { 100, 150, 100 } },
        { "icc-grey-gamma18.jpg", { 119, 119, 119 } },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        run_well(cases[i].name, RESIZE_TO(32, 24, "png"), &made);
        assert_true(made.header.has_profile);
        expect_pixel(cases[i].name, &made, .5, .5, cases[i].rgb);
    }
    IJ_AUTO(made_done) struct made wrong = { 0 }; /* an RGB profile on CMYK */
    run_well("icc-on-cmyk.jpg", RESIZE_TO(32, 24, "png"), &wrong);
    assert_int_equal(vips_image_get_bands(wrong.image), 3);
}

static void a_profile_is_srgb_by_what_it_does(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_srgb;
    } cases[] = {
        { "srgb-formula.icc", true }, { "srgb-samples.icc", true },
        { "grey-srgb.icc", true },    { "adobe.icc", false },
        { "named-srgb.icc", false },  { "gamma22.icc", false },
        { "cut.icc", false },         { "grey-gamma18.icc", false },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(bytes_done) struct bytes bytes = fixture(cases[i].name);
        assert_int_equal(ij_icc_is_srgb(bytes.data, bytes.len), cases[i].is_srgb);
        for (size_t len = 0; len < bytes.len; len += 7) { /* ends anywhere */
            char *copy = malloc(len + 1);
            memcpy(copy, bytes.data, len);
            (void)ij_icc_is_srgb(copy, len);
            free(copy);
        }
    }
}

static void metadata_does_not_reach_the_output(void **state)
{
    (void)state;
    static const char *const names[] = { "orientation-6.jpg", "icc-adobe.jpg" };
    static const char *const formats[] = { RESIZE_TO(64, 48, "jpeg"),
                                           RESIZE_TO(64, 48, "png"),
                                           RESIZE_TO(64, 48, "webp") };
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++)
        for (size_t k = 0; k < IJ_ARRAY_LEN(formats); k++) {
            IJ_AUTO(made_done) struct made made = { 0 };
            run_well(names[i], formats[k], &made);
            assert_int_equal(vips_image_get_typeof(made.image, VIPS_META_EXIF_NAME), 0);
            assert_int_equal(vips_image_get_typeof(made.image, VIPS_META_ICC_NAME), 0);
            assert_int_equal(vips_image_get_orientation(made.image), 1);
        }
}

/* ---- orientation and sizes ---- */

static void all_orientations_come_out_upright(void **state)
{
    (void)state;
    static const char *const sizes[] = { RESIZE_TO(320, 240, "png"),
                                         RESIZE_TO(80, 60, "png"),
                                         RESIZE_TO(400, 300, "png"), THUMBNAIL(40, 40) };
    static const uint32_t widths[] = { 320, 80, 400, 40 };
    for (int value = 1; value <= 8; value++)
        for (size_t i = 0; i < IJ_ARRAY_LEN(sizes); i++) {
            char name[32];
            (void)snprintf(name, sizeof(name), "orientation-%d.jpg", value);
            IJ_AUTO(made_done) struct made made = { 0 };
            run_well(name, sizes[i], &made);
            assert_int_equal(made.header.orientation, value);
            assert_int_equal(made.output.width, widths[i]);
            assert_int_equal(made.output.height, widths[i] * 3 / 4);
            expect_quadrants(name, &made, blue);
        }
}

static void sizes_are_exactly_those_planned(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json;
        uint32_t width, height;
    } cases[] = {
        { "4000x1.png", THUMBNAIL(100, 100), 100, 1 },
        { "1x4000.png", THUMBNAIL(100, 100), 1, 100 },
        { "4000x1.png", RESIZE(100, 100), 100, 100 },
        { "1x1.png", RESIZE(100, 100), 100, 100 },
        { "1x1-alpha.png", THUMBNAIL(100, 50), 50, 50 },
        { "1x1.png", THUMBNAIL_NOT_LARGER(100, 100), 1, 1 },
        { "rgb.png", THUMBNAIL_NOT_LARGER(100, 10), 13, 10 },
        { "photo-2725x2225.jpg", THUMBNAIL(720, 588), 720, 588 },
        { "photo-2725x2225.jpg", THUMBNAIL(200, 200), 200, 163 },
        { "photo-2725x2225.jpg", RESIZE(1363, 1113), 1363, 1113 },
        { "photo-2725x2225.jpg", RESIZE(341, 278), 341, 278 },
        { "photo-640x480.jpg", THUMBNAIL(641, 4096), 641, 481 },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        run_well(cases[i].name, cases[i].json, &made);
        assert_int_equal(made.output.width, cases[i].width);
        assert_int_equal(made.output.height, cases[i].height);
    }
}

static void a_jpeg_is_decoded_no_larger_than_needed(void **state)
{
    (void)state;
    const struct ij_source jpeg = { .format = IMGJOB_FORMAT_JPEG };
    const struct ij_source png = { .format = IMGJOB_FORMAT_PNG };
    const struct ij_extent stored = { 2725, 2225 };
    static const struct {
        struct ij_extent needed;
        uint32_t fast, safe;
    } cases[] = {
        { { 720, 588 }, 2, 1 }, { { 200, 163 }, 8, 4 }, { { 340, 278 }, 8, 4 },
        { { 341, 278 }, 4, 2 }, { { 340, 279 }, 4, 2 }, { { 1362, 1112 }, 2, 1 },
        { { 1363, 1 }, 1, 1 },  { { 1, 2225 }, 1, 1 },  { { 4096, 4096 }, 1, 1 },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct ij_extent needed = cases[i].needed;
        assert_int_equal(ij_source_shrink(&jpeg, stored, needed, false), cases[i].fast);
        assert_int_equal(ij_source_shrink(&jpeg, stored, needed, true), cases[i].safe);
        assert_int_equal(ij_source_shrink(&png, stored, needed, false), 1);
    }
    IJ_AUTO(made_done) struct made made = { 0 };
    const struct setting safe = { .safe_shrink = true };
    assert_int_equal(run("photo-640x480.jpg", THUMBNAIL(80, 80), &safe, &made), 0);
}

static void an_animation_gives_its_first_frame(void **state)
{
    (void)state;
    static const char *const names[] = { "animated.gif", "animated.webp",
                                         "frames-1024.gif" };
    static const uint32_t pages[] = { 3, 3, 1024 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        run_well(names[i], RESIZE_TO(20, 20, "png"), &made);
        assert_int_equal(made.header.pages, pages[i]);
        double *found;
        int count;
        assert_int_equal(vips_getpoint(made.image, &found, &count, 10, 10, NULL), 0);
        assert_true(found[0] > 200 && found[1] < 80 && found[2] < 80);
        g_free(found);
    }
}

/* ---- headers ---- */

static void a_header_is_read_without_pixels(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ij_image_header header;
    } cases[] = {
        { "photo-2725x2225.jpg",
          { IMGJOB_FORMAT_JPEG, 2725, 2225, 1, 3, 8, 1, .loader = "jpegload_buffer" } },
        { "orientation-6.jpg",
          { IMGJOB_FORMAT_JPEG, 240, 320, 1, 3, 8, 6, .loader = "jpegload_buffer" } },
        { "progressive.jpg",
          { IMGJOB_FORMAT_JPEG, 64, 48, 1, 3, 8, 1, .progressive = true } },
        { "icc-adobe.png",
          { IMGJOB_FORMAT_PNG, 64, 48, 1, 4, 8, 1, .has_alpha = true,
            .has_profile = true } },
        { "rgba16.png", { IMGJOB_FORMAT_PNG, 64, 48, 1, 4, 16, 1, .has_alpha = true } },
        { "interlaced.png",
          { IMGJOB_FORMAT_PNG, 64, 48, 1, 3, 8, 1, .progressive = true } },
        { "cmyk.jpg", { IMGJOB_FORMAT_JPEG, 64, 48, 1, 4, 8, 1 } },
        { "frames-1024.gif", { IMGJOB_FORMAT_GIF, 1, 1, 1024, 3, 1, 1 } },
        { "bomb-16384x16384.png", { IMGJOB_FORMAT_PNG, 16384, 16384, 1, 1, 0, 1 } },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(bytes_done) struct bytes bytes = fixture(cases[i].name);
        const struct ij_image_header *wanted = &cases[i].header;
        struct ij_image_header found = { 0 };
        struct ij_failure failure;
        assert_int_equal(ij_image_header(bytes.data, bytes.len, &found, &failure), 0);
        assert_int_equal(found.format, wanted->format);
        assert_int_equal(found.width, wanted->width);
        assert_int_equal(found.height, wanted->height);
        assert_int_equal(found.pages, wanted->pages);
        assert_int_equal(found.bands, wanted->bands);
        assert_int_equal(found.orientation, wanted->orientation);
        assert_int_equal(found.has_alpha, wanted->has_alpha);
        assert_int_equal(found.has_profile, wanted->has_profile);
        assert_int_equal(found.progressive, wanted->progressive);
        if (wanted->bits > 1) /* libvips before 8.15 does not tell of fewer than 8 */
            assert_int_equal(found.bits, wanted->bits);
        if (wanted->loader[0])
            assert_string_equal(found.loader, wanted->loader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_image_keeps_its_colours),
        cmocka_unit_test(grey_stays_grey),
        cmocka_unit_test(cmyk_and_lab_become_srgb),
        cmocka_unit_test(transparent_becomes_white_in_jpeg),
        cmocka_unit_test(half_clear_pixels_keep_their_colour),
        cmocka_unit_test(profiles_are_converted_to_srgb_and_broken_ones_ignored),
        cmocka_unit_test(a_profile_is_srgb_by_what_it_does),
        cmocka_unit_test(metadata_does_not_reach_the_output),
        cmocka_unit_test(all_orientations_come_out_upright),
        cmocka_unit_test(sizes_are_exactly_those_planned),
        cmocka_unit_test(a_jpeg_is_decoded_no_larger_than_needed),
        cmocka_unit_test(an_animation_gives_its_first_frame),
        cmocka_unit_test(a_header_is_read_without_pixels),
    };
    return cmocka_run_group_tests(tests, start_image_room, NULL);
}
