#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/start.h"

#define SET_BYTES sizeof(uint64_t)
/* What rt_sigaction(2) reads and writes: a handler, then flags, restorer and mask. riscv64 has no restorer. */
#ifdef __riscv
#define RESTORERS 0
#else
#define RESTORERS 1
#endif
#define ACTION_WORDS (2 + RESTORERS + SET_BYTES / sizeof(unsigned long))

#ifndef SA_RESTORER
#define SA_RESTORER 0x04000000 /* asm/signal.h: x86-64 needs it */
#endif

unsigned long signals_handler(int signal)
{
	unsigned long action[ACTION_WORDS] = {SIGNALS_UNREADABLE};

	syscall(SYS_rt_sigaction, signal, NULL, action, SET_BYTES);
	return action[0];
}

/*
 * Not libc's sigaction(3), which unblocks the signals that libc reserves. No handler here returns, so the restorer is
 * never called.
 */
void signals_handle(int signal, void (*handler)(int))
{
	unsigned long action[ACTION_WORDS] = {(unsigned long)handler};

	if (handler != SIG_DFL && handler != SIG_IGN) {
		action[1] = RESTORERS ? SA_RESTORER : 0;
		action[2] = action[0];
		for (size_t i = 2 + RESTORERS; i < ACTION_WORDS; i++)
			action[i] = ~0UL;
	}
	if (syscall(SYS_rt_sigaction, signal, action, NULL, SET_BYTES) != 0)
		diag_cannot("set", "the signal dispositions", errno, DIAG_NO_CAP);
}

/*
 * Not sigfillset(3), which leaves out the signals that libc reserves. SIGKILL can never be blocked: if its bit is
 * still set, the kernel filled nothing in.
 */
void signals_block(uint64_t *was)
{
	const uint64_t all = UINT64_MAX;

	*was = all;
	if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, was, SET_BYTES) != 0)
		diag_cannot("block", "all signals", errno, DIAG_NO_CAP);
	if (*was & START_SIGNAL_BIT(SIGKILL))
		diag_die(DIAG_UNPROVEN, "cannot prove that all signals are blocked");
}

void signals_mask(uint64_t blocked)
{
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, SET_BYTES) != 0)
		diag_cannot("set", "the signal mask", errno, DIAG_NO_CAP);
}

uint64_t signals_pending(void)
{
	uint64_t pending = 0;

	syscall(SYS_rt_sigpending, &pending, SET_BYTES);
	return pending;
}

static void end_start(int signal)
{
	_exit(128 + signal);
}

/*
 * As process 1, a signal without a handler is dropped, even if it was blocked until now: pid_namespaces(7). A request
 * to stop must end the start, as it does elsewhere and during the setup. execve(2) resets the handlers.
 */
static void end_if_stopped(void)
{
	static const int requests[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

	if (getpid() != 1)
		return;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		if (signals_handler(requests[i]) == (unsigned long)SIG_DFL)
			signals_handle(requests[i], end_start);
}

void signals_restore(const struct start *start)
{
	uint64_t blocked = ~start->blocked;

	for (int signal = 1; signal <= START_SIGNALS; signal++) {
		if (!(start->touched & START_SIGNAL_BIT(signal)))
			continue;
		bool ignored = start->ignored & START_SIGNAL_BIT(signal);
		signals_handle(signal, ignored ? SIG_IGN : SIG_DFL);
		if (signals_handler(signal) != (unsigned long)(ignored ? SIG_IGN : SIG_DFL))
			diag_die(DIAG_UNPROVEN, "cannot prove the disposition of signal %d", signal);
	}
	end_if_stopped();
	signals_mask(start->blocked);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, SET_BYTES);
	if (blocked != start->blocked)
		diag_die(DIAG_UNPROVEN, "cannot prove the signal mask");
}
