/* Where the worker program is. */
#pragma once

#include <stddef.h>

#include "base/error.h"

/*
 * Find the worker program: `asked`, or NULL for the one that belongs to this library, in
 * the tree it was built in or where it was installed. No environment variable has a say,
 * since the program runs with the rights of the caller.
 *
 * @param out  the absolute path; untouched on failure
 * @return 0, or IMGJOB_E_INVALID with a text that says where it was looked for
 */
int ij_worker_path(const char *asked, char *out, size_t size, struct imgjob_error *err);
