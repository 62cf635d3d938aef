/* Patterns of setup_for, unset_environment, exclude, when, match and remove. */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

/*
 * Does PATTERN describe the whole of TEXT? As in glob(7): `*` is any text, `?` any byte, [abc0-9] one of those,
 * [!abc] or [^abc] any other. A backslash removes the meaning of the next character, but stands for itself between
 * brackets. A `[` that is not closed stands for itself. A slash and a leading period are ordinary bytes.
 *
 * Not fnmatch(3): musl's carries 17 KB of tables for the letters of every script. So [:alpha:] has no meaning here,
 * and nothing depends on a locale. The time is at most length of PATTERN times length of TEXT.
 */
[[nodiscard]] bool glob_match(const char *pattern, const char *text);

/* Does one of PATTERNS describe it? */
[[nodiscard]] bool glob_any(const struct list *patterns, const char *text);
