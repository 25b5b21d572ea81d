/* The formats that have to be switched on (svg, pdf, jxl, jp2), and JPEG XL as output. */
#include "image_case.h"

#include <unistd.h>

#include <imgjob/imgjob.h>

#include "image/source.h"

#define SVG(inside)                                                                    \
    "<svg xmlns=\"http://www.w3.org/2000/svg\" "                                       \
    "xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"100\" height=\"50\">" inside \
    "</svg>"

/* Red on the left half, nothing on the right. */
static const char half_svg[] = SVG("<rect width=\"50\" height=\"50\" fill=\"#f00\"/>");

/* ---- files ---- */

static struct bytes bytes_of(const char *text, size_t len)
{
    struct bytes bytes = { malloc(len + 1), len };
    assert_non_null(bytes.data);
    memcpy(bytes.data, text, len);
    return bytes;
}

struct page {
    double width, height; /* points */
    const char *color;    /* "1 0 0", of the left half */
};

/* A PDF with its cross-reference table (ISO 32000-1 §7.5). */
static struct bytes pdf_of(const struct page *pages, size_t count)
{
    struct bytes bytes = { NULL, 0 };
    FILE *file = open_memstream(&bytes.data, &bytes.len);
    assert_non_null(file);
    long places[32];
    size_t objects = 0;
    assert_true(2 + 2 * count < IJ_ARRAY_LEN(places));
#define OBJECT(...)                                                                \
    (places[objects++] = ftell(file), (void)fprintf(file, "%zu 0 obj\n", objects), \
     (void)fprintf(file, __VA_ARGS__), (void)fputs("\nendobj\n", file))
    (void)fputs("%PDF-1.4\n", file);
    OBJECT("<< /Type /Catalog /Pages 2 0 R >>");
    places[objects++] = ftell(file);
    (void)fputs("2 0 obj\n<< /Type /Pages /Kids [", file);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(file, "%zu 0 R ", 3 + 2 * i);
    (void)fprintf(file, "] /Count %zu >>\nendobj\n", count);
    for (size_t i = 0; i < count; i++) {
        char content[128];
        int len = snprintf(content, sizeof(content), "%s rg 0 0 %.1f %.1f re f",
                           pages[i].color, pages[i].width / 2, pages[i].height);
        OBJECT("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.1f %.1f] "
               "/Contents %zu 0 R /Resources << >> >>",
               pages[i].width, pages[i].height, objects + 1);
        OBJECT("<< /Length %d >>\nstream\n%s\nendstream", len, content);
    }
#undef OBJECT
    long table = ftell(file);
    (void)fprintf(file, "xref\n0 %zu\n0000000000 65535 f \n", objects + 1);
    for (size_t i = 0; i < objects; i++)
        (void)fprintf(file, "%010ld 00000 n \n", places[i]);
    (void)fprintf(file, "trailer\n<< /Size %zu /Root 1 0 R >>\nstartxref\n%ld\n%%%%EOF\n",
                  objects + 1, table);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static const struct page three[] = { { 100, 50, "1 0 0" },
                                     { 100, 50, "0 1 0" },
                                     { 100, 50, "0 0 1" } };

static bool has(const char *operation)
{
    if (vips_type_find("VipsOperation", operation) != 0)
        return true;
    print_message("libvips %s has no %s\n", vips_version_string(), operation);
    return false;
}

static void need(const char *operation)
{
    if (!has(operation))
        skip();
}

/* 8 bits of RGB with detail, so that quality matters. */
static VipsImage *picture(int width, int height)
{
    VipsImage *noise, *soft, *bands, *made;
    assert_int_equal(vips_gaussnoise(&noise, width, height, "mean", 128., "sigma", 60.,
                                     "seed", 7, NULL),
                     0);
    assert_int_equal(vips_gaussblur(noise, &soft, 1, NULL), 0);
    VipsImage *three_bands[] = { soft, noise, soft };
    assert_int_equal(vips_bandjoin(three_bands, &bands, 3, NULL), 0);
    assert_int_equal(vips_cast_uchar(bands, &made, NULL), 0);
    g_object_unref(noise);
    g_object_unref(soft);
    g_object_unref(bands);
    VipsImage *held, *rgb;
    held = vips_image_copy_memory(made);
    assert_non_null(held);
    assert_int_equal(
        vips_copy(held, &rgb, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), 0);
    g_object_unref(made);
    g_object_unref(held);
    return rgb;
}

static struct bytes picture_as(const char *suffix)
{
    VipsImage *image = picture(96, 64);
    struct bytes bytes = encoded(image, suffix);
    g_object_unref(image);
    return bytes;
}

/* ---- running ---- */

#define PNG_OF(steps) "{\"steps\":[" steps "],\"outputs\":[{\"format\":\"png\"}]}"
#define AS_IT_IS      "{\"steps\":[]}"
#define SCALED(width) "{\"op\":\"resize\",\"width\":" #width "}"

enum {
    ALL = IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_SVG) | IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_PDF) |
          IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_JXL) | IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_JP2)
};

