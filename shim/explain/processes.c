#include "explain/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/diag.h"
#include "base/fd.h"

#define NAMESPACE_BYTES 64 /* "pid:[4026531836]" */

static _Noreturn void process_unreadable(const char *path, int err)
{
	diag_die(DIAG_SYSTEM, "cannot read \"/proc/%s\": %s", path,
		 err == ENODATA                  ? "this kernel does not tell all that a process holds"
		 : err == EACCES || err == EPERM ? "it is another user's: needs CAP_SYS_PTRACE, or root"
						 : strerror(err));
}

/* What PATH is about could not be read: has it ended? Otherwise this process ends. */
static bool ended(const char *path)
{
	if (errno != ENOENT && errno != ESRCH)
		process_unreadable(path, errno);
	return true;
}

int processes_open(uint32_t *self)
{
	int proc = fd_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
	struct statfs system = {0};
	char name[16] = "";

	if (proc < 0 || fstatfs(proc, &system) != 0 || system.f_type != PROC_SUPER_MAGIC ||
	    readlinkat(proc, "self", name, sizeof(name) - 1) <= 0)
		diag_die(DIAG_SYSTEM, "cannot read \"/proc\": it is not mounted, or shows another PID namespace");
	*self = (uint32_t)strtoul(name, NULL, 10);
	return proc;
}

/* The numeric names in the directory PATH of PROC. False with errno. */
static bool read_numbers(struct mem *mem, int proc, const char *path, struct list *to)
{
	int fd = fd_openat(proc, path, O_PATH | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fd_list(fd);

	fd_close(fd);
	for (const char *name; (name = fd_next(dir));)
		if (name[0] >= '1' && name[0] <= '9')
			list_add(mem, to, name);
	return fd_end(dir) == 0;
}

/* Finds out which PID namespace PID is in. False: it has ended. */
static bool read_namespace(int proc, const char *pid, char *name)
{
	char path[NAME_MAX];

	snprintf(path, sizeof(path), "%s/ns/pid", pid);
	memset(name, 0, NAMESPACE_BYTES);
	return readlinkat(proc, path, name, NAMESPACE_BYTES - 1) > 0 || !ended(path);
}

/* False: the thread has ended. */
static bool read_thread(struct mem *mem, int proc, const char *path, struct status *status)
{
	return status_read(status, mem, proc, path) == 0 || !ended(path);
}

/* Appends a thread that holds something at *LAST, and returns the new end. */
static struct process **add_thread(struct mem *mem, const char *pid, const char *tid, const struct status *status,
				   struct process **last)
{
	if (status->state == 'Z' || status->state == 'X')
		return last;
	*last = mem_alloc(mem, sizeof(**last));
	(*last)->pid = (uint32_t)strtoul(pid, NULL, 10);
	(*last)->tid = (uint32_t)strtoul(tid, NULL, 10);
	(*last)->status = *status;
	return &(*last)->next;
}

/* Appends PID's other threads at *LAST, and returns the new end. */
static struct process **add_threads(struct mem *mem, int proc, const char *pid, struct process **last)
{
	struct list threads = {0};
	struct status status;

	/* If this fails the process has ended. */
	(void)read_numbers(mem, proc, mem_format(mem, "%s/task", pid), &threads);
	for (size_t i = 0; i < threads.count; i++) {
		const char *thread = threads.items[i];
		if (strcmp(thread, pid) == 0 ||
		    !read_thread(mem, proc, mem_format(mem, "%s/task/%s/status", pid, thread), &status))
			continue;
		last = add_thread(mem, pid, thread, &status, last);
	}
	return last;
}

struct process *processes_read(struct mem *mem, int proc, uint32_t self, const char *only)
{
	char wanted[NAMESPACE_BYTES], its[NAMESPACE_BYTES];
	struct process *first = NULL, **last = &first;
	struct list pids = {0};
	struct status status;
	size_t level = 0;

	if (only) {
		if (!read_thread(mem, proc, mem_format(mem, "%s/status", only), &status) ||
		    !read_namespace(proc, only, wanted))
			process_unreadable(only, ESRCH);
		level = status.level;
	}
	if (!read_numbers(mem, proc, ".", &pids))
		process_unreadable("", errno);
	for (size_t i = 0; i < pids.count; i++) {
		const char *pid = pids.items[i];
		if (strtoul(pid, NULL, 10) == self ||
		    !read_thread(mem, proc, mem_format(mem, "%s/status", pid), &status))
			continue;
		/* Another user may not see which namespace it is in: not asked if the level is enough. */
		if (only && (status.level != level || !read_namespace(proc, pid, its) || strcmp(its, wanted) != 0))
			continue;
		last = add_thread(mem, pid, pid, &status, last);
		if (status.threads > 1)
			last = add_threads(mem, proc, pid, last);
	}
	return first;
}

bool processes_is_ours(struct mem *mem, int proc, const char *pid)
{
	const char *its = status_text(mem, proc, mem_format(mem, "%s/cgroup", pid));
	const char *ours = status_text(mem, proc, "self/cgroup");

	return its == ours || (its && ours && strcmp(its, ours) == 0);
}
