#include "steps/common/abort.h"

#include <signal.h>
#include <unistd.h>

#include "base/signals.h"
#include "base/start.h"
#include "steps/common/end.h"

static const int aborting[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

#define COUNT (sizeof(aborting) / sizeof(*aborting))
#define ABORTING \
	(START_SIGNAL_BIT(SIGTERM) | START_SIGNAL_BIT(SIGINT) | START_SIGNAL_BIT(SIGQUIT) | START_SIGNAL_BIT(SIGHUP))

/* Ends the run: whatever is being done, no process that a step started may outlive it. PID 1 takes all others along. */
static void end_run(int number)
{
	(void)!end_children();
	_exit(128 + number);
}

static bool ignored(const struct start *start, int number)
{
	return start->ignored & START_SIGNAL_BIT(number);
}

void abort_take(const struct start *start)
{
	for (size_t i = 0; i < COUNT; i++)
		if (!ignored(start, aborting[i]))
			signals_handle(aborting[i], end_run);
	/* If SIGCHLD were ignored, the kernel would reap the programs, and waitid(2) would answer ECHILD. */
	signals_handle(SIGCHLD, SIG_DFL);
	signals_mask(~ABORTING);
}

void abort_restore(const struct start *start)
{
	uint64_t was;

	signals_block(&was); /* first: process 1 loses a signal whose disposition is the default */
	for (size_t i = 0; i < COUNT; i++)
		signals_handle(aborting[i], ignored(start, aborting[i]) ? SIG_IGN : SIG_DFL);
	signals_handle(SIGCHLD, ignored(start, SIGCHLD) ? SIG_IGN : SIG_DFL);
}

bool abort_pending(void)
{
	const uint64_t pending = signals_pending();

	/* An ignored signal also stays pending while it is blocked. */
	for (size_t i = 0; i < COUNT; i++)
		if (pending & START_SIGNAL_BIT(aborting[i]) && signals_handler(aborting[i]) == (unsigned long)end_run)
			return true;
	return false;
}