static void result_freep(struct imgjob_result **result)
{
    imgjob_result_free(*result);
}

static int run_within(const struct bytes *bytes, const char *json,
                      struct imgjob_limits limits, struct imgjob_result **out)
{
    limits.size = sizeof(limits);
    const struct imgjob_run_options options = { .size = sizeof(options),
                                                .limits = &limits };
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    expect_code(0, imgjob_spec_parse(json, strlen(json), &spec, &test_err));
    test_err = (struct imgjob_error){ 0 };
    return imgjob_run(bytes->data, bytes->len, spec, &options, out, &test_err);
}

static struct imgjob_result *run_on(const struct bytes *bytes, const char *json)
{
    struct imgjob_result *result = NULL;
    const struct imgjob_limits limits = { .extra_formats = ALL, .max_pages = 9 };
    expect_code(0, run_within(bytes, json, limits, &result));
    return result;
}

static void expect_failure(const struct bytes *bytes, struct imgjob_limits limits,
                           int code, const char *words)
{
    struct imgjob_result *result = NULL;
    limits.extra_formats = ALL;
    expect_code(code, run_within(bytes, AS_IT_IS, limits, &result));
    expect_words(words);
    assert_null(result);
}

/* The output as pixels, RGBA. */
static VipsImage *pixels_of(const struct imgjob_result *result, size_t index, int page)
{
    const struct imgjob_output *output = imgjob_result_output(result, index);
    assert_non_null(output);
    ij_image_allow(output->format);
    VipsImage *read = vips_image_new_from_buffer(output->data, output->len, "", "access",
                                                 VIPS_ACCESS_RANDOM, NULL);
    if (page > 0) {
        g_object_unref(read);
        read =
            vips_image_new_from_buffer(output->data, output->len, "", "page", page, NULL);
    }
    assert_non_null(read);
    VipsImage *held = vips_image_copy_memory(read);
    assert_non_null(held);
    assert_int_equal(vips_image_get_width(held), output->width);
    assert_int_equal(vips_image_get_height(held), output->height);
    g_object_unref(read);
    return held;
}

static void expect_at(VipsImage *image, int x, int y, const char *rgba)
{
    double *values;
    int count;
    char found[64] = "";
    assert_int_equal(vips_getpoint(image, &values, &count, x, y, NULL), 0);
    for (int i = 0; i < count; i++)
        (void)snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%.0f",
                       i ? " " : "", values[i]);
    g_free(values);
    if (strcmp(found, rgba) != 0)
        fail_msg("at %d, %d: %s, not %s", x, y, found, rgba);
}

/* ---- by the first bytes ---- */

static void formats_are_told_by_their_first_bytes(void **state)
{
    (void)state;
#define BYTES(text) text, sizeof(text) - 1
    static const struct {
        const char *bytes;
        size_t len;
        uint32_t format;
    } cases[] = {
        { BYTES("%PDF-1.7"), IMGJOB_FORMAT_PDF },
        { BYTES(" %PDF-1.7"), IMGJOB_FORMAT_NONE },
        { BYTES("\xff\x0a\x31"), IMGJOB_FORMAT_JXL },
        { BYTES("\0\0\0\x0cJXL \r\n\x87\n"), IMGJOB_FORMAT_JXL },
        { BYTES("\0\0\0\x0cJXL \r\n"), IMGJOB_FORMAT_NONE },
        { BYTES("\0\0\0\x0cjP  \r\n\x87\n"), IMGJOB_FORMAT_JP2 },
        { BYTES("\xff\x4f\xff\x51"), IMGJOB_FORMAT_JP2 },
        { BYTES("<svg xmlns="), IMGJOB_FORMAT_SVG },
        { BYTES("<svg>"), IMGJOB_FORMAT_SVG },
        { BYTES("<svg"), IMGJOB_FORMAT_NONE },
        { BYTES("<svgfoo>"), IMGJOB_FORMAT_NONE },
        { BYTES("\xef\xbb\xbf \r\n<?xml version="), IMGJOB_FORMAT_SVG },
        { BYTES("<?xml-stylesheet "), IMGJOB_FORMAT_NONE },
        { BYTES("<!-- by hand"), IMGJOB_FORMAT_SVG },
        { BYTES("<!DOCTYPE svg PUBLIC"), IMGJOB_FORMAT_SVG },
        { BYTES("<!DOCTYPE svgs>"), IMGJOB_FORMAT_NONE },
        { BYTES("<!DOCTYPE html>"), IMGJOB_FORMAT_NONE },
        { BYTES("<html><svg>"), IMGJOB_FORMAT_NONE },
        { BYTES("    "), IMGJOB_FORMAT_NONE },
        { BYTES("\xef\xbb\xbf"), IMGJOB_FORMAT_NONE },
        { BYTES("\x1f\x8b\x08\0"), IMGJOB_FORMAT_NONE }, /* svgz: it could unfold */
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(bytes_done)
        struct bytes alone = { malloc(cases[i].len), cases[i].len }; /* ASan looks on */
        memcpy(alone.data, cases[i].bytes, cases[i].len);
        if (ij_format_sniff(alone.data, alone.len) != cases[i].format)
            fail_msg("'%s' is %s", cases[i].bytes,
                     imgjob_format_name(ij_format_sniff(alone.data, alone.len)));
    }
}

