/* Option and result structs of callers built against an older or newer header. */
#include "test.h"

#include <imgjob/version.h>

#include "base/check.h"

struct options_v1 {
    size_t size;
    uint64_t first;
};

struct options_v2 {
    size_t size;
    uint64_t first;
    uint64_t second;
};

static int read_v1(struct options_v1 *out, const void *options)
{
    return ij_options_read(out, sizeof(*out), sizeof(*out), options, "options",
                           &test_err);
}

static int read_v2(struct options_v2 *out, const void *options)
{
    return ij_options_read(out, sizeof(*out), sizeof(struct options_v1), options,
                           "options", &test_err);
}

static void no_options_are_all_zero(void **state)
{
    (void)state;
    struct options_v2 out = { 1, 2, 3 };
    expect_code(0, read_v2(&out, NULL));
    assert_int_equal(out.first, 0);
    assert_int_equal(out.second, 0);
}

static void options_of_an_older_caller_end_in_zeros(void **state)
{
    (void)state;
    struct options_v1 old = { .size = sizeof(old), .first = 5 };
    struct options_v2 out = { 1, 2, 3 };
    expect_code(0, read_v2(&out, &old));
    assert_int_equal(out.first, 5);
    assert_int_equal(out.second, 0);
}

static void options_of_a_newer_caller_are_fine_while_unused(void **state)
{
    (void)state;
    struct options_v2 newer = { .size = sizeof(newer), .first = 5 };
    struct options_v1 out;
    expect_code(0, read_v1(&out, &newer));
    assert_int_equal(out.first, 5);
}

static void options_that_the_library_does_not_know_are_refused(void **state)
{
    (void)state;
    struct options_v2 newer = { .size = sizeof(newer), .second = UINT64_C(1) << 63 };
    struct options_v1 out;
    expect_code(IMGJOB_E_ABI, read_v1(&out, &newer));
    expect_words("struct options");
    expect_words("does not know");
    expect_words(imgjob_version());
}

static void options_without_a_size_are_refused(void **state)
{
    (void)state;
    static const size_t wrong[] = { 0, 1, sizeof(struct options_v1) - 1, 4097, SIZE_MAX };
    for (size_t i = 0; i < IJ_ARRAY_LEN(wrong); i++) {
        struct options_v2 options = { .size = wrong[i] }, out;
        expect_code(IMGJOB_E_ABI, read_v2(&out, &options));
        expect_words("set it to sizeof the struct");
    }
}

static void results_are_cut_to_what_the_caller_knows(void **state)
{
    (void)state;
    struct options_v2 result = { .first = 5, .second = 6 };
    struct options_v2 out = { .size = sizeof(struct options_v1), .second = 77 };
    expect_code(0, ij_result_write(&out, &result, sizeof(result), "result", &test_err));
    assert_int_equal(out.size, sizeof(struct options_v1));
    assert_int_equal(out.first, 5);
    assert_int_equal(out.second, 77);
}

static void results_of_a_newer_caller_are_zero_where_only_it_knows(void **state)
{
    (void)state;
    struct options_v1 result = { .first = 5 };
    struct options_v2 out = { .size = sizeof(out), .second = 77 };
    expect_code(0, ij_result_write(&out, &result, sizeof(result), "result", &test_err));
    assert_int_equal(out.first, 5);
    assert_int_equal(out.second, 0);
}

static void results_without_a_size_are_refused(void **state)
{
    (void)state;
    struct options_v1 result = { .first = 5 }, out = { 0 };
    expect_code(IMGJOB_E_ABI,
                ij_result_write(&out, &result, sizeof(result), "result", &test_err));
    expect_words("struct result: its size member is 0");
    assert_int_equal(out.first, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_options_are_all_zero),
        cmocka_unit_test(options_of_an_older_caller_end_in_zeros),
        cmocka_unit_test(options_of_a_newer_caller_are_fine_while_unused),
        cmocka_unit_test(options_that_the_library_does_not_know_are_refused),
        cmocka_unit_test(options_without_a_size_are_refused),
        cmocka_unit_test(results_are_cut_to_what_the_caller_knows),
        cmocka_unit_test(results_of_a_newer_caller_are_zero_where_only_it_knows),
        cmocka_unit_test(results_without_a_size_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
