/*
 * The child of one run: what capshim's main() does, with another set of capabilities, and maybe another filter.
 */
#pragma once

#include "run.h"

/* Waits for a byte from GATE (a pipe), becomes the workload of RUN, and sets *REACHED right before it is executed. */
_Noreturn void workload_run(const struct run_context *context, const struct trial *run, bool *reached, const int *gate);

/* The plan for KEEP, for --explain, in PLAN (all zero). False where it has problems. */
bool workload_plan(struct plan *plan, const struct run_context *context, uint64_t keep);
