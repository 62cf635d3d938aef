#include "init/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "init/resident.h"

/* The linker's names for the ends of a section whose name is an identifier, ld(1) "Orphan Sections". */
extern const char __start_init_resident[], __stop_init_resident[];

#define NANOSECONDS 1000000000L
#define KILL_PATIENCE 5 /* seconds */
#define REAP_AT_ONCE 64 /* so that a storm of orphans does not delay signals */
#define ALL_SIGNALS UINT64_MAX
#define SIGNAL_BIT(signal) (UINT64_C(1) << ((signal)-1))
#define JOB_CONTROL (SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

/*
 * Times are seconds and nanoseconds apart: a machine may take a constant of 64 bits from memory outside of the section,
 * and have only a function there to divide by one.
 *
 * The monotonic clock never reads 0 this late: 0 means that the call filled nothing in. Ask again.
 */
RESIDENT static struct __kernel_timespec now(void)
{
	struct __kernel_timespec time = {0, 0};

	for (int i = 0; i < 2 && time.tv_sec == 0 && time.tv_nsec == 0; i++)
		(void)call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0);
	return time;
}

/* What is left of SECONDS since the stop began. It is over if tv_sec is negative. */
RESIDENT static struct __kernel_timespec left_of(const struct init_state *state, int64_t seconds)
{
	struct __kernel_timespec time = now();

	time.tv_sec = state->stopped.tv_sec + seconds - time.tv_sec;
	time.tv_nsec = state->stopped.tv_nsec - time.tv_nsec;
	if (time.tv_nsec < 0) {
		time.tv_nsec += NANOSECONDS;
		time.tv_sec--;
	}
	return time;
}

/* The next signal of SIGNALS; -EAGAIN after TIMEOUT (null: no timeout), -EINTR after a stop and continue. */
RESIDENT static long wait_for(uint64_t signals, const struct __kernel_timespec *timeout)
{
	return call(SYS_rt_sigtimedwait, (long)&signals, 0, (long)timeout, sizeof(signals));
}

/* Takes one of SIGNALS away, if one is there. */
RESIDENT static void take(uint64_t signals)
{
	const struct __kernel_timespec none = {0, 0};

	(void)wait_for(signals, &none);
}

/*
 * Gives the terminal's foreground to the process group TO, but only if FROM has it: never takes it from another
 * group. False if there is no terminal, or it has hung up, or another session took it. SIGTTOU is blocked, which
 * permits the call.
 */
RESIDENT static bool foreground(const struct init_state *state, int from, int to)
{
	int group = 0;

	if (state->tty < 0 || call(SYS_ioctl, state->tty, TIOCGPGRP, (long)&group, 0) != 0 || group != from)
		return false;
	return call(SYS_ioctl, state->tty, TIOCSPGRP, (long)&to, 0) == 0;
}

/* Signals everything that the workload left: its process group, which may outlive it; as process 1 every process. */
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
 * Stops this process too, so that the shell that started it sees a stopped job and gets its terminal back. If the
 * terminal's stop key was used, the rest of that job stops as well. One call does all of it: the shell may continue
 * the job as soon as its leader has stopped, and a later SIGSTOP would undo that SIGCONT. Returns when it is
 * continued.
 */
RESIDENT static void stop_too(const struct init_state *state)
{
	signal_to(foreground(state, state->main, state->group) ? 0 : state->self, SIGSTOP);
	take(SIGNAL_BIT(SIGCONT)); /* the caller passes it on; another stop may have taken it back: kill(2) */
	(void)foreground(state, state->group, state->main);
}

/*
 * Job control stopped the workload. If the reason is that the workload is not in the terminal's foreground but
 * capshim's group is, then a shell's fg has put capshim there: give the foreground to the workload. If no shell could
 * continue capshim (process 1, a session leader), a SIGTSTP is undone: without an init the kernel ignores it in an
 * orphaned process group, signal(7). TTIN and TTOU are not undone, because they would come back at once.
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

/*
 * Says why the workload has ended, unless that would have to wait: a pipe that nobody reads must not hold the container.
 * A pipe that is writable has a free page, and the line is shorter: pipe(7). O_NONBLOCK would be the workload's as well.
 */
