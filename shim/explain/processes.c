#include "explain/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/magic.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/text.h"

#define NAMESPACE_BYTES 64 /* "pid:[4026531836]" */

static _Noreturn void process_unreadable(const char *path, int err)
{
	diag_die(DIAG_SYSTEM, "cannot read \"%s\": %s", path,
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

uint32_t processes_self(void)
{
	struct statfs system = {0};
	char name[16] = "";

	if (statfs("/proc", &system) != 0 || system.f_type != PROC_SUPER_MAGIC ||
	    readlink("/proc/self", name, sizeof(name) - 1) <= 0)
		diag_die(DIAG_SYSTEM, "cannot read \"/proc\": it is not mounted, or shows another PID namespace");
	return (uint32_t)text_number(name, 10, NULL);
}

void processes_must_show(struct mem *mem, const char *verb)
{
	const char *mounts = status_text(mem, "/proc/self/mountinfo");
	struct status self;

	if (!mounts || status_read(&self, mem, "/proc/self/status") != 0)
		process_unreadable("/proc/self", errno);
	if (strstr(mounts, "hidepid=") && !(self.held.effective & CAPABILITY_BIT(CAP_SYS_PTRACE)))
		diag_die(DIAG_SYSTEM,
			 "cannot %s every process: /proc is mounted with hidepid: needs CAP_SYS_PTRACE "
			 "(docker exec --user 0 --privileged)",
			 verb);
}

/* The numeric names in the directory PATH. False with errno. */
static bool read_numbers(struct mem *mem, const char *path, struct list *to)
{
	int fd = fd_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fd_list(fd);

	fd_close(fd);
	for (const char *name; (name = fd_next(dir));)
		if (name[0] >= '1' && name[0] <= '9')
			list_add(mem, to, name);
	return fd_end(dir) == 0;
}

/* Which PID namespace PID is in, in MEM; NULL: it has ended. */
static const char *read_namespace(struct mem *mem, const char *pid)
{
	const char *path = mem_format(mem, "/proc/%s/ns/pid", pid);
	char *name = mem_alloc(mem, NAMESPACE_BYTES);

	return readlink(path, name, NAMESPACE_BYTES - 1) > 0 || !ended(path) ? name : NULL;
}

/* False: the process or thread has ended. */
static bool read_status(struct mem *mem, const char *path, struct status *status)
{
	return status_read(status, mem, path) == 0 || !ended(path);
}

/* Another user may not see which namespace a process is in: not asked if the level is enough. */
static bool is_in(struct mem *mem, const char *pid, size_t level, const char *wanted)
{
	struct status status;

	if (!read_status(mem, mem_format(mem, "/proc/%s/status", pid), &status) || status.level != level)
		return false;
	const char *its = read_namespace(mem, pid);
	return its && strcmp(its, wanted) == 0;
}

/* Appends the threads of PID that hold something at *LAST, and returns the new end. */
static struct process **add_threads(struct mem *mem, const char *pid, struct process **last)
{
	const char *path = mem_format(mem, "/proc/%s/task", pid);
	struct list threads = {0};
	struct status status;

	if (!read_numbers(mem, path, &threads) && ended(path))
		return last;
	for (size_t i = 0; i < threads.count; i++) {
		const char *tid = threads.items[i];
		if (!read_status(mem, mem_format(mem, "%s/%s/status", path, tid), &status) || status.state == 'Z' ||
		    status.state == 'X')
			continue;
		*last = mem_alloc(mem, sizeof(**last));
		**last = (struct process){.pid = (uint32_t)text_number(pid, 10, NULL),
					  .tid = (uint32_t)text_number(tid, 10, NULL),
					  .status = status};
		last = &(*last)->next;
	}
	return last;
}

struct process *processes_read(struct mem *mem, uint32_t self, const char *only)
{
	struct process *first = NULL, **last = &first;
	struct list pids = {0};
	struct status status = {0};
	const char *wanted = NULL;

	if (only) {
		if (read_status(mem, mem_format(mem, "/proc/%s/status", only), &status))
			wanted = read_namespace(mem, only);
		if (!wanted)
			process_unreadable(mem_format(mem, "/proc/%s", only), ESRCH);
	}
	if (!read_numbers(mem, "/proc", &pids))
		process_unreadable("/proc/", errno);
	for (size_t i = 0; i < pids.count; i++) {
		const char *pid = pids.items[i];
		if (text_number(pid, 10, NULL) != self && (!only || is_in(mem, pid, status.level, wanted)))
			last = add_threads(mem, pid, last);
	}
	return first;
}

bool processes_is_ours(struct mem *mem, const char *pid)
{
	const char *its = status_text(mem, mem_format(mem, "/proc/%s/cgroup", pid));
	const char *ours = status_text(mem, "/proc/self/cgroup");

	return its == ours || (its && ours && strcmp(its, ours) == 0);
}
