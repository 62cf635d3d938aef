/*
 * The signals that abort the setup.
 */
#ifndef CAPSHIM_STEPS_COMMON_ABORT_H
#define CAPSHIM_STEPS_COMMON_ABORT_H

#include <stdbool.h>

struct start;

/*
 * From here to abort_restore() SIGTERM, SIGINT, SIGQUIT and SIGHUP kill the running program and everything it
 * left, and end capshim with 128+n (unless the signal was ignored at the start). All others stay blocked; SIGCHLD has
 * its default, for run_program() to wait for. Afterwards those four are blocked again.
 */
void abort_take(const struct start *start);
void abort_restore(const struct start *start);

/*
 * Where all signals are blocked: what must not be left half done is then finished, or undone where this says that one of
 * the four came.
 */
bool abort_pending(void) __attribute__((warn_unused_result));

#endif
