/* The signals that end the server. */
#pragma once

#include "base/error.h"

/* Hold them back, in this thread and all that it starts; ignore SIGPIPE. Before threads.
 * @return 0 or IMGJOB_E_INTERNAL */
int ij_signals_hold(struct imgjob_error *err);

/* Sleep until SIGTERM or SIGINT comes. @return its name */
const char *ij_signals_wait(void);

/* The next one ends the process at once, as if nobody had ever caught it. */
void ij_signals_release(void);
