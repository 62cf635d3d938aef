/*
 * The workload's process: what root prepares for it, and becoming it ("become" in the order of operations,
 * doc/how-it-works.md).
 */
#pragma once

#include "plan.h"

/*
 * Opens /dev/null on those of the descriptors 0-2 that are closed, so that no other file can get their numbers. First
 * call.
 */
void workload_stdio_open(void);

extern const char *const workload_limits[]; /* [RLIMIT_…]: the names of the limits; ends with NULL */

/* As root, after the steps: stdio ownership, oom_score_adj, working_dir if root can enter it. Ends with 111. */
void workload_prepare(const struct plan *plan);

/*
 * As root, in the workload's process alone: an init needs descriptors, and would forward the SIGXCPU of its own limit. Ends
 * with 111, or 112 without proof.
 */
void workload_limit(const struct plan *plan);

/*
 * After the proof: session, working_dir again, descriptors, signal state, umask, each proven; the report; looks the
 * program up in PATH as the user, reads its file capabilities again; the filter; execve. Never returns: 126 or 127 if
 * the program cannot be executed, 111 or 112 as everywhere. An init learns the status from waitpid(2).
 */
_Noreturn void workload_become(const struct plan *plan);
