/* SHA-256 (FIPS 180-4) as bytes arrive, and HMAC of it (RFC 2104). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { IJ_SHA256_SIZE = 32, IJ_SHA256_HEX_SIZE = 65 };

/* Owned; holds a context of libcrypto. Zeroed = not begun; end with ij_sha256_done(). */
struct ij_sha256 {
    void *context;
};

int ij_sha256_begin(struct ij_sha256 *sha, struct imgjob_error *err); /* 0 or _NOMEM */
int ij_sha256_add(struct ij_sha256 *sha, const void *data, size_t len,
                  struct imgjob_error *err); /* 0 or _INTERNAL */
/* Hex in lower case with a terminator. Nothing may be added afterwards. */
int ij_sha256_end(struct ij_sha256 *sha, char out[IJ_SHA256_HEX_SIZE],
                  struct imgjob_error *err); /* 0 or _INTERNAL */
void ij_sha256_done(struct ij_sha256 *sha);

/* Of bytes that are all there. @return 0, or _NOMEM, _INTERNAL */
int ij_sha256_of(const void *data, size_t len, unsigned char out[IJ_SHA256_SIZE],
                 struct imgjob_error *err);

/* HMAC-SHA256 of bytes that are all there. @return 0 or _INTERNAL */
int ij_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                   unsigned char out[IJ_SHA256_SIZE], struct imgjob_error *err);
