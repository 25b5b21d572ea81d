/* The image room: what cannot be done fails in the right words, costs nothing before
 * that, and hands out nothing. */
#include "image_case.h"

#include <dirent.h>

#include "base/clock.h"
#include "image/source.h"

struct refusal {
    const char *name;
    int code;
    enum ij_stage stage;
    enum ij_reason reason;
    const char *words;
};

static void expect_refusals(const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        int rc = run(cases[i].name, RESIZE(64, 48), NULL, &made);
        const struct ij_failure *failure = &made.failure;
        if (rc != cases[i].code || failure->stage != cases[i].stage ||
            failure->reason != cases[i].reason ||
            !strstr(failure->error.text, cases[i].words))
            fail_msg("%s: %d, stage %s, reason %s, '%s', libvips '%s'", cases[i].name, rc,
                     ij_stage_name(failure->stage), ij_reason_name(failure->reason),
                     failure->error.text, failure->library_text);
        assert_null(strchr(failure->library_text, '\n'));
        assert_int_equal(made.output_calls, 0);
        assert_int_equal(made.output.len, 0);
        assert_string_equal(vips_error_buffer(), "");
    }
}

static void what_is_no_image_is_refused_by_its_bytes(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        { "text.txt", IMGJOB_E_IMAGE, IJ_STAGE_LOAD, IJ_REASON_FORMAT,
          "the first of 17 bytes are no image that is read here: jpeg, png, webp, gif, "
          "tiff, avif, heic" },
        { "empty.jpg", IMGJOB_E_IMAGE, IJ_STAGE_LOAD, IJ_REASON_FORMAT, "no image" },
        { "document.pdf", IMGJOB_E_IMAGE, IJ_STAGE_LOAD, IJ_REASON_FORMAT,
          "pdf is not read here (switch on with extra_formats)" },
        { "picture.svg", IMGJOB_E_IMAGE, IJ_STAGE_LOAD, IJ_REASON_FORMAT,
          "svg is not read here (switch on with extra_formats)" },
    };
    expect_refusals(cases, IJ_ARRAY_LEN(cases));
}

static void a_file_that_is_not_whole_fails(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        { "magic-only.jpg", IMGJOB_E_IMAGE, IJ_STAGE_LOAD, IJ_REASON_TRUNCATED,
          "jpeg of 3 bytes: the file is truncated" },
        { "magic-only.png", IMGJOB_E_IMAGE, IJ_STAGE_LOAD, IJ_REASON_TRUNCATED,
          "png of" },
        { "truncated.jpg", IMGJOB_E_IMAGE, IJ_STAGE_DECODE, IJ_REASON_TRUNCATED, "jpeg" },
        { "truncated.png", IMGJOB_E_IMAGE, IJ_STAGE_DECODE, IJ_REASON_TRUNCATED, "png" },
        { "truncated.tif", IMGJOB_E_IMAGE, IJ_STAGE_DECODE, IJ_REASON_TRUNCATED, "tiff" },
        { "truncated.webp", IMGJOB_E_IMAGE, IJ_STAGE_LOAD, IJ_REASON_TRUNCATED, "webp" },
        { "truncated.gif", IMGJOB_E_IMAGE, IJ_STAGE_LOAD, IJ_REASON_TRUNCATED, "gif" },
        { "corrupt.png", IMGJOB_E_IMAGE, IJ_STAGE_DECODE, IJ_REASON_CORRUPT,
          "the file is corrupt" },
    };
    expect_refusals(cases, IJ_ARRAY_LEN(cases));
}

