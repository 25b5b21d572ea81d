/*
 * Owns the hashes that stand for a picture. All three are sums of cosines; they differ in
 * which cosines, and in how the sums are written down.
 */
#include "image/hashes.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 100, CHANNELS = 3 };

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* ---- BlurHash ---- */

enum { BLUR_LONG = 4, BLUR_SHORT = 3, BLUR_COUNT = BLUR_LONG * BLUR_SHORT };

struct color {
    double at[CHANNELS]; /* linear light, 0..1 */
};

static double to_linear(uint8_t level) /* IEC 61966-2-1 */
{
    double v = level / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static uint32_t to_srgb(double linear)
{
    double v = clamp(linear, 0, 1);
    double encoded = v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055;
    return (uint32_t)(encoded * 255 + 0.5);
}

static struct color blur_component(const struct ij_pixels *pixels, unsigned i, unsigned j)
{
    struct color sum = { { 0 } };
    for (uint32_t y = 0; y < pixels->height; y++)
        for (uint32_t x = 0; x < pixels->width; x++) {
            const uint8_t *at = pixels->rgba + 4 * ((size_t)y * pixels->width + x);
            double basis =
                cos(M_PI * i * x / pixels->width) * cos(M_PI * j * y / pixels->height);
            for (int c = 0; c < CHANNELS; c++)
                sum.at[c] += basis * to_linear(at[c]) * at[3] / 255.0;
        }
    double scale = (i || j ? 2.0 : 1.0) / ((double)pixels->width * pixels->height);
    for (int c = 0; c < CHANNELS; c++)
        sum.at[c] *= scale;
    return sum;
}

static char *put_base83(char *at, uint32_t value, int digits)
{
    static const char alphabet[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
        "stuvwxyz#$%*+,-.:;=?@[]^_{|}~";
    for (int i = digits - 1; i >= 0; i--, value /= 83)
        at[i] = alphabet[value % 83];
    return at + digits;
}

/* One channel of a component in 19 steps, finer near zero. */
static uint32_t blur_quantize(double value, double max)
{
    double root = copysign(sqrt(fabs(value / max)), value);
    return (uint32_t)clamp(floor(root * 9 + 9.5), 0, 18);
}

void ij_blurhash(const struct ij_pixels *pixels, char out[IJ_BLURHASH_SIZE])
{
    bool is_wide = pixels->width >= pixels->height;
    unsigned across = is_wide ? BLUR_LONG : BLUR_SHORT;
    unsigned down = is_wide ? BLUR_SHORT : BLUR_LONG;
    struct color components[BLUR_COUNT];
    double largest = 0;
    for (unsigned k = 0; k < BLUR_COUNT; k++) {
        components[k] = blur_component(pixels, k % across, k / across);
        for (int c = 0; k > 0 && c < CHANNELS; c++)
            largest = fmax(largest, fabs(components[k].at[c]));
    }
    uint32_t quantized = (uint32_t)clamp(floor(largest * 166 - 0.5), 0, 82);
    double max = (quantized + 1) / 166.0;

    char *at = put_base83(out, (across - 1) + (down - 1) * 9, 1);
    at = put_base83(at, quantized, 1);
    const double *mean = components[0].at;
    at = put_base83(at, to_srgb(mean[0]) << 16 | to_srgb(mean[1]) << 8 | to_srgb(mean[2]),
                    4);
    for (unsigned k = 1; k < BLUR_COUNT; k++) {
        const double *v = components[k].at;
        at = put_base83(at,
                        (blur_quantize(v[0], max) * 19 + blur_quantize(v[1], max)) * 19 +
                            blur_quantize(v[2], max),
                        2);
    }
    *at = '\0';
}

/* ---- ThumbHash ---- */

enum { WAVES_MAX = 28 /* 7 × 7 in a triangle */ };

/* One channel as cosines. */
struct waves {
    double mean, scale;
    double at[WAVES_MAX]; /* 0..1, 0.5 = none */
    size_t count;
};

static double wave(const double *channel, const struct ij_pixels *pixels, unsigned cx,
                   unsigned cy)
{
    double column[SIDE_MAX], sum = 0;
    for (uint32_t x = 0; x < pixels->width; x++)
        column[x] = cos(M_PI / pixels->width * cx * (x + 0.5));
    for (uint32_t y = 0; y < pixels->height; y++) {
        double row = cos(M_PI / pixels->height * cy * (y + 0.5));
        for (uint32_t x = 0; x < pixels->width; x++)
            sum += channel[(size_t)y * pixels->width + x] * column[x] * row;
    }
    return sum / ((double)pixels->width * pixels->height);
}

static void find_waves(const double *channel, const struct ij_pixels *pixels,
                       unsigned across, unsigned down, struct waves *out)
{
    *out = (struct waves){ .mean = wave(channel, pixels, 0, 0) };
    for (unsigned cy = 0; cy < down; cy++)
        for (unsigned cx = cy ? 0 : 1; cx * down < across * (down - cy); cx++) {
            double value = wave(channel, pixels, cx, cy);
            out->scale = fmax(out->scale, fabs(value));
            out->at[out->count++] = value;
        }
    for (size_t i = 0; i < out->count; i++)
        out->at[i] = out->scale > 0 ? 0.5 + 0.5 / out->scale * out->at[i] : 0.5;
}

/* Lightness, yellow to blue, red to green, alpha; each SIDE_MAX × SIDE_MAX at the most.
 */
struct channels {
    double at[4][SIDE_MAX * SIDE_MAX];
    bool has_alpha;
};

static void split_channels(const struct ij_pixels *pixels, struct channels *out)
{
    size_t count = (size_t)pixels->width * pixels->height;
    double mean[CHANNELS] = { 0 }, weight = 0;
    for (size_t i = 0; i < count; i++) {
        double alpha = pixels->rgba[4 * i + 3] / 255.0;
        weight += alpha;
        for (int c = 0; c < CHANNELS; c++)
            mean[c] += alpha * pixels->rgba[4 * i + c] / 255.0;
    }
    for (int c = 0; c < CHANNELS; c++)
        mean[c] = weight > 0 ? mean[c] / weight : 0;
    out->has_alpha = weight < (double)count;
    for (size_t i = 0; i < count; i++) {
        double alpha = pixels->rgba[4 * i + 3] / 255.0, v[CHANNELS];
        for (int c = 0; c < CHANNELS; c++)
            v[c] = mean[c] * (1 - alpha) + alpha * pixels->rgba[4 * i + c] / 255.0;
        out->at[0][i] = (v[0] + v[1] + v[2]) / 3;
        out->at[1][i] = (v[0] + v[1]) / 2 - v[2];
        out->at[2][i] = v[0] - v[1];
        out->at[3][i] = alpha;
    }
}

static uint32_t scaled(double value, double by, uint32_t most)
{
    return (uint32_t)clamp(round(value * by), 0, most);
}

/* How many waves the lightness has along a side. */
static unsigned light_waves(unsigned most, uint32_t side, uint32_t longest)
{
    unsigned waves = (unsigned)round((double)most * side / longest);
    return waves ? waves : 1;
}

static size_t write_thumbhash(const struct waves waves[4], bool has_alpha,
                              uint32_t ratio_bits, uint8_t out[IJ_THUMBHASH_MAX])
{
    memset(out, 0, IJ_THUMBHASH_MAX);
    uint32_t first = scaled(waves[0].mean, 63, 63) |
                     (uint32_t)clamp(round(31.5 + 31.5 * waves[1].mean), 0, 63) << 6 |
                     (uint32_t)clamp(round(31.5 + 31.5 * waves[2].mean), 0, 63) << 12 |
                     scaled(waves[0].scale, 31, 31) << 18 | (uint32_t)has_alpha << 23;
    uint32_t second = ratio_bits | scaled(waves[1].scale, 63, 63) << 3 |
                      scaled(waves[2].scale, 63, 63) << 9;
    size_t at = 0;
    for (int i = 0; i < 3; i++)
        out[at++] = (uint8_t)(first >> (8 * i));
    for (int i = 0; i < 2; i++)
        out[at++] = (uint8_t)(second >> (8 * i));
    if (has_alpha)
        out[at++] = (uint8_t)(scaled(waves[3].mean, 15, 15) |
                              scaled(waves[3].scale, 15, 15) << 4);
    size_t nibble = 0;
    for (int c = 0; c < (has_alpha ? 4 : 3); c++)
        for (size_t i = 0; i < waves[c].count; i++, nibble++)
            out[at + nibble / 2] |=
                (uint8_t)(scaled(waves[c].at[i], 15, 15) << (nibble % 2 * 4));
    return at + (nibble + 1) / 2;
}

size_t ij_thumbhash(const struct ij_pixels *pixels, uint8_t out[IJ_THUMBHASH_MAX])
{
    struct channels *channels = malloc(sizeof(*channels));
    if (!channels)
        return 0;
    split_channels(pixels, channels);
    bool is_wide = pixels->width > pixels->height;
    uint32_t longest = is_wide ? pixels->width : pixels->height;
    unsigned most = channels->has_alpha ? 5 : 7;
    unsigned across = light_waves(most, pixels->width, longest);
    unsigned down = light_waves(most, pixels->height, longest);
    struct waves waves[4] = { { .count = 0 } };
    find_waves(channels->at[0], pixels, across > 3 ? across : 3, down > 3 ? down : 3,
               &waves[0]);
    find_waves(channels->at[1], pixels, 3, 3, &waves[1]);
    find_waves(channels->at[2], pixels, 3, 3, &waves[2]);
    if (channels->has_alpha)
        find_waves(channels->at[3], pixels, 5, 5, &waves[3]);
    bool has_alpha = channels->has_alpha;
    free(channels);
    return write_thumbhash(waves, has_alpha,
                           (is_wide ? down : across) | (uint32_t)is_wide << 15, out);
}

/* ---- pHash ---- */

enum { LOW = 8, BITS = LOW * LOW };

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

void ij_phash(const uint8_t grey[IJ_PHASH_SIDE * IJ_PHASH_SIDE], char out[IJ_PHASH_SIZE])
{
    double cosines[LOW][IJ_PHASH_SIDE];
    for (int k = 0; k < LOW; k++)
        for (int x = 0; x < IJ_PHASH_SIDE; x++)
            cosines[k][x] = cos(M_PI * k * (x + 0.5) / IJ_PHASH_SIDE);
    double sums[BITS], sorted[BITS];
    for (int k = 0; k < BITS; k++) {
        sums[k] = 0;
        for (int i = 0; i < IJ_PHASH_SIDE * IJ_PHASH_SIDE; i++)
            sums[k] += grey[i] * cosines[k % LOW][i % IJ_PHASH_SIDE] *
                       cosines[k / LOW][i / IJ_PHASH_SIDE];
    }
    memcpy(sorted, sums, sizeof(sums));
    qsort(sorted, BITS, sizeof(sorted[0]), by_value);
    double median = (sorted[BITS / 2 - 1] + sorted[BITS / 2]) / 2;
    uint64_t bits = 0;
    for (int k = 0; k < BITS; k++)
        bits = bits << 1 | (sums[k] > median);
    (void)snprintf(out, IJ_PHASH_SIZE, "%016" PRIx64, bits);
}
