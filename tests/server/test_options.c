/* The options of a submit, as text and as JSON, and the moments in them. */
#include "../unit/test.h"

#include "server/moment.h"
#include "server/options.h"

static int add_text(struct ij_options *options, const char *name, const char *value)
{
    int option = ij_option_named(name);
    assert_true(option >= 0);
    return ij_options_add_text(options, (enum ij_option)option, value, &test_err);
}

/* @param json an object of options */
static int add_member(void *data, const char *key, const struct ij_json *value)
{
    int option = ij_option_named(key);
    assert_true(option >= 0);
    return ij_options_add_json(data, (enum ij_option)option, value, &test_err);
}

static int add_json(struct ij_options *options, const char *json)
{
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    expect_code(0, ij_json_parse(json, strlen(json), 8, &root, &test_err));
    return ij_json_each(root, add_member, options);
}

#define UUID "01890a5d-ac96-774b-bcce-b302099a8057"

static const struct {
    const char *name, *text, *json;
} all[] = {
    { "priority", "0", "0" },
    { "run_at", "2026-03-01T12:00:00Z", "\"2026-03-01T12:00:00Z\"" },
    { "max_attempts", "20", "20" },
    { "timeout_ms", "10", "10" },
    { "deadline", "2026-03-01T13:00:00.5+01:00", "\"2026-03-01T13:00:00.5+01:00\"" },
    { "result_expires_in", "60", "60" },
    { "expires_in", "3153600000", "3153600000" },
    { "callback_url", "https://example.org/?a=b", "\"https://example.org/?a=b\"" },
    { "tags", "a,b.c:d_e-f", "[\"a\", \"b.c:d_e-f\"]" },
    { "queue", "bulk", "\"bulk\"" },
    { "dedup", "false", "false" },
    { "preset", "small", "\"small\"" },
    { "batch", UUID, "\"" UUID "\"" },
    { "source_job", UUID, "\"" UUID "\"" },
};

static void expect_all(const struct ij_options *options)
{
    const char *tags[IJ_TAGS_MAX];
    struct imgjob_submit_options out = { .size = sizeof(out) };
    ij_options_write(options, tags, &out);
    const int64_t noon = INT64_C(1772366400000); /* 2026-03-01T12:00:00Z */
    assert_int_equal(out.has_priority, 1);
    assert_int_equal(out.priority, 0);
    assert_int_equal(out.run_at_ms, noon);
    assert_int_equal(out.max_attempts, 20);
    assert_int_equal(out.timeout_ms, 10);
    assert_int_equal(out.deadline_ms, noon + 500);
    assert_int_equal(out.result_ttl_ms, 60000);
    assert_int_equal(out.job_ttl_ms, UINT64_C(3153600000000));
    assert_string_equal(out.callback_url, "https://example.org/?a=b");
    assert_int_equal(out.tag_count, 2);
    assert_string_equal(out.tags[0], "a");
    assert_string_equal(out.tags[1], "b.c:d_e-f");
    assert_string_equal(out.queue, "bulk");
    assert_int_equal(out.dedup, 0);
    assert_string_equal(out.batch, UUID);
    assert_string_equal(options->preset, "small");
    assert_string_equal(options->source_job, UUID);
}

static void every_option_means_the_same_as_text_and_as_json(void **state)
{
    (void)state;
    struct ij_options text = { .tag_count = 0 }, json = { .tag_count = 0 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(all); i++) {
        char object[200];
        (void)snprintf(object, sizeof(object), "{\"%s\": %s}", all[i].name, all[i].json);
        expect_code(0, add_text(&text, all[i].name, all[i].text));
        expect_code(0, add_json(&json, object));
    }
    expect_all(&text);
    expect_all(&json);
}

static void nothing_given_is_the_default_of_everything(void **state)
{
    (void)state;
    const char *tags[IJ_TAGS_MAX];
    const struct ij_options none = { .tag_count = 0 };
    struct imgjob_submit_options out = { .size = sizeof(out) };
    ij_options_write(&none, tags, &out);
    assert_int_equal(out.has_priority, 0);
    assert_null(out.queue);
    assert_null(out.batch);
    assert_null(out.callback_url);
    assert_int_equal(out.tag_count, 0);
    assert_int_equal(out.deadline_ms, 0);
}

