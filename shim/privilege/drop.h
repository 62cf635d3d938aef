/*
 * Dropping privileges: "give up" in the order of operations (doc/how-it-works.md). Ends the process at the first call
 * that is refused. A call that reports success is not trusted further: verify.h proves the result.
 */
#pragma once

#include "base/mem.h"
#include "base/start.h"
#include "privilege/privileges.h"

/*
 * Fills in the parts of WANT that depend on the start: bounding and lock, from keep and the ids. Returns NULL if the
 * drop can reach WANT from START. Otherwise returns the reason (static, or in MEM): the missing capability and what
 * to write, an id that the user namespace does not map, or a locked securebit.
 */
[[nodiscard]] const char *drop_plan(struct privileges *want, const struct start *start, struct mem *mem);

/*
 * Drops from the bounding set what WANT does not hold and what is not START->dropped already. With CAP_SETPCAP effective,
 * otherwise drop_plan() has checked that there is nothing to drop. Does not return on failure: status 111.
 */
void drop_bounding(const struct privileges *want, const struct start *start);

/* Drops everything that WANT does not hold. START is the state at the start. Does not return on failure: status 111. */
void drop_privileges(const struct privileges *want, const struct start *start);
