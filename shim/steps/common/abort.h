/*
 * The signals that abort the setup.
 */
#ifndef CAPSHIM_STEPS_COMMON_ABORT_H
#define CAPSHIM_STEPS_COMMON_ABORT_H

#include <signal.h>
#include <stdbool.h>

struct start;

/*
 * From here to abort_restore() SIGTERM, SIGINT, SIGQUIT and SIGHUP kill the running program and everything it
 * left, and end capshim with 128+n (unless the signal was ignored at the start). SIGCHLD has its default and is
 * blocked, for run_program() to wait for; SIGPIPE is ignored.
 */
void abort_take(const struct start *start);
void abort_restore(const struct start *start);

/*
 * While held, those signals wait: what must not be left half done is then finished, or undone where
 * abort_pending() says that one came. The former mask is in *WAS, for abort_release().
 */
void abort_hold(sigset_t *was);
bool abort_pending(void) __attribute__((warn_unused_result));
void abort_release(const sigset_t *was);

#endif
