/*
 * The patterns of setup_for, unset_environment, exclude, when, match and remove.
 */
#ifndef CAPSHIM_BASE_GLOB_H
#define CAPSHIM_BASE_GLOB_H

#include <stdbool.h>

/*
 * Is the whole of TEXT what PATTERN describes? As in glob(7): `*` is any text, `?` any byte, [abc0-9] one of those, [!abc]
 * or [^abc] one that is not; a backslash takes the meaning of what follows it, but stands for itself between brackets,
 * and a `[` that nothing closes is a `[`. A slash and a leading period are bytes as all others.
 *
 * Not fnmatch(3): musl's knows the letters of every script, and these tables are 17 KB. So [:alpha:] has no meaning
 * here, and nothing depends on a locale. Takes at most length of PATTERN times length of TEXT.
 */
bool glob_match(const char *pattern, const char *text) __attribute__((warn_unused_result));

#endif
