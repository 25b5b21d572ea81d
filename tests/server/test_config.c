/* The layers of the configuration and their refusals. */
#include "../unit/test.h"

#include "server/setting.h"

static const char *no_environment[] = { NULL };
static struct ij_task task; /* of the last load() */

/* Load with these flags and this environment; the caller ends `config`. */
static int load(struct ij_config *config, const char **argv, const char **environment)
{
    const struct ij_command command = {
        (char *const *)argv,
        (char *const *)(environment ? environment : no_environment),
    };
    expect_code(0, ij_config_init(config, &test_err));
    return ij_config_load(config, &command, &task, &test_err);
}

static void expect_refusal(const char **argv, const char **environment, const char *words)
{
    IJ_AUTO(ij_config_done) struct ij_config config;
    expect_code(IMGJOB_E_INVALID, load(&config, argv, environment));
    expect_words(words);
}

static void table_is_complete_and_its_defaults_are_in_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < IJ_SETTING_COUNT; i++) {
        assert_non_null(ij_settings[i].name);
        assert_non_null(ij_settings[i].help);
        assert_non_null(ij_settings[i].unit);
    }
    IJ_AUTO(ij_config_done) struct ij_config config;
    expect_code(0, ij_config_init(&config, &test_err));
    assert_int_equal(config.port, 8080);
    assert_string_equal(config.db_path, "./data/jobs.db");
    assert_string_equal(config.upload_dir, "./uploads");
    assert_string_equal(config.output_dir, "./outputs");
    assert_int_equal(config.max_upload_size, 10485760);
}

static void flags_win_over_the_environment_and_that_over_the_file(void **state)
{
    (void)state;
    char *dir = test_dir_make();
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/imgjobd.conf", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("# a comment\n\n port = 1 # and another\nmax_side=2\ngrace_ms = 3\n"
                "worker_path = # none\nupload_dir = a#b\n",
                file);
    assert_int_equal(fclose(file), 0);
    const char *argv[] = { "imgjobd", "--grace-ms=5", "--config", path, NULL };
    const char *environment[] = { "MAX_SIDE=4", "GRACE_MS=4", "UNRELATED=1", "PORTS=9",
                                  NULL };
    IJ_AUTO(ij_config_done) struct ij_config config;
    expect_code(0, load(&config, argv, environment));
    assert_int_equal(config.port, 1);
    assert_int_equal(config.max_side, 4);
    assert_int_equal(config.grace_ms, 5);
    assert_string_equal(config.worker_path, "");
    assert_string_equal(config.upload_dir, "a#b");
    test_dir_remove(dir);
}

static void flag_takes_its_value_either_way(void **state)
{
    (void)state;
    const char *argv[] = { "imgjobd", "--worker-pool-size", "3", "--isolation=inline",
                           NULL };
    IJ_AUTO(ij_config_done) struct ij_config config;
    expect_code(0, load(&config, argv, NULL));
    assert_int_equal(config.worker_pool_size, 3);
    assert_int_equal(config.isolation, IJ_ISOLATION_INLINE);
}

static void a_set_is_names_with_a_comma_between(void **state)
{
    (void)state;
    const char *none[] = { "imgjobd", "--extra-formats=", NULL };
    const char *some[] = { "imgjobd", "--extra-formats", "jp2, svg", NULL };
    const char *all[] = { "imgjobd", "--extra-formats=svg,pdf,jxl,jp2", NULL };
    IJ_AUTO(ij_config_done) struct ij_config empty, two, full;
    expect_code(0, load(&empty, none, NULL));
    expect_code(0, load(&two, some, NULL));
    expect_code(0, load(&full, all, NULL));
    assert_int_equal(empty.extra_formats, 0);
    assert_int_equal(two.extra_formats, 1 << IJ_EXTRA_SVG | 1 << IJ_EXTRA_JP2);
    const struct ij_setting *setting = ij_settings;
    while (strcmp(setting->name, "extra_formats") != 0)
        setting++;
    char room[IJ_SETTING_ROOM_SIZE];
    assert_string_equal(ij_setting_text(&empty, setting, room), "");
    assert_string_equal(ij_setting_text(&two, setting, room), "svg,jp2");
    assert_string_equal(ij_setting_text(&full, setting, room), "svg,pdf,jxl,jp2");
    const char *wrong[] = { "imgjobd", "--extra-formats=svg,bmp", NULL };
    expect_refusal(wrong, NULL,
                   "extra_formats = 'svg,bmp' (flag): must be any of svg, pdf, jxl, jp2, "
                   "with a comma between");
}

static void refusals_name_key_value_range_and_source(void **state)
{
    (void)state;
    const char *port[] = { "imgjobd", "--port", "65536", NULL };
    expect_refusal(port, NULL,
                   "port = '65536' (flag): must be a whole number, 0 to 65535");
    const char *none[] = { "imgjobd", NULL };
    const char *environment[] = { "GRACE_MS=soon", NULL };
    expect_refusal(
        none, environment,
        "grace_ms = 'soon' (environment): must be a whole number, 0 to 600000 ms");
    const char *choice[] = { "imgjobd", "--durability=maybe", NULL };
    expect_refusal(choice, NULL,
                   "durability = 'maybe' (flag): must be one of full, normal");
    const char *empty[] = { "imgjobd", "--db-path=", NULL };
    expect_refusal(empty, NULL, "db_path = '' (flag): must not be empty");
}

