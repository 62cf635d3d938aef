/* The loop that PID 1 becomes. Private to init. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <linux/time_types.h>

#include "plan.h"

/*
 * The pipe that lets the workload's process go on, and the pipe that ends when that process has dropped its privileges.
 * Until both have happened these are the only descriptors above 2, apart from INIT_PROC_FD.
 */
#define INIT_GO_FD 3
#define INIT_DROPPED_FD 4

/* For `wait_until: all` when this is not process 1: the directory /proc, and the descriptor for its files. */
#define INIT_PROC_FD 5
#define INIT_STAT_FD 3

/* For waitpid(2): also reports stopped children, for job control, and children with another exit signal. */
#define INIT_WAIT_OPTIONS (WNOHANG | WUNTRACED | __WALL)

#define INIT_LINE 512 /* bytes of a message */
#define INIT_GAPS 5   /* between the four things that stay */

struct init_range {
	uintptr_t from, to;
};

/* Everything that the loop knows. It lives on the stack, because nothing else is left. */
struct init_state {
	int self;  /* process id of the init */
	int group; /* its process group */
	int main;  /* process id of the workload, which leads a process group of its own; 0: pause */
	int tty;   /* a descriptor of the controlling terminal, or -1 */
	bool pid1;
	bool proc; /* INIT_PROC_FD is the directory /proc */
	bool job;  /* a shell may stop and continue its process group */
	struct plan_init plan;

	bool gone;     /* the workload was reaped; exit with STATUS */
	bool more;     /* there may be children that can be reaped without a further SIGCHLD */
	bool again;    /* look for children once more after a second without a signal */
	bool stopping; /* KILL is due when the grace period since STOPPED is over */
	int status;
	struct __kernel_timespec stopped; /* when the first stop signal came, CLOCK_MONOTONIC */

	char killed[INIT_LINE]; /* the message if a seccomp filter ends the workload: the section has no text */
	size_t killed_length;

	uintptr_t page;                    /* size of a memory page */
	struct init_range gaps[INIT_GAPS]; /* memory to unmap, in whole pages; an empty range is skipped */
};

/*
 * The calls that it may still make, see filter.c, in CODE, which has room for INIT_FILTER_ROOM instructions; with or without
 * the rows that STATE->proc needs.
 */
#define INIT_FILTER_ROOM 73
struct filter init_filter(struct sock_filter *code, bool proc);

/* Lets the workload go, unmaps the memory in STATE->gaps, and loops until there is nothing left to wait for. */
_Noreturn void init_loop(struct init_state *state);

/* The memory that holds the loop's code. */
struct init_range init_loop_code(void);
