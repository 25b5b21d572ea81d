/* The head of an answer, and queries on their way out. */
#include "../unit/test.h"

#include "base/auto.h"
#include "server/query.h"
#include "server/response.h"

static void expect_head(const struct ij_response *response, uint64_t length,
                        const char *line, bool is_there)
{
    IJ_AUTO(ij_buf_done) struct ij_buf head = { 0 };
    ij_response_compose(response, length, &head);
    assert_int_equal(strstr(head.data, line) != NULL, is_there);
    assert_string_equal(head.data + head.len - 4, "\r\n\r\n");
}

static void answer_with_a_body_says_its_type_and_length(void **state)
{
    (void)state;
    struct ij_response response = { .status = 206,
                                    .request_id = "r",
                                    .content_type = "image/png" };
    expect_head(&response, 12, "HTTP/1.1 206 Partial Content\r\n", true);
    expect_head(&response, 12, "\r\nContent-Type: image/png\r\n", true);
    expect_head(&response, 12, "\r\nContent-Length: 12\r\n", true);
}

static void answer_that_has_no_body_has_no_type_and_no_length(void **state)
{
    (void)state;
    static const int statuses[] = { 204, 304 };
    for (size_t i = 0; i < 2; i++) {
        struct ij_response response = { .request_id = "r", .content_type = "image/png" };
        ij_buf_add_str(&response.body, "dropped");
        ij_response_empty(&response, statuses[i]);
        assert_int_equal(response.body.len, 0);
        expect_head(&response, 0, "\r\nContent-", false);
        expect_head(&response, 0, "X-Content-Type-Options: nosniff", true);
        ij_response_done(&response);
    }
}

static void run_nothing(void *data, const struct ij_request *request)
{
    (void)data;
    (void)request;
}

static void stream_says_no_length(void **state)
{
    (void)state;
    struct ij_response response = { .status = 200, .request_id = "r" };
    response.stream.run = run_nothing;
    expect_head(&response, 0, "Content-Length", false);
    expect_head(&response, 0, "Content-Type: text/plain\r\n", true);
}

static void date_is_as_headers_have_it(void **state)
{
    (void)state;
    char date[IJ_DATE_SIZE];
    ij_response_date(date, INT64_C(784111777999)); /* RFC 9110's own example */
    assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void query_is_written_so_that_it_is_read_back(void **state)
{
    (void)state;
    struct ij_query_pair pair = { "a b", "\xc3\xa9 &=+%#<>\"" };
    IJ_AUTO(ij_buf_done) struct ij_buf url = { 0 };
    ij_query_add(&url, '?', &pair);
    assert_string_equal(url.data, "?a%20b=%C3%A9%20%26%3D%2B%25%23%3C%3E%22");
    struct ij_query_pair back;
    const char *at = url.data + 1;
    assert_int_equal(ij_query_next(&at, &back, &test_err), 0);
    assert_string_equal(back.name, pair.name);
    assert_string_equal(back.value, pair.value);
}

static void switch_is_0_or_1_and_alone(void **state)
{
    (void)state;
    bool is_on = true;
    assert_int_equal(ij_query_read_only_switch("", "purge", &is_on, &test_err), 0);
    assert_false(is_on);
    assert_int_equal(ij_query_read_only_switch("purge=1", "purge", &is_on, &test_err), 0);
    assert_true(is_on);
    assert_int_equal(ij_query_read_only_switch("purge=2", "purge", &is_on, &test_err),
                     IMGJOB_E_INVALID);
    assert_string_equal(test_err.text, "purge: must be 0 or 1, not '2'");
    assert_int_equal(ij_query_read_only_switch("purge=1&x=1", "purge", &is_on, &test_err),
                     IMGJOB_E_INVALID);
    assert_string_equal(test_err.text, "x: no such parameter; there is purge");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_with_a_body_says_its_type_and_length),
        cmocka_unit_test(answer_that_has_no_body_has_no_type_and_no_length),
        cmocka_unit_test(stream_says_no_length),
        cmocka_unit_test(date_is_as_headers_have_it),
        cmocka_unit_test(query_is_written_so_that_it_is_read_back),
        cmocka_unit_test(switch_is_0_or_1_and_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
