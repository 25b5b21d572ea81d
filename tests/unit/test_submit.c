/* What a submit may say beside the spec, and when it is answered with a job that is there
 * already. */
#include "hand.h"

#define OPTIONS(...)                                              \
    &(struct imgjob_submit_options)                               \
    {                                                             \
        .size = sizeof(struct imgjob_submit_options), __VA_ARGS__ \
    }

static void wrong_options_are_refused_with_field_value_and_range(void **state)
{
    struct place *place = *state;
    static const char *const twice[] = { "b", "a", "b" };
    static const char *const odd[] = { "no spaces" };
    static char long_key[300];
    memset(long_key, 'k', sizeof(long_key) - 1);
    const struct {
        const struct imgjob_submit_options *options;
        int code;
        const char *words;
    } cases[] = {
        { OPTIONS(.reserved = 7), IMGJOB_E_ABI, "reserved: must be 0, not 7" },
        { OPTIONS(.max_attempts = 21), IMGJOB_E_INVALID,
          "max_attempts: must be 1..20, not 21" },
        { OPTIONS(.has_priority = 1, .priority = 10), IMGJOB_E_INVALID,
          "priority: must be 0..9, not 10" },
        { OPTIONS(.priority = 3), IMGJOB_E_INVALID, "has_priority: must be 1" },
        { OPTIONS(.has_priority = 2), IMGJOB_E_INVALID,
          "has_priority: must be 0 or 1, not 2" },
        { OPTIONS(.timeout_ms = 9), IMGJOB_E_INVALID,
          "timeout_ms: must be 10..3600000, not 9" },
        { OPTIONS(.timeout_ms = 3600001), IMGJOB_E_INVALID, "not 3600001" },
        { OPTIONS(.tenant = "a/b"), IMGJOB_E_INVALID, "tenant" },
        { OPTIONS(.queue = ""), IMGJOB_E_INVALID, "queue" },
        { OPTIONS(.run_at_ms = -1), IMGJOB_E_INVALID, "run_at_ms: must be 0..253402" },
        { OPTIONS(.run_at_ms = 5, .delay_ms = 5), IMGJOB_E_INVALID,
          "run_at_ms, delay_ms: only one" },
        { OPTIONS(.delay_ms = UINT64_MAX), IMGJOB_E_INVALID,
          "delay_ms: must be at most 36500 days" },
        { OPTIONS(.deadline_ms = INT64_MAX), IMGJOB_E_INVALID, "deadline_ms: must be" },
        { OPTIONS(.result_ttl_ms = UINT64_MAX), IMGJOB_E_INVALID, "result_ttl_ms: " },
        { OPTIONS(.job_ttl_ms = UINT64_MAX), IMGJOB_E_INVALID, "job_ttl_ms: must" },
        { OPTIONS(.callback_url = "ftp://a/"), IMGJOB_E_INVALID,
          "callback_url: must begin with http:// or https://" },
        { OPTIONS(.callback_url = "http://a/", .dedup = 1), IMGJOB_E_INVALID,
          "dedup, callback_url" },
        { OPTIONS(.tags = twice, .tag_count = 3), IMGJOB_E_INVALID,
          "tags: 'b' stands there twice" },
        { OPTIONS(.tags = odd, .tag_count = 1), IMGJOB_E_INVALID, "no spaces" },
        { OPTIONS(.tags = odd, .tag_count = 17), IMGJOB_E_INVALID,
          "tag_count: must be 0..16, not 17" },
        { OPTIONS(.tag_count = 1), IMGJOB_E_INVALID, "tags: must not be NULL" },
        { OPTIONS(.idempotency_key = ""), IMGJOB_E_INVALID,
          "idempotency_key: must have 1..255 characters" },
        { OPTIONS(.idempotency_key = long_key), IMGJOB_E_INVALID, "1..255" },
        { OPTIONS(.idempotency_key = "a\nb"), IMGJOB_E_INVALID,
          "idempotency_key: byte 1 is no printable" },
        { OPTIONS(.dedup = 2), IMGJOB_E_INVALID, "dedup: must be 0 or 1, not 2" },
        { OPTIONS(.batch = "B"), IMGJOB_E_INVALID, "batch: 'B' is no UUID" },
        { OPTIONS(.batch = "00000000-0000-0000-0000-000000000000"), IMGJOB_E_INVALID,
          "batch: " },
        { OPTIONS(.traceparent = "00-1"), IMGJOB_E_INVALID, "traceparent: not of" },
    };
    struct imgjob_submitted out;
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        expect_code(cases[i].code, place_submit(place, NULL, cases[i].options, &out));
        expect_words(cases[i].words);
    }
    assert_int_equal(count_blobs(place, "in"), 0);
}

