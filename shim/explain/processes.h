/*
 * The processes that /proc shows. Their names can be faked, they may end while they are read, and some belong to
 * other users.
 */
#pragma once

#include "base/mem.h"
#include "base/status.h"

struct process {
	struct process *next;
	uint32_t pid, tid;
	struct status status;
	const struct process *state; /* --inspect: the first one that holds the same, or itself; NULL: left out */
};

/* The number of this process in /proc; ends the process with 111 if there is no /proc. */
uint32_t processes_self(void);

/*
 * Ends the process with 111 if /proc may hide processes from this one, because they would be missing from what VERB
 * ("verify") says: mounted with hidepid, proc(5), it shows all of them only to CAP_SYS_PTRACE.
 */
void processes_must_show(struct mem *mem, const char *verb);

/*
 * Every thread of every process in /proc, in its order, except the process SELF; with ONLY (a number as text) limited
 * to the PID namespace of that process. Processes that have ended are left out. In MEM. Ends the process with 111 if
 * one cannot be read, because what it holds is then unknown.
 */
struct process *processes_read(struct mem *mem, uint32_t self, const char *only);

/*
 * Does the process PID ("1") belong to the same container as this process? In a PID namespace shared by
 * several containers process 1 belongs to another one. Control groups tell them apart: an engine also gives them to
 * what it starts in a container later.
 */
bool processes_is_ours(struct mem *mem, const char *pid);
