/* W3C Trace Context, level 1. */
#pragma once

#include <stdbool.h>

/* Whether a text is a traceparent (§3.2): VERSION-TRACE-PARENT-FLAGS in hex of 2, 32, 16
 * and 2 digits; 255 bytes at most. */
bool ij_traceparent_valid(const char *text);
