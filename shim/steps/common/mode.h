/* Modes as chmod(1) writes them: octal with a leading 0, or clauses such as "u=rwX,go-w". */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "steps/step.h"

/*
 * Parses TEXT into CHANGE (its clauses are in MEM). Octal text starts with 0 and is at most 07777. Each symbolic
 * clause must name u, g, o or a: without that, chmod(1) would apply the umask. "g=u" is not supported. False: not a
 * mode.
 */
[[nodiscard]] bool mode_parse(struct mem *mem, const char *text, struct mode_change *change);

/*
 * The mode, at most 07777, that CHANGE makes from NOW. As with GNU chmod, "=" keeps the set-id bits of a directory
 * unless it names them; an octal mode is set exactly as written.
 */
[[nodiscard]] mode_t mode_apply(const struct mode_change *change, mode_t now, bool directory);
