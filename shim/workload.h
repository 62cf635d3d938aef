/*
 * Becoming the workload: lines 3, 13 and 14 of the order of operations.
 */
#ifndef CAPSHIM_WORKLOAD_H
#define CAPSHIM_WORKLOAD_H

#include "plan.h"

/* Opens /dev/null on those of the descriptors 0-2 that are closed, so that nothing else can land there. First call. */
void workload_stdio_open(void);

/*
 * What is known of the program before anything is done: reads the file capabilities of argv[0] where its path is
 * known (or the first match in the workload's PATH) and of its #! interpreters. Adds a problem where the kept set
 * would be lost or execve(2) would answer EPERM.
 */
void workload_look(struct plan *plan);

/* Line 3: stdio ownership, limits, oom_score_adj, working_dir where root can already enter it. Ends with 111. */
void workload_prepare(const struct plan *plan);

/*
 * Lines 13 and 14, after the proof: session, working_dir again, descriptors, signal state, umask, each proven; the
 * report; the program found in PATH as the user it is now, its file capabilities read again; the filter; execve.
 * Never returns: 126 or 127 where it cannot be executed, 111 or 112 as everywhere. An init learns the status from
 * waitpid(2).
 */
_Noreturn void workload_become(const struct plan *plan);

/*
 * Puts the signal mask, and the dispositions where the run may have changed one, back to what START had, and proves it.
 * For the workload and for programs.
 */
void workload_signals(const struct start *start);

/* Closes every descriptor above 2 that KEEP (bit set of 1024, NULL: none) does not hold, and proves it by a canary. */
void workload_descriptors(const uint64_t *keep);

#endif
