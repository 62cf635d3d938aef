/* Init mode: a PID 1 that holds no privileges. */
#pragma once

#include "plan.h"

/* The workload's ends of two pipes to its init; -1 if there is no init. */
struct init_peer {
	int dropped, go;
};

/*
 * Forks, if the config asks for an init. Before that it drops from the bounding set what the workload does not keep,
 * once for both processes, and notes this in PLAN->start.dropped. Both then do the rest of the drop at the same time.
 * Returns in the workload's process; never returns in PID 1, which exits with the workload's status. ARGV and ENVP are
 * main()'s own: their strings are wiped in PID 1. Ends both processes with 111 or 112 if PID 1 cannot reach its final state.
 */
struct init_peer init_fork(struct plan *plan, char **argv, char **envp);

/*
 * After the proof of the workload's process: waits until its init has proven that it holds nothing and has loaded its
 * filter, and closes the other pipe, which tells the init that this process has dropped. Ends with 112 if the init is gone.
 */
void init_meet(const struct plan *plan, struct init_peer peer);

/* `command: pause`: drops everything, reaps children, and exits with 0 on TERM or INT. */
_Noreturn void init_pause(const struct plan *plan, char **argv, char **envp);