static void a_bomb_is_refused_by_its_header(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        { "bomb-16384x16384.png", IMGJOB_E_LIMIT, IJ_STAGE_LOAD, IJ_REASON_TOO_LARGE,
          "pixels: 268435456 is over the limit of 50000000 (max_pixels)" },
        { "bomb-interlaced-5000x5000.png", IMGJOB_E_LIMIT, IJ_STAGE_LOAD,
          IJ_REASON_TOO_LARGE,
          "pixels: 25000000 is over the limit of 20000000 (max_progressive_pixels)" },
        { "wide-header.png", IMGJOB_E_LIMIT, IJ_STAGE_LOAD, IJ_REASON_TOO_LARGE,
          "side: 100000 is over the limit of 16384 (max_side)" },
        { "float.tif", IMGJOB_E_LIMIT, IJ_STAGE_LOAD, IJ_REASON_TOO_LARGE,
          "bits: 32 is over the limit of 16" },
        { "giant-header.png", IMGJOB_E_LIMIT, IJ_STAGE_LOAD, IJ_REASON_TOO_LARGE,
          "side: 2147483647 is over the limit of 16384 (max_side)" },
        { "bomb-17000x17000.avif", IMGJOB_E_LIMIT, IJ_STAGE_LOAD, IJ_REASON_TOO_LARGE,
          "side: 17000 is over the limit of 16384 (max_side)" },
    };
    expect_refusals(cases, IJ_ARRAY_LEN(cases));
}

static const struct {
    struct setting setting;
    const char *json, *limit, *set_by;
    enum ij_stage stage;
    enum ij_reason reason;
    int64_t value, allowed;
} limit_cases[] = {
    { { .limits.max_upload_size = 100 },
      RESIZE(9, 9),
      "input bytes",
      "max_upload_size",
      IJ_STAGE_LOAD,
      IJ_REASON_TOO_LARGE,
      0,
      100 },
    { { .limits.max_side = 639 },
      RESIZE(9, 9),
      "side",
      "max_side",
      IJ_STAGE_LOAD,
      IJ_REASON_TOO_LARGE,
      640,
      639 },
    { { .limits.max_pixels = 307199 },
      RESIZE(9, 9),
      "pixels",
      "max_pixels",
      IJ_STAGE_LOAD,
      IJ_REASON_TOO_LARGE,
      307200,
      307199 },
    { { .limits.max_pixels = 307200 },
      RESIZE(641, 480),
      "pixels",
      "max_pixels",
      IJ_STAGE_STEPS,
      IJ_REASON_TOO_LARGE,
      307680,
      307200 },
    { { .limits.max_output_size = 100 },
      RESIZE(9, 9),
      "output bytes",
      "max_output_size",
      IJ_STAGE_ENCODE,
      IJ_REASON_OUTPUT_LIMIT,
      0,
      100 },
};

static void limits_are_the_callers(void **state)
{
    (void)state;
    for (size_t i = 0; i < IJ_ARRAY_LEN(limit_cases); i++) {
        IJ_AUTO(made_done) struct made made = { 0 };
        assert_int_equal(
            run("photo-640x480.jpg", limit_cases[i].json, &limit_cases[i].setting, &made),
            IMGJOB_E_LIMIT);
        assert_string_equal(made.failure.limit, limit_cases[i].limit);
        assert_string_equal(made.failure.setting, limit_cases[i].set_by);
        assert_int_equal(made.failure.stage, limit_cases[i].stage);
        assert_int_equal(made.failure.reason, limit_cases[i].reason);
        assert_int_equal(made.failure.limit_value, limit_cases[i].allowed);
        if (limit_cases[i].value)
            assert_int_equal(made.failure.value, limit_cases[i].value);
        assert_int_equal(made.output_calls, 0);
    }
    const struct setting just = { .limits.max_side = 640, .limits.max_pixels = 307200 };
    IJ_AUTO(made_done) struct made made = { 0 };
    assert_int_equal(run("photo-640x480.jpg", RESIZE(640, 480), &just, &made), 0);
}

