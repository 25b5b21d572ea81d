/* Base64, decoded as it arrives and encoded. */
#include "test.h"

#include "base/base64.h"

/* Decode in pieces of `piece` characters; the length, or -1. */
static long decode(const char *text, size_t len, size_t piece, uint8_t *out)
{
    struct ij_base64 state = { 0 };
    uint8_t *start = out;
    for (size_t at = 0; at < len; at += piece) {
        long got =
            ij_base64_decode(&state, text + at, len - at < piece ? len - at : piece, out);
        if (got < 0)
            return -1;
        out += got;
    }
    return ij_base64_is_whole(&state) ? out - start : -1;
}

static void expect_decoded(const char *text, const char *data, size_t len)
{
    size_t text_len = strlen(text);
    for (size_t piece = 1; piece <= text_len + 1; piece++) {
        uint8_t out[256];
        assert_int_equal(decode(text, text_len, piece, out), (long)len);
        assert_memory_equal(out, data, len);
    }
}

/* RFC 4648 §10 */
static void the_vectors_of_the_rfc_decode_however_they_are_cut(void **state)
{
    (void)state;
    expect_decoded("", "", 0);
    expect_decoded("Zg==", "f", 1);
    expect_decoded("Zm8=", "fo", 2);
    expect_decoded("Zm9v", "foo", 3);
    expect_decoded("Zm9vYg==", "foob", 4);
    expect_decoded("Zm9vYmE=", "fooba", 5);
    expect_decoded("Zm9vYmFy", "foobar", 6);
    expect_decoded("+/+/", "\xfb\xff\xbf", 3);
}

static void every_byte_value_survives_at_every_cut(void **state)
{
    (void)state;
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t data[255], out[300];
    char text[341];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 1);
    for (size_t i = 0, at = 0; i < sizeof(data); i += 3) {
        uint32_t bits = (uint32_t)data[i] << 16 | data[i + 1] << 8 | data[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            text[at++] = digits[bits >> shift & 63];
    }
    for (size_t piece = 1; piece <= 340; piece++) {
        assert_int_equal(decode(text, 340, piece, out), sizeof(data));
        assert_memory_equal(out, data, sizeof(data));
    }
}

static void line_breaks_are_skipped_wherever_they_stand(void **state)
{
    (void)state;
    expect_decoded("\r\nZ\nm9\r\nv\r\nYg=\r\n=\r\n", "foob", 4);
    expect_decoded("\r\n", "", 0);
}

static void characters_that_are_no_base64_are_refused(void **state)
{
    (void)state;
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n=";
    for (int c = 0; c < 256; c++) {
        if (memchr(allowed, c, sizeof(allowed) - 1))
            continue;
        for (size_t at = 0; at < 8; at++) {
            char text[] = "Zm9vYmFy";
            uint8_t out[16];
            text[at] = (char)c;
            for (size_t piece = 1; piece <= 8; piece++)
                assert_int_equal(decode(text, 8, piece, out), -1);
        }
    }
}

static void padding_stands_only_at_the_end_of_the_last_group(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "=", "====", "Z===", "=Zg=", "Zg=a", "Zg==Zg==", "Zg==Z", "Zm8==", "Zm9v=",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++)
        for (size_t piece = 1; piece <= strlen(bad[i]); piece++) {
            uint8_t out[16];
            assert_int_equal(decode(bad[i], strlen(bad[i]), piece, out), -1);
        }
}

static void a_text_may_not_end_within_a_group(void **state)
{
    (void)state;
    static const char *const cut[] = { "Z", "Zg", "Zg=", "Zm8", "Zm9vY", "Zm9vYg=" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cut); i++) {
        uint8_t out[16];
        assert_int_equal(decode(cut[i], strlen(cut[i]), 64, out), -1);
    }
}

static void no_more_is_written_than_the_room_that_was_promised(void **state)
{
    (void)state;
    static const char text[] = "AAAAAAAAAAAAAAAA";
    for (size_t before = 0; before < 4; before++)
        for (size_t len = 0; len <= 12; len++) {
            uint8_t out[64];
            struct ij_base64 decoder = { 0 };
            memset(out, 0xee, sizeof(out));
            assert_true(ij_base64_decode(&decoder, text, before, out) >= 0);
            size_t room = len / 4 * 3 + 3;
            long got = ij_base64_decode(&decoder, text, len, out + 3);
            assert_in_range(got, 0, room);
            assert_int_equal(out[3 + room], 0xee);
        }
}

static void expect_encoded(const char *data, size_t len, const char *text)
{
    char out[64];
    memset(out, 0x7e, sizeof(out));
    ij_base64_encode((const uint8_t *)data, len, out);
    assert_string_equal(out, text);
    assert_int_equal(strlen(text) + 1, IJ_BASE64_SIZE(len));
    assert_int_equal(out[IJ_BASE64_SIZE(len)], 0x7e);
}

/* RFC 4648 §10 */
static void the_vectors_of_the_rfc_encode(void **state)
{
    (void)state;
    expect_encoded("", 0, "");
    expect_encoded("f", 1, "Zg==");
    expect_encoded("fo", 2, "Zm8=");
    expect_encoded("foo", 3, "Zm9v");
    expect_encoded("foob", 4, "Zm9vYg==");
    expect_encoded("fooba", 5, "Zm9vYmE=");
    expect_encoded("foobar", 6, "Zm9vYmFy");
    expect_encoded("\xfb\xff\xbf", 3, "+/+/");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_decode_however_they_are_cut),
        cmocka_unit_test(every_byte_value_survives_at_every_cut),
        cmocka_unit_test(line_breaks_are_skipped_wherever_they_stand),
        cmocka_unit_test(characters_that_are_no_base64_are_refused),
        cmocka_unit_test(padding_stands_only_at_the_end_of_the_last_group),
        cmocka_unit_test(a_text_may_not_end_within_a_group),
        cmocka_unit_test(no_more_is_written_than_the_room_that_was_promised),
        cmocka_unit_test(the_vectors_of_the_rfc_encode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