/* ---- switched on ---- */

static void what_is_read_is_the_usual_and_what_was_switched_on(void **state)
{
    (void)state;
    char read[IJ_FORMATS_TEXT_SIZE];
    ij_formats_read(0, read);
    assert_string_equal(read, "jpeg, png, webp, gif, tiff, avif, heic");
    ij_formats_read(ALL, read);
    assert_string_equal(read,
                        "jpeg, png, webp, gif, tiff, avif, heic, svg, pdf, jxl, jp2");
    assert_true(ij_format_is_read(IMGJOB_FORMAT_PNG, 0));
    assert_false(
        ij_format_is_read(IMGJOB_FORMAT_SVG, IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_PDF)));
    assert_false(ij_format_is_read(IMGJOB_FORMAT_NONE, ALL));
    assert_false(ij_format_is_read(77, UINT32_MAX));
}

static void only_these_can_be_switched_on(void **state)
{
    (void)state;
    struct imgjob_limits limits = { .size = sizeof(limits),
                                    .extra_formats =
                                        IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_JPEG) };
    struct imgjob_limits out;
    expect_code(IMGJOB_E_INVALID, ij_limits_read(&limits, &out, &test_err));
    expect_words(
        "extra_formats: must be of the bits 0xf00 (svg, pdf, jxl, jp2), not 0x2");
    limits = (struct imgjob_limits){ .size = sizeof(limits), .reserved = 1 };
    expect_code(IMGJOB_E_ABI, ij_limits_read(&limits, &out, &test_err));
    expect_words("reserved: must be 0, not 1");
    const struct imgjob_store_options options = { .size = sizeof(options),
                                                  .extra_formats = 1u << 12 };
    struct imgjob_store *store = NULL;
    expect_code(IMGJOB_E_INVALID, imgjob_store_open(&options, &store, &test_err));
    expect_words("extra_formats");
}

/* Each is refused, read, and refused again: what one run switched on is not left on. */
static void a_format_is_read_by_the_runs_that_switch_it_on(void **state)
{
    (void)state;
    struct {
        uint32_t format;
        const char *loader;
        struct bytes bytes;
    } cases[] = {
        { IMGJOB_FORMAT_SVG, "svgload_buffer", bytes_of(half_svg, strlen(half_svg)) },
        { IMGJOB_FORMAT_PDF, "pdfload_buffer", pdf_of(three, 1) },
        { IMGJOB_FORMAT_JXL, "jxlload_buffer", { NULL, 0 } },
        { IMGJOB_FORMAT_JP2, "jp2kload_buffer", { NULL, 0 } },
    };
    if (has("jxlsave_buffer"))
        cases[2].bytes = picture_as(".jxl");
    if (has("jp2ksave_buffer"))
        cases[3].bytes = picture_as(".jp2");
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        if (!cases[i].bytes.data || !has(cases[i].loader))
            continue;
        IJ_AUTO(bytes_done) struct bytes bytes = cases[i].bytes;
        const char *name = imgjob_format_name(cases[i].format);
        char words[64];
        (void)snprintf(words, sizeof(words),
                       "%s is not read here (switch on with "
                       "extra_formats)",
                       name);
        for (int round = 0; round < 3; round++) {
            struct imgjob_limits limits = { .size = sizeof(limits) };
            limits.extra_formats = IMGJOB_FORMAT_BIT(cases[i].format);
            if (round != 1) /* all but that */
                limits.extra_formats ^= ALL;
            const struct imgjob_run_options options = { .size = sizeof(options),
                                                        .limits = &limits };
            IJ_AUTO(result_freep) struct imgjob_result *result = NULL;
            struct imgjob_image_info info = { .size = sizeof(info) };
            int code = round == 1 ? 0 : IMGJOB_E_IMAGE;
            expect_code(code, run_within(&bytes, AS_IT_IS, limits, &result));
            if (code)
                expect_words(words);
            expect_code(code,
                        imgjob_info(bytes.data, bytes.len, &options, &info, &test_err));
            assert_int_equal(info.format, code ? IMGJOB_FORMAT_NONE : cases[i].format);
            assert_int_equal(info.pages, code ? 0 : 1);
        }
    }
}