RESIDENT static void say_killed(const struct init_state *state)
{
	struct pollfd to = {.fd = STDERR_FILENO, .events = POLLOUT};
	const struct __kernel_timespec none = {0, 0};

	if (call(SYS_ppoll, (long)&to, 1, (long)&none, 0) != 1 || !(to.revents & POLLOUT))
		return;
	const long wrote = call(SYS_write, STDERR_FILENO, (long)state->killed, (long)state->killed_length, 0);
	if (wrote == -EPIPE || wrote == -EFBIG) /* with this process's own signal, which no other process is to get */
		take(SIGNAL_BIT(wrote == -EPIPE ? SIGPIPE : SIGXFSZ));
}

RESIDENT static void workload_changed(struct init_state *state, int status)
{
	if (WIFSTOPPED(status)) {
		if (SIGNAL_BIT(WSTOPSIG(status)) & JOB_CONTROL)
			suspend(state, WSTOPSIG(status));
		return;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		say_killed(state);
	state->gone = true;
	state->status = state->plan.exit_code_map[WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)];
}

/*
 * SIGCHLD only says that something may have happened: several merge into one, and any process of the same user can
 * send one. Only waitpid(2) is believed. It is asked again after a second without a signal: if its answer was wrong
 * the first time, no other signal would come. ECHILD before the workload was seen is impossible while SIGCHLD is not
 * ignored; even so, the loop must not wait forever.
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
		state->stopped = now();
	}
	if (state->plan.wait_all && SIGNAL_BIT(signal) & state->plan.stop_signals && init_signal_descendants(state, as))
		return;
	if (signal == SIGCONT) /* a shell's fg gave the terminal to capshim's group */
		(void)foreground(state, state->group, state->main);
	if (state->gone)
		signal_rest(state, as);
	/* The group has ended, or does not exist yet because the workload starts a session of its own. */
	else if (state->plan.signal_target == TARGET_PROCESS || signal_to(-state->main, as) != 0)
		signal_to(state->main, as);
}

/*
 * The grace period is over: KILL. What KILL does not reach (outside the group, or another user's) is not waited for,
 * except the workload itself when this is not process 1.
 */
RESIDENT static void kill_rest(struct init_state *state)
{
	const int64_t patience = (int64_t)state->plan.stop_grace_seconds + KILL_PATIENCE;

	signal_rest(state, SIGKILL);
	/* If this is not process 1 they would outlive it: KILL until none is left, and then reap() ends the loop. */
	while (!state->pid1 && state->plan.wait_all && left_of(state, patience).tv_sec >= 0 &&
	       init_signal_descendants(state, SIGKILL)) {
		(void)wait_for(SIGNAL_BIT(SIGCHLD), &(const struct __kernel_timespec){0, NANOSECONDS / 2});
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
 * One call, unless something in between is sealed (the vdso of some kernels, mseal(2)): then everything that is not.
 * Uses addresses only: /proc/self/maps is not needed, and not always there.
 */
RESIDENT static void give_back(uintptr_t from, uintptr_t to, uintptr_t page)
{
	uintptr_t middle = from + ((to - from) / 2 & ~(page - 1)); /* no division: see above */

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
	/*
	 * Until the workload's process has dropped as well: only then may this one signal it. The pipe also ends if that
	 * process does.
	 */
	if (state->main)
		(void)call(SYS_read, INIT_DROPPED_FD, (long)&go, 1, 0);
	(void)call(SYS_close, INIT_DROPPED_FD, 0, 0, 0);
	for (int i = 0; i < INIT_GAPS; i++)
		give_back(state->gaps[i].from, state->gaps[i].to, state->page);

	for (;;) {
		struct __kernel_timespec left = {1, 0};
		if (state->stopping)
			left = left_of(state, state->plan.stop_grace_seconds);
		if (left.tv_sec < 0) {
			kill_rest(state);
			continue;
		}
		if (state->more || (state->again && left.tv_sec > 0))
			left = (struct __kernel_timespec){!state->more, 0};
		long signal = wait_for(ALL_SIGNALS, state->more || state->again || state->stopping ? &left : NULL);
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
