#include "steps/common/abort.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/start.h"
#include "steps/common/end.h"

static const int aborting[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

#define ABORTING (sizeof(aborting) / sizeof(*aborting))

/* The way out: whatever is being done, nothing that a step started outlives it. PID 1 takes all else along. */
static void end_run(int number)
{
	(void)!end_children();
	_exit(128 + number);
}

static bool ignored(const struct start *start, int number)
{
	return (start->ignored >> (number - 1)) & 1;
}

static void dispose(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigfillset(&action.sa_mask);
	if (sigaction(number, &action, NULL) != 0)
		diag_cannot("handle", "the signals that end the setup", errno, DIAG_NO_CAP);
}

static void aborting_set(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < ABORTING; i++)
		sigaddset(set, aborting[i]);
}

void abort_take(const struct start *start)
{
	sigset_t set;

	for (size_t i = 0; i < ABORTING; i++)
		if (!ignored(start, aborting[i]))
			dispose(aborting[i], end_run);
	/* Ignored, it would let the kernel reap the programs, and waitid(2) say ECHILD for ever. */
	dispose(SIGCHLD, SIG_DFL);
	/* The reader of standard error must not be able to end the setup half done. */
	dispose(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	aborting_set(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void abort_restore(const struct start *start)
{
	sigset_t set;

	sigemptyset(&set);
	for (int number = 1; number <= START_SIGNALS; number++)
		if ((start->blocked >> (number - 1)) & 1)
			sigaddset(&set, number);
	sigprocmask(SIG_SETMASK, &set, NULL);
	for (size_t i = 0; i < ABORTING; i++)
		dispose(aborting[i], ignored(start, aborting[i]) ? SIG_IGN : SIG_DFL);
	dispose(SIGCHLD, ignored(start, SIGCHLD) ? SIG_IGN : SIG_DFL);
	dispose(SIGPIPE, ignored(start, SIGPIPE) ? SIG_IGN : SIG_DFL);
}

void abort_hold(sigset_t *was)
{
	sigset_t set;

	aborting_set(&set);
	sigprocmask(SIG_BLOCK, &set, was);
}

bool abort_pending(void)
{
	sigset_t set;

	sigemptyset(&set);
	if (sigpending(&set) != 0)
		return false;
	for (size_t i = 0; i < ABORTING; i++)
		if (sigismember(&set, aborting[i]) == 1)
			return true;
	return false;
}

void abort_release(const sigset_t *was)
{
	sigprocmask(SIG_SETMASK, was, NULL);
}
