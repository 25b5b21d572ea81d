/* The spec room: both written forms, the sentences for what is wrong, the one canonical
 * text, and formats told by their bytes. */
#include "test.h"

#include "image/image.h"
#include "spec/spec.h"

static struct imgjob_spec *parse(const char *json)
{
    struct imgjob_spec *spec = NULL;
    expect_code(0, ij_spec_parse(json, strlen(json), &ij_image_ops, &spec, &test_err));
    assert_non_null(spec);
    return spec;
}

static void expect_text(const char *json, const char *canonical)
{
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = parse(json);
    assert_string_equal(imgjob_spec_text(spec), canonical);
}

/* The whole sentence, and nothing made. */
static void expect_refusal(const char *json, const char *sentence)
{
    struct imgjob_spec *spec = NULL;
    expect_code(IMGJOB_E_SPEC,
                ij_spec_parse(json, strlen(json), &ij_image_ops, &spec, &test_err));
    assert_null(spec);
    assert_int_equal(test_err.code, IMGJOB_E_SPEC);
    assert_string_equal(test_err.text, sentence);
}

static void the_short_form_is_sugar_for_one_step_and_one_output(void **state)
{
    (void)state;
    expect_text(
        "{\"operation\":\"resize\",\"width\":800,\"height\":600}",
        "{\"steps\":[{\"op\":\"resize\",\"width\":800,\"height\":600,"
        "\"fit\":\"fill\",\"enlarge\":true}],\"outputs\":[{\"name\":\"image\"}]}");
    expect_text("{\"enlarge\":false,\"output_format\":\"webp\",\"height\":1,"
                "\"width\":4096,\"operation\":\"thumbnail\"}",
                "{\"steps\":[{\"op\":\"resize\",\"width\":4096,\"height\":1,"
                "\"fit\":\"inside\",\"enlarge\":false}],"
                "\"outputs\":[{\"name\":\"image\",\"format\":\"webp\"}]}");
}

static void specs_of_one_meaning_have_one_text(void **state)
{
    (void)state;
    static const char *const same[] = {
        "{\"operation\":\"resize\",\"width\":8,\"height\":6,\"output_format\":\"jpg\"}",
        "{\"output_format\":\"jpeg\",\"height\":6,\"operation\":\"resize\",\"width\":8,"
        "\"enlarge\":true}",
        "{\"outputs\":[{\"format\":\"jpeg\",\"name\":\"image\"}],"
        "\"steps\":[{\"height\":6,\"width\":8,\"op\":\"resize\"}]}",
        " { \"steps\" : [ { \"op\":\"resize\",\"width\":8,\"height\":6,\"fit\":\"fill\"} "
        "],"
        "\"outputs\":[{\"name\":\"image\",\"format\":\"jpg\"}]}\n",
    };
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *first = parse(same[0]);
    for (size_t i = 1; i < IJ_ARRAY_LEN(same); i++)
        expect_text(same[i], imgjob_spec_text(first));
    expect_text(imgjob_spec_text(first), imgjob_spec_text(first));
}

