/* Owns which form of spec a client has sent: each is refused in words of its own. */
#include "server/spec.h"

#include "base/auto.h"

bool ij_sent_spec_is_long(const struct ij_json *spec)
{
    static const char *const members[] = { "steps", "outputs", "load", "info" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(members); i++)
        if (ij_json_member(spec, members[i]))
            return true;
    return false;
}
