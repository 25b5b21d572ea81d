/*
 * Owns base64. Our own, since neither GLib's nor libcrypto's incremental decoder is
 * strict (both pass over characters that are no base64), and a wrong upload must be
 * refused.
 */
#include "base/base64.h"

enum { BAD = 64, PAD = 65, SKIP = 66 };

#define B BAD
/* The value of each character, by its code. */
static const uint8_t value_of[256] = {
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  SKIP, B,  B,  SKIP, B,  B,  /* 00: LF, CR */
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,    B,  B,  B,    B,  B,  /* 10 */
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,    62, B,  B,    B,  63, /* 20: + / */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, B,    B,  B,  PAD,  B,  B,  /* 30: 0-9 = */
    B,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,    10, 11, 12,   13, 14, /* 40: A- */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,   B,  B,  B,    B,  B,  /* 50: -Z */
    B,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35,   36, 37, 38,   39, 40, /* 60: a- */
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,   B,  B,  B,    B,  B,  /* 70: -z */
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,    B,  B,  B,    B,  B,  B, B, B, B, B, B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,    B,  B,  B,    B,  B,  B, B, B, B, B, B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,    B,  B,  B,    B,  B,  B, B, B, B, B, B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,    B,  B,  B,    B,  B,  B, B, B, B, B, B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,    B,  B,  B,    B,  B,  B, B, B, B, B, B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,    B,  B,  B,    B,  B,  B, B,
};
#undef B

/* Add one character to the group under way. @return bytes it completed, or -1 */
static int add(struct ij_base64 *state, uint8_t value, uint8_t *out)
{
    if (value == SKIP)
        return 0;
    bool pads = value == PAD;
    if (value == BAD || (pads && state->count < 2) || (!pads && state->padded > 0))
        return -1;
    state->bits = state->bits << 6 | (pads ? 0 : value);
    state->padded += pads;
    if (++state->count < 4)
        return 0;
    state->count = 0;
    int bytes = 3 - (int)state->padded;
    for (int i = 0; i < bytes; i++)
        out[i] = (uint8_t)(state->bits >> (16 - 8 * i));
    state->bits = 0;
    return bytes;
}

long ij_base64_decode(struct ij_base64 *state, const char *text, size_t len, uint8_t *out)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + len;
    uint8_t *start = out;
    while (at < end) {
        /* whole groups of plain characters, nearly all of any text */
        while (end - at >= 4 && state->count == 0 && state->padded == 0) {
            uint32_t a = value_of[at[0]], b = value_of[at[1]];
            uint32_t c = value_of[at[2]], d = value_of[at[3]];
            if ((a | b | c | d) >= BAD)
                break;
            uint32_t bits = a << 18 | b << 12 | c << 6 | d;
            out[0] = (uint8_t)(bits >> 16);
            out[1] = (uint8_t)(bits >> 8);
            out[2] = (uint8_t)bits;
            out += 3;
            at += 4;
        }
        if (at == end)
            break;
        int bytes = add(state, value_of[*at++], out);
        if (bytes < 0)
            return -1;
        out += bytes;
    }
    return out - start;
}

bool ij_base64_is_whole(const struct ij_base64 *state)
{
    return state->count == 0;
}

void ij_base64_encode(const uint8_t *data, size_t len, char *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)data[i] << 16;
        bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= left > 2 ? data[i + 2] : 0;
        *out++ = letters[bits >> 18];
        *out++ = letters[bits >> 12 & 63];
        *out++ = left > 1 ? letters[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? letters[bits & 63] : '=';
    }
    *out = '\0';
}
