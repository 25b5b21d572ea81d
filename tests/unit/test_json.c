/* JSON: what is read, what is refused and with which words, what is written. */
#include "test.h"

#include <math.h>

#include "base/json.h"

enum { DEPTH = 8 };

/* Parse from memory of exactly `len` bytes, so that a sanitizer sees one byte too many.
 */
static int parse_bytes(const char *text, size_t len, struct ij_json **out)
{
    IJ_AUTO(ij_free) char *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    return ij_json_parse(exact, len, DEPTH, out, &test_err);
}

static int parse(const char *text, struct ij_json **out)
{
    return parse_bytes(text, strlen(text), out);
}

static void expect_type(const char *text, enum ij_json_type type)
{
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    expect_code(0, parse(text, &root));
    assert_non_null(root);
    assert_int_equal(ij_json_type(root), type);
}

static void expect_refused(const char *text, const char *words)
{
    struct ij_json *root = NULL;
    int rc = parse(text, &root);
    if (rc == 0)
        print_error("accepted: %s\n", text);
    assert_int_equal(rc, IMGJOB_E_SPEC);
    assert_int_equal(test_err.code, IMGJOB_E_SPEC);
    expect_words(words);
    assert_null(root);
}

/* ---- reading ---- */

static void a_bare_value_is_a_text_of_its_own(void **state)
{
    (void)state;
    static const char *const pads[] = { "", " ", "\r\n\t " };
    static const struct {
        const char *text;
        enum ij_json_type type;
    } values[] = {
        { "null", IJ_JSON_NULL },      { "true", IJ_JSON_BOOL },
        { "false", IJ_JSON_BOOL },     { "0", IJ_JSON_INT },
        { "-0", IJ_JSON_INT },         { "12", IJ_JSON_INT },
        { "0.5", IJ_JSON_REAL },       { "1e5", IJ_JSON_REAL },
        { "1E+5", IJ_JSON_REAL },      { "\"\"", IJ_JSON_STRING },
        { "\"nan\"", IJ_JSON_STRING }, { "[]", IJ_JSON_ARRAY },
        { "{}", IJ_JSON_OBJECT },      { "\"null\"", IJ_JSON_STRING },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(values); i++)
        for (size_t before = 0; before < 3; before++)
            for (size_t after = 0; after < 3; after++) {
                char text[32];
                (void)snprintf(text, sizeof(text), "%s%s%s", pads[before], values[i].text,
                               pads[after]);
                expect_type(text, values[i].type);
            }
}

static void an_empty_text_is_refused(void **state)
{
    (void)state;
    expect_refused("", "ends too early");
    expect_refused(" \n", "ends too early at byte 2");
}

static void a_text_cut_anywhere_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\":[1.5,true,null,\"x\\u00e9\xc3\xa9\",{\"b\":-2}]}";
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        struct ij_json *root = NULL;
        expect_code(IMGJOB_E_SPEC, parse_bytes(whole, len, &root));
        assert_null(root);
    }
    expect_type(whole, IJ_JSON_OBJECT);
}

static void text_after_the_value_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{} x",      "{}{}", "1 2",        "null null", "nullx",
        "truefalse", "[]]",  "\"a\"\"b\"", "{},",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++)
        expect_refused(bad[i], "JSON: ");
}

static void a_nul_byte_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\": 1} ";
    for (size_t at = 0; at < sizeof(whole); at++) {
        char text[sizeof(whole) + 1];
        memcpy(text, whole, at);
        text[at] = '\0';
        memcpy(text + at + 1, whole + at, sizeof(whole) - at);
        struct ij_json *root = NULL;
        expect_code(IMGJOB_E_SPEC, parse_bytes(text, sizeof(whole), &root));
        assert_null(root);
    }
    expect_refused("\"a\\u0000b\"", "U+0000");
    expect_refused("{\"a\\u0000b\":1}", "U+0000");
    expect_type("\"\\\\u0000\"", IJ_JSON_STRING); /* a backslash, then plain text */
    static const char *const halves[] = { "\"\\ud800\"",    "\"\\udc00\"",
                                          "\"\\ud800x\"",   "\"\\uDBFF\\ud800\"",
                                          "\"\\ud800\\n\"", "\"\\udc00\\ud800\"",
                                          "\"\\ud800\\u\"" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(halves); i++)
        expect_refused(halves[i], "half of a surrogate pair");
    expect_type("\"\\ud83d\\uDE00\"", IJ_JSON_STRING);
    expect_type("\"\\ud7ff\\ue000\"", IJ_JSON_STRING);
}

