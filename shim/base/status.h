/*
 * What /proc tells about the privileges of a process: /proc/PID/status, see proc(5).
 */
#ifndef CAPSHIM_BASE_STATUS_H
#define CAPSHIM_BASE_STATUS_H

#include "base/start.h"

struct status {
	char name[64];        /* what it calls itself; what is not printable ASCII is shown as \xNN */
	char state;           /* 'Z' and 'X': it has ended and holds nothing */
	uint32_t parent;      /* 0: outside of the PID namespace */
	uint32_t inner;       /* its number in its own PID namespace; a thread's is the thread's */
	size_t level;         /* how deep that namespace lies below the one of this /proc: 1 is the same one */
	unsigned int threads; /* of its process */
	struct start held;    /* ids, groups and the five sets; nothing else is filled in */
	uint32_t fsuid, fsgid;
	bool no_new_privs, filtered;
	unsigned int filters; /* how many; 0 for a FILTERED process: this kernel does not count them (before 5.9) */
};

/*
 * Reads PATH ("17/status") in PROC, an open /proc. Groups are in MEM. 0, or -1 with errno: ENOENT or ESRCH where it has
 * ended, ENODATA where this kernel does not say all of it.
 */
int status_read(struct status *status, struct mem *mem, int proc, const char *path) __attribute__((warn_unused_result));

/* The bytes of PATH in PROC, with a NUL behind them, in MEM; NULL with errno. */
char *status_text(struct mem *mem, int proc, const char *path) __attribute__((warn_unused_result));

#endif
