/* What the process asks of the system for itself. */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Keep malloc small with many threads. Before any thread. */
void ij_process_limit_memory(void);

/* As many descriptors as the system allows, and enough for so many threads and
 * workers.
 * @return 0, or IMGJOB_E_INVALID, _INTERNAL */
int ij_process_raise_descriptors(uint64_t threads, uint64_t workers,
                                 struct imgjob_error *err);
