/*
 * The signals that abort the setup.
 */
#ifndef CAPSHIM_STEPS_COMMON_ABORT_H
#define CAPSHIM_STEPS_COMMON_ABORT_H

#include <signal.h>
#include <stdbool.h>

struct start;

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