static void only_urls_that_can_be_sent_to_are_taken(void **state)
{
    struct place *place = *state;
    static char huge[IMGJOB_ID_SIZE + 2048];
    (void)snprintf(huge, sizeof(huge), "http://a/%02039d", 1); /* 2,048 bytes */
    const char *const good[] = {
        "http://a",
        "HTTPS://a.example:8443/x?y=1#z",
        "http://127.0.0.1:1/",
        "http://[::1]/",
        "http://[::1]:65535",
        "http://a/@b",
        huge,
    };
    struct imgjob_submitted out;
    for (size_t i = 0; i < IJ_ARRAY_LEN(good); i++)
        expect_code(0, place_submit(place, NULL, OPTIONS(.callback_url = good[i]), &out));
    static char over[2200];
    (void)snprintf(over, sizeof(over), "%s1", huge);
    const char *const bad[] = {
        "",
        "a",
        "//a/",
        "http:/a",
        "http://",
        "http:///x",
        "http://?x",
        "http://:80/",
        "http://user@a/",
        "http://user:word@a/",
        "http://a:0/",
        "http://a:65536/",
        "http://a:1x/",
        "http://a:/",
        "http://[::1/",
        "http://[]/",
        "http://a b/",
        "http://a\\b/",
        "http://\xc3\xa4/",
        "http://a/\n",
        "javascript:alert(1)",
        over,
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++) {
        expect_code(IMGJOB_E_INVALID,
                    place_submit(place, NULL, OPTIONS(.callback_url = bad[i]), &out));
        expect_words("callback_url: ");
    }
    expect_code(
        IMGJOB_E_INVALID,
        place_submit(place, NULL, OPTIONS(.callback_url = "http://u:secret@a"), &out));
    assert_null(strstr(test_err.text, "secret"));
}

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static void a_trace_is_kept_if_it_is_one(void **state)
{
    struct place *place = *state;
    static const char *const good[] = {
        "00-" TRACE "-" SPAN "-01",
        "00-" TRACE "-" SPAN "-ff",
        "cc-" TRACE "-" SPAN "-01-what-comes-later",
    };
    static const char *const bad[] = {
        "",
        "00-" TRACE "-" SPAN "-01-x",
        "ff-" TRACE "-" SPAN "-01",
        "cc-" TRACE "-" SPAN "-01x",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-0g",
        "0-" TRACE "-" SPAN "-001",
        "cc-" TRACE "-" SPAN "-01-\n",
    };
    struct imgjob_submitted out;
    for (size_t i = 0; i < IJ_ARRAY_LEN(good); i++)
        expect_code(0, place_submit(place, NULL, OPTIONS(.traceparent = good[i]), &out));
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++)
        expect_code(IMGJOB_E_INVALID,
                    place_submit(place, NULL, OPTIONS(.traceparent = bad[i]), &out));
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    expect_code(0, ij_store_get_record(place->store, out.id, &record, &test_err));
    assert_string_equal(record.options, "{\"traceparent\":\"cc-" TRACE "-" SPAN
                                        "-01-what-comes-later\"}");
}

static void a_job_shows_what_was_asked_of_it(void **state)
{
    struct place *place = *state;
    static const char *const tags[] = { "zoo", "ant:1" };
    struct imgjob_submitted out;
    char batch[IMGJOB_ID_SIZE], words[100];
    expect_code(0, imgjob_id_new(batch, &test_err));
    expect_code(
        0, place_submit(place, NULL,
                        OPTIONS(.has_priority = 1, .max_attempts = 7, .tenant = "them",
                                .queue = "slow", .run_at_ms = 32503680000000,
                                .deadline_ms = 32503680000001,
                                .callback_url = "https://a.example/hook", .tags = tags,
                                .tag_count = 2, .batch = batch),
                        &out));
    assert_int_equal(out.outcome, IMGJOB_SUBMIT_NEW);
    struct imgjob_job *job = job_of(place, out.id);
    assert_string_equal(imgjob_job_tenant(job), "them");
    assert_string_equal(imgjob_job_queue(job), "slow");
    assert_int_equal(imgjob_job_progress(job), 0);
    assert_int_equal(imgjob_job_state(job), IMGJOB_STATE_SCHEDULED);
    imgjob_job_free(job);
    (void)snprintf(words, sizeof(words), "\"tags\":[\"ant:1\",\"zoo\"],\"batch\":\"%s\"",
                   batch);
    expect_view(place, out.id,
                "\"width\":20,\"height\":10,\"queue\":\"slow\",\"priority\":0,");
    expect_view(place, out.id, words);
    expect_view(place, out.id,
                "\"callback_url\":\"https://a.example/hook\",\"attempt\":0,"
                "\"max_attempts\":7,\"progress\":{\"percent\":0},"
                "\"cancel_requested\":false,\"run_at\":\"3000-01-01T00:00:00.000Z\","
                "\"deadline\":\"3000-01-01T00:00:00.001Z\",\"outputs\":[]");
}

