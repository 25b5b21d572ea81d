/* The scanner of JSON bodies: what it takes out, what it keeps, what it refuses; always
 * with the body in one piece and cut at every place. */
#include "../unit/test.h"

#include "server/json_scan.h"
#include "server/spec.h"

struct outcome {
    int code;
    bool has_image;
    struct imgjob_error err;
    struct ij_buf inputs[1 + IMGJOB_INPUTS_MAX];
    struct ij_buf rest; /* the members that are no inputs, written anew */
};

static int keep_input(void *data, unsigned input, const void *bytes, size_t len,
                      struct imgjob_error *err)
{
    (void)err;
    struct outcome *outcome = data;
    assert_true(input <= IMGJOB_INPUTS_MAX);
    ij_buf_add(&outcome->inputs[input], bytes, len);
    return 0;
}

static void outcome_done(struct outcome *outcome)
{
    for (size_t i = 0; i <= IMGJOB_INPUTS_MAX; i++)
        ij_buf_done(&outcome->inputs[i]);
    ij_buf_done(&outcome->rest);
}

static int keep_member(void *data, const char *key, const struct ij_json *value)
{
    struct ij_input_names inputs = { .image_name = "image_data" };
    unsigned input;
    if (ij_input_names_take(&inputs, key, &input, NULL) > 0)
        ij_json_put(data, key, value);
    else
        assert_string_equal(ij_json_string(value), ""); /* its bytes are elsewhere */
    return 0;
}

static void keep_rest(struct outcome *outcome, const struct ij_json *root)
{
    struct ij_json_out out = { .buf = &outcome->rest };
    ij_json_open(&out, NULL, '{');
    (void)ij_json_each(root, keep_member, &out);
    ij_json_close(&out, '}');
}

static int feed_pieces(struct ij_scan *scan, const char *text, size_t len, size_t piece,
                       struct imgjob_error *err)
{
    for (size_t at = 0; at < len; at += piece) {
        size_t now = len - at < piece ? len - at : piece;
        int rc = ij_scan_feed(scan, text + at, now, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* What the scans to come are told. */
static bool is_image_only;

static struct outcome scan_in_pieces(const char *text, size_t len, size_t piece)
{
    struct outcome outcome = { .code = 0 };
    struct ij_scan *scan = malloc(sizeof(*scan));
    assert_non_null(scan);
    ij_scan_init(scan, keep_input, &outcome);
    scan->is_image_only = is_image_only;
    outcome.code = feed_pieces(scan, text, len, piece, &outcome.err);
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    if (outcome.code == 0)
        outcome.code = ij_scan_end(scan, &root, &outcome.err);
    if (outcome.code == 0)
        keep_rest(&outcome, root);
    outcome.has_image = scan->inputs.seen[0];
    ij_scan_done(scan);
    free(scan);
    return outcome;
}

static void expect_scan(const char *text, const char *image, const char *rest)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        IJ_AUTO(outcome_done)
        struct outcome outcome = scan_in_pieces(text, strlen(text), piece);
        if (outcome.code != 0)
            print_error("%s: %s\n", text, outcome.err.text);
        assert_int_equal(outcome.code, 0);
        assert_string_equal(outcome.inputs[0].data, image);
        assert_string_equal(outcome.rest.data, rest);
    }
}

static void expect_no_image(const char *text)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        IJ_AUTO(outcome_done)
        struct outcome outcome = scan_in_pieces(text, strlen(text), piece);
        assert_int_equal(outcome.code, 0);
        assert_false(outcome.has_image);
    }
}

static void expect_refusal(const char *text, int code, const char *words)
{
    for (size_t piece = 1; piece <= strlen(text) || piece == 1; piece++) {
        IJ_AUTO(outcome_done)
        struct outcome outcome = scan_in_pieces(text, strlen(text), piece);
        if (outcome.code != code || !strstr(outcome.err.text, words))
            print_error("%s: code %d: %s\n", text, outcome.code, outcome.err.text);
        assert_int_equal(outcome.code, code);
        assert_non_null(strstr(outcome.err.text, words));
    }
}

