/* Owns the names of inputs, the same in every form of body but for that of the image. */
#include "server/input.h"

#include <string.h>

_Static_assert(IMGJOB_INPUTS_MAX <= 9, "the number of an overlay is one digit");

/* @return 0, 1 for no name of an overlay, or IMGJOB_E_INVALID for one that is not there
 */
static int overlay_number(const char *name, unsigned *out, struct imgjob_error *err)
{
    static const char overlay[] = "overlay";
    const size_t len = sizeof(overlay) - 1;
    if (strncmp(name, overlay, len) != 0)
        return 1;
    const char *digits = name + len;
    if (digits[strspn(digits, "0123456789")] != '\0')
        return 1;
    if (digits[0] == '\0') {
        *out = 1;
        return 0;
    }
    if (digits[0] == '0' || digits[0] > '0' + IMGJOB_INPUTS_MAX || digits[1] != '\0')
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%.60s: no such input; an overlay's number is 1 to %d", name,
                       IMGJOB_INPUTS_MAX);
    *out = (unsigned)(digits[0] - '0');
    return 0;
}

int ij_input_names_take(struct ij_input_names *inputs, const char *name, unsigned *out,
                        struct imgjob_error *err)
{
    unsigned input = 0;
    if (strcmp(name, inputs->image_name) != 0) {
        int rc = overlay_number(name, &input, err);
        if (rc != 0)
            return rc;
    }
    if (inputs->seen[input])
        return ij_fail(err, IMGJOB_E_INVALID, "%s: stands twice%s", name,
                       input == 1 ? " (overlay and overlay1 are the same)" : "");
    inputs->seen[input] = true;
    *out = input;
    return 0;
}