/* ---- the same again ---- */

static void a_repeated_key_is_answered_with_the_first_job(void **state)
{
    struct place *place = *state;
    static const char *const one_way[] = { "a", "b" }, *const other_way[] = { "b", "a" };
    struct imgjob_submitted first, second;
    expect_code(
        0, place_submit(place, NULL,
                        OPTIONS(.idempotency_key = "k", .tags = one_way, .tag_count = 2),
                        &first));
    assert_int_equal(first.outcome, IMGJOB_SUBMIT_NEW);
    /* the same by other words, of a client that tries again */
    expect_code(0,
                place_submit(place,
                             "{\"steps\":[{\"height\":10,\"op\":\"resize\","
                             "\"width\":20,\"fit\":\"fill\"}]}",
                             OPTIONS(.idempotency_key = "k", .tags = other_way,
                                     .tag_count = 2, .tenant = "default",
                                     .has_priority = 1, .priority = 5, .max_attempts = 3,
                                     .traceparent = "00-" TRACE "-" SPAN "-01"),
                             &second));
    assert_int_equal(second.outcome, IMGJOB_SUBMIT_REPLAYED);
    assert_string_equal(second.id, first.id);
    assert_int_equal(count_blobs(place, "in"), 1);
    expect_code(0, place_submit(place, NULL,
                                OPTIONS(.idempotency_key = "k", .tenant = "other"),
                                &second));
    assert_int_equal(second.outcome, IMGJOB_SUBMIT_NEW);
}

static void a_key_that_stands_for_something_else_is_refused(void **state)
{
    struct place *place = *state;
    static const char *const tags[] = { "a" };
    struct imgjob_submitted out;
    expect_code(0, place_submit(place, NULL, OPTIONS(.idempotency_key = "k"), &out));
    const struct imgjob_submit_options *const others[] = {
        OPTIONS(.idempotency_key = "k", .queue = "q"),
        OPTIONS(.idempotency_key = "k", .has_priority = 1),
        OPTIONS(.idempotency_key = "k", .max_attempts = 1),
        OPTIONS(.idempotency_key = "k", .timeout_ms = 10),
        OPTIONS(.idempotency_key = "k", .run_at_ms = 1),
        OPTIONS(.idempotency_key = "k", .delay_ms = 1),
        OPTIONS(.idempotency_key = "k", .deadline_ms = 1),
        OPTIONS(.idempotency_key = "k", .result_ttl_ms = 1),
        OPTIONS(.idempotency_key = "k", .job_ttl_ms = 1),
        OPTIONS(.idempotency_key = "k", .callback_url = "http://a"),
        OPTIONS(.idempotency_key = "k", .tags = tags, .tag_count = 1),
        OPTIONS(.idempotency_key = "k", .dedup = 1),
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(others); i++) {
        expect_code(IMGJOB_E_CONFLICT, place_submit(place, NULL, others[i], &out));
        expect_words("idempotency key 'k'");
    }
    expect_code(IMGJOB_E_CONFLICT,
                place_submit(place,
                             "{\"operation\":\"resize\",\"width\":21,\"height\":10}",
                             OPTIONS(.idempotency_key = "k"), &out));
    assert_int_equal(count_blobs(place, "in"), 1);
}

