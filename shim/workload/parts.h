/* Shared by the files of the workload. */
#pragma once

#include "plan.h"

/*
 * directory.c. Before the drop, for a working_dir that root can enter; otherwise enters "/". Ends with 111 if neither
 * is possible.
 */
void workload_enter_early(const struct plan *plan);

/*
 * After the drop, as the user. If only root could enter the directory, the process is there already. Ends with 111,
 * or 112 without proof.
 */
void workload_enter_again(const char *directory);

/* Ends with 112 unless the working directory is proven to lie inside the root. */
void workload_prove_inside_root(void);

/* stdio.c. Gives the standard streams to the workload's user as own_stdio says. Ends with 111 or 112. */
void workload_stdio_own(const struct plan *plan);

/* Ends with 111 if a descriptor that keep_fds keeps, by its number or by listen_fds, is a directory. */
void workload_look_at_kept(const struct plan *plan);

/* Is FD a file, pipe, socket or terminal owned by another user than UID? Then /dev/stdout may be EACCES for that one. */
bool workload_stdio_foreign(int fd, uint32_t uid);

/*
 * The environment of the workload: that of the run, then HOME, USER and LOGNAME as login tools set them,
 * without the names in unset_environment. With an init, a LISTEN_PID that named the init names this process.
 */
char **workload_environment(const struct plan *plan);

/*
 * Writes the one line about the present state of this process, in the form of plan->report. A failed write changes
 * nothing.
 */
void workload_report(const struct plan *plan, struct mem *mem);

/*
 * The end of workload_become(): looks the program up, refuses what execve(2) would not run as the config says, loads
 * the filter, executes.
 */
_Noreturn void workload_execute(const struct plan *plan, struct mem *mem, char **envp);
