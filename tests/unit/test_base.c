/* The base room without JSON, base64 and option structs: errors, ids, buffers, digests,
 * UTF-8, logs, failures, files, clocks, CPUs. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/digest.h"
#include "base/failure.h"
#include "base/id.h"
#include "base/io.h"
#include "base/log.h"
#include "base/utf8.h"

/* ---- errors ---- */

static void fail_fills_code_and_text_and_returns_the_code(void **state)
{
    (void)state;
    expect_code(IMGJOB_E_LIMIT,
                ij_fail(&test_err, IMGJOB_E_LIMIT, "side %d is over %d", 9, 8));
    assert_int_equal(test_err.code, IMGJOB_E_LIMIT);
    assert_string_equal(test_err.text, "side 9 is over 8");
}

static void fail_takes_no_error_to_fill(void **state)
{
    (void)state;
    errno = ENOENT;
    assert_int_equal(ij_fail(NULL, IMGJOB_E_BLOB, "x"), IMGJOB_E_BLOB);
    assert_int_equal(ij_fail_errno(NULL, IMGJOB_E_BLOB, "x"), IMGJOB_E_BLOB);
    assert_int_equal(ij_fail_nomem(NULL, "x"), IMGJOB_E_NOMEM);
}

static void fail_cuts_a_long_text_between_characters(void **state)
{
    (void)state;
    char text[400];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', sizeof(text));
        /* four bytes of one character, across the end of err.text */
        memcpy(text + sizeof(test_err.text) - 1 - shift, "\xf0\x9f\x98\x80", 4);
        text[sizeof(text) - 1] = '\0';
        expect_code(IMGJOB_E_SPEC, ij_fail(&test_err, IMGJOB_E_SPEC, "%s", text));
        assert_int_equal(strlen(test_err.text), sizeof(test_err.text) - 1 - shift);
    }
}

static void fail_errno_adds_the_words_of_errno(void **state)
{
    (void)state;
    errno = ENOENT;
    expect_code(IMGJOB_E_BLOB, ij_fail_errno(&test_err, IMGJOB_E_BLOB, "open '%s'", "x"));
    assert_string_equal(test_err.text, "open 'x': No such file or directory");
}

static void fail_errno_tells_a_full_disk_and_spent_resources_apart(void **state)
{
    (void)state;
    static const struct {
        int number, code;
    } cases[] = {
        { ENOSPC, IMGJOB_E_FULL },  { EDQUOT, IMGJOB_E_FULL },
        { ENOMEM, IMGJOB_E_NOMEM }, { EMFILE, IMGJOB_E_NOMEM },
        { ENFILE, IMGJOB_E_NOMEM }, { EIO, IMGJOB_E_STORE },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        errno = cases[i].number;
        expect_code(cases[i].code, ij_fail_errno(&test_err, IMGJOB_E_STORE, "write"));
        assert_int_equal(test_err.code, cases[i].code);
    }
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int code = 0; code >= IMGJOB_E_FULL; code--) {
        assert_string_not_equal(imgjob_code_name(code), "unknown");
        for (int other = 0; other > code; other--)
            assert_string_not_equal(imgjob_code_name(code), imgjob_code_name(other));
    }
    assert_string_equal(imgjob_code_name(1), "unknown");
    assert_string_equal(imgjob_code_name(IMGJOB_E_FULL - 1), "unknown");
}

/* ---- ids ---- */

static void id_survives_format_and_parse(void **state)
{
    (void)state;
    struct ij_id id, again;
    char text[IMGJOB_ID_SIZE];
    expect_code(0, ij_id_new(1700000000000, &id, &test_err));
    ij_id_format(&id, text);
    assert_int_equal(strlen(text), 36);
    assert_true(ij_id_parse(text, strlen(text), &again));
    assert_true(ij_id_equal(&id, &again));
}

