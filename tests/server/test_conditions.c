/* Conditions of a request: tags it has seen, and the range it wants. */
#include "../unit/test.h"

#include "server/etag.h"
#include "server/range.h"

static const char tag[] = "\"3.100\"";

static struct ij_request with(const char *name, const char *value)
{
    return (struct ij_request){ .headers = { { name, value } }, .header_count = 1 };
}

static bool is_listed(const char *value, enum ij_etag_compare compare)
{
    struct ij_request request = with("if-none-match", value);
    return ij_etag_listed(&request, "If-None-Match", compare, tag);
}

static void tag_is_found_in_a_list(void **state)
{
    (void)state;
    static const char *const lists[] = { "\"3.100\"",          "*",
                                         "\"a\", \"3.100\"",   "\"a\",\"3.100\",\"b\"",
                                         " ,, \"3.100\" ,",    "\"\", \"3.100\"",
                                         "\"a,b\", \"3.100\"", "W/\"a\"\t,\"3.100\"" };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        assert_true(is_listed(lists[i], IJ_ETAG_STRONG));
        assert_true(is_listed(lists[i], IJ_ETAG_WEAK));
    }
}

static void tag_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "",        ",",  "\"3.10\"", "3.100",      "\"3.100",          "\"3.1000\"",
        "w/\"a\"", "W/", "\"",       "x\"3.100\"", "\"a\" b \"3.100\""
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        assert_false(is_listed(lists[i], IJ_ETAG_WEAK));
}

static void weak_tag_is_the_same_only_when_compared_weakly(void **state)
{
    (void)state;
    assert_true(is_listed("W/\"3.100\"", IJ_ETAG_WEAK));
    assert_false(is_listed("W/\"3.100\"", IJ_ETAG_STRONG));
}

static void lines_of_one_header_are_one_list(void **state)
{
    (void)state;
    struct ij_request request = { .headers = { { "If-None-Match", "\"a\"" },
                                               { "Accept", "*/*" },
                                               { "IF-NONE-MATCH", "\"3.100\"" } },
                                  .header_count = 3 };
    assert_true(ij_etag_listed(&request, "If-None-Match", IJ_ETAG_WEAK, tag));
    assert_false(ij_etag_listed(&request, "If-Match", IJ_ETAG_STRONG, tag));
}

static void range_is_resumed_only_by_the_same_strong_tag(void **state)
{
    (void)state;
    struct ij_request none = { .header_count = 0 };
    assert_true(ij_etag_if_range(&none, tag));
    static const struct {
        const char *value;
        bool is_met;
    } cases[] = {
        { "\"3.100\"", true },        { "W/\"3.100\"", false },
        { "\"3.101\"", false },       { "Tue, 24 Nov 2026 18:22:07 GMT", false },
        { "\"3.100\",\"a\"", false }, { "*", false }
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ij_request request = with("If-Range", cases[i].value);
        assert_int_equal(ij_etag_if_range(&request, tag), cases[i].is_met);
    }
}

static enum ij_range_kind read_range(const char *value, uint64_t length,
                                     struct ij_range *out)
{
    struct ij_request request = with("Range", value);
    return ij_range_read(&request, length, out);
}

static void one_range_is_a_part(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t length, first, count;
    } cases[] = {
        { "bytes=0-0", 1, 0, 1 },
        { "bytes=0-", 10, 0, 10 },
        { "bytes=9-9", 10, 9, 1 },
        { "bytes=9-100", 10, 9, 1 },
        { "bytes=-1", 10, 9, 1 },
        { "bytes=-10", 10, 0, 10 },
        { "bytes=-11", 10, 0, 10 },
        { "bytes= 2-3", 10, 2, 2 },
        { "Bytes=2-3", 10, 2, 2 },
        { "bytes=002-003", 10, 2, 2 },
        { "bytes=-18446744073709551616", 10, 0, 10 },
        { "bytes=1-18446744073709551615", 10, 1, 9 },
        { "bytes=18446744073709551613-", UINT64_MAX, UINT64_MAX - 2, 2 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ij_range range = { 0 };
        assert_int_equal(read_range(cases[i].value, cases[i].length, &range),
                         IJ_RANGE_PART);
        assert_true(range.first == cases[i].first && range.length == cases[i].count);
    }
}

static void what_is_no_single_range_is_the_whole(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",          "bytes",      "bytes=",        "bytes=-",     "bytes=x",
        "bytes=1",   "bytes=2-1",  "bytes=1-2,3-4", "bytes=1-2,",  "bytes=1-2 ",
        "items=1-2", "bytes=1--2", "bytes=-1-2",    "bytes=0x1-2", "bytes =1-2"
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct ij_range range;
        assert_int_equal(read_range(values[i], 10, &range), IJ_RANGE_WHOLE);
    }
    struct ij_request none = { .header_count = 0 };
    struct ij_range range;
    assert_int_equal(ij_range_read(&none, 10, &range), IJ_RANGE_WHOLE);
}

static void range_without_a_byte_is_not_satisfiable(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t length;
    } cases[] = { { "bytes=10-", 10 }, { "bytes=10-20", 10 },
                  { "bytes=-0", 10 },  { "bytes=0-", 0 },
                  { "bytes=-5", 0 },   { "bytes=99999999999999999999999-", 10 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ij_range range;
        assert_int_equal(read_range(cases[i].value, cases[i].length, &range),
                         IJ_RANGE_UNSATISFIABLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tag_is_found_in_a_list),
        cmocka_unit_test(tag_that_is_not_there_is_not_found),
        cmocka_unit_test(weak_tag_is_the_same_only_when_compared_weakly),
        cmocka_unit_test(lines_of_one_header_are_one_list),
        cmocka_unit_test(range_is_resumed_only_by_the_same_strong_tag),
        cmocka_unit_test(one_range_is_a_part),
        cmocka_unit_test(what_is_no_single_range_is_the_whole),
        cmocka_unit_test(range_without_a_byte_is_not_satisfiable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