static void a_key_that_stands_twice_is_refused(void **state)
{
    (void)state;
    expect_refused("{\"a\":1,\"a\":1}", "a key stands twice");
    expect_refused("{\"a\":1,\"\\u0061\":2}", "a key stands twice");
    expect_refused("[{\"x\":{\"b\":null,\"c\":0,\"b\":null}}]", "a key stands twice");
    expect_type("{\"a\":{\"a\":\"a:b\\\":\"},\"b\":[{\"a\":1},{\"a\":2}]}",
                IJ_JSON_OBJECT);
}

static void numbers_are_exact_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        { "9223372036854775807", INT64_MAX },
        { "-9223372036854775808", INT64_MIN },
        { "-1", -1 },
        { "4096", 4096 },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(good); i++) {
        IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
        expect_code(0, parse(good[i].text, &root));
        assert_true(ij_json_int(root) == good[i].value);
    }
    expect_refused("9223372036854775808", "beyond 64 bits");
    expect_refused("-9223372036854775809", "beyond 64 bits");
    expect_refused("[18446744073709551615]", "beyond 64 bits");
    expect_refused("99999999999999999999999999", "beyond 64 bits");
    expect_refused("1e999", "range of a double");
    expect_refused("{\"a\":[-1e999]}", "range of a double");
}

static void what_only_looks_like_a_number_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "01",       "00",        "-01", "-",     "--1",   "+1",  ".5",  "1.",
        "1.e5",     "1e",        "1e+", "-.5",   "0x1",   "1-2", "1_0", "NaN",
        "Infinity", "-Infinity", "nan", "1.2.3", "1e5.5", "inf", "1,",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++) {
        char text[32];
        expect_refused(bad[i], "JSON: ");
        (void)snprintf(text, sizeof(text), "[%s]", bad[i]);
        expect_refused(text, "JSON: ");
    }
}

static void strings_are_utf8_without_control_characters(void **state)
{
    (void)state;
    for (int c = 1; c < 0x20; c++) {
        char text[] = { '"', (char)c, '"', '\0' };
        expect_refused(text, "control character at byte 1");
    }
    expect_refused("\"\xc0\x80\"", "no UTF-8 at byte 1");
    expect_refused("\"\xed\xa0\x80\"", "no UTF-8");
    expect_refused("{\"\xff\":1}", "no UTF-8");
    expect_refused("\"a\xe2\x82\"", "no UTF-8 at byte 2");
    expect_refused("\"\\x\"", "unknown escape");
    expect_refused("\"\\u00g0\"", "without four digits");
    expect_refused("\"\\u12\"", "without four digits");
    expect_refused("'a'", "unexpected character");
    expect_refused("\xef\xbb\xbf{}", "unexpected character at byte 0"); /* a BOM */
}

static void escapes_become_what_they_mean(void **state)
{
    (void)state;
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    expect_code(0, parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"", &root));
    assert_string_equal(ij_json_string(root), "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80");
}

static void loose_syntax_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[1,]", "{\"a\":1,}", "[1 2]",    "{a:1}",   "/**/1",
        "1//",  "{\"a\" 1}",  "{\"a\":}", "{\"a\"}", "{\"a\":1 \"b\":2}",
        "TRUE", "Null",       "]",        "[}",      "{1:2}",
        ",",    ":",          "\v1",      "[,1]",    "{,}",
        "tru",  "nul",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++)
        expect_refused(bad[i], "JSON: ");
}

static void nesting_is_bounded_exactly(void **state)
{
    (void)state;
    expect_type("[[[[[[[[1]]]]]]]]", IJ_JSON_ARRAY); /* 8 */
    expect_type("[[[[[[[[]]]]]]]]", IJ_JSON_ARRAY);
    expect_type("[\"[[[[[[[[[[\",[[[[[[{\"a\":1}]]]]]],[]]", IJ_JSON_ARRAY);
    expect_refused("[[[[[[[[[]]]]]]]]]", "deeper than 8 levels at byte 8");
    expect_refused("[[[[[[[[{\"a\":1}]]]]]]]]", "deeper than 8 levels");
}