/* ---- what is drawn ---- */

static void a_drawing_is_as_sharp_as_it_is_large(void **state)
{
    (void)state;
    need("svgload_buffer");
    IJ_AUTO(bytes_done) struct bytes svg = bytes_of(half_svg, strlen(half_svg));
    IJ_AUTO(result_freep)
    struct imgjob_result *result = run_on(&svg, PNG_OF(SCALED(1000)));
    IJ_AUTO(ij_image_unref) VipsImage *image = pixels_of(result, 0, 0);
    assert_int_equal(vips_image_get_height(image), 500);
    expect_at(image, 0, 0, "255 0 0 255");
    expect_at(image, 499, 499, "255 0 0 255"); /* enlarged pixels would be mixed here */
    expect_at(image, 500, 0, "0 0 0 0");
    IJ_AUTO(result_freep) struct imgjob_result *small = run_on(&svg, PNG_OF(SCALED(10)));
    IJ_AUTO(ij_image_unref) VipsImage *least = pixels_of(small, 0, 0);
    expect_at(least, 4, 4, "255 0 0 255");
    expect_at(least, 5, 4, "0 0 0 0");
}

/* Another step before the scaling, or in another output, sees its own size. */
static void a_drawing_that_is_not_scaled_first_has_its_own_size(void **state)
{
    (void)state;
    need("svgload_buffer");
    IJ_AUTO(bytes_done) struct bytes svg = bytes_of(half_svg, strlen(half_svg));
    static const char both[] =
        "{\"outputs\":[{\"name\":\"large\",\"format\":\"png\",\"steps\":[" SCALED(
            1000) "]},{\"name\":\"own\",\"format\":\"png\"}]}";
    IJ_AUTO(result_freep) struct imgjob_result *two = run_on(&svg, both);
    IJ_AUTO(ij_image_unref) VipsImage *large = pixels_of(two, 0, 0);
    IJ_AUTO(ij_image_unref) VipsImage *own = pixels_of(two, 1, 0);
    assert_int_equal(vips_image_get_width(large), 1000);
    assert_int_equal(vips_image_get_width(own), 100);
    expect_at(own, 49, 0, "255 0 0 255");
    expect_at(own, 50, 0, "0 0 0 0");
    static const char crop[] =
        "{\"op\":\"crop\",\"x\":45,\"y\":0,\"width\":10,\"height\":10}";
    char json[256];
    (void)snprintf(json, sizeof(json),
                   "{\"steps\":[%s,%s],\"outputs\":[{\"format\":"
                   "\"png\"}]}",
                   crop, SCALED(100));
    IJ_AUTO(result_freep) struct imgjob_result *cut = run_on(&svg, json);
    IJ_AUTO(ij_image_unref) VipsImage *middle = pixels_of(cut, 0, 0);
    assert_int_equal(vips_image_get_height(middle), 100);
    expect_at(middle, 10, 50, "255 0 0 255");
    expect_at(middle, 90, 50, "0 0 0 0");
}

static void several_drawings_are_made_of_the_largest(void **state)
{
    (void)state;
    need("svgload_buffer");
    IJ_AUTO(bytes_done) struct bytes svg = bytes_of(half_svg, strlen(half_svg));
    static const char three_sizes[] =
        "{\"outputs\":[{\"name\":\"a\",\"format\":\"png\",\"steps\":"
        "[" SCALED(50) "]},{\"name\":\"b\",\"format\":\"png\",\"steps\":"
                       "[" SCALED(800) "]},{\"name\":\"c\",\"format\":"
                                       "\"png\",\"steps\":[" SCALED(400) "]}]}";
    IJ_AUTO(result_freep) struct imgjob_result *result = run_on(&svg, three_sizes);
    static const int widths[] = { 50, 800, 400 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(widths); i++) {
        IJ_AUTO(ij_image_unref) VipsImage *image = pixels_of(result, i, 0);
        assert_int_equal(vips_image_get_width(image), widths[i]);
        expect_at(image, widths[i] / 2 - 4, 0, "255 0 0 255");
        expect_at(image, widths[i] / 2 + 4, 0, "0 0 0 0");
    }
}

