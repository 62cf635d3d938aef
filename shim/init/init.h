/*
 * Init mode: a PID 1 that holds nothing.
 */
#ifndef CAPSHIM_INIT_INIT_H
#define CAPSHIM_INIT_INIT_H

#include "plan.h"

/*
 * Forks, if the config says so. Returns in the workload's process once PID 1 is proven to hold nothing, with every
 * signal blocked; never returns in PID 1, which exits with the workload's status. ARGV and ENVP are main()'s own: their strings are
 * wiped in PID 1. Ends with 111 or 112, both processes, where PID 1 cannot be made what it must be.
 */
void init_fork(const struct plan *plan, char **argv, char **envp);

/* `command: pause`: drops everything and waits for TERM or INT, which it exits 0 for; reaps what it is given. */
_Noreturn void init_pause(const struct plan *plan, char **argv, char **envp);

#endif
