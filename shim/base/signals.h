/* Signal dispositions and the signal mask, with raw system calls: the C library reserves some signals. */
#pragma once

#include <stdint.h>

struct start;

/*
 * Blocks every signal, and stores in *WAS which were blocked before (bit N-1 is signal N). The first call of a run:
 * from then on no signal is lost. A signal waits until signals_restore() or an abort handler of the setup unblocks
 * it, or the init takes it.
 */
void signals_block(uint64_t *was);

/* Sets the mask of blocked signals. */
void signals_mask(uint64_t blocked);

/* The blocked signals that are pending. */
[[nodiscard]] uint64_t signals_pending(void);

/*
 * signals_handle() sets what SIGNAL does: SIG_DFL, SIG_IGN (which also discards a pending one), or a handler that
 * never returns. signals_handler() reads it, and returns SIGNALS_UNREADABLE if the kernel does not answer.
 */
#define SIGNALS_UNREADABLE (~0UL)
void signals_handle(int signal, void (*handler)(int));
[[nodiscard]] unsigned long signals_handler(int signal);

/*
 * Restores the signal mask, and the dispositions that the run may have changed, to what START had, and proves it. For
 * the workload and for programs of steps. A signal that was pending now has its default effect, including SIGTERM,
 * SIGINT, SIGQUIT and SIGHUP as process 1, from here until execve(2): status 128+n.
 */
void signals_restore(const struct start *start);
