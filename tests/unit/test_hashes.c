/* The texts that stand for a picture, against their specifications and plain sums. */
#include "test.h"

#include "image/hashes.h"
#include "image/palette.h"

enum { SIDE = 32 };

static uint8_t rgba[4 * 100 * 100];

static struct ij_pixels plain(uint32_t width, uint32_t height, uint32_t color)
{
    for (size_t i = 0; i < (size_t)width * height; i++)
        for (int c = 0; c < 4; c++)
            rgba[4 * i + (size_t)c] = (uint8_t)(color >> (24 - 8 * c));
    return (struct ij_pixels){ rgba, width, height };
}

/* Size flag of 4 × 3, no waves, the mean in base 83, and 11 times "none". */
static void blurhash_of_one_colour_has_only_its_mean(void **state)
{
    (void)state;
    char hash[IJ_BLURHASH_SIZE];
    struct ij_pixels black = plain(40, 30, 0x000000ff);
    ij_blurhash(&black, hash);
    assert_string_equal(hash, "L00000fQfQfQfQfQfQfQfQfQfQfQ");
}

static void blurhash_of_a_high_picture_has_its_waves_downwards(void **state)
{
    (void)state;
    char hash[IJ_BLURHASH_SIZE];
    struct ij_pixels white = plain(30, 40, 0xffffffff);
    ij_blurhash(&white, hash);
    assert_int_equal(strlen(hash), 28);
    assert_int_equal(hash[0], 'T'); /* (3 - 1) + (4 - 1) × 9 = 29 */
}

static void thumbhash_says_mean_alpha_and_ratio(void **state)
{
    (void)state;
    uint8_t hash[IJ_THUMBHASH_MAX];
    struct ij_pixels red = plain(100, 50, 0xff0000ff);
    /* 7 × 4 lightness waves in a triangle, 5 and 5 of colour: nibbles after 5 bytes */
    size_t len = ij_thumbhash(&red, hash);
    size_t light = 0;
    for (unsigned y = 0; y < 4; y++)
        for (unsigned x = y ? 0 : 1; x * 4 < 7 * (4 - y); x++)
            light++;
    assert_int_equal(len, 5 + (light + 5 + 5 + 1) / 2);
    uint32_t first = hash[0] | (uint32_t)hash[1] << 8 | (uint32_t)hash[2] << 16;
    assert_int_equal(first & 63, 21);       /* a third of 63 */
    assert_int_equal(first >> 6 & 63, 47);  /* 31.5 + 31.5 / 2 */
    assert_int_equal(first >> 12 & 63, 63); /* red against green */
    assert_int_equal(first >> 23, 0);
    assert_int_equal(hash[4] >> 7, 1); /* wide */

    struct ij_pixels clear = plain(20, 20, 0xff000080);
    assert_true(ij_thumbhash(&clear, hash) > 6);
    assert_int_equal(hash[2] >> 7, 1);
    assert_int_equal(hash[5] & 15, 8); /* half of 15 */
}

static unsigned bits_apart(const char *a, const char *b)
{
    return (unsigned)__builtin_popcountll(strtoull(a, NULL, 16) ^ strtoull(b, NULL, 16));
}

static void phash_stays_near_under_noise_and_is_far_from_another_picture(void **state)
{
    (void)state;
    uint8_t grey[SIDE * SIDE];
    char first[IJ_PHASH_SIZE], noisy[IJ_PHASH_SIZE], other[IJ_PHASH_SIZE];
    uint32_t random = 1;
    for (int i = 0; i < SIDE * SIDE; i++) { /* 64 tiles of any grey */
        int tile = i / SIDE / 4 * 8 + i % SIDE / 4;
        grey[i] = (uint8_t)(20 + tile * tile * 37 % 211);
    }
    ij_phash(grey, first);
    for (int i = 0; i < SIDE * SIDE; i++) {
        random = random * 1664525 + 1013904223;
        grey[i] = (uint8_t)(grey[i] + random / 65536 % 5);
    }
    ij_phash(grey, noisy);
    for (int i = 0; i < SIDE * SIDE; i++)
        grey[i] = (uint8_t)((i / SIDE % 7) * 30 + (i % SIDE % 5) * 10);
    ij_phash(grey, other);
    assert_int_equal(strlen(first), 16);
    assert_true(bits_apart(first, noisy) <= 8);
    assert_true(bits_apart(first, other) >= 16);
}

static void palette_finds_the_colours_by_their_share(void **state)
{
    (void)state;
    struct ij_swatch found[IJ_PALETTE_MAX];
    struct ij_pixels red = plain(10, 10, 0xc80000ff);
    for (size_t i = 0; i < 30; i++)
        memcpy(rgba + 4 * i, "\x00\x00\x64\xff", 4);
    for (size_t i = 30; i < 40; i++)
        memcpy(rgba + 4 * i, "\x00\xff\x00\x00", 4); /* transparent: does not count */
    assert_int_equal(ij_palette(red.rgba, 100, 5, found), 2);
    assert_int_equal(found[0].red, 200);
    assert_int_equal(found[1].blue, 100);
    assert_true(found[0].share > 0.66 && found[0].share < 0.67);
    assert_true(found[1].share > 0.33 && found[1].share < 0.34);
}

static void palette_of_nothing_is_empty(void **state)
{
    (void)state;
    struct ij_swatch found[IJ_PALETTE_MAX];
    struct ij_pixels clear = plain(10, 10, 0);
    assert_int_equal(ij_palette(clear.rgba, 100, 5, found), 0);
    assert_int_equal(ij_palette(clear.rgba, 0, 5, found), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blurhash_of_one_colour_has_only_its_mean),
        cmocka_unit_test(blurhash_of_a_high_picture_has_its_waves_downwards),
        cmocka_unit_test(thumbhash_says_mean_alpha_and_ratio),
        cmocka_unit_test(phash_stays_near_under_noise_and_is_far_from_another_picture),
        cmocka_unit_test(palette_finds_the_colours_by_their_share),
        cmocka_unit_test(palette_of_nothing_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
