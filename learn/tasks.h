/*
 * From events of the kernel to an observation: which threads belong to the workload, and how each of their calls ended.
 */
#pragma once

#include <stdint.h>

#include "observe.h"

#define TASKS_NAME 16 /* bytes of /proc/PID/comm, with a NUL */

enum task_event_kind { TASK_FORK, TASK_NAMED, TASK_END, TASK_ENTER, TASK_DENIED, TASK_LEAVE };

struct task_event {
	uint64_t time; /* CLOCK_MONOTONIC, in ns */
	enum task_event_kind kind;
	pid_t tid;
	bool foreign; /* enter: by a 32-bit program, with the numbers of its own ABI */
	long call;    /* enter, leave: its number */
	/*
	 * Fork: the parent's thread. Enter: the first argument. Leave: the result. Denied: the capability. Named: 1
	 * by an execve(2) that succeeded.
	 */
	long value;
	char name[TASKS_NAME]; /* named */
};

/* All that follows is for SEEN. */
void tasks_begin(struct observation *seen);

/* The events of all threads, in the order in which they happened. */
void tasks_event(const struct task_event *event);

/* There are no more events. */
void tasks_end(void);