/* Each alone is within the limit. */
static void all_outputs_together_have_one_limit(void **state)
{
    (void)state;
    static const char json[] = "{\"outputs\":[{\"name\":\"a\",\"format\":\"tiff\","
                               "\"compression\":\"none\"},{\"name\":\"b\","
                               "\"format\":\"tiff\",\"compression\":\"none\"}]}";
    const struct setting both = { .limits.max_output_size = 64 * 48 * 3 * 3 };
    const struct setting one = { .limits.max_output_size = 64 * 48 * 3 * 3 / 2 };
    IJ_AUTO(made_done) struct made made = { 0 };
    expect_well("rgb.png", run("rgb.png", json, &both, &made), &made);
    assert_int_equal(made.output_calls, 2);
    IJ_AUTO(made_done) struct made refused = { 0 };
    assert_int_equal(run("rgb.png", json, &one, &refused), IMGJOB_E_LIMIT);
    assert_string_equal(refused.failure.setting, "max_output_size");
    assert_int_equal(refused.output_calls, 1); /* nothing of the second was handed out */
}

static void limits_out_of_range_are_refused(void **state)
{
    (void)state;
    struct imgjob_limits out = { 0 };
    expect_code(0, ij_limits_read(NULL, &out, &test_err));
    assert_int_equal(out.max_pixels, 50000000);
    assert_int_equal(out.max_side, 16384);
    assert_int_equal(out.max_pages, 256);
    struct imgjob_limits pages = { .size = sizeof(pages), .max_pages = 257 };
    expect_code(IMGJOB_E_INVALID, ij_limits_read(&pages, &out, &test_err));
    assert_string_equal(test_err.text, "max_pages: must be 1..256, not 257");
    struct imgjob_limits wide = { .size = sizeof(wide), .max_pixels = UINT64_MAX };
    expect_code(IMGJOB_E_INVALID, ij_limits_read(&wide, &out, &test_err));
    expect_words("max_pixels: must be at most 9223372036854775807");
    struct imgjob_limits sizeless = { .max_pages = 1 };
    expect_code(IMGJOB_E_ABI, ij_limits_read(&sizeless, &out, &test_err));
}

static void a_job_past_its_time_is_stopped(void **state)
{
    (void)state;
    for (int later_ms = -1; later_ms <= 2; later_ms += 3) { /* at once; while decoding */
        IJ_AUTO(made_done) struct made made = { 0 };
        const struct setting setting = {
            .until_mono_ms = ij_mono_ms(&ij_clock_system) + later_ms,
        };
        assert_int_equal(run("photo-2725x2225.jpg", RESIZE(2725, 2225), &setting, &made),
                         IMGJOB_E_TIMEOUT);
        assert_int_equal(made.failure.reason, IJ_REASON_TIMEOUT);
        assert_non_null(strstr(made.failure.error.text, "not done in the time allowed"));
        assert_int_equal(made.output_calls, 0);
    }
    IJ_AUTO(made_done) struct made after = { 0 };
    run_well("photo-640x480.jpg", RESIZE(64, 48), &after);
}

static void the_caller_may_stop_after_the_header(void **state)
{
    (void)state;
    IJ_AUTO(made_done) struct made made = { .header_answer = 1 };
    assert_int_equal(run("rgb.png", RESIZE(64, 48), NULL, &made), IMGJOB_E_INTERNAL);
    assert_int_equal(made.failure.stage, IJ_STAGE_LOAD);
    assert_int_equal(made.failure.reason, IJ_REASON_INTERNAL);
    assert_int_equal(made.header.width, 64);
}

static void an_output_that_cannot_be_taken_fails_the_job(void **state)
{
    (void)state;
    IJ_AUTO(made_done) struct made made = { .output_answer = IMGJOB_E_FULL };
    assert_int_equal(run("rgb.png", RESIZE(64, 48), NULL, &made), IMGJOB_E_FULL);
    assert_int_equal(made.failure.stage, IJ_STAGE_PUBLISH);
    assert_int_equal(made.failure.reason, IJ_REASON_BLOB);
    assert_non_null(strstr(made.failure.error.text, "no room for"));
}

