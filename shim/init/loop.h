/*
 * What is left of PID 1: one loop. Private to init.
 */
#ifndef CAPSHIM_INIT_LOOP_H
#define CAPSHIM_INIT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

/*
 * The pipe that lets the workload's process go on, the only descriptor above 2 until it has; and the one that says that
 * this process has dropped its privileges.
 */
#define INIT_GO_FD 3
#define INIT_DROPPED_FD 4

/* With `wait_until: all`, elsewhere than as process 1: the directory /proc, and where a file of it is opened. */
#define INIT_PROC_FD 5
#define INIT_STAT_FD 3

/* Of waitpid(2): stopped children too, for job control, and those that were made with another exit signal. */
#define INIT_WAIT_OPTIONS (WNOHANG | WUNTRACED | __WALL)

#define INIT_GAPS 5 /* around the four things that stay */

struct init_range {
	uintptr_t from, to;
};

/* All that the loop knows. It lives on the stack, for nothing else will be there. */
struct init_state {
	int self;  /* process id of init */
	int group; /* its process group */
	int main;  /* process id of the workload, which leads a process group of its own; 0: pause */
	int tty;   /* a descriptor of the controlling terminal, or -1 */
	bool pid1;
	bool proc; /* INIT_PROC_FD is the directory /proc */
	bool job;  /* a shell may stop and continue its process group */
	struct plan_init plan;

	bool gone;     /* the workload was reaped, and STATUS is what to exit with */
	bool more;     /* there may be children that can be reaped without a further SIGCHLD */
	bool again;    /* a second without a signal from now, children are looked for once more */
	bool stopping; /* KILL is due at DEADLINE */
	int status;
	int64_t deadline; /* CLOCK_MONOTONIC, nanoseconds */

	uintptr_t page;                    /* size of one */
	struct init_range gaps[INIT_GAPS]; /* memory to give back, whole pages; empty ones are nothing */
};

/* What it may still call, see filter.c, in CODE of INIT_FILTER_ROOM instructions; with what STATE->proc needs, or not. */
#define INIT_FILTER_ROOM 102
struct filter init_filter(struct sock_filter *code, bool proc);

/* Lets the workload go, gives the memory in STATE->gaps back, and loops until there is nothing to wait for. */
_Noreturn void init_loop(struct init_state *state);

/* Where the loop's code lies. */
struct init_range init_loop_code(void);

#endif
