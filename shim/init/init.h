/*
 * Init mode: a PID 1 that holds nothing.
 */
#ifndef CAPSHIM_INIT_INIT_H
#define CAPSHIM_INIT_INIT_H

#include "plan.h"

/* The workload's ends of two pipes to its init; -1 where there is none. */
struct init_peer {
	int dropped, go;
};

/*
 * Forks, if the config says so. Both processes then drop at the same time. Returns in the workload's process;
 * never returns in PID 1, which exits with the workload's status. ARGV and ENVP are main()'s own: their strings are
 * wiped in PID 1. Ends with 111 or 112, both processes, where PID 1 cannot be made what it must be.
 */
struct init_peer init_fork(const struct plan *plan, char **argv, char **envp);

/*
 * After the proof of the workload's process: tells its init that it has dropped, and waits until the init is proven to
 * hold nothing and has its filter. Ends with 112 where the init is gone.
 */
void init_meet(const struct plan *plan, struct init_peer peer);

/* `command: pause`: drops everything and waits for TERM or INT, which it exits 0 for; reaps what it is given. */
_Noreturn void init_pause(const struct plan *plan, char **argv, char **envp);

#endif