static void image_is_taken_out_wherever_it_stands(void **state)
{
    (void)state;
    expect_scan("{\"image_data\":\"Y2F0\"}", "cat", "{}");
    expect_scan("{\"image_data\":\"Y2F0\",\"width\":1}", "cat", "{\"width\":1}");
    expect_scan("{\"width\":1,\"image_data\":\"Y2F0\"}", "cat", "{\"width\":1}");
    expect_scan(" { \"a\" : 1 , \"image_data\" : \"Y2F0\" , \"b\" : 2 } ", "cat",
                "{\"a\":1,\"b\":2}");
}

static void escapes_and_line_breaks_in_the_image_are_understood(void **state)
{
    (void)state;
    expect_scan("{\"image_data\":\"Y2F0\\r\\nY2F0\\n\"}", "catcat", "{}");
    expect_scan("{\"image_data\":\"\\u0059\\u0032F0\"}", "cat", "{}");
    expect_scan("{\"image_data\":\"Pz\\/\\/\"}", "?\x3f\xff", "{}");
}

static void data_url_prefix_is_passed_over(void **state)
{
    (void)state;
    expect_scan("{\"image_data\":\"data:image/png;base64,Y2F0\"}", "cat", "{}");
    expect_scan("{\"image_data\":\"DATA:;BASE64,Y2F0\"}", "cat", "{}");
    expect_refusal("{\"image_data\":\"data:image/png,Y2F0\"}", IMGJOB_E_INVALID,
                   "data URL");
    expect_refusal("{\"image_data\":\"data:image/png;base64\"}", IMGJOB_E_INVALID,
                   "data URL");
}

static void text_that_only_begins_like_a_data_url_is_base64(void **state)
{
    (void)state;
    expect_scan("{\"image_data\":\"data\"}", "\x75\xab\x5a", "{}");
    expect_scan("{\"image_data\":\"dataY2F0\"}",
                "\x75\xab\x5a"
                "cat",
                "{}");
}

static void key_spelled_with_escapes_is_the_same_key(void **state)
{
    (void)state;
    expect_scan("{\"image\\u005fdata\":\"Y2F0\"}", "cat", "{}");
    expect_refusal("{\"image_data\":\"Y2F0\",\"image\\u005fdata\":\"Y2F0\"}",
                   IMGJOB_E_INVALID, "image_data: stands twice");
}

static void only_the_body_s_own_key_is_the_image(void **state)
{
    (void)state;
    expect_scan("{\"a\":{\"image_data\":\"no\"},\"image_data\":\"Y2F0\"}", "cat",
                "{\"a\":{\"image_data\":\"no\"}}");
    expect_scan("{\"a\":[\"image_data\",\"x\"],\"image_data\":\"Y2F0\"}", "cat",
                "{\"a\":[\"image_data\",\"x\"]}");
    expect_scan("{\"a\":\"image_data\",\"image_data\":\"Y2F0\"}", "cat",
                "{\"a\":\"image_data\"}");
    expect_no_image("{\"image_data2\":\"Y2F0\"}");
}