static void unknown_names_are_refused(void **state)
{
    (void)state;
    const char *flag[] = { "imgjobd", "--colour=red", NULL };
    expect_refusal(flag, NULL, "'--colour=red' (flag): no such flag; see --help");
    const char *word[] = { "imgjobd", "start", NULL };
    expect_refusal(word, NULL, "'start' (flag): no such flag");
    const char *missing[] = { "imgjobd", "--port", NULL };
    expect_refusal(missing, NULL, "'--port' (flag): its value is missing");
    const char *absent[] = { "imgjobd", "--config=/nowhere/imgjobd.conf", NULL };
    expect_refusal(absent, NULL, "open the configuration '/nowhere/imgjobd.conf'");
}

static void address_that_others_reach_must_be_allowed(void **state)
{
    (void)state;
    const char *open[] = { "imgjobd", "--bind=0.0.0.0", NULL };
    expect_refusal(open, NULL, "set allow_open = 1 if that is meant");
    const char *words[] = { "imgjobd", "--bind=localhost", NULL };
    expect_refusal(words, NULL, "bind = 'localhost': must be an IPv4 address");
    const char *allowed[] = { "imgjobd", "--bind=0.0.0.0", "--allow-open=1", NULL };
    IJ_AUTO(ij_config_done) struct ij_config config;
    expect_code(0, load(&config, allowed, NULL));
}

static void waiters_must_leave_threads_for_others(void **state)
{
    (void)state;
    const char *argv[] = { "imgjobd", "--max-waiters=8", "--http-threads=8", NULL };
    expect_refusal(argv, NULL, "max_waiters = 8: must be less than http_threads, 8");
}

static void what_presets_only_needs_is_there(void **state)
{
    (void)state;
    const char *argv[] = { "imgjobd", "--presets-only=1", NULL };
    expect_refusal(argv, NULL, "presets_only = 1: needs a presets_file");
}

static void origins_are_origins(void **state)
{
    (void)state;
    const char *path[] = { "imgjobd", "--cors-origins=https://example.org/", NULL };
    expect_refusal(path, NULL, "cors_origins: 'https://example.org/'");
    const char *right[] = { "imgjobd", "--cors-origins=https://a.example, http://b:81",
                            NULL };
    IJ_AUTO(ij_config_done) struct ij_config config;
    expect_code(0, load(&config, right, NULL));
}

static void public_url_is_one_that_a_path_can_be_added_to(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "--public-url=images.example.org",
        "--public-url=ftp://example.org",
        "--public-url=https://",
        "--public-url=https:///path",
        "--public-url=https://example.org/",
        "--public-url=https://example.org?a=b",
        "--public-url=https://example.org#at",
        "--public-url=https://exa mple.org",
        "--public-url=https://a\"b",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(wrong); i++) {
        const char *argv[] = { "imgjobd", wrong[i], NULL };
        expect_refusal(argv, NULL, "must be an http: or https: URL");
    }
    const char *right[] = { "imgjobd", "--public-url=https://example.org:8443/images",
                            NULL };
    IJ_AUTO(ij_config_done) struct ij_config config;
    expect_code(0, load(&config, right, NULL));
}

static void tasks_are_told_from_settings(void **state)
{
    (void)state;
    const char *serve[] = { "imgjobd", "--port=0", NULL };
    IJ_AUTO(ij_config_done) struct ij_config first, second, third;
    expect_code(0, load(&first, serve, NULL));
    assert_int_equal(task.action, IJ_CONFIG_RUN);
    const char *audit[] = { "imgjobd", "--audit", "--db-path=a.db", "--repair", NULL };
    expect_code(0, load(&second, audit, NULL));
    assert_int_equal(task.action, IJ_CONFIG_AUDIT);
    assert_true(task.is_repair);
    assert_string_equal(second.db_path, "a.db");
    const char *backup[] = { "imgjobd", "--backup", "to.db", NULL };
    expect_code(0, load(&third, backup, NULL));
    assert_int_equal(task.action, IJ_CONFIG_BACKUP);
    assert_string_equal(task.backup_path, "to.db");
}

static void tasks_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const char *repair[] = { "imgjobd", "--repair", NULL };
    expect_refusal(repair, NULL, "'--repair' (flag): only beside --audit");
    const char *value[] = { "imgjobd", "--audit=all", NULL };
    expect_refusal(value, NULL, "'--audit=all' (flag): no such flag");
    const char *missing[] = { "imgjobd", "--backup", NULL };
    expect_refusal(missing, NULL, "'--backup' (flag): its value is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_complete_and_its_defaults_are_in_range),
        cmocka_unit_test(flags_win_over_the_environment_and_that_over_the_file),
        cmocka_unit_test(flag_takes_its_value_either_way),
        cmocka_unit_test(a_set_is_names_with_a_comma_between),
        cmocka_unit_test(refusals_name_key_value_range_and_source),
        cmocka_unit_test(unknown_names_are_refused),
        cmocka_unit_test(address_that_others_reach_must_be_allowed),
        cmocka_unit_test(waiters_must_leave_threads_for_others),
        cmocka_unit_test(what_presets_only_needs_is_there),
        cmocka_unit_test(origins_are_origins),
        cmocka_unit_test(public_url_is_one_that_a_path_can_be_added_to),
        cmocka_unit_test(tasks_are_told_from_settings),
        cmocka_unit_test(tasks_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
