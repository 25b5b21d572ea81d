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

/* ---- what the pixels decide ---- */

/* Something of 20 × 10 px in a black image of 400 × 300. */
static struct bytes framed(void)
{
    IJ_AUTO(ij_image_unref) VipsImage *black = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *bright = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *image = NULL;
    assert_int_equal(vips_black(&black, 20, 10, "bands", 3, NULL), 0);
    assert_int_equal(vips_invert(black, &bright, NULL), 0);
    assert_int_equal(vips_embed(bright, &image, 100, 50, 400, 300, NULL), 0);
    return encoded(image, ".png");
}

#define TRIM            "{\"op\":\"trim\"}"
#define EXTEND          "{\"op\":\"extend\",\"top\":100,\"right\":100,\"bottom\":100,\"left\":100}"
#define CROP(w, h)      "{\"op\":\"crop\",\"width\":" #w ",\"height\":" #h "}"
#define STEPS(steps)    "{\"steps\":[" steps "]}"
#define IN_OUTPUT(step) "{\"steps\":[" TRIM "],\"outputs\":[{\"steps\":[" step "]}]}"

static void steps_are_planned_with_the_size_that_was_found(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words; /* NULL = fine */
        int code;
        enum ij_reason reason;
        struct ij_extent to;
    } cases[] = {
        /* extended before it is trimmed it would have too many pixels */
        { STEPS(TRIM "," EXTEND), NULL, 0, 0, { 220, 210 } },
        { IN_OUTPUT(EXTEND), NULL, 0, 0, { 220, 210 } },
        { STEPS(TRIM ",{\"op\":\"extend\",\"width\":50,\"height\":40}"),
          NULL,
          0,
          0,
          { 50, 40 } },
        { STEPS(TRIM "," CROP(20, 10)), NULL, 0, 0, { 20, 10 } },
        { STEPS(TRIM "," CROP(50, 50)),
          "/steps/1: crop: a box of 50 x 50 px at 0, 0 is beyond the edge of an "
          "image of 20 x 10",
          IMGJOB_E_SPEC,
          IJ_REASON_STEP,
          { 0 } },
        { IN_OUTPUT(CROP(50, 50)),
          "/outputs/0/steps/0: crop: a box of 50 x 50 px",
          IMGJOB_E_SPEC,
          IJ_REASON_STEP,
          { 0 } },
        { STEPS(TRIM ",{\"op\":\"resize\",\"width\":1000}"),
          "pixels: 500000 is over the limit of 120000 (max_pixels)",
          IMGJOB_E_LIMIT,
          IJ_REASON_TOO_LARGE,
          { 0 } },
    };
    IJ_AUTO(bytes_done) struct bytes bytes = framed();
    const struct setting just = { .limits.max_pixels = 120000 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        int rc = run_bytes(&bytes, cases[i].json, &just, &made);
        if (rc != cases[i].code ||
            (rc < 0 && !strstr(made.failure.error.text, cases[i].words)))
            fail_msg("%s: %d, '%s'", cases[i].json, rc, made.failure.error.text);
        assert_int_equal(made.failure.reason, cases[i].reason);
        assert_int_equal(made.output.width, cases[i].to.width);
        assert_int_equal(made.output.height, cases[i].to.height);
    }
}

/* As RGB or RGBA, in a file of which the format is none that an output takes over. */
static struct bytes tiff_of(bool has_alpha)
{
    IJ_AUTO(bytes_done) struct bytes bytes = fixture(has_alpha ? "rgba.png" : "rgb.png");
    IJ_AUTO(ij_image_unref)
    VipsImage *image = vips_image_new_from_buffer(bytes.data, bytes.len, "", NULL);
    assert_non_null(image);
    return encoded(image, ".tif");
}