static void a_drawing_is_enlarged_only_within_the_limits(void **state)
{
    (void)state;
    struct imgjob_limits limits = { .max_side = 5000, .max_pixels = 1000000 };
    static const struct {
        struct ij_extent own, needed;
        uint32_t pages;
    } cases[] = {
        { { 100, 50 }, { 1000, 500 }, 1 },    { { 100, 50 }, { 50, 25 }, 1 },
        { { 1, 1 }, { 4000, 10 }, 1 },        { { 100, 50 }, { 100000, 1 }, 1 },
        { { 3, 2 }, { 16384, 16384 }, 9 },    { { 4999, 20 }, { 16384, 2 }, 1 },
        { { 5000, 200 }, { 10000, 400 }, 1 }, { { 700, 900 }, { 700, 900 }, 2 },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct ij_extent own = cases[i].own, needed = cases[i].needed;
        double scale = ij_source_scale(&limits, cases[i].pages, own, needed);
        /* what is drawn is rounded, and its own size was before */
        double width = (own.width + .5) * scale + .5;
        double height = (own.height + .5) * scale + .5;
        bool is_enough =
            own.width * scale >= needed.width && own.height * scale >= needed.height;
        if (scale <= 1) {
            assert_true(is_enough || scale == 1);
            continue;
        }
        assert_true(width <= 5001 && height <= 5001);
        assert_true(width * height * cases[i].pages <= 1000000 * 1.001);
        /* as large as needed, or as large as it may be */
        assert_true(is_enough || width > 4900 ||
                    width * height * cases[i].pages > 400000);
    }
    assert_true(ij_source_scale(&limits, 1, cases[0].own, cases[0].needed) == 10);
    assert_true(ij_source_scale(&limits, 1, cases[1].own, cases[1].needed) == .5);

    need("svgload_buffer");
    IJ_AUTO(bytes_done) struct bytes svg = bytes_of(half_svg, strlen(half_svg));
    static const char cover[] = PNG_OF("{\"op\":\"resize\",\"width\":40,\"height\":1000,"
                                       "\"fit\":\"cover\"}");
    limits.extra_formats = ALL;
    limits.max_pixels = 50000; /* all of it at that height would be 2,000,000 */
    IJ_AUTO(result_freep) struct imgjob_result *result = NULL;
    expect_code(0, run_within(&svg, cover, limits, &result));
    IJ_AUTO(ij_image_unref) VipsImage *image = pixels_of(result, 0, 0);
    expect_at(image, 0, 500, "255 0 0 255");
}

static void a_drawing_too_large_is_refused_before_it_is_drawn(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900000 900000\"/>",
          "side: 900000 is over the limit of 16384 (max_side)" },
        { "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9000\" height=\"9000\"/>",
          "pixels: 81000000 is over the limit of 50000000 (max_pixels)" },
        { "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9e11\" height=\"50\"/>",
          "svg of 66 bytes: a side is below 2 px, or far too long" },
        { "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9e12\" height=\"9e12\"/>",
          "a side is below 2 px, or far too long" },
        { "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"9\"/>",
          "a side is below 2 px, or far too long" },
    };
    need("svgload_buffer");
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(bytes_done)
        struct bytes svg = bytes_of(cases[i].text, strlen(cases[i].text));
        expect_failure(&svg, (struct imgjob_limits){ 0 }, IMGJOB_E_LIMIT, cases[i].words);
    }
    need("pdfload_buffer");
    static const struct page wide = { 900000000000., 50, "1 0 0" };
    static const struct page large = { 20000, 50, "1 0 0" };
    IJ_AUTO(bytes_done) struct bytes far = pdf_of(&wide, 1);
    IJ_AUTO(bytes_done) struct bytes over = pdf_of(&large, 1);
    expect_failure(&far, (struct imgjob_limits){ 0 }, IMGJOB_E_LIMIT, "far too long");
    expect_failure(&over, (struct imgjob_limits){ 0 }, IMGJOB_E_LIMIT, "(max_side)");
}

/* ---- hostile SVG ---- */

/* What unfolds to more than anybody could draw is in tests/http: libxml2 leaks on it. */
static void xml_that_is_no_svg_fails(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<?xml version=\"1.0\"?><html><body>hello</body></html>",
        "<!-- nothing follows -->",
        "<svg > rubbish",
        "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM "
        "\"file:///etc/passwd\">]>" SVG("<text y=\"20\">&x;</text>"),
    };
    need("svgload_buffer");
    for (size_t i = 0; i < IJ_ARRAY_LEN(texts); i++) {
        IJ_AUTO(bytes_done) struct bytes svg = bytes_of(texts[i], strlen(texts[i]));
        expect_failure(&svg, (struct imgjob_limits){ 0 }, IMGJOB_E_IMAGE, "svg of ");
    }
}

static void put_base64(FILE *file, const struct bytes *bytes)
{
    gchar *text = g_base64_encode((const guchar *)bytes->data, bytes->len);
    (void)fputs(text, file);
    g_free(text);
}

