/*
 * What the files of the workload share.
 */
#ifndef CAPSHIM_WORKLOAD_PARTS_H
#define CAPSHIM_WORKLOAD_PARTS_H

#include "plan.h"

/* directory.c. Before the drop, where root can enter working_dir: "/" if it cannot. 111 where nobody could. */
void workload_enter_early(const struct plan *plan);

/* After the drop, as the user; where only root could enter, the process is there already. 111, or 112 without proof. */
void workload_enter_again(const char *directory);

/* Ends with 112 unless the working directory is proven to lie inside the root. */
void workload_prove_inside_root(void);

/* stdio.c. Gives the standard streams to the workload's user as own_stdio says. Ends with 111 or 112. */
void workload_stdio_own(const struct plan *plan);

/* Is FD a pipe, socket or terminal of somebody else than UID? /dev/stdout is then EACCES for the workload. */
bool workload_stdio_foreign(int fd, uint32_t uid);

/*
 * The environment of the workload, in MEM: the run's, HOME, USER and LOGNAME as login tools set them, then without
 * what unset_environment names. Behind an init LISTEN_PID, where it named that, names this process.
 */
char **workload_environment(const struct plan *plan, struct mem *mem);

/*
 * The one line about the state that this process is in now, in the form that plan->report asks for. Whether anybody
 * reads it changes nothing.
 */
void workload_report(const struct plan *plan, struct mem *mem);

/* The end of workload_become(): looks the program up, refuses what execve(2) would not run as the config says, loads the filter, executes. */
_Noreturn void workload_execute(const struct plan *plan, struct mem *mem, char **envp);

#endif
