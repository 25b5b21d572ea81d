/* Reading and writing one value of a spec, and the sentences for what is wrong with it.
 * Every `at` is a JSON pointer (RFC 6901) to the place. */
#pragma once

#include "base/json.h"
#include "spec/op.h"

struct imgjob_spec;

enum { IJ_POINTER_SIZE = 128 };

/* What is the same for everything that is read of one spec. Borrowed. */
struct ij_reading {
    const struct ij_ops *ops;
    struct imgjob_spec *spec; /* becomes the owner of texts and numbers */
    struct imgjob_error *err;
};

/* The pointer to a member or element: `parent` and one more token. Escaped, and cut where
 * a stranger's key is long. */
void ij_pointer_member(char out[IJ_POINTER_SIZE], const char *parent, const char *key);
void ij_pointer_element(char out[IJ_POINTER_SIZE], const char *parent, size_t index);

/* The value must be of that type. @return 0, or IMGJOB_E_SPEC; a NULL value is missing */
int ij_value_expect(const struct ij_json *value, enum ij_json_type type, const char *at,
                    struct imgjob_error *err);

/* "must be one of a, b, not 'given'", over names ended by NULL; cut with "…" where they
 * are many. @return IMGJOB_E_SPEC */
int ij_value_refuse_choice(const char *const *names, const char *given, const char *at,
                           struct imgjob_error *err);

/* Every member of the object must be one of these names, ended by NULL.
 * @return 0, or IMGJOB_E_SPEC */
int ij_members_expect(const struct ij_json *object, const char *const *names,
                      const char *at, struct imgjob_error *err);

/* Give memory to the spec, freed with it.
 * @return it; NULL when there is none, and then it is freed */
void *ij_spec_keep(struct imgjob_spec *spec, void *memory);

/* Read a parameter's value; NULL = absent. @return 0, or IMGJOB_E_SPEC, _NOMEM */
int ij_param_read(const struct ij_reading *reading, const struct ij_param *param,
                  const struct ij_json *value, const char *at, struct ij_value *out);

/* Write a given value as the member of that name; what is not given is not written. */
void ij_param_write(struct ij_json_out *out, const struct ij_param *param,
                    const struct ij_value *value);

/* @return whether the value is the one that stands when nothing is written */
bool ij_param_is_default(const struct ij_param *param, const struct ij_value *value);

/* @return whether the parameter has that choice, and its index */
bool ij_param_choice(const struct ij_param *param, const char *name, int64_t *out);

/* "#rgb", "#rgba", "#rrggbb", "#rrggbbaa", a CSS name or "transparent", as 0xRRGGBBAA.
 * @return whether it is one */
bool ij_color_read(const char *text, uint32_t *out);