/* An SVG that shows an image by these ways to name it. @param data instead: inline */
static struct bytes showing(const char *const *urls, const struct bytes *data)
{
    struct bytes bytes = { NULL, 0 };
    FILE *file = open_memstream(&bytes.data, &bytes.len);
    assert_non_null(file);
    (void)fputs("<svg xmlns=\"http://www.w3.org/2000/svg\" "
                "xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"100\" "
                "height=\"50\">",
                file);
    for (; urls && *urls; urls++)
        (void)fprintf(file,
                      "<image width=\"100\" height=\"50\" xlink:href=\"%s\"/>"
                      "<image width=\"100\" height=\"50\" href=\"%s\"/>",
                      *urls, *urls);
    if (data) {
        (void)fputs("<image width=\"100\" height=\"50\" "
                    "xlink:href=\"data:image/png;base64,",
                    file);
        put_base64(file, data);
        (void)fputs("\"/>", file);
    }
    (void)fputs("</svg>", file);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static double ink_of(const struct bytes *svg)
{
    IJ_AUTO(result_freep) struct imgjob_result *result = run_on(svg, PNG_OF(""));
    IJ_AUTO(ij_image_unref) VipsImage *image = pixels_of(result, 0, 0);
    double ink;
    assert_int_equal(vips_max(image, &ink, NULL), 0);
    return ink;
}

static void an_svg_shows_no_file_of_this_machine(void **state)
{
    (void)state;
    need("svgload_buffer");
    IJ_AUTO(bytes_done) struct bytes picture_png = picture_as(".png");
    char *directory = test_dir_make();
    char path[256], url[300], back[300];
    (void)snprintf(path, sizeof(path), "%s/secret.png", directory);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(picture_png.data, 1, picture_png.len, file), picture_png.len);
    assert_int_equal(fclose(file), 0);
    char *before = get_current_dir_name();
    assert_int_equal(chdir(directory), 0); /* were names taken from here, it would show */
    (void)snprintf(url, sizeof(url), "file://%s", path);
    (void)snprintf(back, sizeof(back), "file:./secret.png?../../%s", path);
    const char *const urls[] = { url,          path,           back,
                                 "secret.png", "./secret.png", "file:secret.png",
                                 NULL };
    IJ_AUTO(bytes_done) struct bytes named = showing(urls, NULL);
    IJ_AUTO(bytes_done) struct bytes within = showing(NULL, &picture_png);
    double named_ink = ink_of(&named), within_ink = ink_of(&within);
    assert_int_equal(chdir(before), 0);
    free(before);
    test_dir_remove(directory);
    assert_true(named_ink == 0);
    assert_true(within_ink > 0); /* the same image is drawn where it may be */
}

/* ---- PDF ---- */

static void a_page_of_a_pdf_is_drawn(void **state)
{
    (void)state;
    need("pdfload_buffer");
    IJ_AUTO(bytes_done) struct bytes pdf = pdf_of(three, 3);
    static const char *const colors[] = { "255 0 0 255", "0 255 0 255", "0 0 255 255" };
    for (int page = 0; page < 3; page++) {
        char json[160];
        (void)snprintf(json, sizeof(json),
                       "{\"load\":{\"page\":%d},\"steps\":[" SCALED(
                           400) "],\"outputs\":[{\"format\":\"png\"}]}",
                       page);
        IJ_AUTO(result_freep) struct imgjob_result *result = run_on(&pdf, json);
        IJ_AUTO(ij_image_unref) VipsImage *image = pixels_of(result, 0, 0);
        assert_int_equal(vips_image_get_height(image), 200);
        expect_at(image, 0, 0, colors[page]);
        expect_at(image, 199, 199, colors[page]);
        expect_at(image, 200, 0, "255 255 255 255"); /* paper */
    }
    struct imgjob_result *none = NULL;
    const struct imgjob_limits limits = { .extra_formats = ALL };
    expect_code(IMGJOB_E_SPEC,
                run_within(&pdf, "{\"load\":{\"page\":3}}", limits, &none));
    expect_words("/load/page: the image has 3 pages");
}

static void pages_of_a_pdf_become_pages_of_a_tiff(void **state)
{
    (void)state;
    need("pdfload_buffer");
    IJ_AUTO(bytes_done) struct bytes pdf = pdf_of(three, 3);
    static const char json[] = "{\"load\":{\"pages\":\"all\"},\"steps\":[" SCALED(
        300) "],\"outputs\":[{\"format\":\"tiff\"}]}";
    IJ_AUTO(result_freep) struct imgjob_result *result = run_on(&pdf, json);
    static const char *const colors[] = { "255 0 0 255", "0 255 0 255", "0 0 255 255" };
    for (int page = 0; page < 3; page++) {
        IJ_AUTO(ij_image_unref) VipsImage *image = pixels_of(result, 0, page);
        assert_int_equal(vips_image_get_height(image), 150);
        expect_at(image, 0, 149, colors[page]);
        expect_at(image, 149, 75, colors[page]); /* drawn at that size, not enlarged */
        expect_at(image, 150, 75, "255 255 255 255");
    }
    const struct imgjob_limits one = { .extra_formats = ALL, .max_pages = 2 };
    struct imgjob_result *none = NULL;
    expect_code(IMGJOB_E_LIMIT, run_within(&pdf, json, one, &none));
    expect_words("pages: 3 is over the limit of 2 (max_pages)");
}

