/* Option and result structs that begin with `size_t size`: reading what a caller that was
 * built against an older or newer header passed. */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* Where a member ends: the size of a struct whose first release ended with it. */
#define IJ_END_OF(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/*
 * Copy the caller's options into `out` (`out_size` bytes, zeroed where the caller's
 * struct ends). NULL options are all zero. `oldest` is the size in the first release.
 * Told apart: a size that was never one (IMGJOB_E_ABI), an older caller (fine), a newer
 * caller whose unknown bytes are zero (fine) or not (IMGJOB_E_ABI).
 */
int ij_options_read(void *out, size_t out_size, size_t oldest, const void *options,
                    const char *name, struct imgjob_error *err);

/*
 * Fill the caller's result struct from ours; its `size` member stays, and what only a
 * newer caller knows becomes zero. @return 0, or IMGJOB_E_ABI when its size is not even
 * that of the size member
 */
int ij_result_write(void *out, const void *result, size_t result_size, const char *name,
                    struct imgjob_error *err);

/* Whether the size member of a result struct can be one, for who must know before the
 * work is done. @return 0 or IMGJOB_E_ABI */
int ij_result_check(const void *out, const char *name, struct imgjob_error *err);