static void a_short_form_with_a_fault_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "{}", "/operation: is missing" },
        { "{\"operation\":\"rotate\",\"width\":1,\"height\":1}",
          "/operation: must be one of resize, thumbnail, not 'rotate'" },
        { "{\"operation\":7,\"width\":1,\"height\":1}",
          "/operation: must be a string, not a whole number" },
        { "{\"operation\":\"resize\",\"height\":1}", "/width: is missing" },
        { "{\"operation\":\"resize\",\"width\":1}", "/height: is missing" },
        { "{\"operation\":\"resize\",\"width\":0,\"height\":1}",
          "/width: must be 1..4096, not 0" },
        { "{\"operation\":\"resize\",\"width\":-1,\"height\":1}",
          "/width: must be 1..4096, not -1" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":4097}",
          "/height: must be 1..4096, not 4097" },
        { "{\"operation\":\"resize\",\"width\":1000000000,\"height\":1}",
          "/width: must be 1..4096, not 1000000000" },
        { "{\"operation\":\"resize\",\"width\":\"800\",\"height\":1}",
          "/width: must be a whole number, not a string" },
        { "{\"operation\":\"resize\",\"width\":800.0,\"height\":1}",
          "/width: must be a whole number, without point or exponent" },
        { "{\"operation\":\"resize\",\"width\":null,\"height\":1}",
          "/width: must be a whole number, not null" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1,\"enlarge\":1}",
          "/enlarge: must be true or false, not a whole number" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1,\"output_format\":\"gif\"}",
          "/output_format: must be one of jpeg, png, webp, not 'gif'" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1,\"output_format\":\"\"}",
          "/output_format: must be one of jpeg, png, webp, not ''" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1,\"fit\":\"fill\"}",
          "/fit: is unknown; the members here are operation, width, height, "
          "output_format, enlarge" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        expect_refusal(cases[i][0], cases[i][1]);
}

