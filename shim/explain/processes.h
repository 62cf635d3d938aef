/*
 * The processes that /proc shows. Names lie, processes end while they are read, and some belong to others.
 */
#ifndef CAPSHIM_EXPLAIN_PROCESSES_H
#define CAPSHIM_EXPLAIN_PROCESSES_H

#include "base/mem.h"
#include "base/status.h"

struct process {
	struct process *next;
	uint32_t pid, tid;
	struct status status;
	const struct process *same; /* --inspect: the next that holds the same */
};

/* /proc, open; ends the process with 111 where there is none. *SELF is what it calls this process. */
int processes_open(uint32_t *self);

/*
 * Every thread of every process of PROC, in its order, but for the process SELF; with ONLY (a number as text) of the
 * PID namespace of that process alone. What ends meanwhile, and what has ended, is left out. In MEM. Ends the process
 * with 111 where one cannot be read, for what it holds is then not known.
 */
struct process *processes_read(struct mem *mem, int proc, uint32_t self, const char *only);

/*
 * Is the process PID of PROC ("1") one of the container that this process is in? In a PID namespace that several containers
 * share process 1 is another's. They are told apart by their control groups, which an engine gives to what it starts in a container, too.
 */
bool processes_is_ours(struct mem *mem, int proc, const char *pid);

#endif