static void pages_of_different_sizes_are_not_loaded_together(void **state)
{
    (void)state;
    need("pdfload_buffer");
    static const struct page pages[] = { { 100, 50, "1 0 0" },
                                         { 100, 25, "0 1 0" },
                                         { 100, 75, "0 0 1" } };
    IJ_AUTO(bytes_done) struct bytes pdf = pdf_of(pages, 3);
    const struct imgjob_limits limits = { .extra_formats = ALL, .max_pages = 3 };
    struct imgjob_result *none = NULL;
    expect_code(IMGJOB_E_SPEC,
                run_within(&pdf,
                           "{\"load\":{\"pages\":\"all\"},\"outputs\":[{\"format\":"
                           "\"tiff\"}]}",
                           limits, &none));
    expect_words(
        "/load/pages: page 0 is 100 x 50 px and page 1 is 100 x 25 px; only pages "
        "of one size can be loaded together");
    static const char last[] =
        "{\"load\":{\"page\":2},\"outputs\":[{\"format\":\"tiff\"}]}";
    IJ_AUTO(result_freep) struct imgjob_result *result = run_on(&pdf, last);
    assert_int_equal(imgjob_result_output(result, 0)->height, 75);
}

static void a_file_that_is_cut_off_fails(void **state)
{
    (void)state;
    struct {
        const char *loader;
        struct bytes bytes;
    } cases[] = {
        { "pdfload_buffer", pdf_of(three, 3) },
        { "svgload_buffer", bytes_of(half_svg, strlen(half_svg)) },
        { "jxlload_buffer", { NULL, 0 } },
        { "jp2kload_buffer", { NULL, 0 } },
    };
    if (has("jxlsave_buffer"))
        cases[2].bytes = picture_as(".jxl");
    if (has("jp2ksave_buffer"))
        cases[3].bytes = picture_as(".jp2");
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        if (!cases[i].bytes.data || !has(cases[i].loader))
            continue;
        IJ_AUTO(bytes_done) struct bytes bytes = cases[i].bytes;
        for (size_t share = 1; share < 4; share++) {
            size_t len = i == 0 ? bytes.len / 8 * share : bytes.len / 4 * share;
            IJ_AUTO(bytes_done) struct bytes cut = bytes_of(bytes.data, len);
            expect_failure(&cut, (struct imgjob_limits){ 0 }, IMGJOB_E_IMAGE, " bytes: ");
        }
    }
}

/* ---- JPEG XL and JPEG 2000 ---- */

static double worst_difference(VipsImage *one, VipsImage *other)
{
    VipsImage *difference, *absolute;
    double worst;
    assert_int_equal(vips_image_get_bands(one), vips_image_get_bands(other));
    assert_int_equal(vips_subtract(one, other, &difference, NULL), 0);
    assert_int_equal(vips_abs(difference, &absolute, NULL), 0);
    assert_int_equal(vips_max(absolute, &worst, NULL), 0);
    g_object_unref(difference);
    g_object_unref(absolute);
    return worst;
}

static void pixels_without_loss_come_through(void **state)
{
    (void)state;
    static const char *const suffixes[][2] = { { ".jxl[lossless]", "jxlsave_buffer" },
                                               { ".jp2[lossless]", "jp2ksave_buffer" } };
    for (size_t i = 0; i < IJ_ARRAY_LEN(suffixes); i++) {
        if (!has(suffixes[i][1]))
            continue;
        IJ_AUTO(bytes_done) struct bytes bytes = picture_as(suffixes[i][0]);
        IJ_AUTO(result_freep) struct imgjob_result *result = run_on(&bytes, PNG_OF(""));
        IJ_AUTO(ij_image_unref) VipsImage *image = pixels_of(result, 0, 0);
        IJ_AUTO(ij_image_unref) VipsImage *wanted = picture(96, 64);
        assert_true(worst_difference(image, wanted) <= 1); /* by way of its profile */
    }
}

static size_t length_at(const struct bytes *png, const char *settings, double *worst)
{
    char json[160];
    (void)snprintf(json, sizeof(json), "{\"outputs\":[{\"format\":\"jxl\"%s}]}",
                   settings);
    IJ_AUTO(result_freep) struct imgjob_result *result = run_on(png, json);
    const struct imgjob_output *output = imgjob_result_output(result, 0);
    assert_int_equal(output->format, IMGJOB_FORMAT_JXL);
    assert_int_equal(ij_format_sniff(output->data, output->len), IMGJOB_FORMAT_JXL);
    IJ_AUTO(ij_image_unref) VipsImage *image = pixels_of(result, 0, 0);
    IJ_AUTO(ij_image_unref) VipsImage *wanted = picture(96, 64);
    *worst = worst_difference(image, wanted);
    return output->len;
}

