/* How failures look to a client. */
#include "../unit/test.h"

#include "server/problem.h"

struct told {
    char text[600];
};

static void tell(void *data, const struct imgjob_log_event *event)
{
    struct told *told = data;
    (void)snprintf(told->text, sizeof(told->text), "%s", event->text);
}

static void every_code_has_its_status(void **state)
{
    (void)state;
    static const struct {
        int code, status;
    } table[] = {
        { IMGJOB_E_INVALID, 400 }, { IMGJOB_E_SPEC, 400 },     { IMGJOB_E_IMAGE, 415 },
        { IMGJOB_E_LIMIT, 413 },   { IMGJOB_E_NOTFOUND, 404 }, { IMGJOB_E_CONFLICT, 409 },
        { IMGJOB_E_BUSY, 503 },    { IMGJOB_E_TIMEOUT, 504 },  { IMGJOB_E_CRASHED, 500 },
        { IMGJOB_E_STORE, 503 },   { IMGJOB_E_BLOB, 503 },     { IMGJOB_E_NOMEM, 503 },
        { IMGJOB_E_ABI, 500 },     { IMGJOB_E_INTERNAL, 500 }, { IMGJOB_E_FULL, 507 },
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(ij_problem_status(table[i].code), table[i].status);
}

static void problem_holds_the_original_s_error_and_the_rfc_s_members(void **state)
{
    (void)state;
    IJ_AUTO(ij_response_done) struct ij_response response = { .request_id = "r" };
    ij_problem(&response, 404, "not_found", "Job not found");
    assert_int_equal(response.status, 404);
    assert_string_equal(response.content_type, "application/problem+json");
    assert_string_equal(response.body.data,
                        "{\"error\":\"Job not found\",\"type\":\"about:blank\","
                        "\"title\":\"Not Found\",\"status\":404,"
                        "\"detail\":\"Job not found\",\"code\":\"not_found\","
                        "\"request_id\":\"r\"}");
}

static void cause_of_a_server_s_failure_is_logged_and_not_told(void **state)
{
    (void)state;
    IJ_AUTO(ij_response_done) struct ij_response response = { .request_id = "r7" };
    struct told told = { "" };
    struct ij_log log = { tell, &told };
    struct imgjob_error err = { IMGJOB_E_STORE, "secret path is broken" };
    ij_problem_of_error(&response, &log, &err);
    assert_int_equal(response.status, 503);
    assert_null(strstr(response.body.data, "secret"));
    assert_non_null(strstr(response.body.data, "under request r7"));
    assert_string_equal(told.text, "request r7: store: secret path is broken");
    assert_non_null(strstr(response.head.data, "Retry-After: "));
}

static void fault_of_a_long_spec_points_to_its_place(void **state)
{
    (void)state;
    IJ_AUTO(ij_response_done) struct ij_response response = { .request_id = "r" };
    struct imgjob_error err = { IMGJOB_E_SPEC, "/steps/0/width: must be 1 to 4096" };
    ij_problem_of_spec(&response, true, &err);
    assert_int_equal(response.status, 422);
    assert_non_null(strstr(response.body.data,
                           "\"errors\":[{\"pointer\":\"/steps/0/width\","
                           "\"detail\":\"must be 1 to 4096\"}]"));
}

static void fault_of_a_simple_spec_begins_with_its_field(void **state)
{
    (void)state;
    IJ_AUTO(ij_response_done) struct ij_response response = { .request_id = "r" };
    struct imgjob_error err = { IMGJOB_E_SPEC, "/width: must be 1..4096, not 0" };
    ij_problem_of_spec(&response, false, &err);
    assert_int_equal(response.status, 400);
    assert_non_null(
        strstr(response.body.data, "{\"error\":\"width: must be 1..4096, not 0\""));
    assert_null(strstr(response.body.data, "errors"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_status),
        cmocka_unit_test(problem_holds_the_original_s_error_and_the_rfc_s_members),
        cmocka_unit_test(cause_of_a_server_s_failure_is_logged_and_not_told),
        cmocka_unit_test(fault_of_a_long_spec_points_to_its_place),
        cmocka_unit_test(fault_of_a_simple_spec_begins_with_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
