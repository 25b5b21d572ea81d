/* Owns the promise that option structs may grow at their end. */
#include "base/check.h"

#include <string.h>

enum { SIZE_MAX_SANE = 4096 }; /* no struct of ours comes near it: garbage, not a size */

int ij_options_read(void *out, size_t out_size, size_t oldest, const void *options,
                    const char *name, struct imgjob_error *err)
{
    memset(out, 0, out_size);
    if (!options)
        return 0;
    size_t size;
    memcpy(&size, options, sizeof(size));
    if (size < oldest || size > SIZE_MAX_SANE)
        return ij_fail(err, IMGJOB_E_ABI,
                       "struct %s: its size member is %zu; set it to sizeof the struct",
                       name, size);
    for (size_t i = out_size; i < size; i++)
        if (((const unsigned char *)options)[i] != 0)
            return ij_fail(err, IMGJOB_E_ABI,
                           "struct %s: the program sets an option at byte %zu that this "
                           "library (%s) does not know",
                           name, i, imgjob_version());
    memcpy(out, options, size < out_size ? size : out_size);
    return 0;
}

int ij_result_check(const void *out, const char *name, struct imgjob_error *err)
{
    size_t size;
    memcpy(&size, out, sizeof(size));
    if (size < sizeof(size) || size > SIZE_MAX_SANE)
        return ij_fail(err, IMGJOB_E_ABI,
                       "struct %s: its size member is %zu; set it to sizeof the struct",
                       name, size);
    return 0;
}

int ij_result_write(void *out, const void *result, size_t result_size, const char *name,
                    struct imgjob_error *err)
{
    int rc = ij_result_check(out, name, err);
    if (rc < 0)
        return rc;
    size_t size;
    memcpy(&size, out, sizeof(size));
    size_t known = size < result_size ? size : result_size;
    memset((char *)out + known, 0, size - known);
    memcpy((char *)out + sizeof(size), (const char *)result + sizeof(size),
           known - sizeof(size));
    return 0;
}
