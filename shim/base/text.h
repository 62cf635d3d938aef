/* Text that others have chosen: to show it safely, and the numbers in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_LONGEST 6 /* bytes that one byte can become */

/*
 * Writes TEXT to OUT, at most SIZE bytes with a NUL, and returns its length; text that does not fit is cut.
 * Characters that change how a terminal or a reader shows the rest become \xNN or \uNNNN: control characters
 * (newlines, C1, delete), and those that reverse the direction of writing. So do bytes that are not UTF-8, because a
 * terminal may read a control character in them. In JSON, which cannot express such bytes, they become U+FFFD, and
 * quotes and backslashes are escaped.
 */
size_t text_escape(char *out, size_t size, const char *text, bool json);

/*
 * As strtoull(3): the number that TEXT begins with, behind blanks and a "-", in BASE (8, 10, 16; 0: as C writes it). 0 if
 * there is none; UINT64_MAX, with errno ERANGE, if it is too large. *END, unless END is NULL, is what follows the number, or
 * TEXT if there is none.
 */
uint64_t text_number(const char *text, unsigned int base, const char **end);

#define TEXT_HASH 2166136261U /* of no text: FNV-1a */

/* The hash of what has the hash BEFORE, followed by LENGTH bytes of TEXT. */
[[nodiscard]] uint32_t text_hash(uint32_t before, const char *text, size_t length);

/* Is TEXT 1 to MOST digits of BASE and nothing else? Then *TO is their number. */
[[nodiscard]] bool text_is_number(const char *text, unsigned int base, int most, uint64_t *to);