static void id_is_a_uuid_version_7_of_its_moment(void **state)
{
    (void)state;
    struct ij_id id;
    char text[IMGJOB_ID_SIZE];
    expect_code(0, ij_id_new(0x0123456789ab, &id, &test_err));
    ij_id_format(&id, text);
    assert_memory_equal(text, "01234567-89ab-7", 15);
    assert_non_null(strchr("89ab", text[19]));
}

static void later_ids_sort_later(void **state)
{
    (void)state;
    struct ij_id before, after;
    for (int64_t ms = 255; ms < (INT64_C(1) << 47); ms *= 3) {
        expect_code(0, ij_id_new(ms, &before, &test_err));
        expect_code(0, ij_id_new(ms + 1, &after, &test_err));
        assert_true(memcmp(before.bytes, after.bytes, sizeof(before.bytes)) < 0);
    }
}

static void id_parse_refuses_all_but_the_exact_form(void **state)
{
    (void)state;
    static const char good[] = "01234567-89ab-7cde-8f01-23456789abcd";
    struct ij_id id = { { 7 } }, before = id;
    for (size_t i = 0; i < 36; i++) {
        char text[] = "01234567-89ab-7cde-8f01-23456789abcd";
        static const char bad[] = { 'g', 'A', ' ', '\0', '/', ':', '_' };
        for (size_t k = 0; k < sizeof(bad); k++) {
            text[i] = bad[k];
            assert_false(ij_id_parse(text, 36, &id));
        }
    }
    for (size_t len = 0; len < 36; len++)
        assert_false(ij_id_parse(good, len, &id));
    assert_false(ij_id_parse("0123456789ab7cde8f0123456789abcd0123", 36, &id));
    assert_true(ij_id_equal(&id, &before)); /* untouched by failures */
    assert_true(ij_id_parse("01234567-89ab-7cde-8f01-23456789abcd.in0", 40, &id));
}

/* ---- buffers ---- */

static void buf_holds_what_was_added_terminated(void **state)
{
    (void)state;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
    ij_buf_add(&buf, "a\0b", 3);
    ij_buf_add_str(&buf, "cd");
    ij_buf_printf(&buf, "%d", 42);
    assert_int_equal(buf.len, 7);
    assert_memory_equal(buf.data, "a\0bcd42", 8);
    assert_false(buf.failed);
}

static void buf_takes_its_limit_and_not_one_byte_more(void **state)
{
    (void)state;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { .max = 300 };
    for (int i = 0; i < 300; i++)
        ij_buf_add(&buf, "x", 1);
    assert_false(buf.failed);
    ij_buf_add(&buf, "", 0);
    assert_false(buf.failed);
    ij_buf_add(&buf, "x", 1);
    assert_true(buf.failed);
    assert_int_equal(buf.len, 300);
}

static void buf_failure_sticks_until_it_is_cleared(void **state)
{
    (void)state;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { .max = 4 };
    ij_buf_printf(&buf, "%s", "12345");
    ij_buf_add_str(&buf, "1"); /* would fit, but something is already missing */
    assert_true(buf.failed);
    assert_int_equal(buf.len, 0);
    ij_buf_clear(&buf);
    ij_buf_add_str(&buf, "1234");
    assert_false(buf.failed);
    assert_string_equal(buf.data, "1234");
}

static void buf_refuses_a_length_that_would_overflow(void **state)
{
    (void)state;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
    ij_buf_add_str(&buf, "x");
    ij_buf_add(&buf, "", SIZE_MAX);
    assert_true(buf.failed);
    assert_string_equal(buf.data, "x");
}

static void buf_take_hands_over_even_an_empty_text(void **state)
{
    (void)state;
    struct ij_buf buf = { .max = 8 };
    char *text = ij_buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    ij_buf_add_str(&buf, "12345678");
    text = ij_buf_take(&buf);
    assert_string_equal(text, "12345678");
    free(text);
    assert_null(buf.data);
    ij_buf_add_str(&buf, "123456789"); /* the limit outlives the text */
    assert_null(ij_buf_take(&buf));
    assert_false(buf.failed);
}