static void a_twin_is_answered_with_the_job_that_is_there(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted first, second;
    expect_code(0, place_submit(place, NULL, OPTIONS(.dedup = 1), &first));
    expect_code(0, place_submit(place, NULL, OPTIONS(.dedup = 1), &second));
    assert_int_equal(second.outcome, IMGJOB_SUBMIT_DEDUPLICATED);
    assert_string_equal(second.id, first.id);
    hand_succeed(place, hand_claim(place));
    expect_code(0, place_submit(place, NULL, OPTIONS(.dedup = 1), &second));
    assert_string_equal(second.id, first.id);
    assert_int_equal(count_blobs(place, "in"), 1);
    const struct imgjob_submit_options *const others[] = {
        NULL, OPTIONS(.dedup = 1, .queue = "q"), OPTIONS(.dedup = 1, .tenant = "t"),
        OPTIONS(.dedup = 1, .has_priority = 1)
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(others); i++) {
        expect_code(0, place_submit(place, NULL, others[i], &second));
        assert_int_equal(second.outcome, IMGJOB_SUBMIT_NEW);
    }
}

/* ---- many ---- */

enum { MANY = 5 };

/* Drafts of the tiny PNG, each one byte longer than the one before. */
static void many_drafts(struct place *place, struct imgjob_draft **drafts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        drafts[i] = place_draft(place, tiny_png, sizeof(tiny_png));
        for (size_t k = 0; k < i; k++)
            expect_code(0, imgjob_draft_write(drafts[i], "", 1, &test_err));
    }
}

/* Submit `count` of them; the drafts go either way. */
static int submit_many(struct place *place, size_t count,
                       const struct imgjob_submit_options *options,
                       struct imgjob_submitted *out)
{
    struct imgjob_draft *drafts[MANY];
    struct imgjob_spec *spec = spec_of(plain_spec);
    const struct imgjob_spec *specs[MANY];
    many_drafts(place, drafts, count);
    for (size_t i = 0; i < count; i++) {
        specs[i] = spec;
        out[i].size = sizeof(out[i]);
    }
    int rc = imgjob_store_submit_many(place->store, drafts, specs, options, out, count,
                                      &test_err);
    for (size_t i = 0; rc < 0 && i < count; i++)
        imgjob_draft_discard(drafts[i]);
    imgjob_spec_free(spec);
    return rc;
}

static void many_go_in_together(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted first[MANY], second[MANY];
    const struct imgjob_submit_options *key = OPTIONS(.idempotency_key = "k");
    expect_code(0, submit_many(place, MANY, key, first));
    expect_code(0, submit_many(place, MANY, key, second));
    for (size_t i = 0; i < MANY; i++) {
        expect_status(place, first[i].id, "pending");
        assert_string_equal(second[i].id, first[i].id);
        assert_int_equal(second[i].outcome, IMGJOB_SUBMIT_REPLAYED);
    }
    assert_int_equal(count_blobs(place, "in"), MANY);
    /* the key stands for the list, not for a part of it */
    expect_code(IMGJOB_E_CONFLICT, submit_many(place, MANY - 1, key, second));
    expect_code(IMGJOB_E_CONFLICT, place_submit(place, NULL, key, second));
    assert_int_equal(count_blobs(place, "in"), MANY);
}

static int setup_for_five(void **state)
{
    struct place *place = place_new(*state);
    place->options.max_queued_jobs = MANY;
    place_open(place);
    *state = place;
    return 0;
}

static void what_cannot_go_in_together_leaves_nothing(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted out[MANY];
    expect_code(0, place_submit(place, NULL, NULL, out));
    expect_code(IMGJOB_E_BUSY, submit_many(place, MANY, NULL, out));
    expect_words("max_queued_jobs is 5");
    assert_int_equal(count_blobs(place, "in"), 1);
    expect_code(0, submit_many(place, MANY - 1, NULL, out));
}

