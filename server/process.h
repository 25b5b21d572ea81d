/* What the process asks of the system for itself. */
#pragma once

#include <stdint.h>

#include "base/log.h"

/* Keep malloc small with many threads. Before any thread. */
void ij_process_limit_memory(void);

/* As many descriptors as the system grants; too few for `threads` is said in the log. */
void ij_process_raise_descriptors(const struct ij_log *log, uint64_t threads);
