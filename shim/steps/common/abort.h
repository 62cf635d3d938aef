/* The signals that abort the setup. */
#pragma once

#include <stdbool.h>

struct start;

/*
 * From here to abort_restore() SIGTERM, SIGINT, SIGQUIT and SIGHUP kill the running program and every process it
 * left, and end capshim with 128+n (unless the signal was ignored at the start). All others stay blocked; SIGCHLD has
 * its default, so that run_program() can wait. Afterwards those four are blocked again.
 */
void abort_take(const struct start *start);
void abort_restore(const struct start *start);

/*
 * For code that runs with all signals blocked: has one of the four arrived? Then what must not stay half done is
 * finished or undone first.
 */
[[nodiscard]] bool abort_pending(void);