/* Whatever else lies in a directory of images: a result or a failure in words. */
static void every_other_image_ends_one_way_or_the_other(void **state)
{
    (void)state;
    const char *directory = getenv("IMGJOB_TESTDATA");
    DIR *entries = directory ? opendir(directory) : NULL;
    if (!entries) {
        print_message("skipped: IMGJOB_TESTDATA names no directory of further images\n");
        skip();
    }
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (entry->d_name[0] == '.')
            continue;
        IJ_AUTO(bytes_done) struct bytes bytes = read_file(directory, entry->d_name);
        IJ_AUTO(made_done) struct made made = { 0 };
        if (run_bytes(&bytes, THUMBNAIL(120, 90), NULL, &made) == 0)
            assert_true(made.output.width == 120 || made.output.height == 90);
        else
            assert_true(made.failure.reason && made.failure.error.text[0]);
    }
    (void)closedir(entries);
}

/* Words as the encoders of libvips leave them, and those of decoders beside them. */
static void whose_fault_it_is_is_told_by_the_words_of_libvips(void **state)
{
    (void)state;
    static const struct {
        uint32_t format;
        enum ij_stage stage;
        const char *domain, *words;
        enum ij_reason reason;
    } cases[] = {
        { IMGJOB_FORMAT_PNG, IJ_STAGE_DECODE, "jpegsave_buffer", "no", IJ_REASON_ENCODE },
        { IMGJOB_FORMAT_PNG, IJ_STAGE_DECODE, "webpsave_buffer", "no", IJ_REASON_ENCODE },
        { IMGJOB_FORMAT_PNG, IJ_STAGE_DECODE, "gifsave_buffer", "no", IJ_REASON_ENCODE },
        { IMGJOB_FORMAT_PNG, IJ_STAGE_DECODE, "cgifsave", "no", IJ_REASON_ENCODE },
        { IMGJOB_FORMAT_PNG, IJ_STAGE_DECODE, "vips2tiff", "no", IJ_REASON_ENCODE },
        { IMGJOB_FORMAT_PNG, IJ_STAGE_DECODE, "heif", "no", IJ_REASON_ENCODE },
        { IMGJOB_FORMAT_AVIF, IJ_STAGE_DECODE, "heif", "no", IJ_REASON_CORRUPT },
        { IMGJOB_FORMAT_AVIF, IJ_STAGE_ENCODE, "heif", "no", IJ_REASON_ENCODE },
        { IMGJOB_FORMAT_JPEG, IJ_STAGE_DECODE, "VipsJpeg", "no", IJ_REASON_CORRUPT },
        { IMGJOB_FORMAT_JPEG, IJ_STAGE_DECODE, "VipsJpeg", "Premature end",
          IJ_REASON_TRUNCATED },
        { IMGJOB_FORMAT_JPEG, IJ_STAGE_DECODE, "jpegsave_buffer",
          "unable to write to target", IJ_REASON_CORRUPT },
        { IMGJOB_FORMAT_JPEG, IJ_STAGE_ENCODE, "gifsave_buffer", "out of memory",
          IJ_REASON_MEMORY },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        const struct ij_source source = { "", 0, cases[i].format, "loader" };
        struct ij_failure failure = { 0 };
        vips_error(cases[i].domain, "%s", cases[i].words);
        assert_true(ij_source_fail(&source, cases[i].stage, &failure) < 0);
        if (failure.reason != cases[i].reason)
            fail_msg("%s: %s: %s", cases[i].domain, cases[i].words,
                     ij_reason_name(failure.reason));
        assert_true(failure.library_text[0] && !vips_error_buffer()[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_image_is_refused_by_its_bytes),
        cmocka_unit_test(a_file_that_is_not_whole_fails),
        cmocka_unit_test(a_bomb_is_refused_by_its_header),
        cmocka_unit_test(limits_are_the_callers),
        cmocka_unit_test(all_outputs_together_have_one_limit),
        cmocka_unit_test(limits_out_of_range_are_refused),
        cmocka_unit_test(a_job_past_its_time_is_stopped),
        cmocka_unit_test(the_caller_may_stop_after_the_header),
        cmocka_unit_test(an_output_that_cannot_be_taken_fails_the_job),
        cmocka_unit_test(whose_fault_it_is_is_told_by_the_words_of_libvips),
        cmocka_unit_test(every_other_image_ends_one_way_or_the_other),
    };
    return cmocka_run_group_tests(tests, start_image_room, NULL);
}
