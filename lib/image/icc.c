/*
 * Owns the question whether a profile is sRGB, answered from what it does, not from what
 * it is called: the colorants and the curve (ICC.1:2022 §7, §9, §10). Every read is
 * checked against the end; a profile is a stranger's bytes.
 */
#include "image/icc.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "image/bytes.h"

enum {
    HEADER_LEN = 128,
    TAG_LEN = 12,   /* signature, offset, size */
    TAGS_MAX = 256, /* real profiles have 10 to 20 */
    CURVE_POINTS_MAX = 65536
};

struct bytes {
    const uint8_t *data;
    size_t len;
};

static uint32_t read_u16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

/* s15Fixed16Number */
static double read_fixed(const uint8_t *at)
{
    return (int32_t)ij_big_endian(at) / 65536.0;
}

/* The element of a tag; no bytes when there is none, or it reaches beyond the end. */
static struct bytes find_tag(struct bytes profile, const char *signature)
{
    uint32_t count = ij_big_endian(profile.data + HEADER_LEN);
    for (uint32_t i = 0; i < count && i < TAGS_MAX; i++) {
        size_t at = HEADER_LEN + 4 + (size_t)i * TAG_LEN;
        if (at + TAG_LEN > profile.len)
            break;
        const uint8_t *tag = profile.data + at;
        if (memcmp(tag, signature, 4) != 0)
            continue;
        size_t offset = ij_big_endian(tag + 4);
        size_t len = ij_big_endian(tag + 8);
        if (offset > profile.len || len > profile.len - offset)
            break;
        return (struct bytes){ profile.data + offset, len };
    }
    return (struct bytes){ NULL, 0 };
}

/* The colorants of IEC 61966-2-1 adapted to D50, as in the ICC's own sRGB profiles; they
 * differ among themselves by less than the tolerance, Display P3 differs by 0.08. */
static bool has_colorants(struct bytes profile)
{
    static const struct {
        const char *signature;
        double xyz[3];
    } srgb[] = {
        { "rXYZ", { 0.4360, 0.2225, 0.0139 } },
        { "gXYZ", { 0.3851, 0.7169, 0.0971 } },
        { "bXYZ", { 0.1431, 0.0606, 0.7141 } },
    };
    const double tolerance = 0.003;
    for (size_t i = 0; i < IJ_ARRAY_LEN(srgb); i++) {
        struct bytes tag = find_tag(profile, srgb[i].signature);
        if (tag.len < 20 || memcmp(tag.data, "XYZ ", 4) != 0)
            return false;
        for (size_t k = 0; k < 3; k++)
            if (fabs(read_fixed(tag.data + 8 + 4 * k) - srgb[i].xyz[k]) > tolerance)
                return false;
    }
    return true;
}

/* A sampled curve, or a gamma alone, at `x` in 0..1; NAN when it cannot be read. */
static double sampled_at(struct bytes curve, double x)
{
    if (curve.len < 12)
        return NAN;
    uint32_t count = ij_big_endian(curve.data + 8);
    if (count == 0)
        return x;
    if (count > CURVE_POINTS_MAX || curve.len - 12 < (size_t)count * 2)
        return NAN;
    const uint8_t *points = curve.data + 12;
    if (count == 1)
        return pow(x, read_u16(points) / 256.0); /* u8Fixed8Number */
    double place = x * (count - 1);
    size_t below = (size_t)place;
    size_t above = below + 1 < count ? below + 1 : below;
    double low = read_u16(points + 2 * below);
    double high = read_u16(points + 2 * above);
    return (low + (high - low) * (place - (double)below)) / 65535.0;
}

/* A curve by formula: a plain gamma, or the kind that sRGB is. */
static double formula_at(struct bytes curve, double x)
{
    if (curve.len < 16)
        return NAN;
    uint32_t kind = read_u16(curve.data + 8);
    const uint8_t *values = curve.data + 12;
    double gamma = read_fixed(values);
    if (kind == 0)
        return pow(x, gamma);
    if (kind != 3 || curve.len < 32)
        return NAN;
    double a = read_fixed(values + 4), b = read_fixed(values + 8);
    double c = read_fixed(values + 12), d = read_fixed(values + 16);
    return x >= d ? pow(a * x + b, gamma) : c * x;
}

/* A gamma of 2.2 is 0.0036 off in the middle and shows in the shadows: not the same. */
static bool has_curve(struct bytes profile, const char *signature)
{
    static const struct {
        double x, y, tolerance;
    } srgb[] = { { 0.1, 0.0100, 0.0015 },
                 { 0.5, 0.2140, 0.0020 },
                 { 0.9, 0.7874, 0.0030 } };
    struct bytes curve = find_tag(profile, signature);
    if (curve.len < 8)
        return false;
    bool is_formula = memcmp(curve.data, "para", 4) == 0;
    if (!is_formula && memcmp(curve.data, "curv", 4) != 0)
        return false;
    for (size_t i = 0; i < IJ_ARRAY_LEN(srgb); i++) {
        double y =
            is_formula ? formula_at(curve, srgb[i].x) : sampled_at(curve, srgb[i].x);
        if (!(fabs(y - srgb[i].y) <= srgb[i].tolerance)) /* NAN is not within */
            return false;
    }
    return true;
}

bool ij_icc_is_srgb(const void *profile, size_t len)
{
    struct bytes bytes = { profile, len };
    if (len < HEADER_LEN + 4 || memcmp(bytes.data + 36, "acsp", 4) != 0 ||
        memcmp(bytes.data + 20, "XYZ ", 4) != 0)
        return false;
    if (find_tag(bytes, "A2B0").len || find_tag(bytes, "A2B1").len)
        return false; /* tables come before colorants, and may say anything */
    if (memcmp(bytes.data + 16, "GRAY", 4) == 0)
        return has_curve(bytes, "kTRC");
    return memcmp(bytes.data + 16, "RGB ", 4) == 0 && has_colorants(bytes) &&
           has_curve(bytes, "rTRC") && has_curve(bytes, "gTRC") &&
           has_curve(bytes, "bTRC");
}
