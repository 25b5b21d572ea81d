/* What the program does instead of serving: print, check a store, back it up. */
#pragma once

#include "server/config.h"

/* Do the task. @return the exit status: 0 done, 2 not done; of --audit 0 no fault left,
 * 1 faults left, 2 not done */
int ij_operate(const struct ij_config *config, const struct ij_task *task);
