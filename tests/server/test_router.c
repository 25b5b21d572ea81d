/* Paths and methods to handlers. */
#include "../unit/test.h"

#include "server/router.h"

static void expect_route(const char *method, const char *path, ij_handler_fn *handle,
                         const char *parameter)
{
    struct ij_match match;
    assert_int_equal(ij_router_find(ij_routes, ij_route_count, method, path, &match),
                     IJ_ROUTE_FOUND);
    assert_ptr_equal(match.route->handle, handle);
    assert_string_equal(match.parameters[IJ_PATH_ID], parameter);
}

static void every_path_leads_to_its_handler(void **state)
{
    (void)state;
    expect_route("GET", "/", ij_handle_index, "");
    expect_route("POST", "/jobs", ij_handle_submit, "");
    expect_route("GET", "/jobs/abc", ij_handle_job, "abc");
    expect_route("GET", "/jobs/abc/download", ij_handle_download, "abc");
    expect_route("POST", "/info", ij_handle_info, "");
    expect_route("POST", "/process", ij_handle_process, "");
    expect_route("POST", "/batches", ij_handle_submit_batch, "");
    expect_route("GET", "/batches/abc", ij_handle_batch, "abc");
    expect_route("DELETE", "/batches/abc", ij_handle_cancel_batch, "abc");
    expect_route("GET", "/jobs", ij_handle_jobs, "");
    expect_route("DELETE", "/jobs/abc", ij_handle_delete_job, "abc");
    expect_route("POST", "/jobs/abc/retry", ij_handle_retry_job, "abc");
    expect_route("GET", "/jobs/abc/events", ij_handle_job_events, "abc");
    expect_route("GET", "/events", ij_handle_events, "");
    expect_route("GET", "/deliveries", ij_handle_deliveries, "");
    expect_route("POST", "/deliveries/abc/replay", ij_handle_replay_delivery, "abc");
    expect_route("GET", "/pool", ij_handle_pool, "");
    expect_route("PUT", "/pool", ij_handle_set_pool, "");
    expect_route("GET", "/queues", ij_handle_queues, "");
    expect_route("PUT", "/queues/abc", ij_handle_set_queue, "abc");
    expect_route("POST", "/queues/abc/pause", ij_handle_pause_queue, "abc");
    expect_route("POST", "/queues/abc/resume", ij_handle_resume_queue, "abc");
    expect_route("GET", "/stats", ij_handle_stats, "");
    expect_route("GET", "/metrics", ij_handle_metrics, "");
    expect_route("GET", "/openapi.json", ij_handle_openapi, "");
    expect_route("GET", "/operations", ij_handle_operations, "");
    expect_route("GET", "/health", ij_handle_health, "");
    expect_route("GET", "/health/live", ij_handle_live, "");
    expect_route("GET", "/health/ready", ij_handle_ready, "");
}

static void the_second_parameter_is_the_name_of_an_output(void **state)
{
    (void)state;
    struct ij_match match;
    expect_route("GET", "/jobs/abc/download/small_2-x", ij_handle_download, "abc");
    assert_int_equal(ij_router_find(ij_routes, ij_route_count, "GET",
                                    "/jobs/abc/download/small_2-x", &match),
                     IJ_ROUTE_FOUND);
    assert_string_equal(match.parameters[IJ_PATH_NAME], "small_2-x");
    assert_int_equal(
        ij_router_find(ij_routes, ij_route_count, "GET", "/jobs/abc/download", &match),
        IJ_ROUTE_FOUND);
    assert_string_equal(match.parameters[IJ_PATH_NAME], "");
    assert_int_equal(ij_router_find(ij_routes, ij_route_count, "DELETE",
                                    "/jobs/abc/download/small", &match),
                     IJ_ROUTE_NO_METHOD);
    assert_string_equal(match.allow, "GET, HEAD");
}

static void no_route_has_more_parameters_than_there_is_room_for(void **state)
{
    (void)state;
    static const struct ij_route routes[] = {
        { "GET", "/{id}/{name}/{third}", ij_handle_index },
    };
    struct ij_match match;
    assert_int_equal(ij_router_find(routes, 1, "GET", "/a/b/c", &match),
                     IJ_ROUTE_NO_PATH);
}

static void head_is_served_where_get_is(void **state)
{
    (void)state;
    expect_route("HEAD", "/jobs/abc/download", ij_handle_download, "abc");
}

static void unknown_paths_are_no_paths(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "/job",
                                       "/jobs/",
                                       "/jobs//download",
                                       "/jobs/a/b",
                                       "/jobs/a/download/",
                                       "/operations/",
                                       "/info/",
                                       "/jobs/a/download/b/",
                                       "/jobs/a/download/b/c",
                                       "/jobs//download/b",
                                       "/health/",
                                       "/jobs/a/downloads",
                                       "//" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ij_match match;
        assert_int_equal(ij_router_find(ij_routes, ij_route_count, "GET", bad[i], &match),
                         IJ_ROUTE_NO_PATH);
    }
}

static void wrong_methods_are_told_the_right_ones(void **state)
{
    (void)state;
    struct ij_match match;
    assert_int_equal(ij_router_find(ij_routes, ij_route_count, "PUT", "/jobs", &match),
                     IJ_ROUTE_NO_METHOD);
    assert_string_equal(match.allow, "POST, GET, HEAD");
    assert_int_equal(ij_router_find(ij_routes, ij_route_count, "GET", "/info", &match),
                     IJ_ROUTE_NO_METHOD);
    assert_string_equal(match.allow, "POST");
    assert_int_equal(ij_router_find(ij_routes, ij_route_count, "PUT", "/jobs/a", &match),
                     IJ_ROUTE_NO_METHOD);
    assert_string_equal(match.allow, "GET, HEAD, DELETE");
}

static void long_parameters_are_cut(void **state)
{
    (void)state;
    char path[200] = "/jobs/";
    memset(path + 6, 'a', sizeof(path) - 7);
    struct ij_match match;
    assert_int_equal(ij_router_find(ij_routes, ij_route_count, "GET", path, &match),
                     IJ_ROUTE_FOUND);
    assert_int_equal(strlen(match.parameters[IJ_PATH_ID]), IJ_PATH_PARAMETER_SIZE - 1);
    char named[300] = "/jobs/a/download/"; /* 64 is the most that a name has */
    size_t len = strlen(named);
    for (size_t more = 64; more < 70; more++) {
        memset(named + len, 'b', more);
        named[len + more] = '\0';
        assert_int_equal(ij_router_find(ij_routes, ij_route_count, "GET", named, &match),
                         IJ_ROUTE_FOUND);
        assert_int_equal(strlen(match.parameters[IJ_PATH_NAME]), more == 64 ? 64 : 65);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_leads_to_its_handler),
        cmocka_unit_test(the_second_parameter_is_the_name_of_an_output),
        cmocka_unit_test(no_route_has_more_parameters_than_there_is_room_for),
        cmocka_unit_test(head_is_served_where_get_is),
        cmocka_unit_test(unknown_paths_are_no_paths),
        cmocka_unit_test(wrong_methods_are_told_the_right_ones),
        cmocka_unit_test(long_parameters_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