static void overlays_are_taken_out_in_any_order(void **state)
{
    (void)state;
    static const struct {
        const char *body, *rest;
    } cases[] = {
        { "{\"image_data\":\"Y2F0\",\"overlay\":\"ZG9n\",\"overlay8\":\"Y293\"}", "{}" },
        { "{\"overlay8\":\"Y293\",\"a\":1,\"overlay1\":\"ZG9n\",\"image_data\":\"Y2F0\"}",
          "{\"a\":1}" },
        { "{ \"a\" : 1 , \"overlay\" : \"ZG9n\" , \"image_data\" : \"Y2F0\" , "
          "\"b\" : [2] , \"over\\u006cay8\" : \"data:;base64,Y293\" }",
          "{\"a\":1,\"b\":[2]}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t piece = 1; piece <= strlen(cases[i].body); piece++) {
            IJ_AUTO(outcome_done)
            struct outcome outcome =
                scan_in_pieces(cases[i].body, strlen(cases[i].body), piece);
            assert_int_equal(outcome.code, 0);
            assert_string_equal(outcome.rest.data, cases[i].rest);
            assert_string_equal(outcome.inputs[0].data, "cat");
            assert_string_equal(outcome.inputs[1].data, "dog");
            assert_string_equal(outcome.inputs[8].data, "cow");
            assert_int_equal(outcome.inputs[2].len, 0);
        }
}

static void all_nine_inputs_fit_and_leave_no_comma(void **state)
{
    (void)state;
    struct ij_buf body = { .len = 0 };
    ij_buf_add_str(&body, "{\"image_data\":\"Y2F0\"");
    for (int i = 1; i <= IMGJOB_INPUTS_MAX; i++)
        ij_buf_printf(&body, ",\"overlay%d\":\"Y2F0\"", i);
    ij_buf_add_str(&body, "}");
    expect_scan(body.data, "cat", "{}");
    ij_buf_done(&body);
}

static void faults_of_overlays_name_them(void **state)
{
    (void)state;
    static const struct {
        const char *member, *words;
    } cases[] = {
        { "\"overlay\":\"Y2F0\",\"overlay1\":\"Y2F0\"", "overlay1: stands twice" },
        { "\"overlay2\":\"Y2F0\",\"overlay2\":\"Y2F0\"", "overlay2: stands twice" },
        { "\"overlay3\":\"\"", "overlay3: is empty" },
        { "\"overlay4\":7", "overlay4: must be a string" },
        { "\"overlay5\":\"Y2F\"", "overlay5: is not valid base64" },
        { "\"overlay6\":\"data:x,\"", "overlay6: a data URL must be" },
        { "\"overlay0\":\"Y2F0\"",
          "overlay0: no such input; an overlay's number is 1 to 8" },
        { "\"overlay9\":\"Y2F0\"", "overlay9: no such input" },
        { "\"overlay10\":\"Y2F0\"", "overlay10: no such input" },
        { "\"overlay01\":\"Y2F0\"", "overlay01: no such input" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[120];
        (void)snprintf(body, sizeof(body), "{\"image_data\":\"Y2F0\",%s}",
                       cases[i].member);
        expect_refusal(body, IMGJOB_E_INVALID, cases[i].words);
    }
    expect_no_image("{\"overlay\":\"Y2F0\"}");
}

static void names_that_only_look_like_an_overlay_s_are_kept(void **state)
{
    (void)state;
    expect_scan("{\"image_data\":\"Y2F0\",\"overlays\":\"a\",\"overlay-1\":1}", "cat",
                "{\"overlays\":\"a\",\"overlay-1\":1}");
    expect_scan("{\"a\":{\"overlay\":\"no\"},\"image_data\":\"Y2F0\"}", "cat",
                "{\"a\":{\"overlay\":\"no\"}}");
    /* the low byte of U+0131 is that of '1' */
    expect_scan("{\"image_data\":\"Y2F0\",\"overlay\\u0131\":\"a\"}", "cat",
                "{\"overlay\xc4\xb1\":\"a\"}");
    expect_refusal("{\"image_data\":\"Y2F0\",\"overlay1\\u0000\":\"a\"}", IMGJOB_E_SPEC,
                   "JSON");
}

static void only_the_image_is_taken_where_nothing_else_may_be(void **state)
{
    (void)state;
    is_image_only = true; /* until forget_image_only() */
    expect_scan(" { \"image_data\" : \"Y2F0\" } ", "cat", "{}");
    expect_refusal("{\"image_data\":\"Y2F0\",\"width\":1}", IMGJOB_E_INVALID,
                   "width: no such field; there is only image_data");
    expect_refusal("{\"overlay2\":\"Y2F0\",\"image_data\":\"Y2F0\"}", IMGJOB_E_INVALID,
                   "overlay2: no such field");
}

static int forget_image_only(void **state)
{
    (void)state;
    is_image_only = false;
    return 0;
}

static void bad_base64_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "Y2F",        "Y2F0!",       "Y2=0",
                                       "Y2F0=",      "====",        "Y2F\\t",
                                       "Y2F\\u00e9", "Y2F\xc3\xa9", "Y2F0Y===" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char body[80];
        (void)snprintf(body, sizeof(body), "{\"image_data\":\"%s\"}", bad[i]);
        expect_refusal(body, IMGJOB_E_INVALID, "image_data: is not valid base64");
    }
}

