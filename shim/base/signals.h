/*
 * Signal dispositions and the signal mask, by raw system calls: the C library keeps some signals to itself.
 */
#ifndef CAPSHIM_BASE_SIGNALS_H
#define CAPSHIM_BASE_SIGNALS_H

struct start;

/* Ignores SIGNAL, and takes one away that is pending, until signals_restore() puts back what the start had. */
void signal_ignore(int signal);

/*
 * Puts the signal mask, and the dispositions where the run may have changed one, back to what START had, and proves it.
 * For the workload and for programs.
 */
void signals_restore(const struct start *start);

#endif
