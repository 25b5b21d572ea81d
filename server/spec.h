/* What the server has to know of specs before the library reads them. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"

/* As the library has them, which a test sees to. */
enum {
    IJ_SENT_SPEC_MAX = 65536,  /* bytes; also of all that in a body is no image */
    IJ_SENT_SPEC_DEPTH_MAX = 8 /* levels of nesting */
};

/* Whether a spec is of the long form: any of its members makes it one. */
bool ij_sent_spec_is_long(const struct ij_json *spec);

/* Whether a member that is neither an input nor an option may stand in a JSON body.
 * @param is_imageless it is in a list of jobs, which takes no images
 * @return 0, or IMGJOB_E_SPEC with a text that begins with the place */
int ij_sent_spec_check_member(const char *name, bool is_long, bool is_imageless,
                              struct imgjob_error *err);
