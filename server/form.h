/* The simple form of a spec as plain fields, from a query or a multipart body. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "server/options.h"

enum { IJ_FORM_FIELDS = 5, IJ_FORM_VALUE_SIZE = 64 };

/* Owned; zeroed = empty. */
struct ij_form {
    bool given[IJ_FORM_FIELDS];
    char value[IJ_FORM_FIELDS][IJ_FORM_VALUE_SIZE];
    unsigned count;
};

/* Whether such a field exists. */
bool ij_form_has(const char *name);

/* Add a field. @return 0, or IMGJOB_E_INVALID when it is unknown, stands twice, or cannot
 * be written as JSON of its type */
int ij_form_add(struct ij_form *form, const char *name, const char *value,
                struct imgjob_error *err);

/* Add all pairs of a URL's query, to the form or to the options. */
int ij_form_add_query(struct ij_form *form, struct ij_options *options, const char *query,
                      struct imgjob_error *err);

/* Write the JSON that imgjob_spec_parse() reads; what is missing is left to it. */
void ij_form_write(const struct ij_form *form, struct ij_buf *out);