static void a_missing_format_goes_by_what_is_encoded(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        uint32_t opaque, clear; /* of an input without alpha, and with */
    } cases[] = {
        { STEPS("{\"op\":\"flip\"}"), IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_PNG },
        { STEPS("{\"op\":\"round\",\"radius\":9}"), IMGJOB_FORMAT_PNG,
          IMGJOB_FORMAT_PNG },
        { STEPS("{\"op\":\"extend\",\"left\":9}"), IMGJOB_FORMAT_PNG, IMGJOB_FORMAT_PNG },
        { STEPS("{\"op\":\"flatten\"}"), IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_JPEG },
        { RESIZE(32, 24), IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_PNG },
    };
    for (int has_alpha = 0; has_alpha < 2; has_alpha++) {
        IJ_AUTO(bytes_done) struct bytes bytes = tiff_of(has_alpha);
        for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
            IJ_AUTO(made_done) struct made made = { 0 };
            expect_well(cases[i].json, run_bytes(&bytes, cases[i].json, NULL, &made),
                        &made);
            assert_int_equal(made.output.format,
                             has_alpha ? cases[i].clear : cases[i].opaque);
        }
    }
    /* as the input, whatever the steps make: a JPEG stands on its background */
    IJ_AUTO(made_done) struct made jpeg = { 0 };
    run_well("progressive.jpg", STEPS("{\"op\":\"round\",\"radius\":24}"), &jpeg);
    assert_int_equal(jpeg.output.format, IMGJOB_FORMAT_JPEG);
    expect_pixel("a corner", &jpeg, 0, 0, (const double[]){ 255, 255, 255 });
}

/* ---- several outputs ---- */

#define OUTPUT(name, width, more)                                              \
    "{\"name\":\"" name "\",\"format\":\"png\",\"steps\":[{\"op\":\"resize\"," \
    "\"width\":" #width more "}]}"

/* Of pixels that were weighed otherwise it would be another image. */
static void an_output_of_another_kernel_is_made_as_if_alone(void **state)
{
    (void)state;
    static const char *const smaller[] = {
        OUTPUT("small", 64, ",\"kernel\":\"linear\""),
        OUTPUT("small", 64, ",\"linear\":true"),
    };
    IJ_AUTO(bytes_done) struct bytes photo = fixture("photo-640x480.jpg");
    IJ_AUTO(ij_image_unref)
    VipsImage *image = vips_image_new_from_buffer(photo.data, photo.len, "", NULL);
    assert_non_null(image);
    IJ_AUTO(bytes_done) struct bytes bytes = encoded(image, ".png");
    for (size_t i = 0; i < IJ_ARRAY_LEN(smaller); i++) {
        IJ_AUTO(made_done) struct made alone = { 0 };
        IJ_AUTO(made_done) struct made both = { 0 };
        char json[512];
        (void)snprintf(json, sizeof(json), "{\"outputs\":[%s]}", smaller[i]);
        expect_well(json, run_bytes(&bytes, json, NULL, &alone), &alone);
        (void)snprintf(json, sizeof(json), "{\"outputs\":[%s,%s]}",
                       OUTPUT("large", 160, ""), smaller[i]);
        expect_well(json, run_bytes(&bytes, json, NULL, &both), &both);
        assert_int_equal(both.output_calls, 2);
        assert_int_equal(both.outputs[0].width, 160);
        assert_int_equal(both.outputs[1].width, 64);
        IJ_AUTO(ij_image_unref) VipsImage *difference = NULL;
        double most;
        assert_int_equal(
            vips_subtract(alone.images[0], both.images[1], &difference, NULL), 0);
        assert_int_equal(vips_max(difference, &most, NULL), 0);
        assert_true(most == 0);
    }
}

/* ---- pages ---- */

