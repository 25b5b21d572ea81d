/* Owns what a traceparent is. A later version may go on behind the four parts. */
#include "base/trace.h"

#include <stddef.h>
#include <string.h>

enum { VERSION_0_LEN = 55, LEN_MAX = 255 };

static const char lower_hex[] = "0123456789abcdef";

/* Whether `len` digits stand there, not all of them 0. */
static bool is_part(const char *text, size_t len)
{
    return strspn(text, lower_hex) >= len && strspn(text, "0") < len;
}

bool ij_traceparent_valid(const char *text)
{
    size_t len = strnlen(text, LEN_MAX + 1);
    if (len < VERSION_0_LEN || len > LEN_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return false;
    if (text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    if (strspn(text, lower_hex) != 2 || strncmp(text, "ff", 2) == 0)
        return false;
    if (!is_part(text + 3, 32) || !is_part(text + 36, 16) ||
        strspn(text + 53, lower_hex) < 2)
        return false;
    if (len == VERSION_0_LEN)
        return true;
    return strncmp(text, "00", 2) != 0 && text[VERSION_0_LEN] == '-';
}