static void a_list_that_is_none_is_refused(void **state)
{
    struct place *place = *state;
    struct imgjob_draft *draft = place_draft(place, tiny_png, sizeof(tiny_png));
    struct imgjob_spec *spec = spec_of(plain_spec);
    struct imgjob_draft *drafts[] = { draft, draft, NULL };
    const struct imgjob_spec *specs[] = { spec, spec, spec };
    struct imgjob_submitted out[2] = { { .size = sizeof(out[0]) } };
    struct imgjob_store *store = place->store;
    const struct {
        size_t count;
        struct imgjob_submitted *out;
        int code;
        const char *words;
    } cases[] = {
        { 0, NULL, IMGJOB_E_INVALID, "count: must be 1..100, not 0" },
        { 101, NULL, IMGJOB_E_INVALID, "not 101" },
        { 2, NULL, IMGJOB_E_INVALID, "drafts[1]: is drafts[0] again" },
        { 3, NULL, IMGJOB_E_INVALID, "drafts[2]: must not be NULL" },
        { 2, out, IMGJOB_E_ABI, "out[1].size is 0" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        expect_code(cases[i].code,
                    imgjob_store_submit_many(store, drafts, specs, NULL, cases[i].out,
                                             cases[i].count, &test_err));
        expect_words(cases[i].words);
    }
    /* nothing was done to it: it can be submitted still */
    expect_code(0, imgjob_store_submit(store, draft, spec, NULL, out, &test_err));
    imgjob_spec_free(spec);
}

/* ---- once more ---- */

static void the_images_of_a_job_are_taken_for_another(void **state)
{
    struct place *place = *state;
    static const char two[] = "{\"steps\":[{\"op\":\"composite\",\"input\":1}]}";
    struct imgjob_spec *spec = spec_of(two);
    struct imgjob_draft *draft = place_draft(place, tiny_png, sizeof(tiny_png));
    expect_code(0, imgjob_draft_select(draft, 1, &test_err));
    expect_code(0, imgjob_draft_write(draft, tiny_png, sizeof(tiny_png), &test_err));
    struct imgjob_submitted first = { .size = sizeof(first) }, second = first;
    expect_code(0,
                imgjob_store_submit(place->store, draft, spec, NULL, &first, &test_err));
    hand_succeed(place, hand_claim(place));
    expect_code(0, imgjob_draft_open_from(place->store, first.id, &draft, &test_err));
    expect_code(0,
                imgjob_store_submit(place->store, draft, spec, NULL, &second, &test_err));
    assert_int_equal(count_blobs(place, "in"), 4);
    IJ_AUTO(ij_record_done) struct ij_record one = { 0 }, other = { 0 };
    expect_code(0, ij_store_get_record(place->store, first.id, &one, &test_err));
    expect_code(0, ij_store_get_record(place->store, second.id, &other, &test_err));
    assert_string_equal(one.input, other.input);
    imgjob_spec_free(spec);
}

static bool has_outputs(struct place *place, const char *id)
{
    struct imgjob_job *job = job_of(place, id);
    bool is_so = imgjob_job_output_count(job) > 0;
    imgjob_job_free(job);
    return is_so;
}

static void images_that_have_expired_are_not_taken(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted out;
    struct imgjob_draft *draft = NULL;
    expect_code(0, place_submit(place, NULL, OPTIONS(.result_ttl_ms = 1), &out));
    hand_succeed(place, hand_claim(place));
    while (has_outputs(place, out.id)) /* for a millisecond */
        hand_sweep(place);
    expect_code(IMGJOB_E_CONFLICT,
                imgjob_draft_open_from(place->store, out.id, &draft, &test_err));
    expect_words("have expired");
    expect_code(IMGJOB_E_NOTFOUND,
                imgjob_draft_open_from(place->store, "x", &draft, &test_err));
    assert_null(draft);
}

static void an_image_that_the_disk_lost_is_told_so(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted out;
    struct imgjob_draft *draft = NULL;
    expect_code(0, place_submit(place, NULL, NULL, &out));
    char key[IJ_BLOB_KEY_SIZE];
    struct ij_id id;
    assert_true(ij_id_of(out.id, &id));
    ij_blob_input_key(&id, 0, key);
    struct ij_blobs *inputs = place->store->inputs;
    expect_code(0, inputs->ops->remove(inputs, key, &test_err));
    expect_code(IMGJOB_E_BLOB,
                imgjob_draft_open_from(place->store, out.id, &draft, &test_err));
    expect_words("is gone from the disk");
    assert_int_equal(count_blobs(place, "in"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(wrong_options_are_refused_with_field_value_and_range),
        ON("memory:", place_setup, only_urls_that_can_be_sent_to_are_taken),
        ON_BOTH(a_trace_is_kept_if_it_is_one),
        ON_BOTH(a_job_shows_what_was_asked_of_it),
        ON_BOTH(a_repeated_key_is_answered_with_the_first_job),
        ON_BOTH(a_key_that_stands_for_something_else_is_refused),
        ON_BOTH(a_twin_is_answered_with_the_job_that_is_there),
        ON_BOTH(many_go_in_together),
        ON_BOTH_WITH(setup_for_five, what_cannot_go_in_together_leaves_nothing),
        ON_BOTH(a_list_that_is_none_is_refused),
        ON_BOTH(the_images_of_a_job_are_taken_for_another),
        ON_BOTH(images_that_have_expired_are_not_taken),
        ON_BOTH(an_image_that_the_disk_lost_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
