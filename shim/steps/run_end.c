#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

#define END_SECONDS 10
#define LAST_PID (1 << 22) /* PID_MAX_LIMIT of the kernel, proc(5) */
#define SWEEP 4096         /* process ids between two looks at the clock */

static const int aborting[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

#define ABORTING (sizeof(aborting) / sizeof(*aborting))

static bool passed(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

/* Reaps what has ended by itself; true if no child is left. __WALL: also children made by clone(2) without SIGCHLD. */
static bool childless(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG | __WALL);
	while (pid > 0);
	return pid < 0 && errno == ECHILD;
}

/* Kills the child PID (with the group that bears its number) and reaps it. False with errno. */
static bool end_child(pid_t pid, const struct timespec *end)
{
	static const struct timespec pause = {.tv_nsec = 500000};

	(void)kill(-pid, SIGKILL);
	if (kill(pid, SIGKILL) != 0 && errno == EPERM && waitpid(pid, NULL, WNOHANG | __WALL) == 0) {
		errno = EPERM;
		return false;
	}
	while (waitpid(pid, NULL, WNOHANG | __WALL) == 0) {
		if (passed(end)) {
			errno = ETIMEDOUT;
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

/*
 * waitid(2) answers ECHILD for a number that is no child of ours, which finds the children without /proc. Numbers are
 * given out in ascending order, so a child's is above its parent's: one sweep upwards from our own meets every child,
 * and its children, which have become ours by then, later. Only where the numbers have wrapped it must go round.
 */
bool run_end_children(void)
{
	struct timespec end;
	pid_t pid = getpid();

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += END_SECONDS;
	while (!childless()) {
		if (passed(&end)) {
			errno = ETIMEDOUT;
			return false;
		}
		for (int i = 0; i < SWEEP; i++) {
			siginfo_t info;
			pid = pid < LAST_PID ? pid + 1 : 1;
			if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0) {
				if (!end_child(pid, &end))
					return false;
				break;
			}
		}
	}
	return true;
}

/* The way out: whatever is being done, nothing that a step started outlives it. PID 1 takes all else along. */
static void end_run(int number)
{
	(void)!run_end_children();
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

void run_signals_take(const struct start *start)
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

void run_signals_restore(const struct start *start)
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

void run_signals_hold(sigset_t *was)
{
	sigset_t set;

	aborting_set(&set);
	sigprocmask(SIG_BLOCK, &set, was);
}

bool run_signals_pending(void)
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

void run_signals_release(const sigset_t *was)
{
	sigprocmask(SIG_SETMASK, was, NULL);
}
