/* The outputs in the view of a job; used by view.c alone. */
#pragma once

#include "base/json.h"

/* Those that can still be fetched. Borrowed. */
struct ij_view_outputs {
    const char *public_url;        /* stands before the path of a URL */
    const char *id;                /* of the job, as text */
    const struct ij_json *outputs; /* of its result; NULL = none */
};

void ij_view_put_outputs(struct ij_json_out *out, const struct ij_view_outputs *view);

/* What an <img srcset> wants, of outputs in several widths. */
void ij_view_put_srcset(struct ij_json_out *out, const struct ij_view_outputs *view);
