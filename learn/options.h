/*
 * The command line of capshim-learn.
 */
#pragma once

#include <stdbool.h>

#include "args.h"

struct learn_options {
	const char *check; /* a command, or NULL: the workload's own exit status */
	const char *ready; /* polled in the place of the check, which is run once then; or NULL */
	const char *reset; /* run between two runs; or NULL */
	unsigned int timeout_ms, grace_ms;
	const char *profile;  /* --seccomp: the file to write, or NULL */
	const char *back_end; /* ptrace, perf, alone; NULL: what works here */
	bool json, log;
	struct args shim; /* config or options, and the command: as for capshim */
};

/* Ends the process with 100 where it cannot be understood, and with 0 for --help and --version. */
void learn_options_read(struct learn_options *to, const struct start *start, struct mem *mem, char **argv);
