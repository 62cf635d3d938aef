/*
 * One run of the workload with a chosen set of capabilities, behind the real setup, drop and proof; and the check.
 */
#pragma once

#include "observe.h"
#include "options.h"

/* A check that takes longer has failed: one of a listen queue that nobody empties hangs for ever. */
#define RUN_CHECK_MS 1000

enum run_filter {
	RUN_CONFIG,     /* the config's */
	RUN_UNCONFINED, /* none: what is denied is denied for want of a capability */
	RUN_PROFILE,    /* `profile` */
};

struct trial {
	/* What is tried. */
	uint64_t keep;
	enum run_filter filter;
	const char *profile;             /* JSON, for RUN_PROFILE */
	const struct observer *observer; /* NULL: not observed */
	unsigned int limit_ms;

	/* What came of it. */
	bool passed, interrupted;
	bool reached;      /* the workload was about to be executed: setup, drop and proof are done */
	int status;        /* of wait(2), of the workload; 0 where it had not ended */
	bool check_killed; /* a check took too long */
	bool ended;        /* before the check was done with it */
	unsigned int ms;   /* until the check passed, or was given up */
	struct observation seen;
	int output, check_output; /* memfds with what the workload, and the last check, have printed */
};

/* How this process is, before the first run: what a run gives back to the workload. */
struct run_context {
	const struct learn_options *options;
	char **argv, **envp; /* main()'s */
	uint64_t blocked;    /* signal mask at the start */
};

/* Blocks the signals that end or wake a run, and makes this process the one that is given all orphans. */
void run_begin(struct run_context *context);

/*
 * Runs it and ends everything that it started. The caller closes the outputs. Ends the process with 111 where not even a
 * process can be started.
 */
void run_once(const struct run_context *context, struct trial *run);

/* Runs COMMAND as --check does, to its end; its exit status, or -1. */
int run_command(const struct run_context *context, const char *command);

/* The last LINES of what is in the memfd FD, on standard error. */
void run_show(int fd, unsigned int lines);

/* What the container must grant for the set KEEP, as a mask; SAY: and ready lines for its configuration, as --explain has them. */
uint64_t run_grants(const struct run_context *context, uint64_t keep, bool say);
