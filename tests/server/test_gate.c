/* Which requests are looked at at all. */
#include "../unit/test.h"

#include "server/request.h"

static struct ij_request request_with(const char *name, const char *value)
{
    struct ij_request request = { .header_count = 1 };
    request.headers[0] = (struct ij_header){ "Host", "example" };
    if (name)
        request.headers[request.header_count++] = (struct ij_header){ name, value };
    return request;
}

static void expect_refusal(struct ij_request request, int status, const char *words)
{
    test_err = (struct imgjob_error){ 0 };
    assert_int_equal(ij_gate_check(&request, request.header_count, &test_err), status);
    assert_int_equal(test_err.code, IMGJOB_E_INVALID);
    expect_words(words);
}

static void plain_request_passes(void **state)
{
    (void)state;
    struct ij_request request = request_with("content-length", "1234567890");
    assert_int_equal(ij_gate_check(&request, 2, &test_err), 0);
    assert_true(request.has_length);
    assert_int_equal(request.length, 1234567890);
    struct ij_request bodiless = request_with(NULL, NULL);
    assert_int_equal(ij_gate_check(&bodiless, 1, &test_err), 0);
    assert_false(bodiless.has_length);
}

static void length_that_is_not_plain_digits_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",   "5abc", "+5",          "-5", " 5",
                                       "5 ", "0x5",  "12345678901", "5,5" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refusal(request_with("Content-Length", bad[i]), 400,
                       "Content-Length must be 1 to 10 digits");
}

static void headers_that_stand_twice_are_refused(void **state)
{
    (void)state;
    struct ij_request request = request_with("Content-Length", "5");
    request.headers[request.header_count++] = (struct ij_header){ "content-length", "5" };
    expect_refusal(request, 400, "Content-Length stands twice");
    expect_refusal(request_with("HOST", "other"), 400, "Host stands twice");
}

static void host_is_asked_for_since_http_1_1(void **state)
{
    (void)state;
    struct ij_request request = { .header_count = 0 };
    expect_refusal(request, 400, "Host is missing");
    request.is_http10 = true;
    assert_int_equal(ij_gate_check(&request, 0, &test_err), 0);
}

static void transfer_encoding_and_upgrade_are_refused(void **state)
{
    (void)state;
    expect_refusal(request_with("Transfer-Encoding", "chunked"), 411,
                   "Transfer-Encoding");
    expect_refusal(request_with("transfer-encoding", "identity"), 411,
                   "Transfer-Encoding");
    expect_refusal(request_with("Upgrade", "websocket"), 400, "Upgrade");
}

static void sixty_headers_are_too_many(void **state)
{
    (void)state;
    struct ij_request request = request_with(NULL, NULL);
    while (request.header_count < IJ_HEADERS_MAX - 1)
        request.headers[request.header_count++] = (struct ij_header){ "A", "b" };
    assert_int_equal(ij_gate_check(&request, 59, &test_err), 0);
    assert_int_equal(ij_gate_check(&request, 60, &test_err), 431);
    expect_words("60 headers are too many: at most 59 are read");
}

static void only_100_continue_can_be_expected(void **state)
{
    (void)state;
    struct ij_request request = request_with("Expect", "100-Continue");
    assert_int_equal(ij_gate_check(&request, 2, &test_err), 0);
    assert_true(request.expects_continue);
    expect_refusal(request_with("Expect", "cake"), 417, "100-continue");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_request_passes),
        cmocka_unit_test(length_that_is_not_plain_digits_is_refused),
        cmocka_unit_test(headers_that_stand_twice_are_refused),
        cmocka_unit_test(host_is_asked_for_since_http_1_1),
        cmocka_unit_test(transfer_encoding_and_upgrade_are_refused),
        cmocka_unit_test(sixty_headers_are_too_many),
        cmocka_unit_test(only_100_continue_can_be_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
