/*
 * Comparing what runs with what the config names, by what /proc tells.
 */
#ifndef CAPSHIM_EXPLAIN_COMPARE_H
#define CAPSHIM_EXPLAIN_COMPARE_H

#include "plan.h"

/*
 * --as-workload: returns where the workload of this container holds what the plan names; 112 where it does not, for the config
 * is then not the one that it was started with. Says so where there is nothing to compare with. Returns at once in any
 * other mode.
 */
void compare_with_workload(const struct plan *plan);

/*
 * --verify: says one line for each thread of this PID namespace, or of the one of the process PID, that holds more than
 * the plan names. Returns a status.
 */
int compare_processes(struct plan *plan, const char *pid, bool json);

#endif
