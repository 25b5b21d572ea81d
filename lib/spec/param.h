/* Reading and writing one value of a spec, and the sentences for what is wrong with it.
 * Every `at` is a JSON pointer (RFC 6901) to the place. */
#pragma once

#include "base/json.h"
#include "spec/op.h"

enum { IJ_POINTER_SIZE = 96 };

/* The pointer to a member or element: `parent` and one more token. Escaped, and cut where
 * a stranger's key is long. */
void ij_pointer_member(char out[IJ_POINTER_SIZE], const char *parent, const char *key);
void ij_pointer_element(char out[IJ_POINTER_SIZE], const char *parent, size_t index);

/* The value must be of that type. @return 0, or IMGJOB_E_SPEC; a NULL value is missing */
int ij_value_expect(const struct ij_json *value, enum ij_json_type type, const char *at,
                    struct imgjob_error *err);

/* "must be one of a, b, not 'given'", over names ended by NULL. @return IMGJOB_E_SPEC */
int ij_value_refuse_choice(const char *const *names, const char *given, const char *at,
                           struct imgjob_error *err);

/* Every member of the object must be one of these names, ended by NULL.
 * @return 0, or IMGJOB_E_SPEC */
int ij_members_expect(const struct ij_json *object, const char *const *names,
                      const char *at, struct imgjob_error *err);

/* Read a parameter's value; NULL = absent. @return 0, or IMGJOB_E_SPEC */
int ij_param_read(const struct ij_param *param, const struct ij_json *value,
                  const char *at, int64_t *out, struct imgjob_error *err);

/* Write it as the member of that name. */
void ij_param_write(struct ij_json_out *out, const struct ij_param *param, int64_t value);

/* @return whether the parameter has that choice, and its index */
bool ij_param_choice(const struct ij_param *param, const char *name, int64_t *out);
