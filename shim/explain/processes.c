#include "explain/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/magic.h>

#include "base/diag.h"
#include "base/fd.h"

#define NAMESPACE_BYTES 64 /* "pid:[4026531836]" */

static bool ended(int err)
{
	return err == ENOENT || err == ESRCH;
}

static _Noreturn void process_unreadable(const char *path, int err)
{
	diag_die(DIAG_SYSTEM, "cannot read \"/proc/%s\": %s", path,
		 err == ENODATA                  ? "this kernel does not tell all that a process holds"
		 : err == EACCES || err == EPERM ? "it is another user's: needs CAP_SYS_PTRACE, or root"
						 : strerror(err));
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

/* The names in the directory PATH of PROC that are numbers. False with errno. */
static bool read_numbers(struct mem *mem, int proc, const char *path, struct list *to)
{
	int fd = fd_openat(proc, path, O_RDONLY | O_DIRECTORY);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!directory)
		return false;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			list_add(mem, to, entry->d_name);
	closedir(directory);
	return true;
}

/* Which PID namespace PID is in. False: it has ended. */
static bool read_namespace(int proc, const char *pid, char *name)
{
	char path[NAME_MAX];

	snprintf(path, sizeof(path), "%s/ns/pid", pid);
	memset(name, 0, NAMESPACE_BYTES);
	if (readlinkat(proc, path, name, NAMESPACE_BYTES - 1) > 0)
		return true;
	if (!ended(errno))
		process_unreadable(path, errno);
	return false;
}

/* Adds the thread whose status is PATH behind *LAST. Returns it, or LAST where it has ended. */
static struct process **add_thread(struct mem *mem, int proc, const char *path, struct process **last,
				   struct status *status)
{
	if (status_read(status, mem, proc, path) != 0) {
		if (!ended(errno))
			process_unreadable(path, errno);
		status->threads = 0;
		return last;
	}
	if (status->state == 'Z' || status->state == 'X')
		return last;
	struct process *process = *last = mem_alloc(mem, sizeof(*process));
	process->status = *status;
	process->pid = process->tid = (uint32_t)strtoul(path, NULL, 10);
	return &process->next;
}

struct process *processes_read(struct mem *mem, int proc, uint32_t self, const char *only)
{
	char wanted[NAMESPACE_BYTES], its[NAMESPACE_BYTES], path[2 * NAME_MAX];
	struct process *first = NULL, **last = &first;
	struct list pids = {0};
	struct status status;

	if (only && !read_namespace(proc, only, wanted))
		process_unreadable(only, ESRCH);
	if (!read_numbers(mem, proc, ".", &pids))
		process_unreadable("", errno);
	for (size_t i = 0; i < pids.count; i++) {
		const char *pid = pids.items[i];
		struct list threads = {0};
		if (strtoul(pid, NULL, 10) == self ||
		    (only && (!read_namespace(proc, pid, its) || strcmp(its, wanted) != 0)))
			continue;
		snprintf(path, sizeof(path), "%s/status", pid);
		last = add_thread(mem, proc, path, last, &status);
		snprintf(path, sizeof(path), "%s/task", pid);
		if (status.threads <= 1 || !read_numbers(mem, proc, path, &threads))
			continue;
		for (size_t j = 0; j < threads.count; j++) {
			if (strcmp(threads.items[j], pid) == 0)
				continue;
			snprintf(path, sizeof(path), "%s/task/%s/status", pid, threads.items[j]);
			struct process **before = last;
			last = add_thread(mem, proc, path, last, &status);
			if (last != before)
				(*before)->tid = (uint32_t)strtoul(threads.items[j], NULL, 10);
		}
	}
	return first;
}

bool processes_first_is_ours(struct mem *mem, int proc)
{
	const char *first = status_text(mem, proc, "1/cgroup"), *self = status_text(mem, proc, "self/cgroup");

	return first == self || (first && self && strcmp(first, self) == 0);
}
