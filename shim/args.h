/*
 * The command line. Refuses a set-id start.
 */
#pragma once

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
	const char *config;   /* the file, or "command line" for the options */
	bool config_named;    /* with -c: CONFIG is not ARGS_CONFIG */
	struct node *options; /* the config that options are, as a mapping without lines; or NULL */
	char **command;       /* the words after the options, ends with NULL; may be empty */
	bool json;            /* for --explain=json and the like */
	const char *in,
		*out; /* for --compile-seccomp; IN: also what --explain-syscall and --verify are about, or NULL */
};

/*
 * Reads the command line. Options end at the first word that is not one, or at "--". Ends the process with 100 and a
 * hint if the command line cannot be understood, with 111 if the start is set-id (uid != euid, gid != egid).
 */
void args_read(struct args *args, const struct start *start, struct mem *mem, int argc, char **argv);

/* Ends the process with 100: WORD, "--NAME" or "--NAME=VALUE", is none of the options in ROWS, which nearest_name() reads. */
_Noreturn void args_unknown(const char *word, const void *rows, size_t size);

/* Prints the help, the version, or the licences on standard output; returns the exit status. */
int args_print(enum args_action action);
