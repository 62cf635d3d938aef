/*
 * Text that others have chosen, made fit to be shown.
 */
#ifndef CAPSHIM_BASE_TEXT_H
#define CAPSHIM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

#define TEXT_LONGEST 6 /* bytes that one byte can become */

/*
 * Writes TEXT to OUT, SIZE bytes with a NUL, and returns its length; what does not fit is cut. Characters that change what
 * a terminal or a reader makes of the rest become \xNN or \uNNNN: the control characters (newlines, C1, delete), and those
 * that turn the direction of writing round. So do bytes that are not UTF-8, in which a terminal may see a control
 * character; in JSON, which has no way to write them, they become U+FFFD, and quotes and backslashes are escaped.
 */
size_t text_escape(char *out, size_t size, const char *text, bool json);

/* All of TEXT for a terminal, in MEM. */
const char *text_shown(struct mem *mem, const char *text);

#endif