static void a_long_form_with_a_fault_is_refused_with_its_place(void **state)
{
    (void)state;
#define STEP   "{\"op\":\"resize\",\"width\":1,\"height\":1}"
#define OUTPUT "\"outputs\":[{\"name\":\"image\"}]"
    static const char *const cases[][2] = {
        { "[]", "spec: must be an object, not an array" },
        { "{\"steps\":[" STEP "]}", "/outputs: is missing" },
        { "{" OUTPUT "}", "/steps: is missing" },
        { "{\"steps\":[]," OUTPUT "}", "/steps: this version runs 1 step, not 0" },
        { "{\"steps\":[" STEP "," STEP "]," OUTPUT "}",
          "/steps: this version runs 1 step, not 2" },
        { "{\"steps\":[" STEP "],\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
          "/outputs: this version makes 1 output, not 2" },
        { "{\"steps\":[" STEP "]," OUTPUT ",\"operation\":\"resize\"}",
          "/operation: is unknown; the members here are steps, outputs" },
        { "{\"steps\":{}," OUTPUT "}", "/steps: must be an array, not an object" },
        { "{\"steps\":[3]," OUTPUT "}",
          "/steps/0: must be an object, not a whole number" },
        { "{\"steps\":[{}]," OUTPUT "}", "/steps/0/op: is missing" },
        { "{\"steps\":[{\"op\":\"crop\"}]," OUTPUT "}",
          "/steps/0/op: must be one of resize, not 'crop'" },
        { "{\"steps\":[{\"op\":\"resize\",\"width\":4097,\"height\":1}]," OUTPUT "}",
          "/steps/0/width: must be 1..4096, not 4097" },
        { "{\"steps\":[{\"op\":\"resize\",\"width\":1,\"height\":1,\"fit\":\"cover\"}]"
          "," OUTPUT "}",
          "/steps/0/fit: must be one of fill, inside, not 'cover'" },
        { "{\"steps\":[{\"op\":\"resize\",\"width\":1,\"height\":1,\"a/b~\":1}]," OUTPUT
          "}",
          "/steps/0/a~1b~0: is unknown; the members here are op, width, height, fit, "
          "enlarge" },
        { "{\"steps\":[" STEP "],\"outputs\":[{}]}", "/outputs/0/name: is missing" },
        { "{\"steps\":[" STEP "],\"outputs\":[{\"name\":\"../a\"}]}",
          "/outputs/0/name: must be 1 to 64 of a-z 0-9 _ - and begin with a letter or "
          "digit" },
        { "{\"steps\":[" STEP "],\"outputs\":[{\"name\":\"a\",\"format\":\"heic\"}]}",
          "/outputs/0/format: must be one of jpeg, png, webp, not 'heic'" },
        { "{\"steps\":[" STEP "],\"outputs\":[{\"name\":\"a\",\"quality\":80}]}",
          "/outputs/0/quality: is unknown; the members here are name, format" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        expect_refusal(cases[i][0], cases[i][1]);
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "", "{", "{\"operation\":\"resize\",}", "{\"width\":1,\"width\":1}", "{}{}",
    };
    struct imgjob_spec *spec = NULL;
    for (size_t i = 0; i < IJ_ARRAY_LEN(broken); i++) {
        expect_code(IMGJOB_E_SPEC, ij_spec_parse(broken[i], strlen(broken[i]),
                                                 &ij_image_ops, &spec, &test_err));
        expect_words("JSON: ");
    }
    assert_null(spec);
}

static void a_text_over_64_kib_is_refused_unread(void **state)
{
    (void)state;
    static char text[IJ_SPEC_TEXT_MAX + 1];
    memset(text, ' ', sizeof(text));
    struct imgjob_spec *spec = NULL;
    expect_code(IMGJOB_E_SPEC,
                ij_spec_parse(text, sizeof(text), &ij_image_ops, &spec, &test_err));
    assert_string_equal(test_err.text, "spec: 65537 bytes are over the limit of 65536");
}

static void a_long_unknown_word_is_cut_between_characters(void **state)
{
    (void)state;
    expect_refusal("{\"operation\":\"ééééééééééééééééééééé\"}",
                   "/operation: must be one of resize, thumbnail, not "
                   "'éééééééééééééééééééé…'");
    expect_refusal("{\"operation\":\"xéééééééééééééééééééé\"}",
                   "/operation: must be one of resize, thumbnail, not "
                   "'xééééééééééééééééééé…'");
}

static void a_spec_shows_its_short_form_if_it_has_one(void **state)
{
    (void)state;
    struct ij_spec_short found;
    IJ_AUTO(ij_spec_freep)
    struct imgjob_spec *spec =
        parse("{\"steps\":[{\"op\":\"resize\",\"width\":8,\"height\":6,"
              "\"fit\":\"inside\"}],\"outputs\":[{\"name\":\"image\"}]}");
    assert_true(ij_spec_short(spec, &found));
    assert_string_equal(found.operation, "thumbnail");
    assert_int_equal(found.width, 8);
    assert_int_equal(found.height, 6);

    IJ_AUTO(ij_spec_freep)
    struct imgjob_spec *named =
        parse("{\"steps\":[" STEP "],\"outputs\":[{\"name\":\"small\"}]}");
    assert_false(ij_spec_short(named, &found));
}

static void a_missing_output_format_follows_the_input(void **state)
{
    (void)state;
    const struct ij_output_spec open = { .name = "image" };
    const struct ij_output_spec fixed = { .name = "image", .format = IMGJOB_FORMAT_WEBP };
    for (uint32_t format = IMGJOB_FORMAT_JPEG; format <= IMGJOB_FORMAT_WEBP; format++)
        assert_int_equal(ij_spec_output_format(&open, format, true), format);
    for (uint32_t format = IMGJOB_FORMAT_GIF; format <= IMGJOB_FORMAT_HEIC; format++) {
        assert_int_equal(ij_spec_output_format(&open, format, true), IMGJOB_FORMAT_PNG);
        assert_int_equal(ij_spec_output_format(&open, format, false), IMGJOB_FORMAT_JPEG);
    }
    assert_int_equal(ij_spec_output_format(&fixed, IMGJOB_FORMAT_PNG, true),
                     IMGJOB_FORMAT_WEBP);
}

static void output_names_are_safe_in_a_path(void **state)
{
    (void)state;
    static const char *const good[] = { "image", "a", "0", "a-b_c9" };
    static const char *const bad[] = {
        "", ".", "..", "-a", "_a", "A", "a/b", "a.b", "ä"
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(good); i++)
        assert_true(ij_output_name_valid(good[i]));
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++)
        assert_false(ij_output_name_valid(bad[i]));
    char name[66] = { 0 };
    memset(name, 'a', 64);
    assert_true(ij_output_name_valid(name));
    name[64] = 'a';
    assert_false(ij_output_name_valid(name));
}

