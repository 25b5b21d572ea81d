/* UTF-8 as RFC 3629 §4 has it: shortest form only, no surrogates, at most U+10FFFF. */
#pragma once

#include <stddef.h>

/* How many bytes the character at the start of `text` has, 1..4; 0 when the `len` bytes
 * there begin with none. */
size_t ij_utf8_length(const char *text, size_t len);

/* `len`, or less where the text ends in the middle of a character: what to keep of a
 * text that was cut. */
size_t ij_utf8_untorn(const char *text, size_t len);
