#include "init/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include <linux/time_types.h>

#include "base/diag.h"
#include "init/resident.h"

/* The linker's names for the ends of a section whose name is an identifier, ld(1) "Orphan Sections". */
extern const char __start_init_resident[], __stop_init_resident[];

#define SECOND INT64_C(1000000000)
#define KILL_PATIENCE (5 * SECOND)
#define REAP_AT_ONCE 64 /* a storm of orphans must not keep a signal waiting */
#define ALL_SIGNALS UINT64_MAX
#define SIGNAL_BIT(signal) (UINT64_C(1) << ((signal)-1))
#define JOB_CONTROL (SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

/* The monotonic clock never reads 0 this late: 0 means that the call filled nothing in. Ask again. */
RESIDENT static int64_t now(void)
{
	struct __kernel_timespec time = {0, 0};

	for (int i = 0; i < 2 && time.tv_sec == 0 && time.tv_nsec == 0; i++)
		(void)call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0);
	return time.tv_sec * SECOND + time.tv_nsec;
}

/* The next of SIGNALS; -EAGAIN after TIMEOUT nanoseconds (negative: none), -EINTR for being stopped and continued. */
RESIDENT static long wait_for(uint64_t signals, int64_t timeout)
{
	struct __kernel_timespec time = {timeout / SECOND, timeout % SECOND};

	return call(SYS_rt_sigtimedwait, (long)&signals, 0, timeout < 0 ? 0 : (long)&time, sizeof(signals));
}

/*
 * Hands the terminal's foreground to the process group TO, only if it is FROM's: never steals it from another. False
 * where there is no terminal, or it has hung up, or another session took it. SIGTTOU is blocked, which permits it.
 */
RESIDENT static bool foreground(const struct init_state *state, int from, int to)
{
	int group = 0;

	if (state->tty < 0 || call(SYS_ioctl, state->tty, TIOCGPGRP, (long)&group, 0) != 0 || group != from)
		return false;
	return call(SYS_ioctl, state->tty, TIOCSPGRP, (long)&to, 0) == 0;
}

/* Everything that the workload left: its process group may outlive it; as process 1 everything there is. */
RESIDENT static void signal_rest(const struct init_state *state, int signal)
{
	signal_to(state->pid1 ? -1 : -state->main, signal);
}

RESIDENT static _Noreturn void leave(struct init_state *state, int status)
{
	if (state->main && state->plan.signal_target == TARGET_GROUP)
		signal_to(-state->main, SIGTERM);
	(void)foreground(state, state->main, state->group);
	for (;;)
		(void)call(SYS_exit_group, status, 0, 0, 0);
}

/*
 * Stops too, so that the shell that started it sees a stopped job and gets its terminal back; where the terminal's key
 * did it, the rest of that job stops as well. All of it by one call: the shell may continue the job as soon as its
 * leader has stopped, and a SIGSTOP of our own behind that would undo the SIGCONT. Comes back when it is continued.
 */
RESIDENT static void stop_too(const struct init_state *state)
{
	signal_to(foreground(state, state->main, state->group) ? 0 : state->self, SIGSTOP);
	(void)wait_for(SIGNAL_BIT(SIGCONT), 0); /* the caller passes it on */
	(void)foreground(state, state->group, state->main);
}

/*
 * The workload was stopped by job control. If that was because it is not in the terminal's foreground, and our group
 * is, then a shell's fg has put us there since: hand the foreground on. Where no shell could continue us (process 1,
 * a session leader) a SIGTSTP is undone: without an init the kernel ignores it in an orphaned process group, signal(7).
 * TTIN and TTOU are not undone, since they would come back at once.
 */
RESIDENT static void suspend(struct init_state *state, int signal)
{
	if (signal == SIGTSTP || !foreground(state, state->group, state->main)) {
		if (!state->job && signal != SIGTSTP)
			return;
		if (state->job)
			stop_too(state);
	}
	signal_to(-state->main, SIGCONT);
}

RESIDENT static void workload_changed(struct init_state *state, int status)
{
	if (WIFSTOPPED(status)) {
		if (SIGNAL_BIT(WSTOPSIG(status)) & JOB_CONTROL)
			suspend(state, WSTOPSIG(status));
		return;
	}
	state->gone = true;
	state->status = state->plan.exit_code_map[WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)];
}

/*
 * SIGCHLD says only that something may have happened: several become one, and anybody of the same user can send one.
 * waitpid(2) knows, and is asked again when a second has passed without a signal: if it was wrong the first time, no
 * other one would come. ECHILD before the workload was seen cannot be while SIGCHLD is not ignored; it must not be waited
 * for all the same.
 */