/* Grey pages of 40 × 30: 50, 100, 150. */
static struct bytes three_pages(void)
{
    IJ_AUTO(ij_image_unref) VipsImage *black = NULL;
    VipsImage *pages[3] = { NULL };
    IJ_AUTO(ij_image_unref) VipsImage *lazy = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *high = NULL;
    assert_int_equal(vips_black(&black, 40, 30, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            vips_linear1(black, &pages[i], 1, 50 * (i + 1), "uchar", TRUE, NULL), 0);
    assert_int_equal(vips_arrayjoin(pages, &lazy, 3, "across", 1, NULL), 0);
    for (int i = 0; i < 3; i++)
        g_object_unref(pages[i]);
    high = vips_image_copy_memory(lazy);
    vips_image_set_int(high, VIPS_META_PAGE_HEIGHT, 30);
    return encoded(high, ".tif");
}

static void any_page_can_be_taken_that_is_there(void **state)
{
    (void)state;
    static const char *const jsons[] = {
        "{\"load\":{\"page\":0},\"outputs\":[{\"format\":\"png\"}]}",
        "{\"load\":{\"page\":1},\"outputs\":[{\"format\":\"png\"}]}",
        "{\"load\":{\"page\":2,\"pages\":\"all\"},\"outputs\":[{\"format\":\"png\"}]}",
    };
    IJ_AUTO(bytes_done) struct bytes bytes = three_pages();
    for (int i = 0; i < 3; i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        expect_well(jsons[i], run_bytes(&bytes, jsons[i], NULL, &made), &made);
        assert_int_equal(made.header.pages, 3);
        const double level[] = { 50 * (i + 1) };
        expect_pixel(jsons[i], &made, .5, .5, level);
    }
}

static void a_page_that_is_not_there_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json, *words;
    } cases[] = {
        { "animated.gif", "{\"load\":{\"page\":7}}",
          "/load/page: the image has 3 pages, counted from 0, so there is no page 7" },
        { "animated.webp", "{\"load\":{\"page\":3,\"pages\":\"all\"}}",
          "/load/page: the image has 3 pages, counted from 0, so there is no page 3" },
        { "rgb.tif", "{\"load\":{\"page\":1}}",
          "/load/page: the image has 1 page, counted from 0, so there is no page 1" },
        { "rgb.png", "{\"load\":{\"page\":1}}",
          "/load/page: the image has 1 page, counted from 0, so there is no page 1" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        int rc = run(cases[i].name, cases[i].json, NULL, &made);
        if (rc != IMGJOB_E_SPEC || strcmp(made.failure.error.text, cases[i].words) != 0)
            fail_msg("%s: %d, '%s'", cases[i].name, rc, made.failure.error.text);
        assert_int_equal(made.failure.stage, IJ_STAGE_LOAD);
        assert_int_equal(made.failure.reason, IJ_REASON_SPEC);
        assert_string_equal(made.failure.library_text, "");
    }
}

#define ALL_PAGES(outputs)                                                              \
    "{\"load\":{\"pages\":\"all\"},\"steps\":[{\"op\":\"flip\"}],\"outputs\":[" outputs \
    "]}"

