/* What tells and acts on nothing: --check, --explain, --verify, --inspect. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct plan;

/*
 * --check prints every problem, or that there is none. --explain prints the plan in words, or as JSON. Both return a
 * status, and skip what only a start can decide.
 */
int explain_check(struct plan *plan);
int explain_plan(struct plan *plan, bool json);

/* The least that the container must grant, as a mask. PRINT: also prints lines for it that can be copied. */
uint64_t explain_least(struct plan *plan, bool print);

/* What an attacker inside the workload gains by a capability; *ROOT: it is as good as root. */
const char *explain_gain(unsigned int capability, bool *root);

/* --explain-syscall: what the filter answers to the call NAME, and which rules decide. Returns a status. */
int explain_syscall(struct plan *plan, const char *name);

/*
 * compare.c: running processes and the config, from what /proc shows. --as-workload: returns if the workload of this
 * container holds what the plan names. Otherwise ends with 112: the container was started with another config. Prints a
 * note if there is nothing to compare with. Returns at once in any other mode.
 */
void compare_with_workload(const struct plan *plan);

/*
 * --verify: prints one line for each thread of this PID namespace, or of that of the process PID, that holds more
 * than the plan names. Returns a status.
 */
int compare_processes(struct plan *plan, const char *pid, bool json);

/*
 * --inspect: what processes and the image hold, without a config, and what an attacker gains by it. Inspects this process
 * (WHICH is NULL), the process of that number, or "all". Prints the result and returns a status.
 */
int inspect(const char *which, bool json);