static void image_that_is_no_string_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "1", "null", "true", "{}", "[\"Y2F0\"]", ": \"\""
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char body[80];
        (void)snprintf(body, sizeof(body), "{\"image_data\": %s}", bad[i]);
        expect_refusal(body, IMGJOB_E_INVALID, "image_data: must be a string");
    }
    expect_refusal("{\"image_data\":\"\"}", IMGJOB_E_INVALID, "image_data: is empty");
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"image_data\":\"Y2F0\"",        "{\"image_data\":\"Y2F0\",}",
        "{\"image_data\" \"Y2F0\"}",       "{\"image_data\":\"Y2F0\" \"width\":1}",
        "{\"image_data\":\"Y2F0\"} x",     "{\"image_data\":\"Y2F0\"}}",
        "{,\"image_data\":\"Y2F0\"}",      "{\"image_data\":\"Y2F0\",,\"a\":1}",
        "{\"image_data\":\"Y2F0\"]",       "{\"a\":1,\"a\":2,\"image_data\":\"Y2F0\"}",
        "{\"image_data\":\"Y2F0\":\"a\"}", "{'a':1,\"image_data\":\"Y2F0\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refusal(bad[i], IMGJOB_E_SPEC, "JSON");
    expect_refusal("[\"image_data\",\"Y2F0\"]", IMGJOB_E_INVALID,
                   "must be a JSON object");
    expect_refusal("hello", IMGJOB_E_INVALID, "must be a JSON object");
    expect_refusal("  ", IMGJOB_E_INVALID, "the body is empty");
    expect_refusal("{\"image_data\":\"Y2F0", IMGJOB_E_INVALID, "ends within a string");
    expect_refusal("{\"image_data\":\"Y2\nF0\"}", IMGJOB_E_INVALID, "line break");
    expect_refusal("{\"image_data\":\"Y2\\x\"}", IMGJOB_E_INVALID, "bad escape");
    expect_refusal("{\"a\":\"\t\",\"image_data\":\"Y2F0\"}", IMGJOB_E_INVALID,
                   "control character");
}

static void rest_of_the_body_is_bounded(void **state)
{
    (void)state;
    struct ij_buf body = { .max = 1 << 20 };
    ij_buf_add_str(&body, "{\"image_data\":\"Y2F0\",\"a\":\"");
    for (int i = 0; i < IJ_SENT_SPEC_MAX / 16; i++)
        ij_buf_add_str(&body, "0123456789abcdef");
    ij_buf_add_str(&body, "\"}");
    IJ_AUTO(outcome_done)
    struct outcome outcome = scan_in_pieces(body.data, body.len, 65536);
    assert_int_equal(outcome.code, IMGJOB_E_LIMIT);
    assert_string_equal(outcome.err.text,
                        "more than 65536 bytes of JSON beside the images");
    ij_buf_done(&body);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    expect_refusal("{\"image_data\":\"Y2F0\",\"a\":[[[[[[[[[1]]]]]]]]]}", IMGJOB_E_SPEC,
                   "JSON");
}

static int full_sink(void *data, unsigned input, const void *bytes, size_t len,
                     struct imgjob_error *err)
{
    (void)data;
    (void)input;
    (void)bytes;
    (void)len;
    err->code = IMGJOB_E_FULL;
    (void)snprintf(err->text, sizeof(err->text), "no room");
    return IMGJOB_E_FULL;
}

static void failing_sink_ends_the_scan(void **state)
{
    (void)state;
    struct ij_scan *scan = malloc(sizeof(*scan));
    assert_non_null(scan);
    ij_scan_init(scan, full_sink, NULL);
    static const char body[] = "{\"image_data\":\"Y2F0Y2F0\"}";
    expect_code(IMGJOB_E_FULL, ij_scan_feed(scan, body, sizeof(body) - 1, &test_err));
    expect_words("no room");
    ij_scan_done(scan);
    free(scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_is_taken_out_wherever_it_stands),
        cmocka_unit_test(escapes_and_line_breaks_in_the_image_are_understood),
        cmocka_unit_test(data_url_prefix_is_passed_over),
        cmocka_unit_test(text_that_only_begins_like_a_data_url_is_base64),
        cmocka_unit_test(key_spelled_with_escapes_is_the_same_key),
        cmocka_unit_test(only_the_body_s_own_key_is_the_image),
        cmocka_unit_test(overlays_are_taken_out_in_any_order),
        cmocka_unit_test(all_nine_inputs_fit_and_leave_no_comma),
        cmocka_unit_test(faults_of_overlays_name_them),
        cmocka_unit_test(names_that_only_look_like_an_overlay_s_are_kept),
        cmocka_unit_test_teardown(only_the_image_is_taken_where_nothing_else_may_be,
                                  forget_image_only),
        cmocka_unit_test(bad_base64_is_refused),
        cmocka_unit_test(image_that_is_no_string_is_refused),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(rest_of_the_body_is_bounded),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(failing_sink_ends_the_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
