/* Plain fields and queries on their way to JSON. */
#include "../unit/test.h"

#include "server/form.h"
#include "server/query.h"

static void expect_json(const char *query, const char *json)
{
    struct ij_form form = { .count = 0 };
    struct ij_options options = { .tag_count = 0 };
    struct ij_buf out = { .len = 0 };
    expect_code(0, ij_form_add_query(&form, &options, query, &test_err));
    ij_form_write(&form, &out);
    assert_string_equal(out.data, json);
    ij_buf_done(&out);
}

static void expect_refusal(const char *query, const char *words)
{
    struct ij_form form = { .count = 0 };
    struct ij_options options = { .tag_count = 0 };
    expect_code(IMGJOB_E_INVALID, ij_form_add_query(&form, &options, query, &test_err));
    expect_words(words);
}

static void fields_become_json_of_their_types(void **state)
{
    (void)state;
    expect_json("operation=resize&width=800&height=0600&output_format=png&enlarge=false",
                "{\"operation\":\"resize\",\"width\":800,\"height\":600,"
                "\"output_format\":\"png\",\"enlarge\":false}");
    expect_json("", "{}");
    expect_json("&&width=1&", "{\"width\":1}");
}

static void percent_signs_are_decoded_strictly(void **state)
{
    (void)state;
    expect_json("opera%74ion=a%2Fb+c%22", "{\"operation\":\"a/b c\\\"\"}");
    expect_refusal("operation=%", "bad percent sign");
    expect_refusal("operation=%2", "bad percent sign");
    expect_refusal("operation=%zz", "bad percent sign");
    expect_refusal("operation=%00", "bad percent sign");
}

static void numbers_must_be_all_digits(void **state)
{
    (void)state;
    static const char *const bad[] = { "width=",    "width=-1",  "width=1.5",
                                       "width=0x1", "width=1e3", "width=12345678901",
                                       "width=%201" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refusal(bad[i], "width: must be a whole number, not '");
    expect_refusal("enlarge=yes", "enlarge: must be true or false, not 'yes'");
}

static void unknown_double_and_long_fields_are_refused(void **state)
{
    (void)state;
    expect_refusal("colour=red", "colour: no such field");
    expect_refusal("width=1&width=2", "width: stands twice");
    expect_refusal("operation=1234567890123456789012345678901234567890123456789012345678"
                   "901234567890",
                   "operation: is longer than 63 bytes");
}

static void long_names_and_values_are_refused(void **state)
{
    (void)state;
    char query[2100];
    memset(query, 'a', sizeof(query));
    query[sizeof(query) - 1] = '\0';
    expect_refusal(query, "longer than 63 bytes");
    query[1] = '=';
    expect_refusal(query, "longer than 2048 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_become_json_of_their_types),
        cmocka_unit_test(percent_signs_are_decoded_strictly),
        cmocka_unit_test(numbers_must_be_all_digits),
        cmocka_unit_test(unknown_double_and_long_fields_are_refused),
        cmocka_unit_test(long_names_and_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
