/* Showing text that others have chosen safely. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define TEXT_LONGEST 6 /* bytes that one byte can become */

/*
 * Writes TEXT to OUT, at most SIZE bytes with a NUL, and returns its length; text that does not fit is cut.
 * Characters that change how a terminal or a reader shows the rest become \xNN or \uNNNN: control characters
 * (newlines, C1, delete), and those that reverse the direction of writing. So do bytes that are not UTF-8, because a
 * terminal may read a control character in them. In JSON, which cannot express such bytes, they become U+FFFD, and
 * quotes and backslashes are escaped.
 */
size_t text_escape(char *out, size_t size, const char *text, bool json);
