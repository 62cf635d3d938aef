#include "init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/heap.h"
#include "base/process.h"
#include "base/signals.h"
#include "base/text.h"
#include "init/loop.h"
#include "privilege/drop.h"
#include "privilege/verify.h"

#define BEGINNING(address, page) ((address) & ~((page)-1))
#define END(address, page) BEGINNING((address) + (page)-1, page)

static _Noreturn void cannot(const char *verb, const char *object)
{
	diag_cannot(verb, object, errno, DIAG_NO_CAP);
}

/* The first of the standard streams that is the controlling terminal, or -1. */
static int find_terminal(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (tcgetpgrp(fd) >= 0)
			return fd;
	return -1;
}

static void keep_range(struct init_range *kept, size_t *count, uintptr_t from, uintptr_t to)
{
	size_t at = (*count)++;

	for (; at > 0 && kept[at - 1].from > from; at--)
		kept[at] = kept[at - 1];
	kept[at] = (struct init_range){from, to};
}

/*
 * What the loop needs: its code, the pages of the stack around STATE with room below, the first argument (which ps
 * shows), and the thread's block, where some C libraries let the kernel write at every switch (rseq(2)). The gaps are
 * everything between these; above END_OF_STACK there is nothing that belongs to capshim.
 */
static void find_gaps(struct init_state *state, const char *name, uintptr_t end_of_stack)
{
	struct init_range kept[INIT_GAPS - 1] = {{0, 0}}, code = init_loop_code();
	uintptr_t page = getauxval(AT_PAGESZ), here = (uintptr_t)state, at = 0;
	uintptr_t thread = (uintptr_t)pthread_self();
	size_t count = 0;

	keep_range(kept, &count, thread - page, thread + page);
	keep_range(kept, &count, code.from, code.to);
	keep_range(kept, &count, here - 2 * page, (uintptr_t)(state + 1));
	keep_range(kept, &count, (uintptr_t)name, (uintptr_t)name + 1);
	state->page = page;
	for (size_t i = 0; i < count; i++) {
		state->gaps[i] = (struct init_range){at, BEGINNING(kept[i].from, page)};
		if (at < END(kept[i].to, page))
			at = END(kept[i].to, page);
	}
	state->gaps[count] = (struct init_range){at, END(end_of_stack, page)};
}

/*
 * Wipes the strings of the arguments (except the first) and of the environment. execve(2) puts them one after the
 * other at the top of the stack, where /proc/PID/cmdline and environ read them. Returns where they end.
 */
static uintptr_t wipe(char **argv, char **envp)
{
	char *from = NULL, *to = NULL;

	for (char **each = argv; *each; each++) {
		to = *each + strlen(*each) + 1;
		if (!from)
			from = to;
	}
	for (char **each = envp; *each; each++)
		to = *each + strlen(*each) + 1;
	if (from && to > from)
		explicit_bzero(from, (size_t)(to - from));
	return (uintptr_t)to;
}

/*
 * Opens /proc at INIT_PROC_FD. False if it is not mounted, or shows another PID namespace, in which /proc/self has
 * another number.
 */
static bool open_proc(pid_t self)
{
	int fd = fd_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
	char number[16] = "";

	return fd >= 0 && readlinkat(fd, "self", number, sizeof(number) - 1) > 0 &&
	       (pid_t)text_number(number, 10, NULL) == self && dup2(fd, INIT_PROC_FD) == INIT_PROC_FD;
}

/*
 * Drops everything, proves it and loads the filter: from here on this process cannot change. Only the pipe ends,
 * and /proc for STATE->proc, stay open above the standard streams. (A sanitizer would make calls of its own after the
 * filter is loaded.)
 */
__attribute__((no_sanitize("address"))) static _Noreturn void
become_init(const struct plan *plan, struct init_state *state, char **argv, char **envp)
{
	const uint64_t pipes = state->main ? 1 << INIT_GO_FD | 1 << INIT_DROPPED_FD : 0;
	const uint64_t keep[16] = {pipes | (uint64_t)state->proc << INIT_PROC_FD};
	struct sock_filter code[INIT_FILTER_ROOM];

	if (chdir("/") != 0)
		cannot("enter", "/");
	descriptors_close(keep);
	drop_privileges(&plan->init_holds, &plan->start);
	verify_privileges(&plan->init_holds);
	find_gaps(state, argv[0], wipe(argv, envp));
	/* The heap, with the environment, begins where the variables end: on the pages of the thread's block, which stay. */
	if (heap_wipe)
		heap_wipe((uintptr_t)pthread_self() + 2 * state->page);
	struct filter filter = init_filter(code, state->proc);
	filter_load(&filter);
	init_loop(state);
}

