/*
 * Starting a program of a step: shared by run, run_dir and the condition `succeeds`; and the signals that abort it.
 */
#ifndef CAPSHIM_RUN_H
#define CAPSHIM_RUN_H

#include "steps.h"

/*
 * Runs ARGV to its end by the options of STEP (NULL: as root, clean environment, no timeout, for `succeeds`): program
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

/*
 * Kills and reaps every child of this process, and what becomes its child by that (capshim is subreaper), until there
 * is none. Needs no /proc. Calls only what signal-safety(7) allows. False with errno: EPERM where one may not be
 * killed (needs CAP_KILL), ETIMEDOUT where some are left after ten seconds.
 */
bool run_end_children(void) __attribute__((warn_unused_result));

/*
 * From here to run_signals_restore() SIGTERM, SIGINT, SIGQUIT and SIGHUP kill the running program and everything it
 * left, and end capshim with 128+n (unless the signal was ignored at the start). SIGCHLD has its default and is
 * blocked, for run_program() to wait for; SIGPIPE is ignored.
 */
void run_signals_take(const struct start *start);
void run_signals_restore(const struct start *start);

/*
 * While held, those signals wait: what must not be left half done is then finished, or undone where
 * run_signals_pending() says that one came. The former mask is in *WAS, for run_signals_release().
 */
void run_signals_hold(sigset_t *was);
bool run_signals_pending(void) __attribute__((warn_unused_result));
void run_signals_release(const sigset_t *was);

#endif
