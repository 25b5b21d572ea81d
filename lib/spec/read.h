/* The parts of which a spec is read and written. Inside this room only. */
#pragma once

#include "spec/param.h"
#include "spec/spec.h"

/* ---- steps ---- */

/* NULL when there is none of that name. */
const struct ij_op *ij_op_find(const struct ij_ops *ops, const char *name);

/* The index of a parameter; param_count when there is none. */
size_t ij_op_param(const struct ij_op *op, const char *name);

/* An operation by its name, or the sentence that lists them. */
int ij_op_read(const struct ij_reading *reading, const struct ij_json *name,
               const char *at, const struct ij_op **out);

/* What must hold once all values of a step are there; counts the inputs it takes. */
int ij_step_check(const struct ij_reading *reading, const struct ij_step *step,
                  const char *at);

/* Read an array of steps; NULL = none. What was allocated is in `out` on failure too. */
int ij_steps_read(const struct ij_reading *reading, const struct ij_json *array,
                  const char *at, struct ij_step **out, size_t *out_count);

void ij_steps_write(struct ij_json_out *out, const struct ij_step *steps, size_t count);

/* At most `max` elements: "/steps: may have 16, not 17". */
int ij_list_expect(const struct ij_json *array, size_t max, const char *at,
                   struct imgjob_error *err);

/* ---- outputs ---- */

extern const char ij_output_name_default[];      /* "image" */
extern const char *const ij_output_formats[];    /* that are written, ended by NULL */
extern const char *const ij_output_candidates[]; /* of "auto" when none are named */

/* The format of that name, or the sentence that lists them; NULL = as the input. */
int ij_output_format_read(const struct ij_json *value, const char *at, uint32_t *out,
                          struct imgjob_error *err);

/* Read spec->outputs, one of the default name where the array is NULL. */
int ij_outputs_read(const struct ij_reading *reading, const struct ij_json *array);

/* Make spec->outputs of `count` entries, all zero. */
int ij_outputs_make(const struct ij_reading *reading, size_t count);

/* Fill in the values that stand when nothing is written. */
void ij_output_set_defaults(struct ij_output_spec *output);

/* @return whether a setting says no more than its absence would */
bool ij_output_is_default(const struct ij_output_spec *output,
                          enum ij_output_param param);

/* ---- load ---- */

enum { IJ_LOAD_PAGE, IJ_LOAD_PAGES, IJ_LOAD_UPRIGHT, IJ_LOAD_PROFILE, IJ_LOAD_COUNT };
extern const struct ij_param ij_load_params[IJ_LOAD_COUNT];
extern const char ij_load_pages_all[]; /* what `pages` may be beside a number */

/* Read spec->load; NULL = its defaults. */
int ij_load_read(const struct ij_reading *reading, const struct ij_json *object);
bool ij_load_is_default(const struct ij_load_spec *load);
void ij_load_write(struct ij_json_out *out, const struct ij_load_spec *load);

/* ---- the short form ---- */

enum { IJ_SHORT_WIDTH, IJ_SHORT_HEIGHT, IJ_SHORT_COUNT };
extern const struct ij_param ij_short_params[IJ_SHORT_COUNT];
extern const char *const ij_short_operations[]; /* ended by NULL */

int ij_short_read(const struct ij_reading *reading, const struct ij_json *object);

/* ---- the whole ---- */

/* @return 0 with spec->text made, or IMGJOB_E_SPEC where it would be too long, _NOMEM */
int ij_canonical_make(struct imgjob_spec *spec, struct imgjob_error *err);
