/*
 * The command line. Refuses a set-id start.
 */
#ifndef CAPSHIM_ARGS_H
#define CAPSHIM_ARGS_H

#include "base/start.h"
#include "plan.h"

enum args_action {
	ARGS_RUN,
	ARGS_AS_WORKLOAD,
	ARGS_CHECK,
	ARGS_EXPLAIN,
	ARGS_EXPLAIN_SYSCALL,
	ARGS_VERIFY,
	ARGS_INSPECT,
	ARGS_COMPILE_SECCOMP,
	ARGS_VERSION,
	ARGS_VERSIONS,
	ARGS_HELP,
	ARGS_LICENSES,
};

#define ARGS_CONFIG "/etc/capshim.yaml"

struct args {
	enum args_action action;
	const char *config;           /* NULL: not written, so ARGS_CONFIG */
	struct plan_options *options; /* NULL: none is written; otherwise they are the config */
	char **command;               /* the words behind the options, ends with NULL; maybe none */
	bool json;                    /* --explain=json and the like */
	const char *in,
		*out; /* --compile-seccomp; IN is the name for --explain-syscall, and for --verify the process, or NULL */
};

/*
 * Reads the command line; options end at the first word that is not one, or at "--". Ends the process with 100 and a
 * hint where it cannot be understood, and with 111 where the start is set-id (uid != euid, gid != egid).
 */
void args_read(struct args *args, const struct start *start, struct mem *mem, int argc, char **argv);

/* Prints the help, the version, or the licences on standard output; returns the exit status. */
int args_print(enum args_action action);

#endif
