#include "tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "needs.h"

#define BUCKETS 256
#define X32_BIT 0x40000000L /* of a call's number: the x32 ABI of x86-64 */

/* MARKED: its drop is done, and what it executes next is the workload. */
enum task_place { OUTSIDE, MARKED, INSIDE };

struct task {
	struct task *next;
	pid_t tid;
	enum task_place place;
	bool foreign;     /* CALL is of another ABI */
	long call;        /* the last that it entered */
	uint64_t refused; /* capabilities that the kernel denied since then */
	char name[TASKS_NAME];
};

static struct task *buckets[BUCKETS], *unused;
static struct observation *observed;
static char first_name[TASKS_NAME]; /* of a process that was forked from this one */

static struct task **find_task(pid_t tid)
{
	struct task **at = &buckets[(unsigned int)tid % BUCKETS];

	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	return at;
}

static struct task *get_task(pid_t tid)
{
	struct task **at = find_task(tid), *task = *at;

	if (task)
		return task;
	task = unused ? unused : malloc(sizeof(*task));
	if (!task)
		diag_die(DIAG_SYSTEM, "no memory for what is observed");
	if (task == unused)
		unused = task->next;
	*task = (struct task){.tid = tid};
	memcpy(task->name, first_name, sizeof(task->name));
	*at = task;
	return task;
}

static bool is_exec(long call)
{
	return call == SYS_execve || call == SYS_execveat;
}

/* The call of TASK is over, with ERROR; 0: not with an error of permission. */
static void settle_refused(struct task *task, int error)
{
	const bool counts = task->place == INSIDE || (task->place == MARKED && error != 0 && is_exec(task->call));
	uint64_t *mask = error ? &observed->denied : &observed->asked;

	for (unsigned int cap = 0; counts && cap < OBSERVE_CAPS; cap++) {
		const uint64_t bit = task->refused & UINT64_C(1) << cap;
		/*
		 * Whenever a process takes memory the kernel asks for SYS_ADMIN, for which the last few megabytes are
		 * kept: __vm_enough_memory() in mm/util.c. A call that succeeds says nothing then.
		 */
		if (!error && cap == CAP_SYS_ADMIN)
			continue;
		if (!bit || *mask & bit)
			continue;
		*mask |= bit;
		struct observed_denial *denial = &observed->denial[cap];
		/* One that failed says more than one that did not. */
		if (!error && observed->denied & bit)
			continue;
		denial->call = task->foreign ? -1 : task->call;
		denial->error = error;
		memcpy(denial->program, task->name, sizeof(denial->program));
	}
	task->refused = 0;
}

static void enter_call(struct task *task, const struct task_event *event)
{
	settle_refused(task, 0);
	task->call = event->call;
	task->foreign = event->foreign || (event->call & X32_BIT) != 0;
	if (event->call == SYS_prctl && !task->foreign && (unsigned long)event->value == OBSERVE_MARK)
		task->place = MARKED;
	if (task->place != INSIDE)
		return;
	observed->count++;
	if (task->foreign)
		observed->foreign = true;
	else if (event->call >= 0 && event->call < OBSERVE_CALLS)
		observed->calls[event->call / 64] |= UINT64_C(1) << (event->call % 64);
}

static void leave_call(struct task *task, const struct task_event *event)
{
	const bool refused = event->value == -EPERM || event->value == -EACCES;

	settle_refused(task, refused ? (int)-event->value : 0);
	if (task->place == INSIDE && !task->foreign && event->value >= 0 && needs_changes(event->call))
		observed->changed = true;
	task->call = -1;
}

static void end_task(pid_t tid)
{
	struct task **at = find_task(tid), *task = *at;

	if (!task)
		return;
	/*
	 * Executing a file that it may not read, a process is not to be watched any more: perf's events end for it, and
	 * in the middle of the call. See begin_new_exec() in fs/exec.c.
	 */
	if (task->place != OUTSIDE && is_exec(task->call))
		observed->lost++;
	settle_refused(task, 0);
	*at = task->next;
	task->next = unused;
	unused = task;
}

void tasks_begin(struct observation *seen)
{
	observed = seen;
	(void)prctl(PR_GET_NAME, first_name);
}

void tasks_event(const struct task_event *event)
{
	if (event->kind == TASK_END) {
		end_task(event->tid);
		return;
	}
	struct task *task = get_task(event->tid);
	if (event->kind == TASK_FORK) {
		const struct task *parent = get_task((pid_t)event->value);
		task->place = parent->place;
		task->call = -1;
		memcpy(task->name, parent->name, sizeof(task->name));
	} else if (event->kind == TASK_NAMED) {
		memcpy(task->name, event->name, sizeof(task->name));
		if (event->value && task->place == MARKED)
			task->place = INSIDE;
	} else if (event->kind == TASK_DENIED) {
		if (event->value >= 0 && event->value < OBSERVE_CAPS)
			task->refused |= UINT64_C(1) << event->value;
	} else if (event->kind == TASK_ENTER) {
		enter_call(task, event);
	} else {
		leave_call(task, event);
	}
}

void tasks_end(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (buckets[i]) {
			buckets[i]->call = -1;
			end_task(buckets[i]->tid);
		}
}
