/* The signals that the server obeys. */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Hold them back, in this thread and all that it starts; ignore SIGPIPE and
 * SIGXFSZ. Before threads.
 * @return 0 or IMGJOB_E_INTERNAL */
int ij_signals_hold(struct imgjob_error *err);

/* Sleep until SIGTERM, SIGINT or SIGHUP comes, or for `ms`. @return its name; NULL when
 * none came
 */
const char *ij_signals_wait(uint32_t ms);

/* The next SIGTERM or SIGINT ends the process at once, as if nobody had ever caught it.
 */
void ij_signals_release(void);
