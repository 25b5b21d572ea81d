/* Until the server ends. */
#pragma once

#include <stdbool.h>

#include "server/app.h"

/* Reload on SIGHUP; come back when another signal asks for the end, or when the store has
 * failed for good: then no job can be acknowledged any more, and a restart is the only
 * way on.
 * @param out_failed whether it was the store
 * @return the cause in a word or a sentence; a constant string */
const char *ij_watch(struct ij_app *app, bool *out_failed);
