/* Ending the processes that a program of a step has left running. */
#pragma once

/*
 * Kills and reaps every child of this process, and what becomes its child by that (capshim is a subreaper), until
 * none is left. Does not need /proc. Calls only functions that signal-safety(7) allows. 0, or -1 with errno: EPERM if
 * one may not be killed (needs CAP_KILL), ETIMEDOUT if some are left after ten seconds.
 */
[[nodiscard]] int end_children(void);