RESIDENT static void reap(struct init_state *state)
{
	long pid = 0;

	for (int i = 0; i < REAP_AT_ONCE; i++) {
		int status = 0;
		pid = call(SYS_wait4, -1, (long)&status, INIT_WAIT_OPTIONS, 0);
		if (pid <= 0)
			break;
		if (pid == state->main && !state->gone)
			workload_changed(state, status);
		if (state->gone && !state->plan.wait_all)
			leave(state, state->status);
	}
	state->more = pid > 0;
	if (pid < 0 && pid != -ECHILD)
		state->again = true;
	if (pid == -ECHILD && state->main)
		leave(state, state->gone ? state->status : DIAG_SYSTEM);
}

RESIDENT static void forward(struct init_state *state, int signal)
{
	int as = state->plan.signal_map[signal];

	if (!state->main && (signal == SIGTERM || signal == SIGINT))
		leave(state, 0);
	if (!state->main || as == INIT_IGNORE)
		return;
	if (SIGNAL_BIT(signal) & state->plan.stop_signals && state->plan.stop_grace_seconds >= 0 && !state->stopping) {
		state->stopping = true;
		state->deadline = now() + state->plan.stop_grace_seconds * SECOND;
	}
	if (state->plan.wait_all && SIGNAL_BIT(signal) & state->plan.stop_signals && init_signal_descendants(state, as))
		return;
	if (signal == SIGCONT) /* a shell's fg gave the terminal to our group */
		(void)foreground(state, state->group, state->main);
	if (state->gone)
		signal_rest(state, as);
	/* The group is not there any more, or not yet, where the workload makes a session of its own. */
	else if (state->plan.signal_target == TARGET_PROCESS || signal_to(-state->main, as) != 0)
		signal_to(state->main, as);
}

/*
 * The grace is over: KILL. What even that does not reach (outside the group, or another user's) is not waited for, but for
 * the workload itself elsewhere than in process 1.
 */
RESIDENT static void kill_rest(struct init_state *state)
{
	signal_rest(state, SIGKILL);
	/* Elsewhere than as process 1 they would outlive it: KILL until there is none, which reap() leaves for. */
	while (!state->pid1 && state->plan.wait_all && now() < state->deadline + KILL_PATIENCE &&
	       init_signal_descendants(state, SIGKILL)) {
		(void)wait_for(SIGNAL_BIT(SIGCHLD), SECOND / 2);
		reap(state);
	}
	if (state->gone)
		leave(state, state->status);
	/* A workload that keeps CAP_SETUID may be another user by now: it ends with process 1. */
	if (signal_to(state->main, SIGKILL) == -EPERM && state->pid1)
		leave(state, 128 + SIGKILL);
	state->plan.stop_grace_seconds = INIT_NO_GRACE;
	state->plan.wait_all = false;
	state->stopping = false;
}

/*
 * One call, unless something in between is sealed (the vdso of some kernels, mseal(2)): then whatever is not. Done by
 * address alone, since /proc/self/maps is neither needed nor always there.
 */
RESIDENT static void give_back(uintptr_t from, uintptr_t to, uintptr_t page)
{
	uintptr_t middle = from + (to - from) / 2 / page * page;

	if (from >= to || call(SYS_munmap, (long)from, (long)(to - from), 0, 0) == 0 || middle == from)
		return;
	give_back(from, middle, page);
	give_back(middle, to, page);
}

RESIDENT _Noreturn void init_loop(struct init_state *state)
{
	char go = 1;

	(void)foreground(state, state->group, state->main);
	if (state->main)
		(void)call(SYS_write, INIT_GO_FD, (long)&go, 1, 0);
	(void)call(SYS_close, INIT_GO_FD, 0, 0, 0);
	for (int i = 0; i < INIT_GAPS; i++)
		give_back(state->gaps[i].from, state->gaps[i].to, state->page);

	for (;;) {
		int64_t left = state->stopping ? state->deadline - now() : -1;
		if (state->stopping && left <= 0) {
			kill_rest(state);
			continue;
		}
		if (state->again && (left < 0 || left > SECOND))
			left = SECOND;
		long signal = wait_for(ALL_SIGNALS, state->more ? 0 : left);
		if (signal > 0 && signal != SIGCHLD)
			forward(state, (int)signal);
		if (signal == SIGCHLD || state->more || (state->again && signal == -EAGAIN)) {
			state->again = signal == SIGCHLD || (state->again && state->more);
			reap(state);
		}
	}
}

struct init_range init_loop_code(void)
{
	return (struct init_range){(uintptr_t)__start_init_resident, (uintptr_t)__stop_init_resident};
}