/* ---- digests ---- */

static void expect_sha256(const char *text, size_t len, size_t piece, const char *hex)
{
    IJ_AUTO(ij_sha256_done) struct ij_sha256 sha = { 0 };
    char out[IJ_SHA256_HEX_SIZE];
    expect_code(0, ij_sha256_begin(&sha, &test_err));
    for (size_t at = 0; at < len; at += piece)
        expect_code(0, ij_sha256_add(&sha, text + at, len - at < piece ? len - at : piece,
                                     &test_err));
    expect_code(0, ij_sha256_end(&sha, out, &test_err));
    assert_string_equal(out, hex);
}

/* FIPS 180-4's examples, whole and in pieces */
static void sha256_matches_the_published_vectors(void **state)
{
    (void)state;
    static const char two_blocks[] =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    expect_sha256("", 0, 1,
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t piece = 1; piece <= 3; piece++)
        expect_sha256("abc", 3, piece,
                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (size_t piece = 1; piece <= 56; piece += 5)
        expect_sha256(two_blocks, 56, piece,
                      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void sha256_that_was_never_begun_can_be_ended(void **state)
{
    (void)state;
    struct ij_sha256 sha = { 0 };
    ij_sha256_done(&sha);
    assert_null(sha.context);
}

/* ---- UTF-8 ---- */

static void utf8_takes_the_shortest_form_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } cases[] = {
        { "a", 1 },
        { "\x7f", 1 },
        { "\xc2\x80", 2 },
        { "\xdf\xbf", 2 },
        { "\xe0\xa0\x80", 3 },
        { "\xed\x9f\xbf", 3 },
        { "\xef\xbf\xbf", 3 },
        { "\xf0\x90\x80\x80", 4 },
        { "\xf4\x8f\xbf\xbf", 4 },
        { "\x80", 0 },             /* a continuation alone */
        { "\xc0\x80", 0 },         /* overlong NUL */
        { "\xc1\xbf", 0 },         /* overlong */
        { "\xe0\x9f\xbf", 0 },     /* overlong */
        { "\xed\xa0\x80", 0 },     /* a surrogate */
        { "\xf0\x8f\xbf\xbf", 0 }, /* overlong */
        { "\xf4\x90\x80\x80", 0 }, /* beyond U+10FFFF */
        { "\xf5\x80\x80\x80", 0 },
        { "\xff", 0 },
        { "\xe2\x82z", 0 },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        size_t len = strlen(cases[i].text);
        assert_int_equal(ij_utf8_length(cases[i].text, len), cases[i].len);
        if (cases[i].len > 1) /* cut anywhere it is none */
            assert_int_equal(ij_utf8_length(cases[i].text, len - 1), 0);
    }
    assert_int_equal(ij_utf8_length("", 0), 0);
}

/* ---- logs and failures ---- */

static void remember_text(void *data, const struct imgjob_log_event *event)
{
    assert_int_equal(event->size, sizeof(*event));
    (void)snprintf(data, 600, "%u %s %s %s", event->level, event->room,
                   event->job_id ? event->job_id : "-", event->text);
}

static void log_lines_hold_no_control_characters(void **state)
{
    (void)state;
    char seen[600] = "";
    struct ij_log log = { remember_text, seen };
    ij_log(&log, IMGJOB_LOG_WARN, "pool", NULL, "a\nb\x1b[31m\x7f%s", "c");
    assert_string_equal(seen, "1 pool - a b [31m c");
    ij_log(&log, IMGJOB_LOG_INFO, "pool", "id", "%0600d", 0);
    assert_int_equal(strlen(seen), strlen("2 pool id ") + 499);
    ij_log(&(struct ij_log){ 0 }, IMGJOB_LOG_ERROR, "pool", NULL, "nobody listens");
}

static void every_stage_and_reason_has_a_name(void **state)
{
    (void)state;
    for (int stage = 1; stage < IJ_STAGE_COUNT; stage++)
        assert_string_not_equal(ij_stage_name((enum ij_stage)stage), "");
    for (int reason = 1; reason < IJ_REASON_COUNT; reason++)
        assert_string_not_equal(ij_reason_name((enum ij_reason)reason), "");
    assert_string_equal(ij_stage_name(IJ_STAGE_COUNT), "");
    assert_string_equal(ij_reason_name((enum ij_reason) - 1), "");
}

static void only_troubles_of_the_machine_are_worth_another_try(void **state)
{
    (void)state;
    assert_true(ij_reason_is_permanent(IJ_REASON_FORMAT));
    assert_true(ij_reason_is_permanent(IJ_REASON_LOST));
    assert_false(ij_reason_is_permanent(IJ_REASON_NONE));
    assert_false(ij_reason_is_permanent(IJ_REASON_STORE));
    assert_false(ij_reason_is_permanent(IJ_REASON_BLOB));
    assert_false(ij_reason_is_permanent(IJ_REASON_INTERNAL));
}

static void a_limit_names_what_how_much_and_the_setting(void **state)
{
    (void)state;
    struct ij_failure failure = { 0 };
    expect_code(IMGJOB_E_LIMIT, ij_failure_set_limit(&failure, IJ_STAGE_LOAD, "pixels",
                                                     268435456, 50000000, "max_pixels"));
    assert_int_equal(failure.reason, IJ_REASON_TOO_LARGE);
    assert_string_equal(failure.error.text,
                        "pixels: 268435456 is over the limit of 50000000 (max_pixels)");
    expect_code(IMGJOB_E_LIMIT, ij_failure_set_limit(&failure, IJ_STAGE_ENCODE, "output",
                                                     2, 1, "max_output_size"));
    assert_int_equal(failure.reason, IJ_REASON_OUTPUT_LIMIT);
}

static void a_failure_is_written_with_what_it_has_and_no_more(void **state)
{
    (void)state;
    struct ij_failure failure = { 0 };
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
    struct ij_json_out out = { .buf = &buf };
    (void)ij_failure_set(&failure, IJ_STAGE_DECODE, IJ_REASON_CORRUPT, IMGJOB_E_IMAGE,
                         "bad \"scan\"");
    ij_failure_write(&out, NULL, &failure);
    assert_string_equal(
        buf.data,
        "{\"error\":\"bad \\\"scan\\\"\",\"stage\":\"decode\",\"reason\":\"corrupt\"}");
    ij_buf_clear(&buf);
    out.comma = false;
    failure.signal = 11;
    (void)ij_failure_set_limit(&failure, IJ_STAGE_LOAD, "side", 5, 4, "max_side");
    ij_failure_write(&out, NULL, &failure);
    assert_string_equal(buf.data,
                        "{\"error\":\"side: 5 is over the limit of 4 (max_side)\","
                        "\"stage\":\"load\",\"reason\":\"too_large\",\"signal\":11,"
                        "\"limit\":\"side\",\"value\":5,\"limit_value\":4,"
                        "\"setting\":\"max_side\"}");
}

/* ---- files, clocks, CPUs ---- */

static void what_is_written_is_read_back_at_its_offset(void **state)
{
    (void)state;
    char *dir = test_dir_make();
    char path[300], back[6] = "";
    (void)snprintf(path, sizeof(path), "%s/file", dir);
    IJ_AUTO(ij_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ij_write_all(fd, "hello", 5), 0);
    assert_int_equal(ij_pwrite_all(fd, "world", 5, 5), 0);
    assert_int_equal(ij_pread_all(fd, back, 5, 3), 0);
    assert_string_equal(back, "lowor");
    errno = 0;
    assert_int_equal(ij_pread_all(fd, back, 5, 6), -1); /* ends too early */
    assert_int_equal(errno, EIO);
    test_dir_remove(dir);
}

static void make_dirs_makes_those_above_and_takes_what_is_there(void **state)
{
    (void)state;
    char *dir = test_dir_make();
    char path[300];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/a/b//c/", dir);
    assert_int_equal(ij_make_dirs(path), 0);
    assert_int_equal(ij_make_dirs(path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 077, 0);
    test_dir_remove(dir);
}

static void make_dirs_refuses_a_file_in_the_way(void **state)
{
    (void)state;
    char *dir = test_dir_make();
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/file", dir);
    IJ_AUTO(ij_close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ij_make_dirs(path), -1);
    assert_int_equal(errno, ENOTDIR);
    (void)snprintf(path, sizeof(path), "%s/file/below", dir);
    assert_int_equal(ij_make_dirs(path), -1);
    assert_int_equal(errno, ENOTDIR);
    test_dir_remove(dir);
}

static void make_dirs_refuses_no_name_and_too_long_a_name(void **state)
{
    (void)state;
    char path[5000];
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(ij_make_dirs(""), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(ij_make_dirs(path), -1);
    assert_int_equal(errno, ENAMETOOLONG);
}

static void clocks_tell_this_century_and_never_go_back(void **state)
{
    (void)state;
    assert_true(ij_wall_ms(&ij_clock_system) > INT64_C(1577836800000)); /* 2020 */
    int64_t before = ij_mono_ms(&ij_clock_system);
    assert_true(ij_mono_ms(&ij_clock_system) >= before);
}

static void there_is_at_least_one_cpu(void **state)
{
    (void)state;
    assert_in_range(ij_cpu_count(), 1, 1024);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_code_and_text_and_returns_the_code),
        cmocka_unit_test(fail_takes_no_error_to_fill),
        cmocka_unit_test(fail_cuts_a_long_text_between_characters),
        cmocka_unit_test(fail_errno_adds_the_words_of_errno),
        cmocka_unit_test(fail_errno_tells_a_full_disk_and_spent_resources_apart),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
        cmocka_unit_test(id_survives_format_and_parse),
        cmocka_unit_test(id_is_a_uuid_version_7_of_its_moment),
        cmocka_unit_test(later_ids_sort_later),
        cmocka_unit_test(id_parse_refuses_all_but_the_exact_form),
        cmocka_unit_test(buf_holds_what_was_added_terminated),
        cmocka_unit_test(buf_takes_its_limit_and_not_one_byte_more),
        cmocka_unit_test(buf_failure_sticks_until_it_is_cleared),
        cmocka_unit_test(buf_refuses_a_length_that_would_overflow),
        cmocka_unit_test(buf_take_hands_over_even_an_empty_text),
        cmocka_unit_test(sha256_matches_the_published_vectors),
        cmocka_unit_test(sha256_that_was_never_begun_can_be_ended),
        cmocka_unit_test(utf8_takes_the_shortest_form_only),
        cmocka_unit_test(log_lines_hold_no_control_characters),
        cmocka_unit_test(every_stage_and_reason_has_a_name),
        cmocka_unit_test(only_troubles_of_the_machine_are_worth_another_try),
        cmocka_unit_test(a_limit_names_what_how_much_and_the_setting),
        cmocka_unit_test(a_failure_is_written_with_what_it_has_and_no_more),
        cmocka_unit_test(what_is_written_is_read_back_at_its_offset),
        cmocka_unit_test(make_dirs_makes_those_above_and_takes_what_is_there),
        cmocka_unit_test(make_dirs_refuses_a_file_in_the_way),
        cmocka_unit_test(make_dirs_refuses_no_name_and_too_long_a_name),
        cmocka_unit_test(clocks_tell_this_century_and_never_go_back),
        cmocka_unit_test(there_is_at_least_one_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
