/* --check and --explain: print, and act on nothing. */
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
