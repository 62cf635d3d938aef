#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/start.h"

/*
 * What rt_sigaction(2) reads and writes: a handler, and behind it flags, restorer and mask, all zero where there is
 * nothing to call. Not libc's, which keeps signals to itself.
 */
#define ACTION_WORDS 4
#define ACTION_MASK_BYTES sizeof(uint64_t)
#define HANDLER_DEFAULT 0UL
#define HANDLER_IGNORE 1UL
#define HANDLER_POISON (~0UL)

/* Sets what SIGNAL does and returns what it does then. */
static unsigned long action_set(int signal, unsigned long handler)
{
	unsigned long action[ACTION_WORDS] = {handler};

	if (syscall(SYS_rt_sigaction, signal, action, NULL, ACTION_MASK_BYTES) != 0)
		diag_cannot("set", "the signal dispositions", errno, DIAG_NO_CAP);
	action[0] = HANDLER_POISON;
	syscall(SYS_rt_sigaction, signal, NULL, action, ACTION_MASK_BYTES);
	return action[0];
}

void signal_ignore(int signal)
{
	action_set(signal, HANDLER_IGNORE);
}

void signals_restore(const struct start *start)
{
	uint64_t blocked = ~start->blocked;

	for (int signal = 1; start->touched && signal <= START_SIGNALS; signal++) {
		bool ignored = start->ignored & START_SIGNAL_BIT(signal);
		unsigned long want = ignored ? HANDLER_IGNORE : HANDLER_DEFAULT;
		if (START_TOUCHED & START_SIGNAL_BIT(signal) && action_set(signal, want) != want)
			diag_die(DIAG_UNPROVEN, "cannot prove the disposition of signal %d", signal);
	}
	if (start->touched && syscall(SYS_rt_sigprocmask, SIG_SETMASK, &start->blocked, NULL, sizeof(blocked)) != 0)
		diag_cannot("set", "the signal mask", errno, DIAG_NO_CAP);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked));
	if (blocked != start->blocked)
		diag_die(DIAG_UNPROVEN, "cannot prove the signal mask");
}