/*
 * Runs in PID 1. The workload leads a process group before it runs, so that no signal to the group can come too
 * early.
 */
static _Noreturn void stay(const struct plan *plan, pid_t workload, const int *dropped, const int *go, char **argv,
			   char **envp)
{
	const pid_t self = getpid();
	struct init_state state = {
		.self = self,
		.group = getpgrp(),
		.main = workload,
		.tty = find_terminal(),
		.pid1 = self == 1,
		/*
		 * The process group of a session leader has no shell above it in the session: it is orphaned,
		 * setpgid(2).
		 */
		.job = self != 1 && getpgrp() != getsid(0),
		.plan = plan->init,
		.more = true,
	};

	state.killed_length = diag_line(
		state.killed, sizeof(state.killed),
		"the workload was ended by SIGSYS, which a seccomp filter sends: a 32-bit program needs \"seccomp: {allow: "
		"[32bit]}\"; for others write \"log: true\" there, look for type=1326 in the kernel's log, and ask capshim "
		"--explain-syscall for its syscall= number");
	/* A workload that will start a session of its own must not lead a group yet, setsid(2). */
	if (!plan->new_session && setpgid(workload, workload) != 0)
		cannot("set", "the process group of the workload");
	if (!plan->new_session && getpgid(workload) != workload)
		diag_die(DIAG_UNPROVEN, "cannot prove that the workload leads a process group");
	if (!state.pid1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		cannot("set", "PR_SET_CHILD_SUBREAPER");
	/* The ends of the second pipe are above those of the first: neither call closes an end that is still needed. */
	if (dup2(go[1], INIT_GO_FD) < 0 || dup2(dropped[0], INIT_DROPPED_FD) < 0)
		cannot("duplicate", "a pipe");
	state.proc = !state.pid1 && plan->init.wait_all && open_proc(self);
	become_init(plan, &state, argv, envp);
}

/*
 * Before there is a workload: the loop lives by this call, and would spin where it fails. On 32-bit machines it is one of
 * Linux 5.1, which an outer filter may not know.
 */
static void prepare_signals(void)
{
	const struct __kernel_timespec at_once = {0, 0};
	const uint64_t none = 0;

	/* SIGCHLD may be ignored at the start; then children would vanish without a status. */
	signals_handle(SIGCHLD, SIG_DFL);
	if (syscall(SYS_rt_sigtimedwait, &none, NULL, &at_once, sizeof(none)) != -1)
		diag_die(DIAG_UNPROVEN, "cannot prove that signals can be waited for");
	if (errno != EAGAIN)
		cannot("wait for", "signals");
}

struct init_peer init_fork(struct plan *plan, char **argv, char **envp)
{
	int go[2] = {-1, -1}, dropped[2] = {-1, -1};

	if (!plan->init.on)
		return (struct init_peer){-1, -1};
	prepare_signals();
	if (pipe2(go, O_CLOEXEC) != 0 || pipe2(dropped, O_CLOEXEC) != 0)
		cannot("make", "a pipe");
	/* Neither process may hold more than the workload: dropped once, while there is one. */
	drop_bounding(&plan->workload, &plan->start);
	plan->start.dropped = ~plan->workload.bounding;
	pid_t pid = process_fork();
	if (pid < 0)
		cannot("fork", "the workload's process");
	if (pid > 0)
		stay(plan, pid, dropped, go, argv, envp);
	close(go[1]);
	close(dropped[0]);
	return (struct init_peer){.dropped = dropped[1], .go = go[0]};
}

void init_meet(const struct plan *plan, struct init_peer peer)
{
	char byte;

	if (!plan->init.on)
		return;
	if (read(peer.go, &byte, 1) != 1)
		diag_die(DIAG_UNPROVEN, "cannot run the workload: its init did not become what it must be");
	close(peer.dropped);
	close(peer.go);
}

void init_pause(const struct plan *plan, char **argv, char **envp)
{
	struct init_state state = {.pid1 = getpid() == 1, .tty = -1, .more = true};

	prepare_signals();
	become_init(plan, &state, argv, envp);
}