static void only_pages_that_an_output_keeps_are_loaded(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json;
        uint32_t max_pages, pages; /* 0 = refused */
    } cases[] = {
        { "animated.gif", ALL_PAGES("{\"format\":\"jpeg\"}"), 1, 1 },
        { "animated.gif", ALL_PAGES("{}"), 1, 1 },
        { "frames-1024.gif", ALL_PAGES("{\"format\":\"auto\"}"), 256, 0 },
        { "frames-1024.gif",
          ALL_PAGES("{\"format\":\"auto\",\"candidates\":[\"avif\",\"jpeg\"]}"), 1, 1 },
        { "frames-1024.gif",
          "{\"load\":{\"pages\":\"all\"},\"outputs\":[],\"info\":true}", 1, 0 },
        { "animated.gif", ALL_PAGES("{\"format\":\"webp\"}"), 2, 0 },
        { "animated.gif", ALL_PAGES("{\"format\":\"webp\"}"), 3, 3 },
        { "animated.gif", ALL_PAGES("{\"format\":\"auto\"}"), 3, 3 },
        { "animated.webp", ALL_PAGES("{}"), 2, 0 },
        { "animated.webp", ALL_PAGES("{}"), 3, 3 },
        { "animated.gif", "{\"load\":{\"pages\":200},\"outputs\":[{\"format\":\"gif\"}]}",
          3, 3 },
        { "animated.gif",
          "{\"load\":{\"page\":1,\"pages\":2},\"outputs\":[{\"format\":\"tiff\"}]}", 2,
          2 },
        /* each would find a size of its own, but there is one */
        { "animated.gif",
          "{\"load\":{\"pages\":\"all\"},\"steps\":[{\"op\":\"trim\"}],"
          "\"outputs\":[{\"format\":\"png\"}]}",
          1, 1 },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        const struct setting setting = { .limits.max_pages = cases[i].max_pages };
        int rc = run(cases[i].name, cases[i].json, &setting, &made);
        bool has_output = !strstr(cases[i].json, "\"outputs\":[]");
        if (cases[i].pages || !has_output) {
            expect_well(cases[i].json, rc, &made);
            assert_int_equal(made.output.pages, cases[i].pages);
        } else {
            assert_int_equal(rc, IMGJOB_E_LIMIT);
            assert_string_equal(made.failure.setting, "max_pages");
        }
    }
}

static void the_pages_of_a_tiff_stay_in_a_tiff(void **state)
{
    (void)state;
    static const char json[] =
        "{\"load\":{\"pages\":\"all\"},\"steps\":[{\"op\":\"resize\",\"width\":20}],"
        "\"outputs\":[{\"name\":\"pages\",\"format\":\"tiff\"},"
        "{\"name\":\"packed\",\"format\":\"tiff\",\"compression\":\"jpeg\"},"
        "{\"name\":\"cover\",\"format\":\"png\"}]}";
    IJ_AUTO(bytes_done) struct bytes bytes = three_pages();
    IJ_AUTO(made_done) struct made made = { 0 };
    const struct setting setting = { .limits.max_pages = 3 };
    expect_well(json, run_bytes(&bytes, json, &setting, &made), &made);
    assert_int_equal(made.output_calls, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(made.outputs[i].pages, i < 2 ? 3 : 1);
        assert_int_equal(made.outputs[i].height, 15);
        for (int page = 0; page < (i < 2 ? 3 : 1); page++) {
            double *found = NULL;
            int count = 0;
            assert_int_equal(
                vips_getpoint(made.images[i], &found, &count, 10, 15 * page + 7, NULL),
                0);
            assert_in_range(found[0], 50 * (page + 1) - 3, 50 * (page + 1) + 3);
            g_free(found);
        }
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
    const struct imgjob_limits none = { .size = sizeof(none) };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(bytes_done) struct bytes bytes = fixture(cases[i].name);
        const struct ij_image_header *wanted = &cases[i].header;
        struct ij_image_header found = { 0 };
        struct ij_failure failure;
        assert_int_equal(
            ij_image_header(&(struct ij_image_input){ bytes.data, bytes.len }, &none,
                            &found, &failure),
            0);
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
        cmocka_unit_test(steps_are_planned_with_the_size_that_was_found),
        cmocka_unit_test(a_missing_format_goes_by_what_is_encoded),
        cmocka_unit_test(an_output_of_another_kernel_is_made_as_if_alone),
        cmocka_unit_test(any_page_can_be_taken_that_is_there),
        cmocka_unit_test(a_page_that_is_not_there_is_refused),
        cmocka_unit_test(only_pages_that_an_output_keeps_are_loaded),
        cmocka_unit_test(the_pages_of_a_tiff_stay_in_a_tiff),
        cmocka_unit_test(a_header_is_read_without_pixels),
    };
    return cmocka_run_group_tests(tests, start_image_room, NULL);
}
