/*
 * Dropping privileges: "give up" in the order of operations (doc/how-it-works.md). Ends the process on the first refusal, and trusts no
 * return code beyond that, because verify.h proves the result.
 */
#ifndef CAPSHIM_PRIVILEGE_DROP_H
#define CAPSHIM_PRIVILEGE_DROP_H

#include "base/mem.h"
#include "base/start.h"
#include "privilege/privileges.h"

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