static void members_are_found_and_absence_differs_from_null(void **state)
{
    (void)state;
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    expect_code(0,
                parse("{\"a\":null,\"b\":[1,null,2.5],\"c\":\"x\",\"d\":true}", &root));
    assert_int_equal(ij_json_count(root), 4);
    assert_non_null(ij_json_member(root, "a"));
    assert_int_equal(ij_json_type(ij_json_member(root, "a")), IJ_JSON_NULL);
    assert_null(ij_json_member(root, "e"));
    const struct ij_json *list = ij_json_member(root, "b");
    assert_int_equal(ij_json_count(list), 3);
    assert_int_equal(ij_json_int(ij_json_at(list, 0)), 1);
    assert_non_null(ij_json_at(list, 1));
    assert_int_equal(ij_json_type(ij_json_at(list, 2)), IJ_JSON_REAL);
    assert_null(ij_json_at(list, 3));
    assert_true(ij_json_bool(ij_json_member(root, "d")));
}

static void another_type_reads_as_nothing(void **state)
{
    (void)state;
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    expect_code(0, parse("[\"12\",2.5,{},null]", &root));
    for (size_t i = 0; i < 4; i++) {
        assert_true(ij_json_int(ij_json_at(root, i)) == 0);
        assert_false(ij_json_bool(ij_json_at(root, i)));
        assert_null(ij_json_at(ij_json_at(root, i), 0));
        assert_null(ij_json_member(ij_json_at(root, i), "a"));
    }
    assert_string_equal(ij_json_string(ij_json_at(root, 1)), "");
    assert_int_equal(ij_json_type(NULL), IJ_JSON_NULL);
    assert_int_equal(ij_json_count(NULL), 0);
}

struct visit {
    char keys[32];
    const char *stop_at;
};

static int note_key(void *data, const char *key, const struct ij_json *value)
{
    struct visit *visit = data;
    assert_non_null(value);
    if (visit->stop_at && strcmp(key, visit->stop_at) == 0)
        return 7;
    strncat(visit->keys, key, sizeof(visit->keys) - strlen(visit->keys) - 1);
    return 0;
}

static void members_are_visited_as_written_until_one_stops(void **state)
{
    (void)state;
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    expect_code(0, parse("{\"z\":1,\"a\":null,\"m\":3}", &root));
    struct visit all = { .keys = "" }, some = { .keys = "", .stop_at = "m" };
    assert_int_equal(ij_json_each(root, note_key, &all), 0);
    assert_string_equal(all.keys, "zam");
    assert_int_equal(ij_json_each(root, note_key, &some), 7);
    assert_string_equal(some.keys, "za");
    assert_int_equal(ij_json_each(ij_json_member(root, "z"), note_key, &all), 0);
}

/* ---- writing ---- */

static void what_is_written_is_valid_and_reads_back(void **state)
{
    (void)state;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
    struct ij_json_out out = { .buf = &buf };
    ij_json_open(&out, NULL, '{');
    ij_json_put_str(&out, "s", "a\"\\\n\t\x01\x7f/\xc3\xa9");
    ij_json_put_str(&out, "n", NULL);
    ij_json_put_int(&out, "i", INT64_MIN);
    ij_json_open(&out, "l", '[');
    ij_json_put_bool(&out, NULL, true);
    ij_json_open(&out, NULL, '{');
    ij_json_close(&out, '}');
    ij_json_put_bool(&out, NULL, false);
    ij_json_close(&out, ']');
    ij_json_close(&out, '}');
    assert_false(buf.failed);
    assert_string_equal(
        buf.data, "{\"s\":\"a\\\"\\\\\\n\\u0009\\u0001\\u007f/\xc3\xa9\",\"n\":null,"
                  "\"i\":-9223372036854775808,\"l\":[true,{},false]}");
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    expect_code(0, parse(buf.data, &root));
    assert_string_equal(ij_json_string(ij_json_member(root, "s")),
                        "a\"\\\n\t\x01\x7f/\xc3\xa9");
    assert_true(ij_json_int(ij_json_member(root, "i")) == INT64_MIN);
}

