/* Job ids: UUIDv7, so that ids made later sort later (RFC 9562 §5.7). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/job.h>

#include "base/error.h"

struct ij_id {
    uint8_t bytes[16];
};

/* All zero: no job has it. */
extern const struct ij_id ij_id_none;

/* A new id of this moment. @return 0, or IMGJOB_E_INTERNAL without random bytes */
int ij_id_new(int64_t wall_ms, struct ij_id *out, struct imgjob_error *err);

/* 36 characters and a terminator, lower case. */
void ij_id_format(const struct ij_id *id, char out[IMGJOB_ID_SIZE]);

/* Read the exact form that ij_id_format() writes; `text` may be longer: only its first 36
 * characters are looked at. */
bool ij_id_parse(const char *text, size_t len, struct ij_id *out);

/* The same of a terminated text that is nothing else; NULL is none. */
bool ij_id_of(const char *text, struct ij_id *out);

bool ij_id_equal(const struct ij_id *a, const struct ij_id *b);

/* Random bytes from the kernel. @return 0, or IMGJOB_E_INTERNAL */
int ij_random(void *out, size_t len, struct imgjob_error *err);
