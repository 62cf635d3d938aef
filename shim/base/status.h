/* The privileges of a process as /proc/PID/status tells them, proc(5). */
#pragma once

#include "base/start.h"

struct status {
	char name[64];     /* its name; characters other than printable ASCII are shown as \xNN */
	char state;        /* 'Z' or 'X': it has ended and holds nothing */
	uint32_t inner;    /* its number in its own PID namespace; for a thread that of the thread */
	size_t level;      /* how deep its PID namespace lies below that of this /proc: 1 is the same one */
	struct start held; /* ids, groups and the five sets; nothing else is filled in */
	uint32_t fsuid, fsgid;
	bool no_new_privs, filtered;
	unsigned int
		filters; /* how many filters; 0 for a FILTERED process: the kernel does not count them (before 5.9) */
};

/*
 * Reads PATH ("/proc/17/status"). Groups are in MEM. 0, or -1 with errno: ENOENT or ESRCH if the process has ended,
 * ENODATA if this kernel does not tell everything.
 */
[[nodiscard]] int status_read(struct status *status, struct mem *mem, const char *path);

/* The bytes of the file PATH and a NUL, in MEM; NULL with errno. */
[[nodiscard]] char *status_text(struct mem *mem, const char *path);
