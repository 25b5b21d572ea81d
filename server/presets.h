/* Named specs from a file, which jobs may ask for instead of a spec of their own. */
#pragma once

#include "base/buf.h"

/* Shared. Never empty-handed: made without any, filled by ij_presets_load(). */
struct ij_presets;

/* @param out the caller's, to end with ij_presets_free() @return 0 or IMGJOB_E_NOMEM */
int ij_presets_new(struct ij_presets **out, struct imgjob_error *err);
void ij_presets_free(struct ij_presets *presets); /* NULL is fine */

/*
 * Take the presets of a file instead of those that are there, at any time and from any
 * thread. Every one is parsed; after a failure the old ones stay.
 *
 * @param path "" = none
 * @return 0, or IMGJOB_E_INVALID with a text that names file, preset and place, _NOMEM
 */
int ij_presets_load(struct ij_presets *presets, const char *path,
                    struct imgjob_error *err);

/* Append the spec of a preset, as imgjob_spec_parse() reads it.
 * @return 0, IMGJOB_E_INVALID when there is none of that name, or _NOMEM */
int ij_presets_find(struct ij_presets *presets, const char *name, struct ij_buf *out,
                    struct imgjob_error *err);
