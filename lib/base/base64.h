/* Base64 (RFC 4648 §4): decoded as it arrives, encoded in one piece. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owned; zeroed = begun. Holds what does not yet make a whole byte. */
struct ij_base64 {
    uint32_t bits;   /* the characters of the group that is under way */
    uint32_t count;  /* how many of them, 0..3; padding counts */
    uint32_t padded; /* '=' seen, 0..2 */
};

/*
 * Decode `len` characters into `out`, which has room for len / 4 * 3 + 3 bytes. CR and LF
 * are skipped, as the original service does; padding may only end the text.
 *
 * @return bytes written, or -1 at a character that does not belong there
 */
long ij_base64_decode(struct ij_base64 *state, const char *text, size_t len,
                      uint8_t *out);

/* Whether the text may end here: on a whole group, with its padding. */
bool ij_base64_is_whole(const struct ij_base64 *state);

/* Characters that `len` bytes become, terminator included. */
#define IJ_BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

/* @param out room for IJ_BASE64_SIZE(len) */
void ij_base64_encode(const uint8_t *data, size_t len, char *out);
