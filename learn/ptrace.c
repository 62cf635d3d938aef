/*
 * The back end that works everywhere: ptrace(2) needs no capability for a child that is not another user's yet, and goes
 * on when it becomes that. It sees system calls and their results; which capability would have changed a result is in
 * needs.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "base/process.h"
#include "base/status.h"
#include "filter/filter.h"
#include "needs.h"
#include "observe.h"

#define EVENT(status) ((unsigned int)(status) >> 16)
#define FOLLOWED                                                                                                       \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
	 PTRACE_O_EXITKILL)

struct tracee {
	struct tracee *next;
	pid_t tid;
	bool workload; /* it, or a descendant of it: all that appears once it runs */
	bool marked;   /* it has called prctl(OBSERVE_MARK), and not executed the workload yet */
	bool entered;  /* what follows is the call that it is in */
	bool native;
	long call;
	uint64_t args[6];
};

static struct {
	struct observation *seen;
	struct tracee *first;
	bool recording;
} traced;

static long trace(unsigned int request, pid_t pid, unsigned long address, unsigned long data)
{
	return syscall(SYS_ptrace, (long)request, (long)pid, address, data);
}

static struct tracee *tracee_of(pid_t tid)
{
	struct tracee *one = traced.first;

	while (one && one->tid != tid)
		one = one->next;
	if (one)
		return one;
	one = calloc(1, sizeof(*one));
	if (!one)
		return NULL;
	*one = (struct tracee){.next = traced.first, .tid = tid, .workload = traced.recording};
	return traced.first = one;
}

/* The first denial of each capability is what is told. */
static void record_denial(const struct tracee *one, int error)
{
	uint64_t wanted = needs_of(one->call, error) & ~traced.seen->denied;
	struct mem mem = {NULL};

	if (!wanted)
		return;
	const char *text = status_text(&mem, mem_format(&mem, "/proc/%d/comm", one->tid));
	struct observed_denial denial = {.call = one->call, .error = error};
	snprintf(denial.program, sizeof(denial.program), "%.*s", text && *text ? (int)strcspn(text, "\n") : 1,
		 text && *text ? text : "?");
	mem_release(&mem);
	for (unsigned int cap = 0; cap < OBSERVE_CAPS; cap++)
		if (wanted & UINT64_C(1) << cap)
			traced.seen->denial[cap] = denial;
	traced.seen->denied |= wanted;
}

static void call_begins(struct tracee *one, const struct ptrace_syscall_info *info)
{
	one->entered = true;
	one->native = info->arch == filter_native() && info->entry.nr < OBSERVE_CALLS;
	one->call = (long)info->entry.nr;
	for (int i = 0; i < 6; i++)
		one->args[i] = info->entry.args[i];
	if (one->native && one->call == SYS_prctl && one->args[0] == OBSERVE_MARK)
		one->marked = true;
	if (!one->workload)
		return;
	traced.seen->count++;
	traced.seen->foreign |= !one->native;
	if (one->native)
		traced.seen->calls[one->call / 64] |= UINT64_C(1) << one->call % 64;
}

/* Is it in open(2) or openat(2) with O_CREAT, but not of /dev/null and its like, where shells send what nobody reads? */
static bool creates(const struct tracee *one)
{
	bool opens = one->call == SYS_openat;
	const uint64_t *args = one->args + 1; /* the path, and the flags */
	char begins[sizeof(long)];

#ifdef SYS_open
	if (one->call == SYS_open) {
		opens = true;
		args = one->args;
	}
#endif
	return opens && args[1] & O_CREAT &&
	       trace(PTRACE_PEEKDATA, one->tid, (unsigned long)args[0], (unsigned long)begins) == 0 &&
	       strncmp(begins, "/dev/", 5) != 0;
}

static void call_ends(struct tracee *one, const struct ptrace_syscall_info *info)
{
	const bool tried = one->marked && one->call == SYS_execve;
	const long result = (long)info->exit.rval;

	if (one->entered && one->native && (one->workload || tried) && (result == -EPERM || result == -EACCES))
		record_denial(one, (int)-result);
	if (one->entered && one->native && one->workload && result >= 0)
		traced.seen->changed |= needs_changes(one->call) || creates(one);
	one->entered = false;
}

static void at_call(pid_t pid)
{
	struct ptrace_syscall_info info;
	struct tracee *one = tracee_of(pid);

	memset(&info, 0, sizeof(info));
	if (!one || trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		call_begins(one, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		call_ends(one, &info);
}

/* The workload begins with the execve(2) of the process that has called the mark. */
static void at_exec(pid_t pid)
{
	struct tracee *one = tracee_of(pid);

	if (!one || !one->marked)
		return;
	one->marked = false;
	one->workload = traced.recording = true;
}

static void ptrace_stopped(pid_t pid, int status)
{
	const unsigned int signal = (unsigned int)WSTOPSIG(status), event = EVENT(status);
	const bool stopping = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;

	(void)tracee_of(pid);
	if (signal == (SIGTRAP | 0x80))
		at_call(pid);
	else if (event == PTRACE_EVENT_EXEC)
		at_exec(pid);
	/* A stop that SIGCONT ends is one for us as well: ptrace(2), PTRACE_LISTEN. */
	if (event == PTRACE_EVENT_STOP && stopping)
		trace(PTRACE_LISTEN, pid, 0, 0);
	else
		trace(PTRACE_SYSCALL, pid, 0, event || signal == (SIGTRAP | 0x80) ? 0 : signal);
}

static bool ptrace_start(struct observation *seen, pid_t child)
{
	traced.seen = seen;
	traced.first = NULL;
	traced.recording = false;
	return trace(PTRACE_SEIZE, child, 0, FOLLOWED) == 0 && trace(PTRACE_INTERRUPT, child, 0, 0) == 0;
}

static void ptrace_stop(void)
{
	while (traced.first) {
		struct tracee *next = traced.first->next;
		free(traced.first);
		traced.first = next;
	}
}

/* Traces a child that does nothing, and asks what only Linux 5.3 knows. */
static const char *ptrace_unusable(struct mem *mem)
{
	struct ptrace_syscall_info info;
	const char *why = NULL;
	pid_t pid = process_fork();
	int status;

	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0 || trace(PTRACE_SEIZE, pid, 0, FOLLOWED) != 0 || trace(PTRACE_INTERRUPT, pid, 0, 0) != 0 ||
	    waitpid(pid, &status, __WALL) != pid)
		why = mem_format(mem, "ptrace(2): %s", strerror(errno));
	else if (trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info) < 0)
		why = mem_format(mem, "PTRACE_GET_SYSCALL_INFO: %s", strerror(errno));
	if (pid > 0) {
		kill(pid, SIGKILL);
		(void)waitpid(pid, &status, __WALL);
	}
	return why;
}

const struct observer observer_ptrace = {
	.name = "ptrace",
	.unusable = ptrace_unusable,
	.start = ptrace_start,
	.stopped = ptrace_stopped,
	.stop = ptrace_stop,
};
