/*
 * Signal dispositions and the signal mask, by raw system calls: the C library keeps some signals to itself.
 */
#ifndef CAPSHIM_BASE_SIGNALS_H
#define CAPSHIM_BASE_SIGNALS_H

#include <stdint.h>

struct start;

/*
 * Blocks every signal; which were blocked before is in *WAS (bit N-1 is signal N). The first call of a run: from then on
 * no signal is lost. It waits until signals_restore() or an abort handler of the setup unblocks it, or the init takes it.
 */
void signals_block(uint64_t *was);

/* Sets the mask of blocked signals. */
void signals_mask(uint64_t blocked);

/* The blocked signals that are waiting. */
uint64_t signals_pending(void) __attribute__((warn_unused_result));

/*
 * Sets what SIGNAL does: SIG_DFL, SIG_IGN (which takes one away that is waiting), or a handler that never returns.
 * And reads it: a value that none of these has where the kernel does not say.
 */
void signals_handle(int signal, void (*handler)(int));
unsigned long signals_handler(int signal) __attribute__((warn_unused_result));

/*
 * Puts the signal mask, and the dispositions where the run may have changed one, back to what START had, and proves it.
 * For the workload and for programs. A signal that was waiting has its default effect now, also SIGTERM, SIGINT, SIGQUIT
 * and SIGHUP as process 1, from here until execve(2): status 128+n.
 */
void signals_restore(const struct start *start);

#endif
