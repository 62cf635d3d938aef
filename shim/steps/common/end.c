#include "steps/common/end.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define END_SECONDS 10
#define LAST_PID (1 << 22) /* PID_MAX_LIMIT of the kernel, proc(5) */
#define SWEEP 4096         /* process ids between two looks at the clock */

/* Reaps what has ended by itself; true if no child is left. __WALL: also children made by clone(2) without SIGCHLD. */
static bool childless(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG | __WALL);
	while (pid > 0);
	return pid < 0 && errno == ECHILD;
}

/* Kills the child PID (and the group with its number) and reaps it. 0, or -1 with errno. */
static int end_child(pid_t pid, const struct timespec *end)
{
	static const struct timespec pause = {.tv_nsec = 500000};

	(void)kill(-pid, SIGKILL);
	if (kill(pid, SIGKILL) != 0 && errno == EPERM && waitpid(pid, NULL, WNOHANG | __WALL) == 0)
		return fd_fail(EPERM);
	while (waitpid(pid, NULL, WNOHANG | __WALL) == 0) {
		if (clock_left(end, 1) == 0)
			return fd_fail(ETIMEDOUT);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/*
 * Finds the children without /proc: waitid(2) answers ECHILD for a process id that is no child. Ids ascend, so a
 * child's id is above its parent's: one sweep upwards from this process meets every child, and later the
 * grandchildren, which have become children by then. It only has to wrap around if the ids have.
 */
int end_children(void)
{
	struct timespec end = {0};
	pid_t pid = getpid();

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += END_SECONDS;
	while (!childless()) {
		if (clock_left(&end, 1) == 0)
			return fd_fail(ETIMEDOUT);
		for (int i = 0; i < SWEEP; i++) {
			siginfo_t info;
			pid = pid < LAST_PID ? pid + 1 : 1;
			if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0) {
				if (end_child(pid, &end) != 0)
					return -1;
				break;
			}
		}
	}
	return 0;
}
