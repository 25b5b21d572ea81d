/* Owns what a queue, a tenant or a tag may be called. */
#include <string.h>

#include "jobs/jobs.h"

int ij_name_check(const char *text, const char *what, struct imgjob_error *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_.:-";
    size_t len = strnlen(text, IJ_NAME_SIZE);
    if (len == 0)
        return ij_fail(err, IMGJOB_E_INVALID, "a %s's name is empty", what);
    if (len >= IJ_NAME_SIZE)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "a %s's name is over the limit of %d bytes: '%.20s…'", what,
                       IJ_NAME_SIZE - 1, text);
    if (strspn(text, allowed) != len)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "a %s's name holds a character that is none of "
                       "A-Z a-z 0-9 _ . : -: '%s'",
                       what, text);
    return 0;
}
