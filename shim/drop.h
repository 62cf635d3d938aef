/*
 * Giving up: lines 5 to 11 of the order of operations. Ends the process on the first refusal; trusts no return code
 * beyond that, for verify.h proves the result.
 */
#ifndef CAPSHIM_DROP_H
#define CAPSHIM_DROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "start.h"

/* A state of privilege: what a process is to hold, no more and no less. */
struct privileges {
	uint32_t uid, gid;      /* real, effective, saved and file system ids */
	const uint32_t *groups; /* supplementary groups, ascending, none twice */
	size_t ngroups;
	uint64_t keep;     /* inheritable, permitted, effective and ambient set hold exactly these */
	uint64_t bounding; /* and the bounding set these: keep, or what a non-root start cannot reach */
	bool lock;         /* securebits end as DROP_SECUREBITS; false only where CAP_SETPCAP was never there */
};

/*
 * NOROOT and NO_CAP_AMBIENT_RAISE on, NO_SETUID_FIXUP off, all three locked; KEEP_CAPS off and not locked. A child of a
 * workload that keeps SETUID then loses its capabilities when it leaves uid 0, as it does without capshim, and programs
 * that set PR_SET_KEEPCAPS before they drop by themselves (ping, named, chronyd, setpriv) work.
 */
#define DROP_SECUREBITS 0xcbU

/*
 * Fills in what the start decides: bounding and lock from keep and the ids. Returns NULL if the drop can reach WANT
 * from START, or the reason why it cannot (static or in MEM): the missing capability and what to write, an id that
 * the user namespace does not map, a locked securebit.
 */
const char *drop_plan(struct privileges *want, const struct start *start, struct mem *mem)
	__attribute__((warn_unused_result));

/* Gives up everything but WANT. START is the state at the start. No return on failure: status 111. */
void drop_privileges(const struct privileges *want, const struct start *start);

#endif
