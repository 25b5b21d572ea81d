/* Webhooks without a network: secrets, signatures, what an answer means, which addresses
 * are public, and what a caller is refused. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <imgjob/imgjob.h>
#include <imgjob/webhook.h>

#include "base/address.h"
#include "base/base64.h"
#include "base/digest.h"
#include "webhook.h"

/* ---- HMAC-SHA256 ---- */

static void expect_hmac(const char *key, size_t key_len, const char *data, size_t len,
                        const char *hex)
{
    unsigned char mac[IJ_SHA256_SIZE];
    char text[IJ_SHA256_HEX_SIZE];
    expect_code(0, ij_hmac_sha256(key, key_len, data, len, mac, &test_err));
    for (size_t i = 0; i < sizeof(mac); i++)
        (void)snprintf(text + 2 * i, 3, "%02x", mac[i]);
    assert_string_equal(text, hex);
}

/* RFC 4231 §4.2, 4.3, 4.7 */
static void the_vectors_of_the_rfc_are_met(void **state)
{
    (void)state;
    char key[131];
    memset(key, 0x0b, 20);
    expect_hmac(key, 20, "Hi There", 8,
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    expect_hmac("Jefe", 4, "what do ya want for nothing?", 28,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    expect_hmac(key, sizeof(key),
                "Test Using Larger Than Block-Size Key - Hash Key First", 54,
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* ---- secrets and signatures ---- */

/* The vector of the specification's reference libraries ("sign function works"). */
#define VECTOR_SECRET    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define VECTOR_SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define OTHER_SECRET     "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void sign_vector(const char *const *texts, size_t count, char *out)
{
    struct ij_webhook_secrets secrets;
    expect_code(0, ij_webhook_secrets_read(texts, count, &secrets, &test_err));
    expect_code(0, ij_webhook_sign(&secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                   "{\"test\": 2432232314}", out, &test_err));
    ij_webhook_secrets_done(&secrets);
}

static void the_vector_of_the_reference_libraries_is_met(void **state)
{
    (void)state;
    static const char *const texts[] = { VECTOR_SECRET };
    char out[IJ_WEBHOOK_SIGNATURES_SIZE];
    sign_vector(texts, 1, out);
    assert_string_equal(out, VECTOR_SIGNATURE);
}

static void every_secret_signs_in_its_order(void **state)
{
    (void)state;
    static const char *const both[] = { OTHER_SECRET, VECTOR_SECRET };
    static const char *const other[] = { OTHER_SECRET };
    char out[IJ_WEBHOOK_SIGNATURES_SIZE], first[IJ_WEBHOOK_SIGNATURES_SIZE];
    sign_vector(other, 1, first);
    sign_vector(both, 2, out);
    assert_memory_equal(out, first, strlen(first));
    assert_string_equal(out + strlen(first), " " VECTOR_SIGNATURE);
}

static void as_many_secrets_as_allowed_fill_the_header_exactly(void **state)
{
    (void)state;
    const char *texts[IMGJOB_WEBHOOK_SECRETS_MAX];
    for (size_t i = 0; i < IMGJOB_WEBHOOK_SECRETS_MAX; i++)
        texts[i] = VECTOR_SECRET;
    char out[IJ_WEBHOOK_SIGNATURES_SIZE];
    sign_vector(texts, IMGJOB_WEBHOOK_SECRETS_MAX, out);
    assert_int_equal(strlen(out), sizeof(out) - 1);
}

/* A secret of `len` bytes. */
static const char *secret_of(size_t len, char out[128])
{
    uint8_t bytes[80];
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 37 + 5);
    memcpy(out, "whsec_", 6);
    ij_base64_encode(bytes, len, out + 6);
    return out;
}

static void secrets_of_24_to_64_bytes_are_taken(void **state)
{
    (void)state;
    for (size_t len = 20; len <= 72; len++) {
        char text[128];
        const char *const texts[] = { secret_of(len, text) };
        struct ij_webhook_secrets secrets;
        bool is_one = len >= 24 && len <= 64;
        expect_code(is_one ? 0 : IMGJOB_E_INVALID,
                    ij_webhook_secrets_read(texts, 1, &secrets, &test_err));
        if (!is_one)
            continue;
        assert_int_equal(secrets.list[0].len, len);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(secrets.list[0].bytes[i], (uint8_t)(i * 37 + 5));
    }
}

static void what_is_no_secret_is_refused_without_repeating_it(void **state)
{
    (void)state;
    static const char *const bad[] = {
        NULL,
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",         /* no prefix */
        "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",    /* another scheme's */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",    /* ends within a group */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",   /* base64url */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", /* a line of a file */
        "whsec_MfKQ9r8G KYqrTwjUPD8ILPZIo2LaLaSw",  /* a blank */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ=",   /* 23 bytes */
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++) {
        const char *const texts[] = { VECTOR_SECRET, bad[i] };
        struct ij_webhook_secrets secrets = { .count = 77 };
        expect_code(IMGJOB_E_INVALID,
                    ij_webhook_secrets_read(texts, 2, &secrets, &test_err));
        assert_string_equal(test_err.text, "secrets: number 2 is not whsec_ and base64 "
                                           "of 24 to 64 bytes");
        assert_int_equal(secrets.count, 77);
    }
}

static void there_are_one_to_eight_secrets(void **state)
{
    (void)state;
    const char *texts[IMGJOB_WEBHOOK_SECRETS_MAX + 1];
    for (size_t i = 0; i < IJ_ARRAY_LEN(texts); i++)
        texts[i] = VECTOR_SECRET;
    struct ij_webhook_secrets secrets;
    expect_code(IMGJOB_E_INVALID, ij_webhook_secrets_read(texts, 0, &secrets, &test_err));
    expect_words("there must be 1..8, not 0");
    expect_code(IMGJOB_E_INVALID, ij_webhook_secrets_read(texts, 9, &secrets, &test_err));
    expect_words("there must be 1..8, not 9");
}

/* ---- what an answer means ---- */

static struct ij_delivery_finish judge(uint32_t attempt, int status, uint64_t random)
{
    const struct ij_delivery delivery = { .attempt = attempt, .token = 5 };
    const struct ij_http_answer answer = { .status = status };
    return ij_webhook_judge(&delivery, &answer, random);
}

static void only_2xx_is_delivered(void **state)
{
    (void)state;
    static const int delivered[] = { 200, 201, 202, 204, 299 };
    static const int again[] = { 0, 300, 301, 302, 307, 308, 400, 404, 429, 500, 503 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(delivered); i++) {
        struct ij_delivery_finish finish = judge(1, delivered[i], 0);
        assert_int_equal(finish.state, IJ_DELIVERY_DELIVERED);
        assert_int_equal(finish.token, 5);
        assert_false(finish.is_url_gone);
    }
    for (size_t i = 0; i < IJ_ARRAY_LEN(again); i++) {
        struct ij_delivery_finish finish = judge(1, again[i], 0);
        assert_int_equal(finish.state, IJ_DELIVERY_WAITING);
        assert_true(finish.delay_ms > 0);
        assert_false(finish.is_url_gone);
    }
}

static void gone_ends_all_that_wait_for_the_url(void **state)
{
    (void)state;
    struct ij_delivery_finish finish = judge(1, 410, 0);
    assert_int_equal(finish.state, IJ_DELIVERY_FAILED);
    assert_true(finish.is_url_gone);
}

static void tries_go_on_for_about_a_day_and_then_end(void **state)
{
    (void)state;
    const uint64_t hour_ms = 3600 * 1000;
    static const uint64_t randoms[] = { 0, UINT64_MAX, UINT64_C(0x123456789abcdef) };
    for (size_t i = 0; i < IJ_ARRAY_LEN(randoms); i++) {
        uint64_t total = 0;
        uint32_t tries = 1;
        struct ij_delivery_finish finish = judge(tries, 500, randoms[i]);
        for (; finish.state == IJ_DELIVERY_WAITING;
             finish = judge(++tries, 500, randoms[i]))
            total += finish.delay_ms;
        assert_int_equal(finish.state, IJ_DELIVERY_FAILED);
        assert_int_equal(tries, 11);
        assert_in_range(total, 10 * hour_ms, 33 * hour_ms);
    }
    assert_in_range(judge(1, 500, 4711).delay_ms, 2500, 7500);
}

static void delays_differ_by_the_random_number(void **state)
{
    (void)state;
    assert_int_equal(judge(1, 500, 0).delay_ms, 2500);
    assert_int_equal(judge(1, 500, 5000).delay_ms, 7500);
    assert_int_equal(judge(1, 500, 5001).delay_ms, 2500);
}

static void a_replay_has_all_its_tries_before_it(void **state)
{
    (void)state;
    const struct ij_http_answer answer = { .status = 500 };
    const struct ij_delivery first = { .attempt = 12, .replayed = 11 };
    const struct ij_delivery last = { .attempt = 22, .replayed = 11 };
    assert_in_range(ij_webhook_judge(&first, &answer, 9).delay_ms, 2500, 7500);
    assert_int_equal(ij_webhook_judge(&last, &answer, 9).state, IJ_DELIVERY_FAILED);
}

static void a_receiver_may_ask_for_more_time_up_to_a_bound(void **state)
{
    (void)state;
    const struct ij_delivery delivery = { .attempt = 1 };
    struct ij_http_answer answer = { .status = 503, .retry_after_ms = 120 * 1000 };
    assert_int_equal(ij_webhook_judge(&delivery, &answer, 0).delay_ms, 120 * 1000);
    answer.retry_after_ms = 1; /* less than we would wait anyway */
    assert_int_equal(ij_webhook_judge(&delivery, &answer, 0).delay_ms, 2500);
    answer.retry_after_ms = INT64_MAX;
    assert_int_equal(ij_webhook_judge(&delivery, &answer, 0).delay_ms,
                     UINT64_C(12) * 3600 * 1000);
}

static void the_log_says_what_each_attempt_met(void **state)
{
    (void)state;
    const struct ij_http_answer answers[] = {
        { .status = 204, .duration_ms = 12 },
        { .error = "a \"quoted\"\nword", .duration_ms = 15001 },
    };
    static const char *const lines[] = {
        "{\"at\":\"2021-02-25T15:02:10.007Z\",\"status\":204,\"error\":null,"
        "\"duration_ms\":12}",
        "{\"at\":\"2021-02-25T15:02:10.007Z\",\"status\":null,"
        "\"error\":\"a \\\"quoted\\\"\\nword\",\"duration_ms\":15001}",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(answers); i++) {
        IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
        ij_webhook_write_line(&buf, &answers[i], INT64_C(1614265330007));
        assert_string_equal(buf.data, lines[i]);
    }
}

/* ---- addresses ---- */

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return ij_address_is_public((const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return ij_address_is_public((const struct sockaddr *)&v6);
}

/* the first and last address of each block, and their neighbours */
static const char *const inner[] = {
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.255",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "::ffff:0:8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:808:808::f7f7:f7f7",
    "2001:10::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fdff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "2a00::5efe:10.0.0.1",
    "2a00::200:5efe:192.168.1.1",
};

static const char *const outer[] = {
    "1.0.0.0",          "8.8.8.8",
    "9.255.255.255",    "11.0.0.0",
    "100.63.255.255",   "100.128.0.0",
    "126.255.255.255",  "128.0.0.0",
    "169.253.255.255",  "169.255.0.0",
    "172.15.255.255",   "172.32.0.0",
    "191.255.255.255",  "192.0.1.0",
    "192.0.3.0",        "192.88.98.255",
    "192.88.100.0",     "192.167.255.255",
    "192.169.0.0",      "198.17.255.255",
    "198.20.0.0",       "198.51.99.255",
    "198.51.101.0",     "203.0.112.255",
    "203.0.114.0",      "223.255.255.255",
    "::ffff:8.8.8.8",   "64:ff9b::8.8.8.8",
    "2000::1",          "2001:200::1",
    "2001:db7:ffff::1", "2001:db9::1",
    "2003::1",          "2606:4700::1111",
    "2a00:1450::200e",  "3ffe::1",
    "3fff:1000::1",     "2a00::5efe:8.8.8.8",
};

static void the_public_internet_is_told_from_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < IJ_ARRAY_LEN(inner); i++)
        if (is_public(inner[i]))
            fail_msg("%s is taken for public", inner[i]);
    for (size_t i = 0; i < IJ_ARRAY_LEN(outer); i++)
        if (!is_public(outer[i]))
            fail_msg("%s is not taken for public", outer[i]);
}

static void what_is_no_address_of_the_internet_is_not_public(void **state)
{
    (void)state;
    const struct sockaddr local = { .sa_family = AF_UNIX };
    assert_false(ij_address_is_public(&local));
}

/* ---- what a caller is refused ---- */

static struct imgjob_store *open_store(const char *dir)
{
    char inputs[300], outputs[300];
    (void)snprintf(inputs, sizeof(inputs), "file:%s/inputs", dir);
    (void)snprintf(outputs, sizeof(outputs), "file:%s/outputs", dir);
    const struct imgjob_store_options options = {
        .size = sizeof(options),
        .jobs_url = "memory:",
        .inputs_url = inputs,
        .outputs_url = outputs,
    };
    struct imgjob_store *store = NULL;
    expect_code(0, imgjob_store_open(&options, &store, &test_err));
    return store;
}

static void expect_refused(struct imgjob_store *store,
                           const struct imgjob_delivery_options *options,
                           const char *words)
{
    char *out = NULL;
    expect_code(IMGJOB_E_INVALID, imgjob_delivery_list(store, options, &out, &test_err));
    expect_words(words);
    assert_null(out);
}

static void a_list_is_checked_before_it_is_read(void **state)
{
    (void)state;
    char *dir = test_dir_make();
    struct imgjob_store *store = open_store(dir);
    struct imgjob_delivery_options options = { .size = sizeof(options) };
    options.status = "waiting";
    expect_refused(store, &options,
                   "status: must be pending, delivered or failed, not 'waiting'");
    options.status = NULL;
    options.limit = 101;
    expect_refused(store, &options, "limit: must be 1..100, not 101");
    options.limit = 0;
    options.reserved = 1;
    expect_refused(store, &options, "reserved: must be 0, not 1");
    options.reserved = 0;
    options.cursor = "17";
    expect_refused(store, &options, "cursor: '17' is none that this store gave");

    options.cursor = NULL;
    options.job = "no job";
    char *out = NULL;
    expect_code(0, imgjob_delivery_list(store, &options, &out, &test_err));
    assert_string_equal(out, "{\"deliveries\":[],\"next\":null}");
    imgjob_text_free(out);
    expect_code(0, imgjob_delivery_list(store, NULL, &out, &test_err));
    assert_string_equal(out, "{\"deliveries\":[],\"next\":null}");
    imgjob_text_free(out);

    expect_code(IMGJOB_E_NOTFOUND, imgjob_delivery_replay(store, "x", &test_err));
    expect_words("no delivery has the id 'x'");
    expect_code(
        IMGJOB_E_NOTFOUND,
        imgjob_delivery_replay(store, "01890a5d-ac96-774b-bcce-b302099a8057", &test_err));
    imgjob_store_close(store);
    test_dir_remove(dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_are_met),
        cmocka_unit_test(the_vector_of_the_reference_libraries_is_met),
        cmocka_unit_test(every_secret_signs_in_its_order),
        cmocka_unit_test(as_many_secrets_as_allowed_fill_the_header_exactly),
        cmocka_unit_test(secrets_of_24_to_64_bytes_are_taken),
        cmocka_unit_test(what_is_no_secret_is_refused_without_repeating_it),
        cmocka_unit_test(there_are_one_to_eight_secrets),
        cmocka_unit_test(only_2xx_is_delivered),
        cmocka_unit_test(gone_ends_all_that_wait_for_the_url),
        cmocka_unit_test(tries_go_on_for_about_a_day_and_then_end),
        cmocka_unit_test(delays_differ_by_the_random_number),
        cmocka_unit_test(a_replay_has_all_its_tries_before_it),
        cmocka_unit_test(a_receiver_may_ask_for_more_time_up_to_a_bound),
        cmocka_unit_test(the_log_says_what_each_attempt_met),
        cmocka_unit_test(the_public_internet_is_told_from_the_rest),
        cmocka_unit_test(what_is_no_address_of_the_internet_is_not_public),
        cmocka_unit_test(a_list_is_checked_before_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
