/* The reading of multipart bodies, in one piece and cut at every place. */
#include "../unit/test.h"

#include "base/buf.h"
#include "server/multipart.h"

/* What came out, as "name=bytes;" for each part. */
static struct ij_buf seen;

static int part_begin(void *data, const char *name, struct imgjob_error *err)
{
    (void)data;
    (void)err;
    ij_buf_printf(&seen, "%s=", name);
    return 0;
}

static int part_bytes(void *data, const void *bytes, size_t len, struct imgjob_error *err)
{
    (void)data;
    (void)err;
    ij_buf_add(&seen, bytes, len);
    return 0;
}

static int part_end(void *data, struct imgjob_error *err)
{
    (void)data;
    (void)err;
    ij_buf_add_str(&seen, ";");
    return 0;
}

/* As body.c does it: bytes that are not understood yet are given again. */
static int read_pieces(const char *text, size_t len, size_t piece)
{
    static const struct ij_part_sink sink = { part_begin, part_bytes, part_end, NULL };
    struct ij_multipart multipart;
    int rc = ij_multipart_init(&multipart, "multipart/form-data; boundary=cut", &sink,
                               &test_err);
    assert_int_equal(rc, 0);
    ij_buf_clear(&seen);
    size_t from = 0, have = 0;
    while (from + have < len) {
        have += len - from - have < piece ? len - from - have : piece;
        size_t used = 0;
        rc = ij_multipart_feed(&multipart, text + from, have, &used, &test_err);
        if (rc < 0)
            return rc;
        assert_true(used <= have);
        from += used;
        have -= used;
    }
    return ij_multipart_end(&multipart, &test_err);
}

static void expect_parts(const char *body, size_t len, const char *parts,
                         size_t parts_len)
{
    for (size_t piece = 1; piece <= len; piece++) {
        expect_code(0, read_pieces(body, len, piece));
        assert_int_equal(seen.len, parts_len);
        assert_memory_equal(seen.data, parts, parts_len);
    }
}

#define EXPECT_PARTS(body, parts) \
    expect_parts(body, sizeof(body) - 1, parts, sizeof(parts) - 1)

static void expect_refusal(const char *body, const char *words)
{
    for (size_t piece = 1; piece <= strlen(body); piece++) {
        expect_code(IMGJOB_E_INVALID, read_pieces(body, strlen(body), piece));
        expect_words(words);
    }
}

#define PART(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static void parts_come_out_whole_however_the_body_is_cut(void **state)
{
    (void)state;
    EXPECT_PARTS(
        "--cut\r\n" PART("image") "cat\r\n--cut\r\n" PART("width") "8\r\n--cut--",
        "image=cat;width=8;");
    EXPECT_PARTS("--cut\r\n" PART("image") "\r\n--cut--\r\n", "image=;");
}

static void bytes_that_look_almost_like_a_boundary_belong_to_the_part(void **state)
{
    (void)state;
    EXPECT_PARTS("--cut\r\n" PART("image") "a\0b\r\n--cu\r\r\n--\r\n-cut\r\n\r\n--cut--",
                 "image=a\0b\r\n--cu\r\r\n--\r\n-cut\r\n;");
}

static void preamble_and_epilogue_are_passed_over(void **state)
{
    (void)state;
    EXPECT_PARTS(
        "hello\r\n--cut \t\r\n" PART("image") "cat\r\n--cut--\r\nbye\r\n--cut\r\n",
        "image=cat;");
    EXPECT_PARTS("--cu\r\n--cut\r\n" PART("image") "cat\r\n--cut--", "image=cat;");
}

static void other_headers_and_parameters_are_passed_over(void **state)
{
    (void)state;
    EXPECT_PARTS(
        "--cut\r\n"
        "Content-Type: image/png\r\n"
        "content-disposition: form-data; filename=\"a;name=b.png\"; name=image\r\n"
        "Content-Transfer-Encoding: binary\r\n\r\n"
        "cat\r\n--cut--",
        "image=cat;");
}

static void malformed_bodies_are_refused(void **state)
{
    (void)state;
    expect_refusal("cat", "ends before its closing boundary");
    expect_refusal("--cut\r\n" PART("image") "cat", "ends before its closing boundary");
    expect_refusal("--cut\r\n" PART("image") "cat\r\n--cut", "ends before its closing");
    expect_refusal("--cut\r\n" PART("image") "cat\r\n--cutter\r\n",
                   "begins like the boundary and is not it");
    expect_refusal("--cut\r\n\r\ncat\r\n--cut--", "a part has no Content-Disposition");
    expect_refusal("--cut\r\nContent-Type: a/b\r\n\r\ncat\r\n--cut--",
                   "a part has no Content-Disposition");
    expect_refusal("--cut\r\nnonsense\r\n\r\ncat\r\n--cut--", "header has no colon");
    expect_refusal("--cut\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--cut--",
                   "a part needs 'Content-Disposition: form-data; name=...'");
    expect_refusal(
        "--cut\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--cut--",
        "a part needs 'Content-Disposition: form-data; name=...'");
    expect_refusal("--cut\r\nContent-Transfer-Encoding: base64\r\n" PART("image") "x\r\n",
                   "Content-Transfer-Encoding is not read");
}

static void long_headers_and_many_parts_are_refused(void **state)
{
    (void)state;
    struct ij_buf body = { .max = 1 << 20 };
    ij_buf_add_str(&body, "--cut\r\nX: ");
    for (int i = 0; i < IJ_PART_HEADERS_MAX; i++)
        ij_buf_add_str(&body, "x");
    expect_code(IMGJOB_E_INVALID, read_pieces(body.data, body.len, 1000));
    expect_words("more than 4096 bytes of headers");
    ij_buf_clear(&body);
    for (int i = 0; i <= IJ_PARTS_MAX; i++)
        ij_buf_add_str(&body, "--cut\r\n" PART("a") "b\r\n");
    expect_code(IMGJOB_E_INVALID, read_pieces(body.data, body.len, 1000));
    expect_words("more than 40 parts");
    ij_buf_done(&body);
}

static void boundary_must_be_given_and_be_short(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary",
        ("multipart/form-data; boundary="
         "12345678901234567890123456789012345678901234567890123456789012345678901"),
    };
    static const struct ij_part_sink sink = { part_begin, part_bytes, part_end, NULL };
    struct ij_multipart multipart;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_code(IMGJOB_E_INVALID,
                    ij_multipart_init(&multipart, bad[i], &sink, &test_err));
        expect_words("needs a boundary of 1 to 70 characters");
    }
    expect_code(0, ij_multipart_init(&multipart,
                                     "multipart/form-data; charset=x; BOUNDARY=\"a b\"",
                                     &sink, &test_err));
    assert_string_equal(multipart.delimiter, "\r\n--a b");
}

static int free_seen(void **state)
{
    (void)state;
    ij_buf_done(&seen);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_out_whole_however_the_body_is_cut),
        cmocka_unit_test(bytes_that_look_almost_like_a_boundary_belong_to_the_part),
        cmocka_unit_test(preamble_and_epilogue_are_passed_over),
        cmocka_unit_test(other_headers_and_parameters_are_passed_over),
        cmocka_unit_test(malformed_bodies_are_refused),
        cmocka_unit_test(long_headers_and_many_parts_are_refused),
        cmocka_unit_test(boundary_must_be_given_and_be_short),
    };
    return cmocka_run_group_tests(tests, NULL, free_seen);
}