static void refusals_name_field_value_and_range(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *words;
    } bad[] = {
        { "priority", "10", "priority: must be 0..9, not 10" },
        { "priority", "-1", "priority: must be a whole number, 0..9, not '-1'" },
        { "priority", "", "priority: must be a whole number" },
        { "delay_ms", "3153600000001", "delay_ms: must be 0..3153600000000, not" },
        { "delay_ms", "99999999999999999999", "delay_ms: must be a whole number" },
        { "max_attempts", "0", "max_attempts: must be 1..20, not 0" },
        { "timeout_ms", "9", "timeout_ms: must be 10..3600000, not 9" },
        { "expires_in", "0", "expires_in: must be 1..3153600000, not 0" },
        { "run_at", "tomorrow", "run_at: must be a time of RFC 3339" },
        { "dedup", "1", "dedup: must be true or false, not '1'" },
        { "queue", "", "queue: must be 1..64 of the characters" },
        { "queue", "a b", "not 'a b'" },
        { "tags", "a,,b", "tags: must be 1..64 of the characters" },
        { "tags", "a,", "tags: ends with a comma" },
        { "tags", "a,b,a", "tags: 'a' stands twice" },
        { "tags", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "tags: must be 0..16 of them" },
        { "batch", "x", "batch: must be an id, a UUID in lower case, not 'x'" },
        { "batch", "00000000-0000-0000-0000-000000000000", "batch: must be an id" },
        { "callback_url", "", "callback_url: must have 1..2048 bytes, not 0" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++) {
        struct ij_options options = { .tag_count = 0 };
        expect_code(IMGJOB_E_INVALID, add_text(&options, bad[i].name, bad[i].value));
        expect_words(bad[i].words);
    }
}

static void json_of_another_type_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words;
    } bad[] = {
        { "{\"priority\": \"1\"}", "priority: must be a whole number, not a string" },
        { "{\"priority\": 1.5}", "priority: must be a whole number" },
        { "{\"run_at\": 1}", "run_at: must be a string" },
        { "{\"dedup\": \"true\"}", "dedup: must be true or false, not a string" },
        { "{\"tags\": \"a\"}", "tags: must be an array of strings, not a string" },
        { "{\"tags\": [1]}", "tags: must be an array of strings" },
        { "{\"queue\": null}", "queue: must be a string" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++) {
        struct ij_options options = { .tag_count = 0 };
        expect_code(IMGJOB_E_INVALID, add_json(&options, bad[i].json));
        expect_words(bad[i].words);
    }
}

static void an_option_stands_once_and_one_moment_is_enough(void **state)
{
    (void)state;
    struct ij_options options = { .tag_count = 0 };
    expect_code(0, add_text(&options, "delay_ms", "1"));
    expect_code(IMGJOB_E_INVALID, add_text(&options, "delay_ms", "1"));
    expect_words("delay_ms: stands twice");
    expect_code(IMGJOB_E_INVALID, add_text(&options, "run_at", "2026-03-01T12:00:00Z"));
    expect_words("run_at: stands beside delay_ms");
}

static void long_texts_are_refused_whole(void **state)
{
    (void)state;
    char text[IJ_CALLBACK_URL_MAX + 2];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    static const char *const names[] = { "callback_url", "queue", "tags" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++) {
        struct ij_options options = { .tag_count = 0 };
        expect_code(IMGJOB_E_INVALID, add_text(&options, names[i], text));
    }
    text[64] = '\0';
    struct ij_options options = { .tag_count = 0 };
    expect_code(0, add_text(&options, "tags", text));
    expect_code(0, add_text(&options, "queue", text));
}

static void only_what_is_allowed_may_stand(void **state)
{
    (void)state;
    struct ij_options options = { .tag_count = 0 };
    expect_code(0, add_text(&options, "queue", "a"));
    expect_code(
        0, ij_options_allow(&options, UINT32_C(1) << IJ_OPTION_QUEUE, "no", &test_err));
    expect_code(IMGJOB_E_INVALID, ij_options_allow(&options, 0, "no", &test_err));
    expect_words("queue: no");
}

static void moments_are_read_as_rfc_3339_has_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1985-04-12T23:20:50.52Z", INT64_C(482196050520) },
        { "1996-12-19T16:39:57-08:00", INT64_C(851042397000) },
        { "1990-12-31T23:59:60Z", INT64_C(662688000000) },
        { "2024-02-29t00:00:00.123456z", INT64_C(1709164800123) },
        { "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(good); i++) {
        int64_t ms = -1;
        assert_true(ij_moment_parse(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    static const char *const bad[] = {
        "",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-03-01 12:00:00Z",
        "2026-3-01T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-03-00T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T12:60:00Z",
        "2026-03-01T12:00:61Z",
        "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00+1:00",
        "2026-03-01T12:00:00+24:00",
        "2026-03-01T12:00:00Zx",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59-00:01",
        "+026-03-01T12:00:00Z",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++) {
        int64_t ms;
        if (ij_moment_parse(bad[i], &ms))
            fail_msg("'%s' was read as %lld", bad[i], (long long)ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_means_the_same_as_text_and_as_json),
        cmocka_unit_test(nothing_given_is_the_default_of_everything),
        cmocka_unit_test(refusals_name_field_value_and_range),
        cmocka_unit_test(json_of_another_type_is_refused),
        cmocka_unit_test(an_option_stands_once_and_one_moment_is_enough),
        cmocka_unit_test(long_texts_are_refused_whole),
        cmocka_unit_test(only_what_is_allowed_may_stand),
        cmocka_unit_test(moments_are_read_as_rfc_3339_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
