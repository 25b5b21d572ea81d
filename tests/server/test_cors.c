/* Origins: which are allowed, and what the head of an answer then says. */
#include "../unit/test.h"

#include "server/cors.h"

/* The head of an answer to a page of `origin`, NULL = to no page. */
static struct ij_response answer_to(const char *origins, const char *origin)
{
    struct ij_request request = { .method = "GET" };
    struct ij_response response = { .status = 200 };
    if (origin)
        request.headers[request.header_count++] = (struct ij_header){ "Origin", origin };
    (void)ij_cors_answer(origins, &request, &response);
    return response;
}

static void expect_head(const char *origins, const char *origin, const char *line,
                        bool is_there)
{
    struct ij_response response = answer_to(origins, origin);
    const char *head = response.head.data ? response.head.data : "";
    assert_int_equal(strstr(head, line) != NULL, is_there);
    assert_null(strstr(head, "Credentials"));
    ij_response_done(&response);
}

static void nothing_is_said_without_a_list(void **state)
{
    (void)state;
    struct ij_response response = answer_to("", "https://a.example");
    assert_int_equal(response.head.len, 0);
    ij_response_done(&response);
}

static void an_origin_of_the_list_is_echoed_and_no_other(void **state)
{
    (void)state;
    static const char list[] = " https://a.example, http://b.example:8080 ";
    static const char allow[] = "Access-Control-Allow-Origin: ";
    expect_head(list, "https://a.example",
                "Access-Control-Allow-Origin: https://a.example\r\n", true);
    expect_head(list, "http://b.example:8080",
                "Access-Control-Allow-Origin: http://b.example:8080\r\n", true);
    static const char *const others[] = { "https://a.example.evil",
                                          "https://a.exampl",
                                          "http://a.example",
                                          "http://b.example",
                                          "null",
                                          "",
                                          "https://A.example" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        expect_head(list, others[i], allow, false);
        expect_head(list, others[i], "Vary: Origin\r\n", true);
    }
    expect_head(list, NULL, allow, false);
    expect_head(list, NULL, "Vary: Origin\r\n", true);
}

static void a_star_allows_all_and_the_answer_is_the_same_for_all(void **state)
{
    (void)state;
    expect_head("*", "https://a.example", "Access-Control-Allow-Origin: *\r\n", true);
    expect_head("*", "https://a.example", "Vary", false);
    expect_head("*", NULL, "Access-Control", false);
}

static void lists_that_no_browser_could_match_are_refused(void **state)
{
    (void)state;
    expect_code(0, ij_cors_check("", &test_err));
    expect_code(0, ij_cors_check("*", &test_err));
    expect_code(0, ij_cors_check("https://a.example, http://[::1]:80", &test_err));
    static const char *const bad[] = {
        "https://a.example/", "a.example",       "https://",
        "https://A.example",  "ftp://a.example", "https://a.example;http://b.example"
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_code(IMGJOB_E_INVALID, ij_cors_check(bad[i], &test_err));
        expect_words("cors_origins: '");
        expect_words(bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_without_a_list),
        cmocka_unit_test(an_origin_of_the_list_is_echoed_and_no_other),
        cmocka_unit_test(a_star_allows_all_and_the_answer_is_the_same_for_all),
        cmocka_unit_test(lists_that_no_browser_could_match_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