static void formats_are_told_by_their_first_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        uint32_t format;
    } cases[] = {
        { "\xff\xd8\xff\xe0", 4, IMGJOB_FORMAT_JPEG },
        { "\xff\xd8", 2, IMGJOB_FORMAT_NONE },
        { "\x89PNG\r\n\x1a\n", 8, IMGJOB_FORMAT_PNG },
        { "\x89PNG\n\n\x1a\n", 8, IMGJOB_FORMAT_NONE },
        { "GIF89a", 6, IMGJOB_FORMAT_GIF },
        { "RIFF\x10\0\0\0WEBPVP8 ", 16, IMGJOB_FORMAT_WEBP },
        { "RIFF\x10\0\0\0WAVE", 12, IMGJOB_FORMAT_NONE },
        { "II*\0", 4, IMGJOB_FORMAT_TIFF },
        { "MM\0+", 4, IMGJOB_FORMAT_TIFF },
        { "\0\0\0\x1c"
          "ftypavif\0\0\0\0",
          16, IMGJOB_FORMAT_AVIF },
        { "\0\0\0\x18"
          "ftypheic\0\0\0\0",
          16, IMGJOB_FORMAT_HEIC },
        { "\0\0\0\x18"
          "ftypmif1\0\0\0\0miafavif",
          24, IMGJOB_FORMAT_AVIF },
        { "\0\0\0\x14" /* the box ends before that brand */
          "ftypmif1\0\0\0\0miafavif",
          24, IMGJOB_FORMAT_HEIC },
        { "\0\0\0\x18"
          "ftypmp42\0\0\0\0",
          16, IMGJOB_FORMAT_NONE },
        { "<svg xmlns=", 11, IMGJOB_FORMAT_NONE },
        { "%PDF-1.7", 8, IMGJOB_FORMAT_NONE },
        { "", 0, IMGJOB_FORMAT_NONE },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        assert_int_equal(ij_format_sniff(cases[i].bytes, cases[i].len), cases[i].format);
}

static void formats_have_names_types_and_extensions(void **state)
{
    (void)state;
    assert_string_equal(imgjob_format_name(IMGJOB_FORMAT_JPEG), "jpeg");
    assert_string_equal(imgjob_format_name(99), "");
    assert_string_equal(imgjob_format_media_type(IMGJOB_FORMAT_WEBP), "image/webp");
    assert_string_equal(imgjob_format_media_type(99), "application/octet-stream");
    assert_string_equal(ij_format_extension(IMGJOB_FORMAT_TIFF), "tif");
    assert_string_equal(ij_format_extension(IMGJOB_FORMAT_NONE), "bin");
    for (uint32_t format = IMGJOB_FORMAT_JPEG; format <= IMGJOB_FORMAT_HEIC; format++)
        assert_int_equal(ij_format_by_name(imgjob_format_name(format)), format);
    assert_int_equal(ij_format_by_name("jpg"), IMGJOB_FORMAT_JPEG);
    assert_int_equal(ij_format_by_name(""), IMGJOB_FORMAT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_short_form_is_sugar_for_one_step_and_one_output),
        cmocka_unit_test(specs_of_one_meaning_have_one_text),
        cmocka_unit_test(a_short_form_with_a_fault_is_refused_with_its_place),
        cmocka_unit_test(a_long_form_with_a_fault_is_refused_with_its_place),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_text_over_64_kib_is_refused_unread),
        cmocka_unit_test(a_long_unknown_word_is_cut_between_characters),
        cmocka_unit_test(a_spec_shows_its_short_form_if_it_has_one),
        cmocka_unit_test(a_missing_output_format_follows_the_input),
        cmocka_unit_test(output_names_are_safe_in_a_path),
        cmocka_unit_test(formats_are_told_by_their_first_bytes),
        cmocka_unit_test(formats_have_names_types_and_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