static void bytes_that_are_no_utf8_are_replaced_one_by_one(void **state)
{
    (void)state;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
    struct ij_json_out out = { .buf = &buf };
    ij_json_put_str(&out, NULL, "a\xff\xc0\x80z\xe2\x82");
#define REPLACED "\xef\xbf\xbd"
    assert_string_equal(buf.data,
                        "\"a" REPLACED REPLACED REPLACED "z" REPLACED REPLACED "\"");
    expect_type(buf.data, IJ_JSON_STRING);
}

/* Whatever bytes a text or a key has, what is written can be read. */
static void any_bytes_are_written_as_valid_json(void **state)
{
    (void)state;
    uint32_t seed = 12345;
    for (int round = 0; round < 2000; round++) {
        char text[24];
        for (size_t i = 0; i < sizeof(text); i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = (char)(seed >> 24);
        }
        text[sizeof(text) - 1] = '\0';
        IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
        struct ij_json_out out = { .buf = &buf };
        ij_json_open(&out, NULL, '{');
        ij_json_put_str(&out, text, text);
        ij_json_close(&out, '}');
        expect_type(buf.data, IJ_JSON_OBJECT);
    }
}

static void a_text_that_does_not_fit_is_a_failed_buffer(void **state)
{
    (void)state;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { .max = 10 };
    struct ij_json_out out = { .buf = &buf };
    ij_json_put_str(&out, NULL, "123456789");
    assert_true(buf.failed);
}

/* Shortest, and the same number again. */
static void a_real_is_written_as_short_as_it_reads_back(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { -0.0, "0" },
        { 0.1, "0.1" },
        { -2.5, "-2.5" },
        { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1000000, "1000000" },
        { 123456789012345, "123456789012345" },
        { 1e15, "1e+15" },
        { 1e300, "1e+300" },
        { 1e-7, "1e-07" },
        { 5e-324, "5e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { INFINITY, "null" },
        { NAN, "null" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
        struct ij_json_out out = { .buf = &buf };
        ij_json_put_real(&out, NULL, cases[i].value);
        assert_string_equal(buf.data, cases[i].text);
        if (!isfinite(cases[i].value))
            continue;
        IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
        expect_code(0, parse(buf.data, &root));
        assert_true(ij_json_real(root) == cases[i].value);
    }
}

static void what_was_read_is_written_as_the_same_types(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,1.0,-2.0,0.5,1e+15,null,true,\"x\"],\"b\":{}}";
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
    struct ij_json_out out = { .buf = &buf };
    expect_code(0, parse(text, &root));
    ij_json_put(&out, NULL, root);
    assert_string_equal(buf.data, text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_value_is_a_text_of_its_own),
        cmocka_unit_test(an_empty_text_is_refused),
        cmocka_unit_test(a_text_cut_anywhere_is_refused),
        cmocka_unit_test(text_after_the_value_is_refused),
        cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
        cmocka_unit_test(a_key_that_stands_twice_is_refused),
        cmocka_unit_test(numbers_are_exact_or_refused),
        cmocka_unit_test(what_only_looks_like_a_number_is_refused),
        cmocka_unit_test(strings_are_utf8_without_control_characters),
        cmocka_unit_test(escapes_become_what_they_mean),
        cmocka_unit_test(loose_syntax_is_refused),
        cmocka_unit_test(nesting_is_bounded_exactly),
        cmocka_unit_test(members_are_found_and_absence_differs_from_null),
        cmocka_unit_test(another_type_reads_as_nothing),
        cmocka_unit_test(members_are_visited_as_written_until_one_stops),
        cmocka_unit_test(what_is_written_is_valid_and_reads_back),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced_one_by_one),
        cmocka_unit_test(any_bytes_are_written_as_valid_json),
        cmocka_unit_test(a_text_that_does_not_fit_is_a_failed_buffer),
        cmocka_unit_test(a_real_is_written_as_short_as_it_reads_back),
        cmocka_unit_test(what_was_read_is_written_as_the_same_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