static void jxl_is_written_with_its_settings(void **state)
{
    (void)state;
    need("jxlsave_buffer");
    need("jxlload_buffer");
    IJ_AUTO(bytes_done) struct bytes png = picture_as(".png");
    static const char *const rising[] = { ",\"quality\":1",  ",\"quality\":15",
                                          ",\"quality\":40", "",
                                          ",\"quality\":95", ",\"quality\":100" };
    size_t last = 0;
    double worst, first_worst = 0;
    for (size_t i = 0; i < IJ_ARRAY_LEN(rising); i++) {
        size_t len = length_at(&png, rising[i], &worst);
        if (len <= last)
            fail_msg("%zu bytes with %s, after %zu", len, rising[i], last);
        last = len;
        first_worst = i ? first_worst : worst;
    }
    assert_true(worst < first_worst);
    (void)length_at(&png, ",\"lossless\":true", &worst);
    assert_true(worst == 0);
    size_t fast = length_at(&png, ",\"effort\":0", &worst);
    size_t small = length_at(&png, ",\"effort\":9", &worst);
    assert_true(fast != small);
}

static void jxl_is_searched_for_bytes_and_likeness(void **state)
{
    (void)state;
    need("jxlsave_buffer");
    need("jxlload_buffer");
    IJ_AUTO(bytes_done) struct bytes png = picture_as(".png");
    double worst;
    size_t whole = length_at(&png, "", &worst);
    char settings[64];
    (void)snprintf(settings, sizeof(settings), ",\"max_bytes\":%zu", whole / 2);
    size_t half = length_at(&png, settings, &worst);
    assert_true(half <= whole / 2 && half > whole / 4);
    size_t like = length_at(&png, ",\"target_ssim\":0.99", &worst);
    size_t less = length_at(&png, ",\"target_ssim\":0.7", &worst);
    assert_true(less < like);
}

static void jxl_keeps_transparency_and_grey(void **state)
{
    (void)state;
    need("jxlsave_buffer");
    need("svgload_buffer");
    IJ_AUTO(bytes_done) struct bytes svg = bytes_of(half_svg, strlen(half_svg));
    static const char clear[] = "{\"outputs\":[{\"format\":\"jxl\",\"lossless\":true}]}";
    IJ_AUTO(result_freep) struct imgjob_result *result = run_on(&svg, clear);
    IJ_AUTO(ij_image_unref) VipsImage *image = pixels_of(result, 0, 0);
    expect_at(image, 10, 10, "255 0 0 255");
    expect_at(image, 90, 10, "0 0 0 0");
    static const char grey[] = "{\"steps\":[{\"op\":\"flatten\"},{\"op\":\"grayscale\"}],"
                               "\"outputs\":[{\"format\":\"jxl\",\"lossless\":true}]}";
    IJ_AUTO(result_freep) struct imgjob_result *second = run_on(&svg, grey);
    IJ_AUTO(ij_image_unref) VipsImage *levels = pixels_of(second, 0, 0);
    assert_int_equal(vips_image_get_bands(levels), 1);
    expect_at(levels, 90, 10, "255");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_told_by_their_first_bytes),
        cmocka_unit_test(what_is_read_is_the_usual_and_what_was_switched_on),
        cmocka_unit_test(only_these_can_be_switched_on),
        cmocka_unit_test(a_format_is_read_by_the_runs_that_switch_it_on),
        cmocka_unit_test(a_drawing_is_as_sharp_as_it_is_large),
        cmocka_unit_test(a_drawing_that_is_not_scaled_first_has_its_own_size),
        cmocka_unit_test(several_drawings_are_made_of_the_largest),
        cmocka_unit_test(a_drawing_is_enlarged_only_within_the_limits),
        cmocka_unit_test(a_drawing_too_large_is_refused_before_it_is_drawn),
        cmocka_unit_test(xml_that_is_no_svg_fails),
        cmocka_unit_test(an_svg_shows_no_file_of_this_machine),
        cmocka_unit_test(a_page_of_a_pdf_is_drawn),
        cmocka_unit_test(pages_of_a_pdf_become_pages_of_a_tiff),
        cmocka_unit_test(pages_of_different_sizes_are_not_loaded_together),
        cmocka_unit_test(a_file_that_is_cut_off_fails),
        cmocka_unit_test(pixels_without_loss_come_through),
        cmocka_unit_test(jxl_is_written_with_its_settings),
        cmocka_unit_test(jxl_is_searched_for_bytes_and_likeness),
        cmocka_unit_test(jxl_keeps_transparency_and_grey),
    };
    return cmocka_run_group_tests(tests, start_image_room, NULL);
}
