/*
 * Ending what a program of a step has left running.
 */
#ifndef CAPSHIM_STEPS_COMMON_END_H
#define CAPSHIM_STEPS_COMMON_END_H

#include <stdbool.h>

/*
 * Kills and reaps every child of this process, and what becomes its child by that (capshim is subreaper), until there
 * is none. Needs no /proc. Calls only what signal-safety(7) allows. False with errno: EPERM where one may not be
 * killed (needs CAP_KILL), ETIMEDOUT where some are left after ten seconds.
 */
bool end_children(void) __attribute__((warn_unused_result));

#endif
