/*
 * One run of the workload, observed: which system calls it makes, and which of them fail for want of a capability.
 * Observing only proposes what to try. The check decides.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"

/*
 * The process that becomes the workload calls prctl(OBSERVE_MARK) after its drop and proof, right before it looks for
 * the program and executes it. What is recorded is what this process does from its first successful execve(2) after
 * that on, and all that its descendants do; and a failing execve(2) behind the mark. The set-up and the drop are not.
 */
#define OBSERVE_MARK 0x6c726e31UL /* "lrn1": no option of prctl(2), which answers EINVAL */

#define OBSERVE_CAPS 64
#define OBSERVE_CALLS 1024 /* no architecture numbers its calls higher; what does is counted, and nothing else */

/* The first call that failed for want of a capability. */
struct observed_denial {
	/* Its number, in the native ABI. */
	long call;
	/* EPERM or EACCES; 0 for one of `asked`. */
	int error;
	/* Who made it: /proc/PID/comm, with a NUL. */
	char program[16];
};

struct observation {
	/* Candidates, a mask: a call failed with EPERM or EACCES for want of this capability. */
	uint64_t denied;
	/* The kernel denied it, and the call succeeded all the same. Only perf knows. */
	uint64_t asked;
	/* [capability], of the members of both. */
	struct observed_denial denial[OBSERVE_CAPS];
	/* System calls that were made, in the native ABI: bit N%64 of [N/64]. */
	uint64_t calls[OBSERVE_CALLS / 64];
	/* And calls of another ABI of this machine: i386, x32. */
	bool foreign;
	/* A file was made, removed or changed in name, owner or mode. perf does not see those that open(2) makes. */
	bool changed;
	/* Of all calls. */
	uint64_t count;
	/* Records that the back end could not keep: `calls` may lack some. */
	uint64_t lost;
};

/* A way to observe. One run at a time; a back end keeps what it needs in variables of its own file. */
struct observer {
	const char *name;
	/* Why it cannot be used here, in MEM; NULL: it can. */
	const char *(*unusable)(struct mem *mem);
	/*
	 * CHILD is a child of this process, not traced yet, and waits on a pipe before the set-up; fills SEEN from now on,
	 * which is zero. False with errno where it cannot.
	 */
	bool (*start)(struct observation *seen, pid_t child);
	/* wait4(2) with __WALL has given STATUS, a stop, for PID. NULL where nothing is stopped. */
	void (*stopped)(pid_t pid, int status);
	/* Takes what has come in. Called at least every 50 ms, and once before stop(). NULL where stopped() gets it all. */
	void (*pump)(void);
	/* The run is over, and none of its processes is left. */
	void (*stop)(void);
};

extern const struct observer observer_ptrace, observer_perf;
