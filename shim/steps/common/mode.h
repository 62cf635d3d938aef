/*
 * Modes as chmod(1) writes them: octal with a leading 0, or clauses such as "u=rwX,go-w".
 */
#ifndef CAPSHIM_STEPS_COMMON_MODE_H
#define CAPSHIM_STEPS_COMMON_MODE_H

#include <stdbool.h>
#include <sys/types.h>

#include "steps/step.h"

/*
 * Reads TEXT into CHANGE (its clauses are in MEM). Octal text begins with 0 and is at most 07777. Each symbolic clause
 * names whom it means: without that, chmod(1) would bring in the umask. Not read: "g=u". False: none of these.
 */
bool mode_parse(struct mem *mem, const char *text, struct mode_change *change) __attribute__((warn_unused_result));

/*
 * The mode, 07777 at most, that CHANGE makes of NOW. "=" leaves the set-id bits of a directory that it does not
 * name, as GNU chmod does; an octal mode is exactly what is written.
 */
mode_t mode_apply(const struct mode_change *change, mode_t now, bool directory) __attribute__((warn_unused_result));

#endif
