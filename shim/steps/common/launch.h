/* Starting a program of a step: shared by run, run_dir, wait_for and the condition `succeeds`. */
#pragma once

#include "steps/setup.h"

/*
 * Runs ARGV to its end with the options of STEP. The program (and the interpreter of a script) is opened by
 * trust_open() and executed through that descriptor, in a process group of its own, with /dev/null as standard input
 * by default; it is killed with its group at the timeout. No process that it started is alive afterwards: as
 * subreaper or PID 1 capshim kills and reaps them all. Returns the exit status (128+n for a signal), or -1 after it
 * reported why the program could not be started, or that it was killed at the timeout.
 */
[[nodiscard]] int run_program(struct setup *setup, const struct step *step, char *const *argv);

/* run_program() with the setup's own step; reports a status that is not in ok_exit_codes. True: it is in ok_exit_codes. */
[[nodiscard]] bool run_to_success(struct setup *setup, char *const *argv);

/* Is PATH an executable file, or a link to one by the rule of walk.h? -1 with errno: it could not be opened. */
[[nodiscard]] int run_is_program(const char *path);

/* A program that may be executed. The descriptor is the caller's, the words are in the memory of the setup. */
struct run_image {
	int fd;      /* of the program, or of the interpreter of a script */
	char **argv; /* complete, as execve(2) of a script makes it */
};

/*
 * Finds ARGV[0] (absolute, or a name to look up in the PATH of ENVIRONMENT) and opens it by the trust rule; for a
 * script its interpreter as well. The interpreter gets the script's path, not a descriptor, and opens it itself: that
 * does not need /proc, and by the trust rule only root can put another file there. False: it was reported.
 */
[[nodiscard]] bool run_open(struct setup *setup, struct run_image *image, char *const *argv,
			    const struct list *environment);
