/* Comparing running processes with the config, from what /proc shows. */
#pragma once

#include "plan.h"

/*
 * --as-workload: returns if the workload of this container holds what the plan names. Otherwise ends with 112: the
 * container was started with another config. Prints a note if there is nothing to compare with. Returns at once in
 * any other mode.
 */
void compare_with_workload(const struct plan *plan);

/*
 * --verify: prints one line for each thread of this PID namespace, or of that of the process PID, that holds more
 * than the plan names. Returns a status.
 */
int compare_processes(struct plan *plan, const char *pid, bool json);
