/* What the server has to know of specs before the library reads them. */
#pragma once

#include <stdbool.h>

#include "base/json.h"

/* As the library has them, which a test sees to. */
enum {
    IJ_SENT_SPEC_MAX = 65536,  /* bytes; also of all that in a body is no image */
    IJ_SENT_SPEC_DEPTH_MAX = 8 /* levels of nesting */
};

/* Whether a spec is of the long form: any of its members makes it one. */
bool ij_sent_spec_is_long(const struct ij_json *spec);
