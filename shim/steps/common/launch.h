/*
 * Starting a program of a step: shared by run, run_dir, wait_for and the condition `succeeds`.
 */
#ifndef CAPSHIM_STEPS_COMMON_LAUNCH_H
#define CAPSHIM_STEPS_COMMON_LAUNCH_H

#include "steps/setup.h"

/*
 * Runs ARGV to its end by the options of STEP: program
 * opened by trust_open() (a script: its interpreter too) and executed through that descriptor, own process group,
 * stdin from /dev/null, killed with its group at the timeout. No process that it left behind is alive afterwards: as
 * subreaper or PID 1 capshim kills and reaps them all. Returns the exit status (128+n for a signal), or -1 after it
 * reported why the program could not be started, or that it was killed at the timeout.
 */
int run_program(struct setup *setup, const struct step *step, char *const *argv) __attribute__((warn_unused_result));

/* run_program(), and reports a status that is not among ok_exit_codes. True: it was one of them. */
bool run_to_success(struct setup *setup, const struct step *step, char *const *argv)
	__attribute__((warn_unused_result));

/* A program that may be executed. The descriptor is the caller's, the words are in the memory of the setup. */
struct run_image {
	int fd;      /* of the program, or of the interpreter of a script */
	char **argv; /* complete, as execve(2) of a script makes it */
};

/*
 * Finds ARGV[0] (absolute, or a name to be found in the PATH of ENVIRONMENT) and opens it as trust_open() does; for a
 * script its interpreter as well. The interpreter is given the script's path, not a descriptor, and opens it itself:
 * that needs no /proc, and the rule says that nobody but root can put something else there. False: it was reported.
 */
bool run_open(struct setup *setup, struct run_image *image, char *const *argv, char *const *environment)
	__attribute__((warn_unused_result));

#endif
