/*
 * --seccomp: the built-in profile less the calls that a workload was not seen to make.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct profile {
	const char *text;   /* JSON, in the format of Docker and of the OCI runtime specification */
	size_t names, of;   /* names that it allows, of those that the built-in profile allows */
	size_t seen;        /* calls that were seen, by their number */
	struct list denied; /* names of those that the built-in profile denies: they stay denied */
};

/*
 * Makes it from CALLS, those of an observation, for a workload that keeps the set KEEP. Its memory is MEM's. It is never
 * wider than the built-in one: whatever it allows stands in a rule of that one, with the conditions on arguments,
 * capabilities and architectures. What every process may need stays, and so does each call that does the same as one
 * that was seen.
 */
void profile_make(struct profile *profile, struct mem *mem, const uint64_t *calls, uint64_t keep);
